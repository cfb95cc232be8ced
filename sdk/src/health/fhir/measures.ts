/** What an Observation measured. Total: imperfect FHIR gives what can be read of it, never an error. */
import type { Coding, JsonObject } from './read.ts'
import { at, codings, conceptText, field, isObject, list, resourceTypeOf, string } from './read.ts'

/** One value of one thing. Numbers are decimal text as the source wrote them, so that `7.40` and `1e3` lose nothing. */
export type Measure = {
  readonly codes: readonly Coding[]
  readonly name: string
  readonly value?: string
  /** `<`, `<=`, `>=`, `>` (or `ad`): the value is a limit, as laboratories report what they could not measure. */
  readonly comparator?: string
  /** The unit as people read it. */
  readonly unit?: string
  /** The UCUM code, when the source gave one. */
  readonly ucum?: string
  readonly low?: string
  readonly high?: string
  /** The unit of the range, when it is another than the value's. */
  readonly rangeUnit?: string
  /** HL7 ObservationInterpretation: `H`, `LL`, `N`, `A`, `POS` … */
  readonly flag?: string
  /** A result in words or codes. */
  readonly text?: string
}

export const MAX_MEASURES = 64
const MAX_CODES = 4
const UCUM = 'http://unitsofmeasure.org'
const COMPARATORS = new Set(['<', '<=', '>=', '>', 'ad'])

const cut = (s: string | undefined, max: number): string | undefined => s?.slice(0, max).trim().toWellFormed() || undefined

