/** How long what lies in a part is to be kept, counted from what a record tells of. */
export type KeepRule = { readonly part: string; readonly days: number }

/** What a person signs: the rules, and how many seconds what is due waits after it was announced. */
export type KeepRules = { readonly rules: readonly KeepRule[]; readonly notice: number }

/** A record that goes; `on` is the earliest time, in Unix seconds. */
export type GoingView = { readonly id: string; readonly title: string; readonly part: string; readonly on: number }

/** What rules would do, if they were signed now. */
export type Simulated = {
  /** Names what was shown: only that is signed. */
  readonly plan: string
  /** Announced at the agent's next look; within a year after that; later. */
  readonly counts: { readonly now: number; readonly year: number; readonly later: number }
  /** The first to go. */
  readonly first: readonly GoingView[]
}

/** The person's own rules for erasing, as they stand. */
export type RetentionView = {
  /** Null while nothing was signed, and when it is `invalid`: not as this person signed it, so that it counts for nothing. */
  readonly signed: (KeepRules & { readonly at: number }) | null
  readonly invalid: boolean
  /** What was announced, and goes from `on` on unless the rules are ended. */
  readonly waiting: { readonly on: number; readonly count: number; readonly first: readonly GoingView[] } | null
  /** Who said that they may delete nothing: while that stands nothing goes by itself. */
  readonly holds: readonly string[]
}
