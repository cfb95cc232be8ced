import type { Ctx } from '#actions/context'
import { allowConsent } from '#actions/governance/allow-consent'
import { openKeys } from '#actions/records/open-record'
import { limitsOf } from '#actions/rights/ring'
import { callRelay, contactRelays, contactSeats, findParty, homeLedger, homeRelayUrl, signerOf } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { secretKey } from '#actions/vault/create-vault'
import { equal, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, KeepwellError } from '#base/error'
import { epochOf, LAST_EPOCH } from '#base/time'
import { forEmergencies } from '#consent/limits'
import {
  beginsAt,
  checkTerms,
  commitmentOf,
  decodeTerms,
  encodeTerms,
  type Level,
  levelNumber,
  type Purpose,
  readTerms,
  sameForLonger,
  slotTimes,
  type Terms,
} from '#consent/terms'
import { signConsentGrant } from '#consent/typed-data'
import { coverNodes } from '#crypto/epoch-tree'
import { secpAddress } from '#crypto/secp'
import type { Party } from '#identity/bundle'
import type { Did } from '#identity/did'
import type { Compartment, GivenGrant, Keyring } from '#identity/keyring'
import { sign } from '#identity/signed'
import type { KeyPackage } from '#wire/messages'
import { contactCredential } from './contact-credential.ts'
import { post } from './post.ts'

type Granting = Pick<Ctx, 'clock' | 'random' | 'network' | 'session' | 'policies'>

export type GrantInput = {
  readonly to: Did
  readonly level: Level
  readonly purposes: readonly Purpose[]
  /** Compartment ids, or named records: one of the two. */
  readonly compartments?: readonly Uint8Array[]
  readonly records?: readonly Uint8Array[]
  /** Unix seconds. */
  readonly notBefore?: number
  readonly expiry: number
  /** Filing epochs covered; default: everything filed until the consent ends. */
  readonly from?: number
  readonly until?: number
  /** Given by a standing rule: policies may ask more of those. */
  readonly standing?: boolean
  /** Counts only while the credential of theirs that this vault knows is live. */
  readonly whileVouched?: boolean
}

export type Granted = {
  readonly commitment: Uint8Array
  readonly terms: Terms
  readonly messageBytes: number
  readonly packageBytes: number
}

const DEADLINE = 3600
/** What a relay takes as one message, less what sealing and signing add (protocol §5). */
const MAX_PACKAGE = 240_000

/**
 * Gives consent (protocol §5): signs terms, writes the slot with a holder key made for this consent alone, and seals the key
 * package to the grantee. O(log time) keys, whatever the number of records.
 */
export async function grant(ctx: Granting, input: GrantInput): Promise<Granted> {
  const { ring } = ctx.session.state
  notLimited(ring, input.purposes)
  await allowConsent(ctx, wishOf(ctx, ring, input))
  const grantee = await verifiedParty(ctx, input.to)
  const holderKey = secretKey(ctx)
  const terms = await makeTerms(ctx, ring, input, secpAddress(holderKey))
  const signedTerms = { signed: await sign(signerOf(ring), 'terms', terms) }
  const commitment = commitmentOf(terms)
  const packageBytes = encode(await makePackage(ctx, ring, terms, commitment))
  // Known before anything is written: a consent whose keys cannot travel would be one on paper only.
  ensure(packageBytes.length + terms.records.length * 17 <= MAX_PACKAGE, 'TOO_LARGE', 'Too many records for one consent; name fewer.')
  await writeSlot(ctx, terms, { holderKey, relay: homeRelayUrl(ring) })
  const given: GivenGrant = {
    commitment,
    holderKey,
    terms: encodeTerms(signedTerms),
    grantee: grantee.did,
    name: contactName(ring, grantee.did),
    state: 'live',
    at: ctx.clock(),
  }
  await changeRing(ctx, r => ({ ...r, given: [...r.given.filter(g => !equal(g.commitment, commitment)), given] }))
  // One who was added by DID may never have heard of us.
  const content = { terms: encodeTerms(signedTerms), package: packageBytes }
  const messageBytes = await post(ctx, grantee, 'grant', content, { introduce: true })
  return { commitment, terms, messageBytes, packageBytes: packageBytes.length + encodeTerms(signedTerms).length }
}

function wishOf(
  ctx: Granting,
  ring: Keyring,
  { level, purposes, records = [], compartments = [], notBefore, expiry, standing = false }: GrantInput,
) {
  const named = ring.compartments.filter(c => compartments.some(id => equal(id, c.id)))
  const seconds = expiry - Math.min(ctx.clock(), notBefore ?? ctx.clock())
  return { level, purposes: [...purposes], records: [...records], names: named.map(c => c.name), seconds, standing, by: 'owner' as const }
}

/** What the person has said once for all stands until they say otherwise. */
function notLimited(ring: Keyring, purposes: readonly string[]): void {
  const limits = limitsOf(ring)?.limits
  ensure(!limits?.closed || forEmergencies(purposes), 'LIMITED', 'You take no new consents; allow them again first.')
  ensure(!purposes.some(p => limits?.objects.some(o => o === p)), 'LIMITED', 'You object to that purpose; withdraw the objection first.')
}

export const contactName = (ring: Keyring, did: Did): string => ring.contacts.find(c => c.did === did)?.name ?? did

