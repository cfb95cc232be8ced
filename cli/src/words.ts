import { LANGUAGES, type Language } from '@keepwell/adapters/paper/words'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { LEVELS, type Level, PURPOSES, type Purpose } from '@keepwell/sdk/consent/terms'
import type { Args } from '#command'

const UNITS: Readonly<Record<string, number>> = { h: 3600, d: 86_400, w: 7 * 86_400, m: 30 * 86_400, y: 365 * 86_400 }

const usage = (message: string) => new KeepwellError('USAGE', message)

/** `90d`, `12h`, `2w`, `6m` (of 30 days), `1y` in seconds. Throws USAGE. */
export function seconds(text: string): number {
  const [, number, unit] = /^(\d{1,5})([hdwmy])$/.exec(text.trim()) ?? []
  if (!number || !unit || Number(number) === 0) throw usage(`"${text}" is no length of time; write 12h, 90d, 2w, 6m or 1y.`)
  return Number(number) * UNITS[unit]!
}

/** A date, an instant, or a length of time from now, in Unix seconds. A date without a time means its end (UTC). Throws USAGE. */
export function until(text: string, now: number): number {
  if (/^\d{1,5}[hdwmy]$/.test(text.trim())) return now + seconds(text)
  const date = /^\d{4}-\d{2}-\d{2}$/.test(text.trim()) ? `${text.trim()}T23:59:59Z` : text
  const parsed = /^\d{4}-\d{2}-\d{2}/.test(date) ? Date.parse(date) : Number.NaN
  if (Number.isNaN(parsed)) throw usage(`"${text}" is no time; write 2027-12-31, 2027-12-31T12:00:00Z, or 90d.`)
  return Math.floor(parsed / 1000)
}

/** What is put on paper is in one of these; English unless said. Throws USAGE. */
export function languageOf(args: Pick<Args, 'text'>): Language {
  const found = LANGUAGES.find(l => l === (args.text('language') ?? 'en'))
  if (!found) throw usage(`--language is ${LANGUAGES.join(' or ')}.`)
  return found
}

/** Of `--trail-years`: a whole number from 1 to 999. Throws USAGE. */
export function trailYears(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw usage('--trail-years is a number of years.')
  return Number(text)
}

/** HL7 PurposeOfUse by its code, or by the word people use. */
const PURPOSE_WORDS: Readonly<Record<string, Purpose>> = {
  treatment: 'TREAT',
  emergency: 'ETREAT',
  'care-management': 'CAREMGT',
  payment: 'HPAYMT',
  operations: 'HOPERAT',
  research: 'HRESCH',
  'own-request': 'PATRQT',
  family: 'FAMRQT',
  'public-health': 'PUBHLTH',
  coverage: 'COVERAGE',
}

export function purpose(text: string): Purpose {
  const code = text.trim().toUpperCase()
  const found = PURPOSES.find(p => p === code) ?? PURPOSE_WORDS[text.trim().toLowerCase()]
  if (!found) throw usage(`"${text}" is no purpose; there are ${Object.keys(PURPOSE_WORDS).join(', ')}.`)
  return found
}

export const purposeWord = (code: string): string => Object.entries(PURPOSE_WORDS).find(([, c]) => c === code)?.[0] ?? code

export function level(text: string): Level {
  const found = LEVELS.find(l => l === text.trim().toLowerCase())
  if (!found) throw usage(`"${text}" is no level; there are ${LEVELS.join(', ')}.`)
  return found
}
