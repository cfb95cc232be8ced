import type { RandomBytes } from '#base/bytes'
import { epochOf } from '#base/time'
import { commitmentOf, encodeTerms, levelNumber, slotTimes, type Terms } from '#consent/terms'
import { signConsentGrant, signConsentRevoke } from '#consent/typed-data'
import { sha256 } from '#crypto/hash'
import { kemKeyPair } from '#crypto/kem'
import { secpAddress } from '#crypto/secp'
import { type SigningSecret, signingPublic } from '#crypto/sign'
import { SUITE } from '#crypto/suite'
import { type Bundle, endorseBundle, type Party, verifyBundle } from '#identity/bundle'
import { calendarPage } from '#identity/calendar'
import { type Call, signCall } from '#identity/call'
import { type Did, makeDid } from '#identity/did'
import { keyringHash, type SealedKeyring } from '#identity/sealed-keyring'
import { type Signed, sign, signedHash } from '#identity/signed'
import type { EnvelopeGroup, EnvelopeItem } from '#records/envelope'
import type { Body, MethodName } from '#wire/methods'
import type { Manifest } from './ledger.ts'

/** Parties for suites: real keys and real signatures, and nothing sealed inside, for a relay could not tell. */
export type TestParty = {
  readonly did: Did
  readonly version: number
  readonly controller: Uint8Array
  readonly request: Uint8Array
  readonly signing: SigningSecret
  readonly bundle: Bundle
  readonly party: Party
}

export type Home = { readonly chainId: number; readonly manifest: Manifest; readonly url: string; readonly relay: Did }

export async function makeParty(home: Home, time: number, random: RandomBytes): Promise<TestParty> {
  const controller = random(32)
  const secrets = { controller, request: random(32), signing: { ed25519: random(32), mldsa65: random(32) } }
  return withBundle(home, secrets, { version: 1, prev: null, issuedAt: time, inbox: (await kemKeyPair(random(32))).public })
}

/** The party with a next bundle of the same keys. */
export const nextBundle = (home: Home, p: TestParty, time: number): Promise<TestParty> =>
  withBundle(home, p, { version: p.version + 1, prev: p.party.hash, issuedAt: time, inbox: p.party.inbox })

type Secrets = Pick<TestParty, 'controller' | 'request' | 'signing'>
type Next = { readonly version: number; readonly prev: Uint8Array | null; readonly issuedAt: number; readonly inbox: Uint8Array }

async function withBundle(home: Home, { controller, request, signing }: Secrets, next: Next): Promise<TestParty> {
  const address = secpAddress(controller)
  const did = makeDid(home.chainId, address)
  const message = {
    v: 1,
    did,
    ...next,
    ...(await signingPublic(signing)),
    request: secpAddress(request),
    relays: [home.url],
    manifest: home.manifest,
  }
  const bundle = endorseBundle(controller, await sign({ did, version: next.version, signing }, 'bundle', message))
  return { did, version: next.version, controller, request, signing, bundle, party: await verifyBundle(bundle, address) }
}

type Sending = { readonly relay: Did; readonly time: number; readonly nonce: Uint8Array }

export const callOf = <M extends MethodName>(p: TestParty, method: M, body: Body<M>, sending: Sending): Call =>
  signCall(p, { method, body, ...sending })

/** One compartment with epoch keys for a few weeks around `time`. */
export type TestCompartment = { readonly id: Uint8Array; readonly page: Uint8Array; readonly firstEpoch: number }

const PAGE = 3

export async function makeCompartment(time: number, random: RandomBytes): Promise<TestCompartment> {
  const firstEpoch = epochOf(time) - 1
  return { id: random(16), page: await calendarPage(random(32), firstEpoch, PAGE), firstEpoch }
}

export const calendarOf = (p: TestParty, compartments: readonly TestCompartment[], version: number, time: number): Promise<Signed> =>
  sign(p, 'calendar', {
    v: 1,
    vault: p.did,
    version,
    issuedAt: time,
    notAfter: time + 86_400 * 14,
    compartments: compartments.map(c => ({
      id: c.id,
      generation: 0,
      firstEpoch: c.firstEpoch,
      count: PAGE,
      page: sha256(c.page),
    })),
    tokens: [],
  })

export function makeKeyring(p: TestParty, version: number, random: RandomBytes): SealedKeyring {
  const recipients = [{ id: random(16), enc: random(1120), key: random(48) }]
  return { suite: SUITE, vault: p.did, version, recipients, nonce: random(12), sealed: random(600) }
}

export const headOf = (p: TestParty, keyring: SealedKeyring, prev: Signed | null, time: number): Promise<Signed> =>
  sign(p, 'head', {
    v: 1,
    vault: p.did,
    version: keyring.version,
    prev: prev && signedHash(prev),
    at: time,
    device: sha256(p.request).slice(0, 16),
    devices: [],
    relays: [],
    calendar: new Uint8Array(32),
    keyring: keyringHash(keyring),
    compartments: [],
    writes: 0,
    tombstones: { root: new Uint8Array(32), count: 0 },
  })

/** Envelopes around payload blocks, of the right sizes. */
export function makeGroup(
  input: { vault: Did; compartment: Uint8Array; time: number; cids: readonly Uint8Array[] },
  random: RandomBytes,
): EnvelopeGroup {
  const items: EnvelopeItem[] = input.cids.map(cid => ({ id: random(16), card: random(300), key: random(48), cid, leaf: random(32) }))
  return {
    suite: SUITE,
    vault: input.vault,
    compartment: input.compartment,
    generation: 0,
    epoch: epochOf(input.time),
    enc: random(1120),
    items,
  }
}

export type TestConsent = {
  readonly terms: Terms
  readonly encoded: Uint8Array
  readonly commitment: Uint8Array
  readonly holderKey: Uint8Array
}

type Wanted = Partial<Terms> & Pick<Terms, 'grantee' | 'level' | 'compartments'>

/** Signed terms from `patient`, not yet on the ledger. */
export async function makeConsent(home: Home, patient: TestParty, wanted: Wanted, time: number, random: RandomBytes): Promise<TestConsent> {
  const holderKey = random(32)
  const terms: Terms = {
    v: 1,
    patient: patient.did,
    holder: secpAddress(holderKey),
    chainId: home.chainId,
    contract: home.manifest['ConsentRegistry@1']!,
    records: [],
    purposes: ['TREAT'],
    from: epochOf(time) - 10,
    to: epochOf(time) + 10,
    notBefore: time - 60,
    expiry: time + 30 * 86_400,
    salt: random(32),
    under: null,
    ...wanted,
  }
  return { terms, commitment: commitmentOf(terms), encoded: encodeTerms({ signed: await sign(patient, 'terms', terms) }), holderKey }
}

const domainOf = (home: Home) => ({ chainId: home.chainId, contract: home.manifest['ConsentRegistry@1']! })

/** Body of the `meta` call that puts a consent on the ledger. */
export function grantBody(home: Home, c: TestConsent, time: number): Body<'meta'> {
  const m = { commitment: c.commitment, ...slotTimes(c.terms), level: levelNumber(c.terms.level), deadline: time + 3600 }
  return { kind: 'consent-grant', holder: c.terms.holder, ...m, signature: signConsentGrant(c.holderKey, domainOf(home), m) }
}

export function revokeBody(home: Home, c: TestConsent, time: number): Body<'revoke'> {
  const m = { commitment: c.commitment, deadline: time + 3600 }
  return { vault: c.terms.patient, holder: c.terms.holder, ...m, signature: signConsentRevoke(c.holderKey, domainOf(home), m) }
}
