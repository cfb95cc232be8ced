import type { Ctx } from '#actions/context'
import { allowConsent } from '#actions/governance/allow-consent'
import { findParty, signerOf } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { secretKey } from '#actions/vault/create-vault'
import { equal } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, isKeepwellError } from '#base/error'
import { epochOf } from '#base/time'
import { beginsAt, checkTerms, commitmentOf, decodeTerms, encodeTerms, narrower, type Terms } from '#consent/terms'
import { restrictNodes } from '#crypto/epoch-tree'
import { secpAddress } from '#crypto/secp'
import type { GivenGrant } from '#identity/keyring'
import { sign } from '#identity/signed'
import type { KeyPackage } from '#wire/messages'
import { contactName, type Granted, type GrantInput, verifiedParty, writeSlot } from './grant.ts'
import { type OpenGrant, receivedGrant } from './grants.ts'
import { post } from './post.ts'

type Granting = Pick<Ctx, 'clock' | 'random' | 'network' | 'session' | 'policies'>

/**
 * A proxy (parent, caregiver) passes on part of what it was given with level admin: narrower terms under its own, chain depth 1
 * (protocol §5). The nodes it passes on derive from its own; it cannot widen them. The patient is told, with both signatures; `told` is
 * false when the patient's relay could not be reached: receipts will name the consent all the same.
 */
export async function grantAsProxy(
  ctx: Granting,
  under: Uint8Array | string,
  input: Omit<GrantInput, 'records' | 'level'> & { level: 'read' | 'write' },
): Promise<Granted & { readonly told: boolean }> {
  const outer = receivedGrant(ctx, under)
  const holderKey = secretKey(ctx)
  const terms = narrowed(ctx, outer, input, secpAddress(holderKey))
  ensure(narrower(terms, outer.terms), 'NO_GRANT', 'A proxy passes on only what it was given, for no longer.')
  const { ring } = ctx.session.state
  const names = outer.package.compartments.filter(c => terms.compartments.some(id => equal(id, c.id))).map(c => c.name)
  await allowConsent(ctx, { ...terms, names, seconds: terms.expiry - terms.notBefore, standing: false, by: 'proxy' })
  const grantee = await verifiedParty(ctx, input.to)
  const signedTerms = { signed: await sign(signerOf(ring), 'terms', terms), parent: decodeTerms(outer.grant.terms).signed }
  const commitment = commitmentOf(terms)
  await writeSlot(ctx, terms, { holderKey, relay: outer.package.relays[0]! })
  const pack = encode(passOn(outer, terms, commitment))
  const given = {
    commitment,
    holderKey,
    terms: encodeTerms(signedTerms),
    grantee: grantee.did,
    name: contactName(ring, grantee.did),
    state: 'live' as const,
    at: ctx.clock(),
  }
  await changeRing(ctx, r => ({ ...r, given: [...r.given, given] }))
  const messageBytes = await post(ctx, grantee, 'grant', { terms: encodeTerms(signedTerms), package: pack })
  const told = await tellPatient(ctx, outer, given)
  return { commitment, terms, messageBytes, packageBytes: pack.length + given.terms.length, told }
}

async function tellPatient(ctx: Granting, { terms: outer, package: own }: OpenGrant, given: Pick<GivenGrant, 'terms' | 'name'>) {
  try {
    const patient = await findParty(ctx, outer.patient, own.relays)
    ensure(patient, 'UNKNOWN_PARTY', 'The patient’s relay does not answer.')
    await post(ctx, patient, 'grant', { terms: given.terms, package: encode({ name: given.name.slice(0, 200) }) })
    return true
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return false
  }
}

function narrowed(ctx: Granting, { terms: outer, grant }: OpenGrant, input: Omit<GrantInput, 'records'>, holder: string): Terms {
  // What the proxy's own consent needs of the proxy is looked at beside it, and is nothing that its grantee could have.
  const { credential: _own, ...rest } = outer
  const terms: Terms = {
    ...rest,
    v: 1,
    grantee: input.to,
    holder,
    level: input.level,
    compartments: [...(input.compartments ?? outer.compartments)],
    records: [],
    purposes: [...input.purposes],
    from: Math.max(input.from ?? 0, outer.from),
    to: Math.min(input.until ?? outer.to, outer.to, epochOf(input.expiry)),
    notBefore: Math.max(input.notBefore ?? 0, outer.notBefore, beginsAt(input.purposes, ctx.clock())),
    expiry: input.expiry,
    salt: ctx.random(32),
    under: grant.commitment,
  }
  checkTerms(terms)
  return terms
}

/** What a proxy seals to its grantee: of its own keys those that the terms cover. */
export function passOn({ package: own }: OpenGrant, terms: Terms, commitment: Uint8Array): KeyPackage {
  const covered = (id: Uint8Array): boolean => terms.compartments.some(c => equal(c, id))
  return {
    ...own,
    commitment,
    compartments: own.compartments.filter(c => covered(c.id)),
    nodes:
      terms.level === 'write'
        ? []
        : own.nodes.filter(n => covered(n.compartment)).map(n => ({ ...n, nodes: restrictNodes(n.nodes, terms.from, terms.to) })),
    records: [],
  }
}
