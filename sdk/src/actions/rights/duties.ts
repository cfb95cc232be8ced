import { post } from '#actions/access/post'
import type { Ctx } from '#actions/context'
import { contactRelays, findParty } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { equal } from '#base/bytes'
import { ensure } from '#base/error'
import { decodeTerms, readTerms } from '#consent/terms'
import type { Did } from '#identity/did'
import type { Keyring } from '#identity/keyring'
import { type Duty, type DutyTold, MAX_DUTIES, NO_RIGHTS } from '#identity/rights'

type Telling = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/** Of one sender. */
const MAX_OF_ONE = 50

/** Tells a patient what this organisation owes them to say; said again with the same id, it takes the place of what was said. Throws UNKNOWN_PARTY. */
export async function tellDuty(ctx: Telling, to: Did, duty: Duty, relays: readonly string[] = []): Promise<void> {
  const party = await findParty(ctx, to, [...relays, ...contactRelays(ctx, to)])
  ensure(party, 'UNKNOWN_PARTY', 'None of that patient’s relays answers.')
  await post(ctx, party, 'right', { step: 'duty', duty }, { introduce: true })
}

/** Whether somebody was ever given a consent by this vault, by itself or through a proxy; ended ones count. */
function everRead({ did, given, passed = [] }: Keyring, who: Did): boolean {
  const own = given.some(g => g.grantee === who && readTerms(decodeTerms(g.terms).signed).patient === did)
  return own || passed.some(p => p.grantee === who)
}

type Sender = { readonly did: Did; readonly name: string; readonly at: number }

/**
 * Keeps what an organisation said. It counts from whom this vault ever let read, and from nobody else: a stranger cannot cry wolf. It is that
 * party's word and changes nothing here; a hold keeps nobody from erasing their own record.
 */
export async function takeDuty(ctx: Telling, sender: Sender, duty: Duty): Promise<DutyTold> {
  const { ring } = ctx.session.state
  ensure(everRead(ring, sender.did), 'UNVERIFIED', 'Somebody who was never let into this record spoke of duties towards it.')
  const made: DutyTold = { ...duty, from: sender.did, name: sender.name.slice(0, 200), at: sender.at }
  const same = (d: DutyTold): boolean => d.from === made.from && equal(d.id, made.id)
  await changeRing(ctx, r => {
    const rights = r.rights ?? NO_RIGHTS
    const told = rights.told ?? []
    const before = told.find(same)
    ensure(!before || before.at <= made.at, 'REPLAYED', 'An older word about that arrived again; the newer one stays.')
    ensure(before || told.filter(d => d.from === made.from).length < MAX_OF_ONE, 'RATE_LIMITED', 'Too much was said by one party.')
    const others = told.filter(d => !same(d))
    ensure(others.length < MAX_DUTIES, 'RATE_LIMITED', 'Too much was said.')
    return { ...r, rights: { ...rights, told: [...others, made] } }
  })
  return made
}
