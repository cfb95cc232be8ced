/** Wrong logins in a row, and since when the next is allowed (Unix seconds). */
export type Attempts = { readonly failures: number; readonly until: number }

const FREE = 5
const FIRST = 30
const LONGEST = 3600

/** Five mistakes are free; from then on each doubles the wait, up to an hour. */
export function failed(before: Attempts | null, now: number): Attempts {
  const failures = (before?.failures ?? 0) + 1
  const wait = failures < FREE ? 0 : Math.min(LONGEST, FIRST * 2 ** (failures - FREE))
  return { failures, until: now + wait }
}

export const isLocked = (attempts: Attempts | null, now: number): boolean => attempts !== null && attempts.until > now
/** How long mistakes are remembered after the last. */
export const ATTEMPTS_KEPT = 24 * 3600
