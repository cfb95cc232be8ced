import { utf8 } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { type Common, isWritten, type Origin, type Resource } from '@keepwell/sdk/health/fhir/build'
import { buildAllergy, readAllergy } from '@keepwell/sdk/health/fhir/build-allergy'
import { buildCondition, readCondition } from '@keepwell/sdk/health/fhir/build-condition'
import {
  buildMeasurement,
  FREE_UNITS,
  MEASURE_NAMES,
  measureOf,
  questionable,
  readMeasurement,
} from '@keepwell/sdk/health/fhir/build-measurement'
import { buildMedication, readMedication } from '@keepwell/sdk/health/fhir/build-medication'
import { buildNote, readNote } from '@keepwell/sdk/health/fhir/build-note'
import { buildVaccination, readVaccination } from '@keepwell/sdk/health/fhir/build-vaccination'
import type { Measures, Typed } from '#rpc/entry.ts'

export const measures = (): Measures => ({
  measures: MEASURE_NAMES.map(name => ({ name, units: measureOf(name).units.map(({ code, label }) => ({ code, label })) })),
  units: FREE_UNITS.map(({ code, label }) => ({ code, label })),
})

type Measurement = Extract<Typed, { kind: 'measurement' }>

/** A form's measurement as the builder takes it. Throws BAD_INPUT when its number is missing. */
function measurementOf({ what, value, second, ...rest }: Measurement) {
  const known = MEASURE_NAMES.find(n => n === what) ?? ('other' as const)
  ensure(value !== null && (known !== 'blood-pressure' || second !== null), 'BAD_INPUT', 'A measurement needs its number.')
  return { ...rest, what: known, value, ...(second === null ? {} : { second }) }
}

/** The resource that says what was typed. */
export function build(common: Common, typed: Typed): Resource {
  switch (typed.kind) {
    case 'medication':
      return buildMedication(common, typed)
    case 'allergy':
      return buildAllergy(common, typed)
    case 'vaccination':
      return buildVaccination(common, { ...typed, ...(typed.dose === null ? { dose: 0 } : { dose: typed.dose }) })
    case 'measurement':
      return buildMeasurement(common, measurementOf(typed))
    case 'condition':
      return buildCondition(common, typed)
    case 'note':
      return buildNote(common, typed)
  }
}

/** Whether a typed value should be looked at again before it is filed. */
export const doubtful = (typed: Typed): boolean =>
  typed.kind === 'measurement' && typed.value !== null && questionable(measurementOf({ ...typed, second: typed.second ?? 0 }))

const READERS: Readonly<Record<string, (r: unknown) => Typed>> = {
  MedicationStatement: r => ({ kind: 'medication', ...whole(readMedication(r)) }),
  AllergyIntolerance: r => ({ kind: 'allergy', ...whole(readAllergy(r)) }),
  Immunization: r => ({ kind: 'vaccination', ...whole(readVaccination(r)), dose: readVaccination(r).dose ?? null }),
  Observation: r => {
    const { value, second, ...rest } = readMeasurement(r)
    return { kind: 'measurement', ...whole(rest), value: numberOr(value), second: numberOr(second) }
  },
  Condition: r => ({ kind: 'condition', ...whole(readCondition(r)) }),
  DocumentReference: r => ({ kind: 'note', ...whole(readNote(r)) }),
}

const numberOr = (n: number | undefined): number | null => (n === undefined || Number.isNaN(n) ? null : n)

/** Builders read every member back, though their inputs need not have them. */
const whole = <T>(input: T): { [K in keyof T]-?: Exclude<T[K], undefined> } => input as never

/** A typed record as the form holds it; null for what came from elsewhere. */
export const unbuild = (resource: Readonly<Record<string, unknown>>): Typed | null =>
  isWritten(resource) ? (READERS[String(resource.resourceType)]?.(resource) ?? null) : null

export const resourceFile = (resource: Resource): Uint8Array => utf8(JSON.stringify(resource))
export const byPatient = (name: string): Origin => ({ by: 'patient', name })
