import type { Ctx, Session } from '#actions/context'
import { equal } from '#base/bytes'
import { ensure, isKeepwellError, KeepwellError } from '#base/error'
import { decodeAs, type Infer } from '#base/shape'
import type { Device } from '#identity/device'
import { openKeyring } from '#identity/keyring'
import type { Message } from '#identity/message'
import { openMessage, verifyMessage } from '#identity/message-open'
import { sign } from '#identity/signed'
import { admission } from '#wire/messages'
import { trustBundle } from './calls.ts'
import { checkHead } from './change-ring.ts'
import { callAs, type OpenOffer } from './offer-device.ts'
import { waitingMessages } from './waiting-messages.ts'

type Accepting = Pick<Ctx, 'clock' | 'random' | 'network'>
type Admission = Infer<typeof admission>

/**
 * Looks whether the waiting device was let in; null as long as it was not. Then it fetches the sealed keyring, opens it with its own key, and
 * takes it only under a head that the vault signed, not older than the one at its admission, and that counts this device. The party made for
 * the waiting is ended. Throws INVITATION_USED once the offer has expired, UNVERIFIED when two vaults answer.
 */
export async function acceptAdmission(ctx: Accepting, open: OpenOffer): Promise<Session | null> {
  const relay = await ctx.network.relay(open.offer.relay)
  const page = (from: object) => callAs(ctx, open.caller, relay, { method: 'take-messages', body: { done: [], ...from } })
  const answers = []
  for await (const { message } of waitingMessages(page)) answers.push(await answerIn(ctx, open, message))
  const [first, ...more] = answers.filter(a => a !== null)
  if (!first) {
    ensure(open.offer.expiry > ctx.clock(), 'INVITATION_USED', 'The code has expired; begin again.')
    return null
  }
  ensure(
    more.every(a => a.vault === first.vault),
    'UNVERIFIED',
    'Two vaults answered the same code; begin again, where nobody else sees the screen.',
  )
  const session = await enter(ctx, open, first)
  await withdrawOffer(ctx, open).catch(() => {})
  return session
}

/** What an answer says; null for whatever is none, or comes from somebody who did not see the code. */
async function answerIn(ctx: Accepting, open: OpenOffer, message: Message): Promise<Admission | null> {
  try {
    const incoming = await openMessage(message, open.device.secret)
    if (incoming.kind !== 'device' || !incoming.from) return null
    const sender = await trustBundle(ctx, incoming.from, [open.offer.relay])
    const { content } = await verifyMessage(incoming, sender)
    const answer = decodeAs(admission, content)
    return equal(answer.secret, open.offer.secret) && answer.vault === sender.did ? answer : null
  } catch (e) {
    if (isKeepwellError(e) && e.code !== 'RELAY_UNREACHABLE') return null
    throw e
  }
}

async function enter(ctx: Accepting, open: OpenOffer, answer: Admission): Promise<Session> {
  const found = await (await ctx.network.relay(answer.relay)).restore(answer.tag)
  if (!found?.head) throw new KeepwellError('HEAD_ROLLBACK', 'The relay does not show the vault that let this device in.')
  const { id, name, secret, public: publicKey } = open.device
  const ring = await openKeyring(found.keyring, open.device)
  const party = await trustBundle(ctx, found.bundle, [answer.relay])
  ensure(party.did === ring.did && ring.did === answer.vault, 'BAD_SIGNATURE', 'The relay shows another vault than the one that answered.')
  const head = await checkHead(ring, found.keyring, found.head)
  ensure(head.version >= answer.version, 'HEAD_ROLLBACK', 'The relay shows an older vault state than the one this device was let into.')
  const mine = ring.devices.find(d => equal(d.public, publicKey))
  ensure(mine && equal(mine.id, id), 'NO_KEY', 'The vault does not count this device; begin again.')
  const device: Device = { id: mine.id, vault: ring.did, name, secret, public: publicKey }
  return { device, state: { ring, sealed: found.keyring, head: found.head } }
}

/** Ends the party made for the waiting, so that the code is worth nothing any more and nothing of it stays at the relay. */
export async function withdrawOffer(ctx: Accepting, { caller, offer }: OpenOffer): Promise<void> {
  const tombstone = await sign(caller, 'tombstone', { v: 1, vault: caller.did, whole: 1, at: ctx.clock() })
  await callAs(ctx, caller, await ctx.network.relay(offer.relay), { method: 'erase-vault', body: { tombstone } })
}
