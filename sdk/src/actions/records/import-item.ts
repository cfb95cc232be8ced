import type { Issue } from '#health/fhir/issue'

/**
 * Something to take in. `name` is its name for people, folders included. `chunks` may be called more than once and gives the same
 * bytes each time; `size` is their number. What it throws is the reason why the item failed.
 */
export type ImportItem = {
  readonly name: string
  readonly size: number
  readonly chunks: () => AsyncIterable<Uint8Array>
  /** SHA-256 of them all, where whoever brings them knows it already. */
  readonly hash?: Uint8Array
  readonly told?: Told
}

/** What whoever brings a document says of it; it counts before what the document's name says. FHIR speaks for itself, but for `attributes`. */
export type Told = {
  /** Of the record to be, chosen beforehand, so that another record can point to it. */
  readonly id?: Uint8Array
  readonly title?: string
  /** FHIR date of care. */
  readonly date?: string
  readonly codes?: readonly { readonly system?: string; readonly code: string; readonly display?: string }[]
  readonly attributes?: Readonly<Record<string, string>>
  /** What it is called at its source, at most 600 characters: other content of the same name is a new version of it. */
  readonly source?: string
}

/**
 * - `taken`: filed. `taken-with-issues`: filed and shown as it is, though it breaks the rules of its format; `issues` says how.
 * - `already-there`: the same content of the same source is in the vault; nothing was written.
 * - `unreadable`: it is not what it claims to be; its bytes are kept as a document, and `why` says what was wrong.
 * - `failed`: nothing was kept; `code` and `why` say so.
 */
export type Outcome = 'taken' | 'taken-with-issues' | 'already-there' | 'unreadable' | 'failed'

/** What became of one item, or of one resource inside it (`place`, e.g. `Bundle.entry[3].resource`). Issues hold no patient data. */
export type Verdict = {
  readonly item: string
  readonly place: string
  readonly outcome: Outcome
  /** Hex; absent when nothing was kept. */
  readonly id?: string
  readonly kind?: string
  readonly resourceType?: string
  readonly compartment?: string
  /** Whether a rule of the filing table placed it; false when `general` was the fallback. */
  readonly placed?: boolean
  /** The earlier version that this one replaces, hex. */
  readonly prior?: string
  readonly issueCount?: number
  readonly issues?: readonly Issue[]
  /** It waits on this device, sealed, until the relay can be reached. */
  readonly waiting?: true
  readonly code?: string
  readonly why?: string
}

/** Issues listed in a verdict; the count is of all. */
export const MAX_LISTED = 20
