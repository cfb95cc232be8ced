import { begin, type Common, coded, LOINC, named, noteOf, pointers, type Resource, some, UCUM, written } from './build.ts'
import { at, list } from './read.ts'

/** A unit: its UCUM code, how people write it, and what lies beyond belief in it. */
export type Unit = { readonly code: string; readonly label: string; readonly low: number; readonly high: number }

export type Measure = {
  readonly loinc: string
  readonly display: string
  readonly category: 'vital-signs' | 'laboratory'
  readonly units: readonly Unit[]
}

const unit = (code: string, label: string, low: number, high: number): Unit => ({ code, label, low, high })
const vital = (loinc: string, display: string, ...units: Unit[]): Measure => ({ loinc, display, category: 'vital-signs', units })

/** What is measured at home most, by LOINC (© Regenstrief Institute). */
export const MEASURES = {
  weight: vital('29463-7', 'Body weight', unit('kg', 'kg', 1, 350), unit('[lb_av]', 'lb', 2, 770)),
  'blood-pressure': vital('85354-9', 'Blood pressure panel with all children optional', unit('mm[Hg]', 'mmHg', 25, 290)),
  'heart-rate': vital('8867-4', 'Heart rate', unit('/min', '/min', 25, 240)),
  temperature: vital('8310-5', 'Body temperature', unit('Cel', '°C', 30, 43), unit('[degF]', '°F', 86, 110)),
  glucose: {
    loinc: '2339-0',
    display: 'Glucose [Mass/volume] in Blood',
    category: 'laboratory',
    units: [unit('mg/dL', 'mg/dL', 20, 900), unit('mmol/L', 'mmol/L', 1, 50)],
  },
  height: vital('8302-2', 'Body height', unit('cm', 'cm', 30, 250), unit('[in_i]', 'in', 12, 100)),
  oxygen: vital('2708-6', 'Oxygen saturation in Arterial blood', unit('%', '%', 50, 100)),
  breathing: vital('9279-1', 'Respiratory rate', unit('/min', '/min', 4, 80)),
} as const satisfies Readonly<Record<string, Measure>>

export type MeasureName = keyof typeof MEASURES
export const MEASURE_NAMES = Object.keys(MEASURES) as readonly MeasureName[]
export const measureOf = (name: MeasureName): Measure => MEASURES[name]

/** Glucose has a code of its own by amount of substance. */
const GLUCOSE_MOLES = { loinc: '15074-8', display: 'Glucose [Moles/volume] in Blood' }
const SYSTOLIC = { loinc: '8480-6', display: 'Systolic blood pressure' }
const DIASTOLIC = { loinc: '8462-4', display: 'Diastolic blood pressure' }

/** Units offered for what has no entry of its own; UCUM. */
export const FREE_UNITS: readonly Omit<Unit, 'low' | 'high'>[] = [
  '%', 'g/dL', 'g/L', 'mg/dL', 'mg/L', 'ug/L', 'ng/mL', 'mmol/L', 'umol/L', 'nmol/L', 'U/L', 'm[IU]/L', '10*3/uL', '10*6/uL', 'mm', 'cm', 'kg',
  'g', 'mL', 'L', '/min', 's', 'min', 'h', 'mm/h', '1',
].map(code => ({ code, label: code === '1' ? '' : code })) // biome-ignore format: a list of codes

export type MeasurementInput = {
  readonly what: MeasureName | 'other'
  /** What was measured, in the words of whoever says so; needed for `other`. */
  readonly name?: string
  readonly value: number
  /** The lower of two, for blood pressure. */
  readonly second?: number
  /** UCUM. */
  readonly unit: string
  /** A laboratory's result, for `other`. */
  readonly laboratory?: boolean
  /** Day, or instant with its offset. */
  readonly date: string
  readonly note?: string
}

/** Something measured, at home or in a practice. */
export function buildMeasurement(common: Common, input: MeasurementInput): Resource {
  const category = input.what === 'other' ? (input.laboratory ? 'laboratory' : 'exam') : measureOf(input.what).category
  return {
    ...begin('Observation', common),
    status: 'final',
    category: [coded('observation-category', category)],
    code: codeOf(input),
    subject: named(common.patient),
    effectiveDateTime: input.date,
    issued: common.recorded,
    performer: [named(common.origin.name)],
    ...(input.what === 'blood-pressure' ? {} : { valueQuantity: quantity(input.value, input.unit) }),
    ...some('derivedFrom', pointers(common.attached)),
    ...noteOf(input.note, common.recorded),
    ...(input.what === 'blood-pressure' ? { component: pressures(input) } : {}),
  }
}

const concept = ({ loinc, display }: { readonly loinc: string; readonly display: string }) => ({
  coding: [{ system: LOINC, code: loinc, display }],
})

function codeOf({ what, name = '', unit: code }: MeasurementInput): Record<string, unknown> {
  if (what === 'other') return { text: name }
  if (what === 'blood-pressure') return { ...concept(measureOf(what)), text: name || 'Blood pressure' }
  const measure = what === 'glucose' && code === 'mmol/L' ? GLUCOSE_MOLES : measureOf(what)
  return { ...concept(measure), text: name || (what === 'glucose' ? 'Glucose' : measure.display) }
}

const labelOf = (code: string): string =>
  Object.values(MEASURES as Readonly<Record<string, Measure>>)
    .flatMap(m => m.units)
    .find(u => u.code === code)?.label ?? code

const quantity = (value: number, code: string): Record<string, unknown> => ({
  value,
  unit: labelOf(code),
  ...(code ? { system: UCUM, code } : {}),
})

const pressures = ({ value, second = 0, unit: code }: MeasurementInput): unknown[] => [
  { code: concept(SYSTOLIC), valueQuantity: quantity(value, code) },
  { code: concept(DIASTOLIC), valueQuantity: quantity(second, code) },
]

/** Whether a value is beyond belief, so that someone should look at it again; nobody refuses it. */
export function questionable({ what, value, second, unit: code }: Pick<MeasurementInput, 'what' | 'value' | 'second' | 'unit'>): boolean {
  if (what === 'other') return false
  const range = measureOf(what).units.find(u => u.code === code)
  const outside = (n: number): boolean => range !== undefined && (n < range.low || n > range.high)
  return outside(value) || (what === 'blood-pressure' && second !== undefined && (outside(second) || second >= value))
}

export function readMeasurement(r: unknown): MeasurementInput {
  const loinc = written(r, 'code', 'coding', 'code')
  const what = MEASURE_NAMES.find(n => measureOf(n).loinc === loinc) ?? (loinc === GLUCOSE_MOLES.loinc ? 'glucose' : 'other')
  const [first, second] = list(at(r, 'component'))
  const number = (of: unknown): number => {
    const value = at(of, 'valueQuantity', 'value')
    return typeof value === 'number' ? value : Number.NaN
  }
  const source = what === 'blood-pressure' ? first : r
  return {
    what,
    name: written(r, 'code', 'text'),
    value: number(source),
    ...(what === 'blood-pressure' ? { second: number(second) } : {}),
    unit: written(source, 'valueQuantity', 'code'),
    laboratory: written(r, 'category', 'coding', 'code') === 'laboratory',
    date: written(r, 'effectiveDateTime'),
    note: written(r, 'note', 'text'),
  }
}
