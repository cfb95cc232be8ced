import type { Ctx } from '#actions/context'
import { findParty } from '#actions/vault/calls'
import { equal } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, isKeepwellError } from '#base/error'
import { decodeTerms, encodeTerms, readTerms } from '#consent/terms'
import { passOn } from './grant-as-proxy.ts'
import { receivedGrant } from './grants.ts'
import { post } from './post.ts'

/**
 * The patient renewed what a proxy was given (a new generation, or new keys after a rotation): those to whom the proxy passed it on get
 * the keys that follow. Returns the names of those out of reach.
 */
export async function renewPassed(
  ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>,
  under: Uint8Array | string,
): Promise<string[]> {
  const outer = receivedGrant(ctx, under)
  const parent = decodeTerms(outer.grant.terms).signed
  const unreached: string[] = []
  for (const g of ctx.session.state.ring.given) {
    const { signed } = decodeTerms(g.terms)
    const terms = readTerms(signed)
    const mine = terms.under !== null && equal(terms.under, outer.grant.commitment)
    if (!mine || g.state !== 'live' || terms.expiry <= ctx.clock()) continue
    try {
      const party = await findParty(ctx, g.grantee)
      ensure(party, 'UNKNOWN_PARTY', 'The grantee’s relay does not answer.')
      await post(ctx, party, 'grant', { terms: encodeTerms({ signed, parent }), package: encode(passOn(outer, terms, g.commitment)) })
    } catch (e) {
      if (!isKeepwellError(e)) throw e
      unreached.push(g.name)
    }
  }
  return unreached
}
