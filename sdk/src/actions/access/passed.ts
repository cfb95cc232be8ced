import type { Ctx } from '#actions/context'
import { partyAt } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { equal, toHex } from '#base/bytes'
import { ensure } from '#base/error'
import { commitmentOf, encodeTerms, narrower, type SignedTerms, terms as termsShape } from '#consent/terms'
import type { Party } from '#identity/bundle'
import type { PassedGrant } from '#identity/keyring'
import { verifySigned } from '#identity/signed'

type Noting = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/**
 * A consent in our name that a proxy signed: counts when the proxy's signature holds and it is narrower than admin terms that we signed
 * for this very proxy (protocol §5, both signatures). Throws NO_GRANT, BAD_SIGNATURE.
 */
export async function checkPassed(
  ctx: Pick<Ctx, 'clock' | 'network' | 'session'>,
  { signed, parent }: SignedTerms,
  { proxy, name }: { readonly proxy: Party; readonly name: string },
): Promise<PassedGrant> {
  const { did } = ctx.session.state.ring
  const terms = await verifySigned(signed, 'terms', termsShape, proxy.keys)
  ensure(parent && parent.signer === did && signed.signer === proxy.did, 'NO_GRANT', 'Someone gave a consent in our name without ours.')
  const own = await partyAt(ctx, did, parent.version)
  ensure(own, 'UNKNOWN_PARTY', 'The key bundle under which we let a proxy act is not to be had.')
  const outer = await verifySigned(parent, 'terms', termsShape, own.keys)
  const under = terms.under !== null && equal(terms.under, commitmentOf(outer))
  ensure(outer.grantee === proxy.did && under && narrower(terms, outer), 'NO_GRANT', 'A proxy granted more than it was given.')
  const encoded = encodeTerms({ signed, parent })
  const said = { commitment: commitmentOf(terms), terms: encoded, proxy: proxy.did, grantee: terms.grantee }
  return { ...said, name: name || terms.grantee, state: 'live', at: ctx.clock() }
}

/** Remembers consents that proxies gave in our name; one known already stays as it is. */
export async function notePassed(ctx: Noting, found: readonly PassedGrant[]): Promise<void> {
  const known = new Set((ctx.session.state.ring.passed ?? []).map(p => toHex(p.commitment)))
  if (found.every(p => known.has(toHex(p.commitment)))) return
  await changeRing(ctx, r => {
    const before = r.passed ?? []
    return { ...r, passed: [...before, ...found.filter(p => !before.some(b => equal(b.commitment, p.commitment)))] }
  })
}
