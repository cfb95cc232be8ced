import type { Words } from './words.ts'

const HOUR = 3600

/** A length of time as people say it: hours where they are whole, else minutes. */
export function lengthText(words: Words, seconds: number): string {
  const [n, unit] = seconds % HOUR ? ([seconds / 60, 'minute'] as const) : ([seconds / HOUR, 'hour'] as const)
  return n === 1 ? `1 ${words.span(1, unit)}` : words.span(n, unit)
}

const DAY = 24 * HOUR

/** A length of time in whole days. */
export function daysText(words: Words, seconds: number): string {
  const n = Math.round(seconds / DAY)
  return n === 1 ? `1 ${words.span(1, 'day')}` : words.span(n, 'day')
}
