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

/** Days of so many years. */
export const daysOf = (years: number): number => Math.round(years * 365.25)

/** For how many days something is kept: in years where they are whole. */
export function keptText(words: Words, days: number): string {
  const years = Math.floor(days / 365)
  const whole = years > 0 && (days === daysOf(years) || days === years * 365)
  const [count, unit] = whole ? ([years, 'year'] as const) : ([days, 'day'] as const)
  return count === 1 ? `1 ${words.span(1, unit)}` : words.span(count, unit)
}

/** What is left of a long wait: days and hours, then hours and minutes. */
export function leftText(words: Words, seconds: number): string {
  const minutes = Math.max(1, Math.ceil(seconds / 60))
  const days = Math.floor(minutes / 1440)
  const hours = Math.floor((minutes % 1440) / 60)
  const counted = (n: number, unit: 'day' | 'hour' | 'minute'): string => (n === 1 ? `1 ${words.span(1, unit)}` : words.span(n, unit))
  const parts = days
    ? [days && counted(days, 'day'), hours && counted(hours, 'hour')]
    : [hours && counted(hours, 'hour'), minutes % 60 && counted(minutes % 60, 'minute')]
  return parts.filter(p => p).join(', ')
}
