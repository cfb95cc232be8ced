import { equal } from '#base/bytes'
import { ensure } from '#base/error'
import { type AccessRequest, credentialOf, type Decision, decide } from '#consent/decide'
import { barredBy } from '#consent/limits'
import {
  commitmentOf,
  decodeTerms,
  narrower,
  readTerms,
  type SignedTerms,
  type Terms,
  terms as termsShape,
  wellFormed,
} from '#consent/terms'
import type { Party } from '#identity/bundle'
import type { Did } from '#identity/did'
import { type Signed, verifySigned } from '#identity/signed'
import type { RelayContext } from './context.ts'
import { readLimits } from './limits.ts'
import { partyOf } from './parties.ts'

export type CheckedTerms = {
  readonly terms: Terms
  readonly commitment: Uint8Array
  readonly parent?: { readonly terms: Terms; readonly commitment: Uint8Array }
}

/** Verifies opened terms: the patient's signatures, or a proxy's together with the admin terms it acts under (protocol §5). */
export async function checkTerms(ctx: RelayContext, encoded: Uint8Array, vault: Did): Promise<CheckedTerms> {
  const thing: SignedTerms = decodeTerms(encoded)
  const terms = readTerms(thing.signed)
  ensure(terms.patient === vault, 'NO_GRANT', 'The terms are of another vault.')
  ensure(wellFormed(terms), 'BAD_INPUT', 'Terms of version 2 name a credential, and no others do.')
  ensure(
    terms.chainId === ctx.ledger.chainId && terms.contract === ctx.ledger.manifest['ConsentRegistry@1'],
    'NO_GRANT',
    'The terms name another ledger.',
  )
  const direct = thing.signed.signer === vault
  const signer = direct ? await ownerInForce(ctx, thing.signed) : await partyOf(ctx, thing.signed.signer, thing.signed.version)
  await verifySigned(thing.signed, 'terms', termsShape, signer.keys)
  const checked = { terms, commitment: commitmentOf(terms) }
  if (direct) return checked
  return { ...checked, parent: await checkProxy(ctx, thing, terms) }
}

/** Only the keys in force speak for a vault: after a rotation, a thief who has the old ones cannot grant to himself. */
async function ownerInForce(ctx: RelayContext, thing: Signed): Promise<Party> {
  const owner = await partyOf(ctx, thing.signer)
  ensure(
    owner.version === thing.version,
    'NO_GRANT',
    'The consent was signed with keys that were replaced since; its owner sends it again.',
  )
  return owner
}

async function checkProxy(ctx: RelayContext, thing: SignedTerms, terms: Terms) {
  ensure(thing.parent && thing.parent.signer === terms.patient, 'BAD_SIGNATURE', 'The terms are signed by neither the patient nor a proxy.')
  const patient = await ownerInForce(ctx, thing.parent)
  const outer = await verifySigned(thing.parent, 'terms', termsShape, patient.keys)
  const commitment = commitmentOf(outer)
  const under = terms.under !== null && equal(terms.under, commitment)
  ensure(outer.grantee === thing.signed.signer && under && narrower(terms, outer), 'NO_GRANT', 'The proxy granted more than it was given.')
  return { terms: outer, commitment }
}

async function stateOf(ctx: RelayContext, checked: { terms: Terms; commitment: Uint8Array }) {
  const { terms, commitment } = checked
  const head = await ctx.ledger.head()
  const revoked = await ctx.envelopes.read(terms.patient, rows => rows.get('revoked', commitment))
  const clock = ctx.clock()
  return {
    now: Math.max(clock, head.time),
    slot: await ctx.ledger.consents.slot(terms.holder, commitment),
    revoked: revoked !== null,
    ledgerAge: ctx.settings.ledgerPace === 'steady' ? clock - head.time : 0,
    credential: credentialOf(terms, terms.credential ? await ctx.ledger.credentials.status(terms.credential) : null),
  }
}

/** Applies the narrower of ledger slot and terms, and the patient's own limits; a proxy's consent lives only as long as the one it acts under. */
export async function decideConsent(ctx: RelayContext, checked: CheckedTerms, request: AccessRequest): Promise<Decision> {
  const limits = await ctx.envelopes.read(checked.terms.patient, readLimits)
  const barred = barredBy(limits, checked.terms, request)
  const own = decide(checked.terms, request, { ...(await stateOf(ctx, checked)), barred })
  if (!checked.parent || !own.allow) return own
  const { terms } = checked.parent
  const outer = decide(
    { ...terms, level: 'read' },
    { ...request, action: 'list', reader: terms.grantee, records: [], compartments: [] },
    await stateOf(ctx, checked.parent).then(s => ({ ...s, slot: s.slot && { ...s.slot, level: s.slot.level === 3 ? 1 : 2 } })),
  )
  return outer
}
