/** The prefixes of ordered values (R4 3.1.1.4.2): what each looks for among ranges. */
import type { Plan } from './plan.ts'
import type { RangeIndex } from './range-index.ts'

export type Prefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap'

const PREFIX = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[\d+-])/

export function prefixed(value: string): readonly [prefix: Prefix, rest: string] {
  const m = PREFIX.exec(value)
  return m ? [m[1] as Prefix, value.slice(2)] : ['eq', value]
}

/** Ranges half open, as dates are. `around` is what `ap` looks into. */
export function findDates(
  index: RangeIndex,
  prefix: Prefix,
  [from, to]: readonly [number, number],
  around: readonly [number, number],
): Plan {
  const inside = (low: number, high: number): boolean => low >= from && high <= to
  switch (prefix) {
    case 'eq':
      return index.find('low', from, to, inside)
    case 'ne':
      return index.find('low', -Infinity, Infinity, (low, high) => !inside(low, high))
    case 'gt':
      return index.find('high', to, Infinity, (_, high) => high > to)
    case 'lt':
      return index.find('low', -Infinity, from, low => low < from)
    case 'ge':
      return index.find('high', from, Infinity, (low, high) => high > to || inside(low, high))
    case 'le':
      return index.find('low', -Infinity, to, (low, high) => low < from || inside(low, high))
    case 'sa':
      return index.find('low', to, Infinity, () => true)
    case 'eb':
      return index.find('high', -Infinity, from, () => true)
    case 'ap':
      return index.find('low', -Infinity, around[1], (low, high) => low < around[1] && high > around[0])
  }
}

export type Figure = {
  readonly value: number
  /** What the written digits stand for: `[99.5, 100.5)` for 100. */
  readonly from: number
  readonly to: number
  /** A tenth below and above, for `ap`. */
  readonly near: readonly [number, number]
}

const NUMBER = /^[+-]?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/** A number with the precision it was written in (R4 3.1.1.4.6); null when it is none. */
export function figure(text: string): Figure | null {
  const m = NUMBER.exec(text)
  if (!m || text.length > 40) return null
  const value = Number(text)
  const half = 0.5 * 10 ** (Number(m[3] ?? 0) - (m[2] ?? '').length)
  const tenth = Math.abs(value) / 10
  return Number.isFinite(value) ? { value, from: value - half, to: value + half, near: [value - tenth, value + tenth] } : null
}

/** The same in other units. */
export const converted = ({ value, from, to, near }: Figure, by: (value: number) => number): Figure => ({
  value: by(value),
  from: by(from),
  to: by(to),
  near: [by(near[0]), by(near[1])],
})

/** Ranges closed, as numbers are; all prefixes but `eq` and `ne` take the number as exact. */
export function findNumbers(index: RangeIndex, prefix: Prefix, { value, from, to, near }: Figure): Plan {
  const inside = (low: number, high: number): boolean => low >= from && high < to
  switch (prefix) {
    case 'eq':
      return index.find('low', from, to, inside)
    case 'ne':
      return index.find('low', -Infinity, Infinity, (low, high) => !inside(low, high))
    case 'gt':
      return index.find('high', value, Infinity, (_, high) => high > value)
    case 'lt':
      return index.find('low', -Infinity, value, low => low < value)
    case 'ge':
      return index.find('high', value, Infinity, () => true)
    case 'le':
      return index.find('low', -Infinity, value, () => true)
    case 'sa':
      return index.find('low', value, Infinity, low => low > value)
    case 'eb':
      return index.find('high', -Infinity, value, (_, high) => high < value)
    case 'ap':
      return index.find('low', -Infinity, near[1], (_, high) => high >= near[0])
  }
}
