/** Ranges of numbers by row, found by where they begin or end. Newly added ones lie unsorted until there are enough of them. */
import { lazyPlan, lowerBound, ordered, type Plan } from './plan.ts'

export type RangeIndex = {
  /** Rows ascending; several ranges of one row follow each other. */
  readonly add: (row: number, low: number, high: number) => void
  /** Rows with a range that passes `test`, all of which begin (`low`) or end (`high`) between `from` and `to`, both included. */
  readonly find: (by: 'low' | 'high', from: number, to: number, test: (low: number, high: number) => boolean) => Plan
  /** Where a row's first range begins; NaN when it has none. */
  readonly low: (row: number) => number
  /** Where a row's last range ends; NaN when it has none. */
  readonly high: (row: number) => number
}

/** So many unsorted ranges are looked through one by one. */
const LOOSE = 256

type Order = { readonly keys: number[]; sorted: Int32Array }

function refresh(order: Order): void {
  const { keys, sorted } = order
  if (keys.length - sorted.length <= LOOSE) return
  const fresh = Int32Array.from({ length: keys.length - sorted.length }, (_, i) => sorted.length + i).sort((a, b) => keys[a]! - keys[b]!)
  const merged = new Int32Array(keys.length)
  let [i, j] = [0, 0]
  for (let k = 0; k < merged.length; k++)
    merged[k] = j >= fresh.length || (i < sorted.length && keys[sorted[i]!]! <= keys[fresh[j]!]!) ? sorted[i++]! : fresh[j++]!
  order.sorted = merged
}

/** The first position whose key is at least `key` (or above it, with `after`). */
function bound({ keys, sorted }: Order, key: number, after: boolean): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const found = keys[sorted[middle]!]!
    if (found < key || (after && found === key)) low = middle + 1
    else high = middle
  }
  return low
}

/** `dense` remembers where each row's ranges are, also of rows without: for indexes of which most rows have a range. */
export function rangeIndex(dense: boolean): RangeIndex {
  const lows: number[] = []
  const highs: number[] = []
  const rows: number[] = []
  const first: number[] = []
  const firstOf = (row: number): number => {
    if (dense) return first[row] ?? -1
    const at = lowerBound(rows, row)
    return rows[at] === row ? at : -1
  }
  const orders = { low: { keys: lows, sorted: new Int32Array() } as Order, high: { keys: highs, sorted: new Int32Array() } as Order }

  return {
    add: (row, low, high) => {
      if (dense) {
        while (first.length < row) first.push(-1)
        if (first.length === row) first.push(rows.length)
      }
      lows.push(low)
      highs.push(high)
      rows.push(row)
    },
    find: (by, from, to, test) => {
      const order = orders[by]
      refresh(order)
      const [start, end] = [bound(order, from, false), bound(order, to, true)]
      const fits = (i: number): boolean => order.keys[i]! >= from && order.keys[i]! <= to && test(lows[i]!, highs[i]!)
      const make = (): readonly number[] => {
        const found: number[] = []
        for (let at = start; at < end; at++) if (fits(order.sorted[at]!)) found.push(rows[order.sorted[at]!]!)
        for (let i = order.sorted.length; i < rows.length; i++) if (fits(i)) found.push(rows[i]!)
        return ordered(found)
      }
      const has = (row: number): boolean => {
        for (let i = firstOf(row); i >= 0 && rows[i] === row; i++) if (fits(i)) return true
        return false
      }
      return lazyPlan(Math.max(0, end - start) + rows.length - order.sorted.length, make, has)
    },
    low: row => {
      let i = firstOf(row)
      if (i < 0) return Number.NaN
      let low = lows[i]!
      for (i++; rows[i] === row; i++) if (lows[i]! < low) low = lows[i]!
      return low
    },
    high: row => {
      let i = firstOf(row)
      if (i < 0) return Number.NaN
      let high = highs[i]!
      for (i++; rows[i] === row; i++) if (highs[i]! > high) high = highs[i]!
      return high
    },
  }
}