/** A finite number as decimal text; text that is one counts as well. */
function decimal(x: unknown): string | undefined {
  if (typeof x === 'number') return Number.isFinite(x) ? String(x) : undefined
  const text = string(x)?.trim()
  return text && text.length <= 40 && /^[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?$/.test(text) ? text.replace(/^\+/, '') : undefined
}

/** `<0.01 mg/dL`, `5,4`: what laboratories write into a string. */
const WRITTEN = /^\s*(<=|>=|<|>)?\s*([+-]?\d{1,12}(?:[.,]\d{1,9})?)\s*(%|[A-Za-zµ°/[][^\s;]{0,20})?\s*$/

type Value = Pick<Measure, 'value' | 'comparator' | 'unit' | 'ucum' | 'text'>

function quantity(x: unknown): Value {
  const value = decimal(field(x, 'value'))
  const comparator = string(field(x, 'comparator'))
  const code = cut(string(field(x, 'code')), 60)
  const unit = cut(string(field(x, 'unit')), 60) ?? code
  const ucum = string(field(x, 'system')) === UCUM ? code : undefined
  return {
    ...(value === undefined ? {} : { value }),
    ...(value !== undefined && comparator && COMPARATORS.has(comparator) ? { comparator } : {}),
    ...(unit ? { unit } : {}),
    ...(ucum ? { ucum } : {}),
  }
}

function written(text: string): Value {
  const found = WRITTEN.exec(text)
  if (!found) return { text: cut(text, 200)! }
  const [, comparator, value, unit] = found
  return { value: value!.replace(',', '.').replace(/^\+/, ''), ...(comparator ? { comparator } : {}), ...(unit ? { unit } : {}) }
}

function resultOf(of: unknown): Value {
  if (isObject(field(of, 'valueQuantity'))) return quantity(field(of, 'valueQuantity'))
  const integer = decimal(field(of, 'valueInteger')) ?? decimal(field(of, 'valueDecimal'))
  if (integer !== undefined) return { value: integer }
  const text = string(field(of, 'valueString'))
  if (text) return written(text)
  const ratio = field(of, 'valueRatio')
  const parts = [decimal(at(ratio, 'numerator', 'value')), decimal(at(ratio, 'denominator', 'value'))]
  if (parts[0] && parts[1]) return { text: parts.join(':') }
  const range = field(of, 'valueRange')
  const ends = [decimal(at(range, 'low', 'value')), decimal(at(range, 'high', 'value'))]
  if (ends[0] && ends[1]) return { text: `${ends.join('–')} ${string(at(range, 'low', 'unit')) ?? ''}`.trim() }
  const told =
    conceptText(field(of, 'valueCodeableConcept')) ??
    (typeof field(of, 'valueBoolean') === 'boolean' ? String(field(of, 'valueBoolean')) : '')
  return told ? { text: cut(told, 200)! } : {}
}

/** The range that a healthy person's value lies in: the one called normal, else one for everybody, else the first with a limit. */
function normalRange(of: unknown): unknown {
  const all = list(field(of, 'referenceRange')).filter(r => isObject(at(r, 'low')) || isObject(at(r, 'high')) || string(field(r, 'text')))
  const typed = (r: unknown): string | undefined => codings(field(r, 'type'))[0]?.code
  return (
    all.find(r => typed(r) === 'normal') ??
    all.find(r => !typed(r) && field(r, 'appliesTo') === undefined && field(r, 'age') === undefined) ??
    all.find(r => !typed(r)) ??
    (all.length === 1 ? all[0] : undefined)
  )
}

const BETWEEN = /^\D{0,3}?(-?\d+(?:[.,]\d+)?)\s*(?:-|–|to|bis)\s*(-?\d+(?:[.,]\d+)?)/
const LIMIT = /^\s*(<=?|>=?|≤|≥)\s*(-?\d+(?:[.,]\d+)?)/

function rangeOf(of: unknown, unit: string | undefined): Pick<Measure, 'low' | 'high' | 'rangeUnit'> {
  const range = normalRange(of)
  let low = decimal(at(range, 'low', 'value'))
  let high = decimal(at(range, 'high', 'value'))
  const text = string(field(range, 'text')) ?? ''
  if (low === undefined && high === undefined) {
    const between = BETWEEN.exec(text)
    const limit = between ? null : LIMIT.exec(text)
    if (between) [low, high] = [between[1]!.replace(',', '.'), between[2]!.replace(',', '.')]
    else if (limit && /[<≤]/.test(limit[1]!)) high = limit[2]!.replace(',', '.')
    else if (limit) low = limit[2]!.replace(',', '.')
  }
  const own = quantity(at(range, 'low') ?? at(range, 'high'))
  const rangeUnit = own.ucum ?? own.unit
  return {
    ...(low === undefined ? {} : { low }),
    ...(high === undefined ? {} : { high }),
    ...((low ?? high) !== undefined && rangeUnit && rangeUnit !== unit ? { rangeUnit } : {}),
  }
}

const SPOKEN: readonly (readonly [RegExp, string])[] = [
  [/^(critical(ly)?|very|panic)[ -]?high/i, 'HH'],
  [/^(critical(ly)?|very|panic)[ -]?low/i, 'LL'],
  [/^(above|high)/i, 'H'],
  [/^(below|low)/i, 'L'],
  [/^normal/i, 'N'],
  [/^abnormal/i, 'A'],
  [/^positive/i, 'POS'],
  [/^negative/i, 'NEG'],
]

function flagOf(of: unknown): string | undefined {
  const coded = codings(field(of, 'interpretation'))[0]?.code
  if (coded && coded.length <= 8) return coded.toUpperCase()
  const text = conceptText(field(of, 'interpretation'))?.trim()
  return (
    text && (SPOKEN.find(([pattern]) => pattern.test(text))?.[1] ?? (/^[A-Za-z<>+-]{1,3}$/.test(text) ? text.toUpperCase() : undefined))
  )
}

function measure(of: unknown): Measure | null {
  const codes = codings(field(of, 'code'))
    .slice(0, MAX_CODES)
    .map(c => {
      const display = cut(c.display, 160)
      return { system: cut(c.system, 200) ?? '', code: cut(c.code, 100) ?? '', ...(display ? { display } : {}) }
    })
  const name = cut(conceptText(field(of, 'code')), 160)
  const value = resultOf(of)
  if (!name || (value.value === undefined && value.text === undefined)) return null
  const range = value.value === undefined ? {} : rangeOf(of, value.ucum ?? value.unit)
  const flag = flagOf(of)
  return { codes, name, ...value, ...range, ...(flag ? { flag } : {}) }
}

/** Everything an Observation measured: its own value, and its components' (both numbers of a blood pressure, the parts of a panel). */
export function measuresOf(resource: JsonObject): Measure[] {
  if (resourceTypeOf(resource) !== 'Observation') return []
  const all = [resource, ...list(resource.component)].map(measure)
  return all.filter(m => m !== null).slice(0, MAX_MEASURES)
}
