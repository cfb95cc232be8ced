import type { Row } from './views.ts'

/** A record that does not hold: who claims to have written it, and what failed. */
export type HeldView = {
  readonly id: string
  readonly title: string | null
  readonly type: string | null
  readonly date: string
  /** Who claims to have written it. */
  readonly author: string | null
  /** Whether that is somebody this vault knows and has verified. */
  readonly known: boolean
  /** Who handed it in, on the relay's word. */
  readonly by: string | null
  readonly code: string
  readonly at: number
  readonly ignored: boolean
}

export type Attention = {
  readonly held: readonly HeldView[]
  /** Records whose author's keys are not to be had. */
  readonly unverified: readonly Row[]
  /** How many still wait for somebody to look. */
  readonly waiting: number
}

export type NewsKind =
  | 'records'
  | 'opened'
  | 'request'
  | 'contact'
  | 'shared'
  | 'ended'
  | 'ending'
  | 'held'
  | 'emergency'
  | 'concern'
  | 'asked'
  | 'answered'
  | 'frozen'
  | 'lifted'
  | 'objected'
  | 'erased'
  | 'amended'
  | 'guarding'
  | 'guardian'
  | 'unproved'
  | 'breach'
  | 'hold'
  | 'released'
  | 'ruleWaits'
  | 'ruleGave'
  | 'copies'
  | 'untold'
  | 'warning'

export type NewsItem = {
  readonly id: string
  readonly kind: NewsKind
  readonly at: number
  readonly name: string
  readonly count: number
  readonly read: boolean
  /** What one’s own agent has to say, by its code. */
  readonly said?: { readonly code: string; readonly values: Readonly<Record<string, string>> }
}

export type News = { readonly items: readonly NewsItem[]; readonly unread: number }

export type MilestoneView = {
  readonly id: string
  readonly kind: 'Vaccination' | 'MajorProcedure' | 'ChronicAchievement' | 'PreventiveCare'
  readonly row: Row
  readonly token: 'none' | 'waiting' | 'minted'
  /** Where the token is on the ledger, for those who look there. */
  readonly ledger: { readonly token: string; readonly holder: string } | null
}

/** Which account of disclosures is wanted; Unix seconds, both ends included, null for since the beginning. */
export type AccountAsked = {
  readonly format: 'csv' | 'pdf'
  readonly language: 'en' | 'de'
  readonly from: number | null
  readonly until: number
  readonly own: boolean
}
