/** Numbers (R4 3.1.1.4.6) and quantities (3.1.1.4.11). UCUM units are compared in base units, so that 5 g finds 5000 mg. */
import { field, isObject, string } from '#health/fhir/read'
import { dimensionKey, readUnit } from '#health/ucum'
import { converted, type Figure, figure, findNumbers, prefixed } from './compare.ts'
import { NONE, type Plan } from './plan.ts'
import { invalid, type ParameterIndex, type Problem, split, unescaped, unsupported } from './question.ts'
import { type RangeIndex, rangeIndex } from './range-index.ts'

const UCUM = 'http://unitsofmeasure.org'
const CURRENCY = 'urn:iso:std:iso:4217'

type Measured = { readonly low: number; readonly high: number; readonly system: string; readonly code: string; readonly unit: string }

const number = (x: unknown): number | null => (typeof x === 'number' && Number.isFinite(x) ? x : null)

function one(q: unknown): Measured | null {
  const value = number(field(q, 'value'))
  if (value === null) return null
  const comparator = field(q, 'comparator')
  // What is less than a value ends just before it.
  const hair = comparator === '<' || comparator === '>' ? Math.max(Math.abs(value) * 1e-9, 1e-12) : 0
  const open = typeof comparator === 'string' ? comparator[0] : ''
  const currency = string(field(q, 'currency'))
  return {
    low: open === '<' ? -Infinity : value + hair,
    high: open === '>' ? Infinity : value - hair,
    system: currency ? CURRENCY : (string(field(q, 'system')) ?? ''),
    code: currency ?? string(field(q, 'code')) ?? '',
    unit: string(field(q, 'unit')) ?? '',
  }
}

/** The outer limits of what a device sampled: `data` are multiples of `factor` above the origin. */
function sampled(value: unknown): Measured | null {
  const origin = one(field(value, 'origin'))
  if (!origin) return null
  const factor = number(field(value, 'factor')) ?? 1
  const data = string(field(value, 'data'))?.split(' ') ?? []
  let [low, high] = [Infinity, -Infinity]
  for (const text of data) {
    const sample =
      text === 'L' ? field(value, 'lowerLimit') : text === 'U' ? field(value, 'upperLimit') : Number(text) * factor + origin.low
    if (typeof sample !== 'number' || !Number.isFinite(sample)) continue
    low = Math.min(low, sample)
    high = Math.max(high, sample)
  }
  return low > high ? null : { ...origin, low, high }
}

export function measured(value: unknown, type: string): Measured | null {
  if (type === 'SampledData') return sampled(value)
  if (type !== 'Range') return typeof value === 'number' ? { low: value, high: value, system: '', code: '', unit: '' } : one(value)
  if (!isObject(value)) return null
  const [low, high] = [one(value.low), one(value.high)]
  const known = low ?? high
  return known && { ...known, low: low?.low ?? -Infinity, high: high?.high ?? Infinity }
}

export function numberIndex(): ParameterIndex {
  const ranges = rangeIndex(false)
  return {
    add: (row, value, path) => {
      const m = measured(value, path.type)
      if (m) ranges.add(row, m.low, m.high)
      return m !== null
    },
    ask: ({ value, modifier }) => {
      if (modifier !== '') return unsupported(modifier)
      const [prefix, text] = prefixed(value)
      const asked = figure(text)
      return asked ? findNumbers(ranges, prefix, asked) : invalid('Not a number')
    },
    sortKey: (value, path) => measured(value, path.type)?.low ?? null,
  }
}

/** Twelve digits: what conversions between units lose lies beyond. */
const rounded = (x: number): number => (Number.isFinite(x) ? Number(x.toPrecision(12)) : x)

/** The key of everything that measures the same kind of thing, and how its values come to base units; null for what UCUM does not read. */
function canonical(system: string, code: string): { key: string; base: (value: number) => number } | null {
  const unit = system === UCUM ? readUnit(code) : null
  return unit && { key: `ucum ${dimensionKey(unit)}`, base: value => rounded(value * unit.factor + unit.offset) }
}

export function quantityIndex(): ParameterIndex {
  const all = rangeIndex(false)
  /** By base unit, by `system|code`, and by unit or code without a system. */
  const kinds = new Map<string, RangeIndex>()
  const note = (key: string, row: number, low: number, high: number): void => {
    let index = kinds.get(key)
    if (!index) {
      index = rangeIndex(false)
      kinds.set(key, index)
    }
    index.add(row, low, high)
  }
  const asked = (prefix: Parameters<typeof findNumbers>[1], f: Figure, system: string, code: string): Plan => {
    if (!system && !code) return findNumbers(all, prefix, f)
    const common = canonical(system, code)
    if (common) {
      const index = kinds.get(common.key)
      return index ? findNumbers(index, prefix, converted(f, common.base)) : NONE
    }
    const index = kinds.get(system ? `code ${system}|${code}` : `unit ${code}`)
    return index ? findNumbers(index, prefix, f) : NONE
  }
  return {
    add: (row, value, path) => {
      const m = measured(value, path.type)
      if (!m) return false
      all.add(row, m.low, m.high)
      const common = canonical(m.system, m.code)
      if (common) note(common.key, row, common.base(m.low), common.base(m.high))
      else if (m.system) note(`code ${m.system}|${m.code}`, row, m.low, m.high)
      for (const unit of new Set([m.code, m.unit])) if (unit) note(`unit ${unit}`, row, m.low, m.high)
      return true
    },
    ask: ({ value, modifier }): Plan | Problem => {
      if (modifier !== '') return unsupported(modifier)
      const [number = '', system = '', code = '', more] = split(value, '|').map(unescaped)
      const [prefix, text] = prefixed(number)
      const f = figure(text)
      return f && more === undefined ? asked(prefix, f, system, code) : invalid('Not a quantity: number|system|code')
    },
    sortKey: (value, path) => {
      const m = measured(value, path.type)
      return m && (canonical(m.system, m.code)?.base(m.low) ?? m.low)
    },
  }
}
