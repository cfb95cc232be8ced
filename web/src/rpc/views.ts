import type { LockCard } from './devices.ts'

/** What the page sees of a vault: plain data, ids in hex, times in Unix seconds. */
import type { IssueView, RecordLink } from './entry.ts'

export type Unlock =
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  | { readonly kind: 'passkey'; readonly credential: Uint8Array; readonly salt: Uint8Array; readonly secret: Uint8Array }

/** A vault this browser keeps a device key for. */
export type VaultCard = {
  readonly did: string
  readonly name: string
  /** Every way that opens it here; at least one. */
  readonly locks: readonly LockCard[]
  /** After wrong passphrases: until when none is tried. */
  readonly waitUntil: number
}

export type Me = {
  readonly did: string
  readonly name: string
  readonly fingerprint: string
  readonly relay: string
  readonly device: string
  /** Made-up data, in memory alone. */
  readonly sample: boolean
}

export type Row = {
  readonly id: string
  readonly title: string
  /** FHIR type, or the kind where there is none. */
  readonly type: string
  /** FHIR date or instant of care; the day of filing for files that name none; empty for people and places. */
  readonly date: string
  readonly end?: string
  readonly status?: string
  readonly compartment: string
  /** Absent when the vault itself filed it. */
  readonly author?: string
  readonly trust: 'own' | 'verified' | 'unverified'
  readonly issues: number
  /** The content lies at its author's, who is asked for it. */
  readonly heldByAuthor?: true
  /** The media type of a file that a small picture can be drawn of. */
  readonly picture?: string
  /** It waits on this device to be sent. */
  readonly waiting?: true
  /** In answers to a search: where in the content it was found. */
  readonly excerpt?: readonly { readonly text: string; readonly hit: boolean }[]
}

export type Query = {
  readonly text?: string
  readonly compartment?: string
  readonly type?: string
  /** Days of care, both included. */
  readonly from?: string
  readonly to?: string
  /** A name as rows have it, or `own` for what the vault itself filed. */
  readonly author?: string
  /** The beginning of the dates of care, as `2014-03`. */
  readonly stretch?: string
}

export type TimelineItem = { readonly year: string; readonly count: number } | Row

/** The answer to a query; its items are fetched by windows. `items` counts rows and year headings. */
export type Found = {
  readonly token: number
  readonly items: number
  readonly records: number
  readonly types: readonly string[]
  readonly milliseconds: number
}

export type CompartmentView = { readonly name: string; readonly count: number }

export type Content =
  | { readonly kind: 'fhir'; readonly resource: Readonly<Record<string, unknown>>; readonly text: string }
  /** A file. Its bytes are here when it is small; else they are asked for when it is looked at. */
  | { readonly kind: 'file'; readonly bytes?: Uint8Array }

/** Where a record came from, each part checked on this device just now. */
export type Provenance = {
  readonly author: string
  readonly own: boolean
  readonly signature: 'verified' | 'unknown'
  readonly signedAt: number
  readonly filedAt: number
  readonly anchoredAt: number | null
  readonly cid: string
  readonly file: string | null
  readonly attributes: Readonly<Record<string, string>>
}

export type RecordView = {
  readonly row: Row
  readonly mediaType: string
  readonly size: number
  readonly fileName: string
  readonly content: Content
  readonly from: Provenance
  /** The older record that this one names: whose it is, where that is known, and whether this one stands in its place or only beside it. */
  readonly prior: { readonly id: string; readonly author: string | null; readonly replaced: boolean } | null
  /** The last version, when this one was replaced: by whom, and since when where that is known; without an id where a session does not have it yet. */
  readonly newer: { readonly id: string | null; readonly author: string; readonly at: number | null } | null
  /** What others than its author, or its owner, wrote to amend it: it stands beside it. */
  readonly beside: readonly { readonly id: string; readonly author: string; readonly at: number | null }[]
  readonly links: readonly RecordLink[]
  readonly irregular: readonly IssueView[]
  /** Typed in here, so that it can be typed over. */
  readonly typed: boolean
}

export type FileOutcome = {
  readonly file: string
  readonly taken: number
  readonly withIssues: number
  readonly already: number
  readonly unreadable: number
  readonly failed: number
  /** Of those kept: how many wait on this device to be sent. */
  readonly waiting?: number
  /** The first thing that was wrong, as the checker said it. */
  readonly why?: string
  readonly done: boolean
}
/** `files` are those that changed since the last word; `part` is how much of all bytes was read, from 0 to 1. */
export type IntakeProgress = { readonly records: number; readonly files: readonly FileOutcome[]; readonly part: number | null }
/** `id` names it among the imports that this device remembers. */
export type IntakeResult = { readonly records: number; readonly cancelled: boolean; readonly id: string | null }

