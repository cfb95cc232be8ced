import { unitLabel } from './fhir.ts'
import type { Words } from './words.ts'

const formats = new Map<string, Intl.NumberFormat>()

/** A measured number, as exact as it was written: small ones keep their digits. */
export function amount({ locale }: Pick<Words, 'locale'>, value: number): string {
  const format = formats.get(locale) ?? new Intl.NumberFormat(locale, { maximumFractionDigits: 8 })
  formats.set(locale, format)
  return format.format(Number(value.toPrecision(8)))
}

/** Several numbers of one measurement with their unit: `126/78 mmHg`. */
export function amounts(words: Pick<Words, 'locale'>, values: readonly (number | null)[], unit: string, comparator = ''): string {
  const numbers = values.map(v => (v === null ? '–' : amount(words, v))).join('/')
  return `${comparator}${numbers}${unit ? ` ${unitLabel(unit)}` : ''}`
}
