import type { Ctx } from '#actions/context'
import { takenBack } from '#actions/emergency/bell'
import { withBells } from '#actions/emergency/wake'
import { changeRing } from '#actions/vault/change-ring'
import { ensure } from '#base/error'
import { decodeTerms, readTerms } from '#consent/terms'
import type { Did } from '#identity/did'
import type { Keyring } from '#identity/keyring'

/** Whether something still binds us to a party: a live consent given to it, or one it gave. */
export function boundTo(ring: Pick<Keyring, 'given' | 'received'>, party: Did, now: number): boolean {
  const live = (encoded: Uint8Array): boolean => readTerms(decodeTerms(encoded).signed).expiry > now
  return (
    ring.given.some(g => g.grantee === party && g.state === 'live' && live(g.terms)) ||
    ring.received.some(g => g.patient === party && live(g.terms))
  )
}

/**
 * Forgets a contact, what wakes their devices, and that they had what wakes ours. Throws BAD_INPUT while a consent binds: its end could not be
 * told, nor believed, without the contact's keys.
 */
export async function forgetContact(ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>, party: Did): Promise<void> {
  const { ring } = ctx.session.state
  ensure(!boundTo(ring, party, ctx.clock()), 'BAD_INPUT', 'End what you share with this contact first.')
  await changeRing(ctx, r => {
    const chosen = r.wakes?.bells
    const rung = chosen?.includes(party)
      ? withBells(
          r,
          chosen.filter(did => did !== party),
        )
      : r
    return { ...takenBack(rung, party, ctx.random), contacts: r.contacts.filter(c => c.did !== party) }
  })
}
