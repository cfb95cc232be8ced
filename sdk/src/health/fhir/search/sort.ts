/** `_sort` (R4 3.1.1.5.2): stable, several keys, what has no value last. The first page does not wait for the order of the rest. */
import { dateRange } from './dates.ts'
import type { SortKey } from './query.ts'
import type { Column, Table } from './table.ts'
import type { FhirResource, Version } from './types.ts'

type Key = string | number | null
export type Found = { readonly version: Version; readonly keys: readonly Key[] }

function valueKey(column: Column, resource: FhirResource, descending: boolean): Key {
  let best: Key = null
  column.values(resource, (value, path) => {
    const key = column.sortKey(value, path)
    if (key !== null && (best === null || (descending ? key > best : key < best))) best = key
  })
  return best
}

type Reader = (row: number, version: Version) => Key

function readerOf(table: Table, { code, descending }: SortKey): Reader {
  if (code === '_id') return (_, version) => version.id
  if (code === '_lastUpdated') return (_, version) => dateRange(version.lastUpdated)?.[0] ?? null
  const column = table.column(code)
  if (!column) return () => null
  const { ranges } = column
  if (ranges)
    return row => {
      const extent = ranges.extent(row)
      return extent && (descending ? extent[1] : extent[0])
    }
  return (_, version) => (version.resource ? valueKey(column, version.resource, descending) : null)
}

/** Reads what a row is ordered by. */
export function keysOf(table: Table, sort: readonly SortKey[]): (row: number, version: Version) => readonly Key[] {
  const readers = sort.map(key => readerOf(table, key))
  const [only] = readers
  if (readers.length === 1) return (row, version) => [only!(row, version)]
  return (row, version) => readers.map(read => read(row, version))
}

const NO_KEYS: readonly Key[] = []
export const withoutKeys = (version: Version): Found => ({ version, keys: NO_KEYS })

function compareKeys(a: Key, b: Key, descending: boolean): number {
  if (a === b) return 0
  if (a === null) return 1
  if (b === null) return -1
  return a < b === descending ? 1 : -1
}

/** The first `n` in order, as a full sort would give them, or all. */
export function inOrder(found: readonly Found[], sort: readonly SortKey[], n = found.length): readonly Found[] {
  if (!sort.length) return n < found.length ? found.slice(0, n) : found
  const compare = (a: number, b: number): number => {
    for (let i = 0; i < sort.length; i++) {
      const c = compareKeys(found[a]!.keys[i]!, found[b]!.keys[i]!, sort[i]!.descending)
      if (c !== 0) return c
    }
    return a - b
  }
  if (n * 8 > found.length)
    return found
      .map((_, i) => i)
      .sort(compare)
      .map(i => found[i]!)
  return first(found.length, n, compare).map(i => found[i]!)
}

/** The `n` smallest of `size` indexes, in order: a heap whose top is the largest kept. */
function first(size: number, n: number, compare: (a: number, b: number) => number): number[] {
  if (n === 0) return []
  const heap: number[] = []
  const down = (from: number): void => {
    let i = from
    for (;;) {
      const left = 2 * i + 1
      let top = i
      if (left < heap.length && compare(heap[left]!, heap[top]!) > 0) top = left
      if (left + 1 < heap.length && compare(heap[left + 1]!, heap[top]!) > 0) top = left + 1
      if (top === i) return
      ;[heap[i], heap[top]] = [heap[top]!, heap[i]!]
      i = top
    }
  }
  for (let i = 0; i < size; i++) {
    if (heap.length < n) {
      heap.push(i)
      if (heap.length === n) for (let j = n >> 1; j >= 0; j--) down(j)
    } else if (compare(i, heap[0]!) < 0) {
      heap[0] = i
      down(0)
    }
  }
  return heap.sort(compare)
}
