/** Dates (R4 3.1.1.4.7): each value is the range of instants that it stands for. */
import { field, list } from '#health/fhir/read'
import { findDates, prefixed } from './compare.ts'
import { dateRange, extent, type Range } from './dates.ts'
import { invalid, type ParameterIndex, unsupported } from './question.ts'
import { type RangeIndex, rangeIndex } from './range-index.ts'

export function periodRange(value: unknown): Range | null {
  const start = dateRange(field(value, 'start'))
  const end = dateRange(field(value, 'end'))
  return start || end ? [start?.[0] ?? -Infinity, end?.[1] ?? Infinity] : null
}

/** Only the outer limits of a Timing count (R4 3.1.1.4.7). */
const timingRange = (value: unknown): Range | null =>
  extent([...list(field(value, 'event')).map(dateRange), periodRange(field(field(value, 'repeat'), 'boundsPeriod'))])

export const rangeOf = (value: unknown, type: string): Range | null =>
  type === 'Period' ? periodRange(value) : type === 'Timing' ? timingRange(value) : dateRange(value)

/** A tenth of the way from the present, as R4 proposes for `ap`, on both sides. */
function around([from, to]: Range, now: number): Range {
  const gap = Math.max(0, Math.abs(now - (from + to) / 2) / 10)
  return [from - gap, to + gap]
}

export function dateIndex(): ParameterIndex & { readonly ranges: RangeIndex } {
  const ranges = rangeIndex(true)
  return {
    ranges,
    add: (row, value, path) => {
      const range = rangeOf(value, path.type)
      if (range) ranges.add(row, range[0], range[1])
      return range !== null
    },
    ask: ({ value, modifier, now }) => {
      if (modifier !== '') return unsupported(modifier)
      const [prefix, text] = prefixed(value)
      const range = dateRange(text)
      return range ? findDates(ranges, prefix, range, around(range, now)) : invalid('Not a FHIR date')
    },
    sortKey: (value, path) => rangeOf(value, path.type)?.[0] ?? null,
  }
}
