import type { Outside } from './results.ts'
import type { CompartmentView, Level, Query, Row, ShareView } from './views.ts'

/** What the page sees of a reader's side: plain data, ids in hex, times in Unix seconds. */

/** Who reads here, as receipts name them. */
export type Reader = { readonly clinician: boolean; readonly person: string; readonly role: string }

export type DeskShare = ShareView & {
  /** When this device last opened it. */
  readonly openedAt: number | null
}

/** One person whose record may be read or added to, with every share of theirs. */
export type PatientCard = {
  readonly did: string
  readonly name: string
  readonly shares: readonly DeskShare[]
  readonly openedAt: number | null
  /** The last end among its live shares; of past ones when none is live. */
  readonly until: number
  readonly live: boolean
}

/** A request this device sent. Whoever is asked may decline without a word, so `unanswered` is all that can be known of that. */
export type SentRequest = {
  readonly id: string
  readonly did: string
  readonly name: string
  readonly at: number
  readonly purpose: string
  readonly level: Level
  readonly compartments: readonly string[]
  readonly seconds: number
  readonly text: string
  readonly state: 'waiting' | 'granted' | 'unanswered'
}

export type DeskView = {
  readonly reader: Reader
  readonly patients: readonly PatientCard[]
  readonly sent: readonly SentRequest[]
}

export type NewRequest = {
  readonly to: string
  readonly levels: readonly ('read' | 'write')[]
  readonly compartments: readonly string[]
  readonly purpose: string
  readonly seconds: number
  readonly text: string
}

export type OpenSession = { readonly share: string; readonly purpose: string; readonly person: string; readonly role: string }

export type SessionView = {
  readonly share: ShareView
  readonly purpose: string
  readonly person: string
  readonly role: string
  readonly openedAt: number
  readonly records: number
  /** Filed since this share was last opened here; null the first time. */
  readonly fresh: number | null
  /** Cards that could not be opened. */
  readonly problems: number
  readonly parts: readonly CompartmentView[]
  /** How much has been opened, so that every screen of the session says the same. */
  readonly opened: OpenedCount
  /** Records that did not open, or are not what they claim to be, by the code of why. */
  readonly refused: readonly RefusedView[]
}
export type RefusedView = { readonly id: string; readonly title: string; readonly code: string }

/** Records whose content can be opened at once, and how many of them are. Images and files are opened one by one. */
export type OpenedCount = { readonly open: number; readonly of: number; readonly receipts: number }

/** `files`: images, letters and reports alone. */
export type SessionQuery = Query & { readonly files?: boolean }

export type SessionOver = {
  readonly share: string
  readonly name: string
  readonly why: 'ended' | 'expired' | 'revoked' | 'refused' | 'idle' | 'vetoed' | 'frozen'
  readonly seconds: number
  /** Contents that had been opened, all forgotten now. */
  readonly opened: number
  readonly receipts: number
}

export type SessionOverview = {
  readonly groups: readonly { readonly name: OverviewGroup; readonly rows: readonly OverviewRow[]; readonly count: number }[]
}
/** Once its content is open a line says more: how a medicine is taken, what an allergy does, which side of its range a value is on. */
export type OverviewRow = Row & { readonly note?: string; readonly outside?: Outside }
export const OVERVIEW_GROUPS = ['problems', 'medications', 'allergies', 'vaccinations', 'results', 'visits'] as const
export type OverviewGroup = (typeof OVERVIEW_GROUPS)[number]

export type LinkedRow = Row & { readonly why: 'named' | 'code' | 'visit' }
export type ProblemView = { readonly row: Row; readonly times: number; readonly over: boolean; readonly links: readonly LinkedRow[] }
export type ProblemsView = {
  readonly problems: readonly ProblemView[]
  readonly unlinked: readonly { readonly type: string; readonly count: number; readonly rows: readonly Row[] }[]
}

/** What a clinician adds. Days are FHIR dates; files come whole, as a Blob. */
export type WriteInput =
  | { readonly kind: 'note'; readonly title: string; readonly text: string; readonly type: NoteKind; readonly date: string }
  | {
      readonly kind: 'result'
      readonly test: string
      readonly name: string
      readonly value: number
      readonly unit: string
      readonly low: number | null
      readonly high: number | null
      readonly date: string
      readonly note: string
    }
  | {
      readonly kind: 'vaccination'
      readonly vaccine: string
      readonly lot: string
      readonly maker: string
      readonly dose: number | null
      readonly date: string
      readonly note: string
    }
  | { readonly kind: 'document'; readonly name: string; readonly file: Blob }

export type NoteKind = 'progress' | 'consultation' | 'summary' | 'procedure' | 'referral'

/** A test that can be typed in: its name in the catalogue of texts, and its UCUM unit. */
export type LabTestView = { readonly name: string; readonly unit: string }

/** `person` is who writes, in the record; the signature is the vault's. */
export type NewWriting = { readonly to: string; readonly purpose: string; readonly person: string; readonly what: WriteInput }

/** What became of it: the part it was filed under, or `inbox` where the share does not cover `part`. */
export type Written = { readonly title: string; readonly part: string; readonly filed: string; readonly at: number }