export type ContactView = {
  readonly did: string
  readonly name: string
  readonly verified: boolean
  readonly fingerprint: string
  readonly since: number
}

export type Level = 'read' | 'write' | 'admin'

export type ShareView = {
  readonly id: string
  /** The consents it stands for: a caregiver's is one to read and one to add, many named records are several. */
  readonly consents: readonly string[]
  readonly did: string
  readonly name: string
  readonly level: Level
  readonly compartments: readonly string[]
  readonly records: number
  readonly purposes: readonly string[]
  readonly from: number
  readonly until: number
  readonly state: 'live' | 'revoked' | 'expired'
  /** Also allows adding to it. */
  readonly mayAdd: boolean
  readonly given: number
  /** Whose record it is, where one passes on another's. */
  readonly of: { readonly did: string; readonly name: string } | null
  /** Who looks after the record and gave it in its owner's name. */
  readonly by: { readonly did: string; readonly name: string } | null
  /** The share under which it was passed on. */
  readonly under: string | null
  /** Counts only while somebody vouches for them. */
  readonly whileVouched: boolean
}

export type RequestView = {
  readonly id: string
  readonly did: string
  readonly name: string
  readonly verified: boolean
  readonly at: number
  readonly purpose: string
  readonly level: Level
  readonly compartments: readonly string[]
  readonly seconds: number
  readonly text: string
  /** A contact already, verified or not. */
  readonly known: boolean
  /** What an accredited issuer says they are, when one does: a code of its table, such as HOSPITAL. */
  readonly role?: string
  /** The name that the issuer vouches for. */
  readonly vouchedName?: string
}

export type Ended = { readonly compartments: number; readonly rekeyed: number; readonly unreached: readonly string[] }

export type Invitation = { readonly link: string; readonly until: number }

export type Looked = {
  readonly seq: number
  /** Place in the relay's log. */
  readonly index: number
  readonly did: string
  readonly time: number
  readonly name: string
  readonly own: boolean
  readonly person: string | null
  readonly role: string | null
  readonly action: string
  readonly denied: boolean
  readonly reasons: readonly string[]
  readonly purpose: string
  readonly compartments: readonly string[]
  /** Title and type are null for what was erased since. */
  readonly records: readonly { readonly id: string; readonly title: string | null; readonly type: string | null }[]
  readonly reader: 'verified' | 'unknown'
  /** The consent it was read under. */
  readonly share: string | null
  /** Who gave that consent in one's name. */
  readonly by: string | null
  /** What the credential was worth then that the consent counts by; null for a consent that names none. */
  readonly credential: 'live' | 'dead' | null
  /** SHA-256 of the receipt, in hex. */
  readonly hash: string
}

export type TrailView = {
  readonly looked: readonly Looked[]
  readonly receipts: number
  /** Entries of the log that they lie in. */
  readonly logSize: number
  /** The relay whose log this is. */
  readonly relay: string
  readonly anchored: {
    readonly size: number
    readonly time: number
    readonly root: string
    /** The transaction that brought it, and its block, where the ledger tells. */
    readonly written: { readonly tx: string; readonly block: number; readonly time: number } | null
  } | null
  /** Since when, and from how many entries on, this device saw the log only grow; null when it did not. */
  readonly unbroken: { readonly since: number; readonly from: number } | null
  /** What does not hold. `proof` is what the ledger would take as one, to be handed back to report it. */
  readonly problems: readonly { readonly seq: number; readonly code: string; readonly proof: Uint8Array | null }[]
  readonly checkedAt: number
}

/** What somebody independent was shown of the same log. */
export type WitnessView = {
  readonly url: string
  readonly name: string
  /** Null where it does not follow that log. */
  readonly seen: { readonly size: number; readonly at: number } | null
  /** Whether it was shown the same history as this device. */
  readonly same: boolean
  readonly charges: readonly { readonly kind: string; readonly reported: boolean }[]
  readonly proof: Uint8Array | null
  /** Why it could not be asked. */
  readonly failed: { readonly code: string } | null
}

export type Erased = { readonly at: number }

export type Synced = { readonly fresh: number; readonly messages: number; readonly problems: number; readonly wrong: number }
