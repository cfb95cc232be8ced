/** One use of a rule: who asked for what; `share` is the share that came of it, while it is on the list of shares. */
export type UseView = {
  readonly id: string
  readonly name: string
  readonly at: number
  /** Until when a waiting one can be refused; then it is given. */
  readonly due: number
  readonly state: 'waiting' | 'given' | 'vetoed' | 'failed'
  readonly parts: readonly string[]
  readonly purpose: string
  readonly seconds: number
  readonly share: { readonly id: string; readonly live: boolean } | null
}

/** A standing rule, as its signature says it. Durations in seconds, times in Unix seconds. */
export type RuleView = {
  readonly id: string
  readonly name: string
  /** A person by name; or, when null, whoever holds a live credential of `role`. */
  readonly to: string | null
  readonly role: string | null
  readonly parts: readonly string[]
  readonly purposes: readonly string[]
  readonly longest: number
  /** Uses within 30 days; and how many of these are spent. */
  readonly cap: number
  readonly spent: number
  readonly until: number
  readonly veto: number
  /** `unsigned`: not as this person signed it; it counts for nothing. */
  readonly state: 'live' | 'ended' | 'expired' | 'unsigned'
  /** Newest first. */
  readonly uses: readonly UseView[]
}

export type NewRule = Pick<RuleView, 'name' | 'parts' | 'purposes' | 'longest' | 'cap' | 'until' | 'veto'> & {
  /** A DID; or null, and a role instead. */
  readonly to: string | null
  readonly role: string | null
}
