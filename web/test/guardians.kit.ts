import { remember } from '@keepwell/sdk/actions/access/invite'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { askGuardian, setGuardians } from '@keepwell/sdk/actions/guardians/guardians'
import { acceptGuarding } from '@keepwell/sdk/actions/guardians/take'
import { findParty } from '@keepwell/sdk/actions/vault/calls'
import { did, parts, type Somebody, somebody } from './emergency.kit.ts'

/** Each knows the other, as after an invitation. */
export async function acquainted(a: Ctx, b: Ctx): Promise<void> {
  await remember(a, (await findParty(a, did(b)))!, b.session.state.ring.name)
  await remember(b, (await findParty(b, did(a)))!, a.session.state.ring.name)
}

/** A person and those whom they know. */
export async function circleOf(relay: string, name: string, others: readonly string[], clock = parts.clock) {
  const owner = await somebody(relay, name, clock)
  const friends: Somebody[] = []
  for (const other of others) {
    const friend = await somebody(relay, other, clock)
    await acquainted(owner, friend)
    friends.push(friend)
  }
  return { owner, friends }
}

/** All of them asked, agreed, in charge, with their shares. */
export async function putInCharge(owner: Ctx, friends: readonly Ctx[], threshold = 2): Promise<void> {
  for (const friend of friends) {
    await askGuardian(owner, did(friend))
    await receiveMessages(friend)
    await acceptGuarding(friend, did(owner))
  }
  await receiveMessages(owner)
  await setGuardians(owner, { threshold })
  for (const friend of friends) await receiveMessages(friend)
}