/** A contact whose key bundle we trust; throws UNKNOWN_PARTY or UNVERIFIED. */
export async function verifiedParty(ctx: Granting, did: Did): Promise<Party> {
  const contact = ctx.session.state.ring.contacts.find(c => c.did === did)
  if (!contact) throw new KeepwellError('UNKNOWN_PARTY', 'You have no contact of that DID; exchange an invitation first.')
  ensure(contact.verified, 'UNVERIFIED', 'That contact is not verified; compare the fingerprint first.')
  const party = await findParty(ctx, did, contactRelays(ctx, did))
  ensure(party, 'UNKNOWN_PARTY', 'None of that contact’s relays answers with a key bundle.')
  const [seat] = contactSeats(ctx, did)
  ensure(!party.seat || party.seat === seat, 'UNVERIFIED', 'That contact moved to another home; compare the fingerprint again.')
  return party
}

/** Throws UNVERIFIED when nobody vouches for them now, for the consent would be dead from its first day. */
async function credentialToHold(ctx: Granting, did: Did): Promise<Uint8Array> {
  const { credential, state } = await contactCredential(ctx, did)
  ensure(credential && state === 'live', 'UNVERIFIED', 'No accredited issuer of your ledger vouches for that contact now.')
  return credential.id
}

async function makeTerms(ctx: Granting, ring: Keyring, input: GrantInput, holder: string): Promise<Terms> {
  const ledger = await homeLedger(ctx)
  const contract = ledger.manifest['ConsentRegistry@1']
  ensure(contract, 'NOT_SUPPORTED', 'The ledger has no ConsentRegistry.')
  const wanted: Terms = {
    v: 1,
    ...(input.whileVouched ? { v: 2 as const, credential: await credentialToHold(ctx, input.to) } : {}),
    patient: ring.did,
    grantee: input.to,
    holder,
    chainId: ledger.chainId,
    contract,
    level: input.level,
    compartments: [...(input.compartments ?? [])],
    records: [...(input.records ?? [])],
    purposes: [...input.purposes],
    from: input.from ?? 0,
    to: Math.min(input.until ?? LAST_EPOCH, epochOf(input.expiry)),
    notBefore: input.notBefore ?? ctx.clock(),
    expiry: input.expiry,
    salt: ctx.random(32),
    under: null,
  }
  const begun = cooled(ring, wanted, ctx.clock())
  const terms = begun === wanted.notBefore ? wanted : { ...wanted, notBefore: begun }
  checkTerms(terms)
  ensure(terms.expiry > ctx.clock(), 'BAD_INPUT', 'The consent would have ended already.')
  return terms
}

/**
 * A day to sleep on it, where the purpose wants one and this is not what they may do already. Else as was wanted, to the second: consents
 * that are given in one go are known as one share by it, however long the giving takes.
 */
function cooled(ring: Keyring, wanted: Terms, now: number): number {
  const begins = beginsAt(wanted.purposes, now)
  if (begins === now) return wanted.notBefore
  const given = ring.given.filter(g => g.state === 'live').map(g => readTerms(decodeTerms(g.terms).signed))
  const known = given.some(g => g.patient === wanted.patient && sameForLonger(wanted, g, now))
  return known ? wanted.notBefore : Math.max(wanted.notBefore, begins)
}

/** Writes the consent's slot on the patient's ledger through the patient's relay. */
export async function writeSlot(
  ctx: Granting,
  terms: Terms,
  by: { readonly holderKey: Uint8Array; readonly relay: string },
): Promise<void> {
  const commitment = commitmentOf(terms)
  const slot = { commitment, ...slotTimes(terms), level: levelNumber(terms.level), deadline: ctx.clock() + DEADLINE }
  const signature = signConsentGrant(by.holderKey, { chainId: terms.chainId, contract: terms.contract }, slot)
  await callRelay(ctx, await ctx.network.relay(by.relay), 'meta', { kind: 'consent-grant', holder: terms.holder, ...slot, signature })
}

/** What the grantee can open: cover nodes for (from..to) of each generation, or the DEKs of named records. */
export async function makePackage(ctx: Granting, ring: Keyring, terms: Terms, commitment: Uint8Array): Promise<KeyPackage> {
  const compartments = terms.compartments.map(id => {
    const found = ring.compartments.find(c => equal(c.id, id))
    ensure(found, 'UNKNOWN_COMPARTMENT', 'The vault has no such compartment.')
    return found
  })
  const reads = terms.level !== 'write'
  return {
    commitment,
    patientName: ring.name,
    relays: [homeRelayUrl(ring)],
    compartments: compartments.map(({ id, name }) => ({ id, name })),
    nodes: reads ? compartments.flatMap(c => coverOf(c, terms)) : [],
    records: reads && terms.records.length ? await recordKeys(ctx, terms.records) : [],
  }
}

/** A generation serves the epochs from its start until the next one's; the change falls within an epoch, so both cover it. */
function coverOf(c: Compartment, terms: Terms): KeyPackage['nodes'] {
  return c.roots.flatMap((root, i) => {
    const next = c.roots[i + 1]
    const from = Math.max(terms.from, root.from)
    const to = Math.min(terms.to, next ? next.from : LAST_EPOCH)
    return from <= to ? [{ compartment: c.id, generation: root.generation, nodes: coverNodes(root.root, from, to) }] : []
  })
}

async function recordKeys(ctx: Granting, ids: readonly Uint8Array[]): Promise<KeyPackage['records']> {
  const found = await openKeys(ctx, ids)
  const missing = ids.find(id => !found.some(f => equal(f.item.id, id)))
  ensure(!missing, 'NOT_FOUND', `Record ${missing ? toHex(missing) : ''} is not in the vault.`)
  return found.map(({ item, card, dek }) => ({ id: item.id, card, dek }))
}
