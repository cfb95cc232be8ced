import { concat, toHex, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure } from '#base/error'
import { bytes, decodeAs, type Infer, int, list, nullable, object, oneOf, optional } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { compartmentId } from '#identity/compartments'
import { address, did } from '#identity/did'
import { type Signed, signed } from '#identity/signed'

/** HL7 v3 PurposeOfUse (http://terminology.hl7.org/CodeSystem/v3-ActReason). */
export const PURPOSES = ['TREAT', 'ETREAT', 'CAREMGT', 'HPAYMT', 'HOPERAT', 'HRESCH', 'PATRQT', 'FAMRQT', 'PUBHLTH', 'COVERAGE'] as const
export type Purpose = (typeof PURPOSES)[number]

const HOUR = 3600

export const LEVELS = ['read', 'write', 'admin'] as const
export type Level = (typeof LEVELS)[number]
export const levelNumber = (l: Level): 1 | 2 | 3 => (LEVELS.indexOf(l) + 1) as 1 | 2 | 3

/**
 * What a patient agrees to (protocol §5). Scope is whole compartments over filing epochs `from…to`, or named records.
 * `notBefore`, `expiry` are Unix seconds; `holder` is an address made for this consent alone. Version 2 names a credential besides: the
 * consent counts while it is live on the consent's own ledger.
 */
export const terms = object({
  v: int(1, 2),
  patient: did,
  grantee: did,
  holder: address,
  chainId: int(1),
  contract: address,
  level: oneOf(...LEVELS),
  compartments: list(compartmentId, 256),
  records: list(bytes(16), 1024),
  purposes: list(oneOf(...PURPOSES), 10),
  from: int(0, 65535),
  to: int(0, 65535),
  notBefore: int(),
  expiry: int(),
  salt: bytes(32),
  /** The admin grant under which a proxy signed, when it was not the patient: its commitment. */
  under: nullable(bytes(32)),
  /** Id in the CredentialRegistry; of version 2 alone, which an older program refuses rather than overlook it. */
  credential: optional(bytes(32)),
})
export type Terms = Infer<typeof terms>

/** Terms as they travel: signed by the patient, or by a proxy together with the admin terms it acts under (chain depth 1). */
export const signedTerms = object({ signed, parent: optional(signed) })
export type SignedTerms = { readonly signed: Signed; readonly parent?: Signed }

export const encodeTerms = (t: SignedTerms): Uint8Array => encode(t)
export const decodeTerms = (b: Uint8Array): SignedTerms => decodeAs(signedTerms, b)
export const readTerms = (s: Signed): Terms => decodeAs(terms, s.message)

/** SHA-256("keepwell/v1/consent" ‖ salt ‖ CBOR(terms)): the slot key on the ledger, hiding by the salt. */
export const commitmentOf = (t: Terms): Uint8Array => sha256(concat(utf8('keepwell/v1/consent'), t.salt, encode(t)))

/** The ledger sees whole hours only (threat T02): rounded outwards; relays apply the terms' own seconds. */
export const slotTimes = (t: Terms): { notBefore: number; expiry: number } => ({
  notBefore: Math.floor(t.notBefore / HOUR) * HOUR,
  expiry: Math.ceil(t.expiry / HOUR) * HOUR,
})

/** What is agreed to for these purposes can be slept on: it begins a day later, at a whole hour, and may be taken back before anybody read. */
const SLEPT_ON: readonly Purpose[] = ['HRESCH']
const DAY = 86_400

/** When a consent for these purposes begins that is given now. */
export const beginsAt = (purposes: readonly Purpose[], now: number): number =>
  purposes.some(p => SLEPT_ON.includes(p)) ? Math.ceil((now + DAY) / HOUR) * HOUR : now

/** Whether `next` gives nothing that `given`, which is in force, does not give already: for longer at most. */
export function sameForLonger(next: Terms, given: Terms, now: number): boolean {
  const within = (inner: readonly Uint8Array[], outer: readonly Uint8Array[]): boolean => {
    const known = new Set(outer.map(toHex))
    return inner.every(id => known.has(toHex(id)))
  }
  return (
    given.notBefore <= now &&
    given.expiry > now &&
    next.grantee === given.grantee &&
    next.level === given.level &&
    next.from >= given.from &&
    next.purposes.every(p => given.purposes.includes(p)) &&
    within(next.compartments, given.compartments) &&
    within(next.records, given.records)
  )
}

/** Refuses terms that contradict themselves, before anyone signs them. */
export function checkTerms(t: Terms): void {
  ensure(t.expiry > t.notBefore, 'BAD_INPUT', 'The consent would end before it begins.')
  ensure(t.to >= t.from, 'BAD_INPUT', 'The epochs end before they begin.')
  ensure(t.purposes.length > 0, 'BAD_INPUT', 'A consent names at least one purpose.')
  ensure(t.compartments.length > 0 !== t.records.length > 0, 'BAD_INPUT', 'A consent covers compartments or named records, one of the two.')
  ensure(t.patient !== t.grantee, 'BAD_INPUT', 'A vault needs no consent for itself.')
  ensure(wellFormed(t), 'BAD_INPUT', 'Terms of version 2 name a credential, and no others do.')
}

/** Whether the version says what the terms hold. */
export const wellFormed = (t: Terms): boolean => (t.v === 2) === (t.credential !== undefined)

/** Whether `inner` allows nothing that `outer` does not: what a proxy may sign. */
export function narrower(inner: Terms, outer: Terms): boolean {
  const has = (id: Uint8Array) => outer.compartments.some(c => toHex(c) === toHex(id))
  return (
    outer.level === 'admin' &&
    inner.level !== 'admin' &&
    inner.patient === outer.patient &&
    inner.records.length === 0 &&
    inner.compartments.every(has) &&
    inner.purposes.every(p => outer.purposes.includes(p)) &&
    inner.from >= outer.from &&
    inner.to <= outer.to &&
    inner.notBefore >= outer.notBefore &&
    inner.expiry <= outer.expiry
  )
}
