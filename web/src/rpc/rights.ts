export const RIGHTS = ['access', 'rectify', 'erase', 'restrict', 'object', 'accounting'] as const
export type Right = (typeof RIGHTS)[number]
export const LAWS = ['gdpr', 'hipaa'] as const
export type Law = (typeof LAWS)[number]

/** How far others may go, whatever was agreed. */
export type LimitsView = {
  readonly frozen: boolean
  /** While frozen, consents for emergencies alone go on. */
  readonly emergency: boolean
  /** When the freeze began. */
  readonly since: number | null
  readonly objects: readonly string[]
  /** Since when no new consents are taken. */
  readonly closed: number | null
  /** When the place that keeps the record put them in force; null while it has not said so. */
  readonly confirmed: number | null
}

/** A request for a right: one's own of somebody (`mine`), or somebody's of one's own. */
export type CaseView = {
  readonly id: string
  readonly mine: boolean
  readonly did: string
  readonly name: string
  readonly right: Right
  readonly law: Law
  readonly at: number
  readonly due: number
  readonly stands: 'answered' | 'waiting' | 'late'
  readonly state: 'asked' | 'done' | 'refused' | 'extended'
  readonly text: string
  readonly answer: string
  readonly answeredAt: number | null
  readonly records: readonly { readonly id: string; readonly title: string | null }[]
  /** The record in which one disagrees with the answer. */
  readonly statement: string | null
}

/** What an organisation says that it owes to say: its word. */
export type ToldView = {
  readonly id: string
  readonly name: string
  readonly at: number
  readonly kind: 'breach' | 'hold'
  readonly text: string
  readonly law: string
  readonly since: number
  readonly until: number | null
  readonly ended: number | null
}

export type RightsView = { readonly limits: LimitsView | null; readonly cases: readonly CaseView[]; readonly told: readonly ToldView[] }

/** What became of a change of limits: who was told, and how many shares it ended. */
export type Limited = { readonly told: readonly string[]; readonly unreached: readonly string[]; readonly ended: number }

/** Laws that set a deadline for a right, and until when one must be answered that is asked for now. */
export type Deadlines = readonly { readonly right: Right; readonly law: Law; readonly due: number; readonly source: string }[]

export type AskRight = {
  readonly to: string
  readonly right: Right
  readonly law: Law
  readonly records: readonly string[]
  readonly text: string
}
export type AnswerRight = { readonly id: string; readonly outcome: 'done' | 'refused' | 'extended'; readonly text: string }
