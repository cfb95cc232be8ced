import type { Ctx } from '#actions/context'
import { ownBundle } from '#actions/vault/calls'
import { bundleMessage } from '#identity/bundle'
import { peek } from '#identity/signed'

/**
 * What is owed about guardians: `choose` while there are none; `again` when the keys were replaced since they were chosen (a rotation, a
 * recovery), for whoever had the old keyring has copies of all their shares.
 */
export function guardiansOwed({ session }: Pick<Ctx, 'session'>): 'choose' | 'again' | null {
  const { ring } = session.state
  const newest = ring.guardians?.circles.at(-1)
  if (!newest) return 'choose'
  const { version, issuedAt } = peek(ownBundle(ring).signed, bundleMessage)
  return version > 1 && newest.at <= issuedAt ? 'again' : null
}
