import { begin, type Common, coded, LOINC, named, noteOf, type Resource, UCUM } from './build.ts'
import { LAB_TESTS } from './lab-tests.ts'

export type ResultInput = {
  /** The `name` of one of {@link LAB_TESTS}, or `other`. */
  readonly test: string
  /** What was measured, for `other`. */
  readonly name?: string
  readonly value: number
  /** UCUM, for `other`; a listed test has its own, for its code says the dimension. */
  readonly unit?: string
  /** The reference range of the laboratory that measured. */
  readonly low?: number
  readonly high?: number
  /** Day, or instant with its offset. */
  readonly date: string
  readonly note?: string
}

/** A laboratory result typed in from a report: value, unit, range, and whether the value is in it. */
export function buildResult(common: Common, input: ResultInput): Resource {
  const known = LAB_TESTS.find(t => t.name === input.test)
  const unit = known?.unit ?? input.unit?.trim() ?? ''
  const quantity = (value: number) => ({
    value,
    ...(unit ? { unit: known ? (LABELS[unit] ?? unit) : unit, system: UCUM, code: unit } : {}),
  })
  const range = {
    ...(input.low === undefined ? {} : { low: quantity(input.low) }),
    ...(input.high === undefined ? {} : { high: quantity(input.high) }),
  }
  return {
    ...begin('Observation', common),
    status: 'final',
    category: [coded('observation-category', 'laboratory')],
    code: known
      ? { coding: [{ system: LOINC, code: known.loinc, display: known.display }], text: known.label }
      : { text: input.name?.trim() ?? '' },
    subject: named(common.patient),
    effectiveDateTime: input.date,
    issued: common.recorded,
    performer: [named(common.origin.name)],
    valueQuantity: quantity(input.value),
    ...(Object.keys(range).length
      ? { interpretation: [coded('v3-ObservationInterpretation', flagOf(input))], referenceRange: [range] }
      : {}),
    ...noteOf(input.note, common.recorded),
  }
}

/** Units whose code is not how people write them. */
const LABELS: Readonly<Record<string, string>> = { 'm[IU]/L': 'mIU/L', '{INR}': 'INR', 'umol/L': 'µmol/L', '10*3/uL': '10³/µL' }

const flagOf = ({ value, low, high }: ResultInput): string =>
  low !== undefined && value < low ? 'L' : high !== undefined && value > high ? 'H' : 'N'
