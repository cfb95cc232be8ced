/** When an open record closes by itself: after so many minutes without a sign of its owner, and after so many hours whatever happens. */
export type Limits = { readonly idleMinutes: number; readonly mostHours: number }

/** What an owner may choose; nothing is longer than the last of each. */
export const IDLE_MINUTES = [5, 15, 60] as const
export const MOST_HOURS = [1, 4, 12, 24] as const

/** With what there is to choose from. */
export type LimitsView = Limits & { readonly choices: { readonly idleMinutes: readonly number[]; readonly mostHours: readonly number[] } }

/** Why it closed. */
export type Closed = 'idle' | 'most'
