import type { Level, Purpose } from '#consent/terms'

/** What comes with a record's bytes. FHIR, DICOM and C-CDA speak for themselves; all but `name` counts for anything else. */
export type RecordMetadata = {
  /** A file name for people, folders included; its ending helps where the bytes do not say what they are. */
  readonly name: string
  readonly title?: string
  /** FHIR date of care. */
  readonly date?: string
  readonly codes?: readonly { readonly system?: string; readonly code: string; readonly display?: string }[]
}

/** The natural person on whose behalf it is done, and in what role: both stand on every receipt that the patient gets. */
export type Credentials = { readonly person: string; readonly role: string }

export type ProviderRecord = {
  readonly id: string
  readonly mediaType: string
  readonly title: string
  /** FHIR date of care, when there is one. */
  readonly date?: string
  /** The bytes that the author signed. */
  readonly data: Uint8Array
}

/** What a patient has granted. */
export type ProviderGrant = {
  /** The patient's id at this gateway. */
  readonly patient: string
  readonly levels: readonly Level[]
  readonly purposes: readonly Purpose[]
  /** Unix seconds: when the last of it ends. */
  readonly until: number
}

export type AccessRequest = {
  /** The DID of somebody whom the organisation knows. */
  readonly patient: string
  readonly purpose: Purpose
  /** Seconds. */
  readonly duration: number
  /** Default read. */
  readonly level?: Level
  /** Names of compartments; default general. */
  readonly parts?: readonly string[]
  /** A sentence in plain words, for the patient. */
  readonly text?: string
}

/** A request that waits for the patient, or what was granted already. `patient` is the id to go on with in either case. */
export type AccessState = { readonly patient: string; readonly grant: ProviderGrant | null }

/**
 * What a provider's own programs do with patients' records, and need to know nothing else for. `patient` is the id at this gateway.
 *
 * - `submitRecord` files bytes in a patient's record, signed by the organisation, under the consent to write. Resolves once the relay
 *   accepted them, with the record's id; a Bundle gives the ids of all its records, in their order. Throws NO_GRANT, DENIED, BAD_INPUT.
 * - `getRecord` opens one record, a receipt first; null: the patient granted no such record. Throws NO_GRANT, GRANT_ENDED.
 * - `requestAccess` asks a patient, who answers in their own time: `grant` tells when. What was granted already for that purpose and level
 *   is not asked for again. Throws UNKNOWN_PARTY.
 * - `grant` is null while there is none.
 */
export interface Provider {
  submitRecord(patient: string, data: Uint8Array, metadata: RecordMetadata, credentials: Credentials): Promise<readonly string[]>
  getRecord(patient: string, id: string, credentials: Credentials): Promise<ProviderRecord | null>
  requestAccess(request: AccessRequest, credentials: Credentials): Promise<AccessState>
  grant(patient: string): Promise<ProviderGrant | null>
}
