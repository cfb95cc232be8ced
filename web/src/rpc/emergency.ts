import type { SessionView } from './clinician.ts'
import type { Row } from './views.ts'

/** What the page sees of emergency access: plain data, tags in hex, times in Unix seconds. */

export type CustodianView = {
  readonly did: string
  readonly name: string
  readonly url: string
  /** When it last proved that it holds its share. */
  readonly drilledAt: number | null
}
export type ToldContact = { readonly name: string; readonly kind: 'email' | 'webhook'; readonly address: string }

/** Why a new set-up or, for `card`, a new print is owed. */
export type Owed = 'opened' | 'keys' | 'horizon' | 'card'

/** Somebody asked to read the emergency summary, as custodians told it and the ledger has it. */
export type OpeningView = {
  readonly tag: string
  readonly name: string
  readonly role: string
  readonly reason: string
  readonly at: number
  /** When the window closes; null when the ledger could not be asked. */
  readonly until: number | null
  /** How many custodians told of it. */
  readonly told: number
  readonly state: 'waiting' | 'open' | 'over' | 'vetoed' | 'unknown'
  /** What the ledger says of the credential now. */
  readonly vouched: 'live' | 'ended' | 'unknown'
  /** The words of the review, once there are some. */
  readonly words: string | null
  /** Whether the ledger holds the review. */
  readonly reviewed: boolean
}

export type EmergencySet = {
  readonly version: number
  readonly at: number
  readonly threshold: number
  readonly custodians: readonly CustodianView[]
  readonly contacts: readonly ToldContact[]
  readonly delay: number
  readonly window: number
  readonly persons: number
  /** The plain words on the card. */
  readonly words: string
}

export type EmergencyView = { readonly set: EmergencySet | null; readonly owed: Owed | null; readonly openings: readonly OpeningView[] }

/** What waits for the patient: openings that were not reviewed, and what is owed. */
export type EmergencyWaiting = Pick<EmergencyView, 'owed' | 'openings'> & {
  /** Names of devices that are woken no more. */
  readonly asleep: readonly string[]
  /** Emergencies of people whom one looks after, of the last day: whose, and who asked. */
  readonly concerns: readonly {
    readonly id: string
    readonly of: string
    readonly name: string
    readonly role: string
    readonly at: number
  }[]
}

export type NewEmergency = {
  readonly custodians: readonly { readonly did: string; readonly url: string }[]
  readonly threshold: number
  readonly contacts: readonly ToldContact[]
  readonly delay: number
  readonly window: number
  readonly persons: 1 | 2
}
export type EmergencyDone = { readonly unreached: readonly string[] }
export type DrillView = { readonly url: string; readonly state: 'holds' | 'unreachable' | 'wrong' }
export type SummaryNow = { readonly words: string; readonly current: boolean }

/** A card as it was read, with no network. */
export type CardRead = {
  readonly words: string
  /** The signature of the card's own key holds over words and rules. */
  readonly vouched: boolean
  readonly custodians: number
  readonly delay: number
  readonly window: number
  readonly persons: number
}

export type AskedView = {
  readonly tag: string
  readonly state: 'waiting' | 'open' | 'over' | 'vetoed' | 'unknown'
  readonly opensAt: number | null
  readonly closesAt: number | null
  /** A second professional is still to approve it. */
  readonly alone: boolean
}

/** Whether the ledger vouches for the professional here, and whether under that credential emergencies may be asked for. */
export type OwnCredential = {
  readonly name: string
  readonly role: string
  readonly until: number
  readonly state: 'live' | 'ended' | 'elsewhere' | 'false' | 'unknown'
}

export type Answering = { readonly url: string; readonly state: 'released' | 'tampered' | 'refused' | 'unreachable' }
export type AnsweringSoFar = { readonly of: number; readonly answers: readonly Answering[] }

export type SummarySection = { readonly title: string; readonly lines: readonly { readonly text: string; readonly note: string }[] }

/** The emergency compartment while it is read. */
export type EmergencyReading = {
  readonly session: SessionView
  readonly answers: readonly Answering[]
  readonly sections: readonly SummarySection[]
  /** When the summary was made; null without one. */
  readonly madeAt: number | null
  /** What else lies in the compartment. */
  readonly rows: readonly Row[]
}
