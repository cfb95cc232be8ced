/** `_sort` (R4 3.1.1.5.2): stable, several keys, what has no value last. The first page does not wait for the order of the rest. */
import { dateRange } from './dates.ts'
import type { Rows } from './plan.ts'
import type { SortKey } from './query.ts'
import type { Column, Table } from './table.ts'
import type { FhirResource, Version } from './types.ts'

/** What is compared of each found version: numbers turned round for a descending order, and infinite where there is none; or texts. */
export type Keys = { readonly numbers: number[] } | { readonly texts: (string | null)[]; readonly descending: boolean }

const LARGEST = Number.MAX_VALUE

/** A missing value comes last either way, also behind a period without an end. */
function directed(value: number | null, descending: boolean): number {
  if (value === null || Number.isNaN(value)) return Number.POSITIVE_INFINITY
  const clamped = Math.max(-LARGEST, Math.min(LARGEST, value))
  return descending ? -clamped : clamped
}

type Value = string | number | null

function valueKey(column: Column, resource: FhirResource, descending: boolean): Value {
  let best: Value = null
  column.values(resource, (value, path) => {
    const key = column.sortKey(value, path)
    if (key !== null && (best === null || (descending ? key > best : key < best))) best = key
  })
  return best
}

const NUMERIC: ReadonlySet<string> = new Set(['date', 'number', 'quantity'])

/** Keys in which those of several tables can be collected. */
export function newKeys({ code, descending }: SortKey, tables: readonly Table[]): Keys {
  const numeric = code === '_lastUpdated' || tables.some(t => NUMERIC.has(t.column(code)?.parameter.type ?? ''))
  return numeric ? { numbers: [] } : { texts: [], descending }
}

/** Adds the keys of a table's rows. */
export function collect(keys: Keys, table: Table, rows: Rows, { code, descending }: SortKey): void {
  const column = table.column(code)
  const versions = table.versions()
  if ('texts' in keys) {
    for (const row of rows) {
      const { id, resource } = versions[row]!
      const value = code === '_id' ? id : column && resource ? valueKey(column, resource, descending) : null
      keys.texts.push(value === null ? null : String(value))
    }
    return
  }
  const read = column?.ranges ? (descending ? column.ranges.high : column.ranges.low) : null
  for (const row of rows) {
    const version: Version = versions[row]!
    const value = read
      ? read(row)
      : code === '_lastUpdated'
        ? (dateRange(version.lastUpdated)?.[0] ?? null)
        : column && version.resource
          ? (valueKey(column, version.resource, descending) as number | null)
          : null
    keys.numbers.push(directed(value, descending))
  }
}

function compareTexts(a: string | null, b: string | null, descending: boolean): number {
  if (a === b) return 0
  if (a === null) return 1
  if (b === null) return -1
  return a < b === descending ? 1 : -1
}

type Compare = (a: number, b: number) => number

function comparer(keys: readonly Keys[]): Compare {
  return (a, b) => {
    for (const key of keys) {
      if ('numbers' in key) {
        const x = key.numbers[a]!
        const y = key.numbers[b]!
        if (x !== y) return x < y ? -1 : 1
      } else {
        const c = compareTexts(key.texts[a]!, key.texts[b]!, key.descending)
        if (c !== 0) return c
      }
    }
    return a - b
  }
}

/** The first `n` of `size` positions, as a full sort by the keys would put them. */
export function inOrder(size: number, keys: readonly Keys[], n = size): readonly number[] {
  const compare = comparer(keys)
  if (n * 8 <= size) return firstOf(size, n, compare)
  const all = Array.from({ length: size }, (_, i) => i)
  return keys.length ? all.sort(compare).slice(0, n) : all.slice(0, n)
}

/** The `n` smallest of `size` positions, in order: a heap whose top is the largest kept, begun at the end that looks smaller. */
function firstOf(size: number, n: number, compare: Compare): number[] {
  if (n === 0) return []
  const backwards = compare(size - 1, 0) < 0
  const position = (i: number): number => (backwards ? size - 1 - i : i)
  const heap = Array.from({ length: n }, (_, i) => position(i))
  const down = (from: number): void => {
    let i = from
    for (;;) {
      const left = 2 * i + 1
      let top = i
      if (left < n && compare(heap[left]!, heap[top]!) > 0) top = left
      if (left + 1 < n && compare(heap[left + 1]!, heap[top]!) > 0) top = left + 1
      if (top === i) return
      const moved = heap[i]!
      heap[i] = heap[top]!
      heap[top] = moved
      i = top
    }
  }
  for (let i = n >> 1; i >= 0; i--) down(i)
  for (let i = n; i < size; i++) {
    const next = position(i)
    if (compare(next, heap[0]!) >= 0) continue
    heap[0] = next
    down(0)
  }
  return heap.sort(compare)
}
