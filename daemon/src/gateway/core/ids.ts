import { toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { hmacSha256 } from '@keepwell/sdk/crypto/hash'
import type { Did } from '@keepwell/sdk/identity/did'

/**
 * FHIR logical ids at this gateway. All are keyed: outside of it they mean nothing, and with the same keys they come out the same in every
 * session. What the gateway makes up begins with the patient's id, so that a bare `Observation/…` says whose record to look into.
 */
export type Ids = {
  patient(did: Did): string
  /** The id of what an author calls `raw`. Our own names stay; two other authors may both use a name, so theirs are told apart. */
  resource(patient: string, author: Did, raw: string): string
  /** For a new resource. */
  fresh(patient: string): string
  /** For what the gateway makes of other things: always the same for the same. */
  derived(patient: string, ...of: string[]): string
  /** Whose it is, when the gateway made it up; null when it may be anybody's. */
  patientOf(id: string): string | null
}

const PATIENT_DIGITS = 20
const OWN = /^([0-9a-f]{20})(\.[0-9a-f]{32})?$/
const FHIR_ID = /^[A-Za-z0-9\-.]{1,64}$/

export function makeIds(secret: Uint8Array, own: Did, random: (length: number) => Uint8Array): Ids {
  const key = hmacSha256(secret, utf8('keepwell/v1/gateway-ids'))
  const digits = (...parts: string[]): string => toHex(hmacSha256(key, encode(parts)))
  const patients = new Map<Did, string>()
  return {
    patient(did) {
      const known = patients.get(did) ?? digits('patient', did).slice(0, PATIENT_DIGITS)
      patients.set(did, known)
      return known
    },
    resource: (patient, author, raw) =>
      author === own && FHIR_ID.test(raw) ? raw : `${patient}.${digits('resource', author, raw).slice(0, 32)}`,
    fresh: patient => `${patient}.${toHex(random(16))}`,
    derived: (patient, ...of) => `${patient}.${digits('derived', patient, ...of).slice(0, 32)}`,
    patientOf: id => OWN.exec(id)?.[1] ?? null,
  }
}
