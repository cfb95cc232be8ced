/** Wrong passphrases that are free: a person mistypes. */
const FREE = 5
const FIRST_WAIT = 30
const LONGEST_WAIT = 15 * 60

/** Wrong passphrases given in a row, and until when no other is tried. */
export type Tries = { readonly count: number; readonly until: number }
export const NO_TRIES: Tries = { count: 0, until: 0 }

/** Seconds to wait after so many wrong passphrases: nothing for the first ones, then twice as long each time. */
export const waitAfter = (count: number): number => (count < FREE ? 0 : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (count - FREE)))

/** Counted before the passphrase is tried, so that closing the page meanwhile saves nobody a wait. */
export const oneMore = ({ count }: Tries, now: number): Tries => ({ count: count + 1, until: now + waitAfter(count + 1) })

/** Until when to wait. A clock that was set back does not make it longer than it can be. */
export const waitUntil = ({ count, until }: Tries, now: number): number => (until <= now ? 0 : Math.min(until, now + waitAfter(count)))
