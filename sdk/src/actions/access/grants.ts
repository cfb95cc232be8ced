import type { Ctx } from '#actions/context'
import { toHex } from '#base/bytes'
import { ensure } from '#base/error'
import { decodeAs } from '#base/shape'
import { decodeTerms, readTerms, type Terms } from '#consent/terms'
import type { ReceivedGrant } from '#identity/keyring'
import { type KeyPackage, keyPackage } from '#wire/messages'

export type OpenGrant = { readonly grant: ReceivedGrant; readonly terms: Terms; readonly package: KeyPackage }

/** The consents other vaults gave to this party, newest first. */
export const receivedGrants = (ctx: Pick<Ctx, 'session'>): OpenGrant[] =>
  ctx.session.state.ring.received
    .map(grant => ({ grant, terms: readTerms(decodeTerms(grant.terms).signed), package: decodeAs(keyPackage, grant.package) }))
    .sort((a, b) => b.grant.at - a.grant.at)

/** One received consent by its commitment (bytes, or a unique beginning of its hex). */
export function receivedGrant(ctx: Pick<Ctx, 'session'>, commitment: Uint8Array | string): OpenGrant {
  const name = typeof commitment === 'string' ? commitment.toLowerCase() : toHex(commitment)
  const found = receivedGrants(ctx).filter(g => toHex(g.grant.commitment).startsWith(name))
  ensure(
    found.length === 1,
    'NO_GRANT',
    found.length ? 'Several consents begin so; give more digits.' : 'There is no such consent here; run sync first.',
  )
  return found[0]!
}
