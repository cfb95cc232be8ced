import { concat, toHex, u64be } from '@keepwell/sdk/base/bytes'
import type { Receipt } from './receipts.ts'
import { numberAt, postingKey, postingPrefix } from './rows.ts'
import type { Row, Store } from './store.ts'

const NOTHING = new Uint8Array(0)
const BATCH = 256

/** One row for each value that occurs in the block's logs, at the place where it occurs. */
export function postingRows(number: number, receipts: readonly Receipt[]): Row[] {
  const rows = new Map<string, Row>()
  for (const { logs } of receipts) {
    for (const [address, topics] of logs) {
      for (const [position, value] of [address, ...topics].entries()) {
        const key = postingKey(position, value, number)
        rows.set(toHex(key), { key, value: NOTHING })
      }
    }
  }
  return [...rows.values()]
}

/** A log must have one of these values at this position (0 the address, 1 to 4 the topics). */
export type Condition = { readonly position: number; readonly values: readonly Uint8Array[] }

/**
 * Ascending numbers of blocks between `from` and `to`, both included, in which every condition is met by some log; a block can
 * be named although no single log meets all. With no condition, every block of the range.
 */
export async function* candidateBlocks(store: Store, conditions: readonly Condition[], from: number, to: number): AsyncGenerator<number> {
  const readers = conditions.map(({ position, values }) => union(values.map(value => postings(store, postingPrefix(position, value), to))))
  let at = from
  while (at <= to) {
    const next = await firstCommon(readers, at)
    if (next === null || next > to) return
    yield next
    at = next + 1
  }
}

/** The first block at or after `at`, or null when there is none up to the end. Callers never go backwards. */
type Reader = (at: number) => Promise<number | null>

async function firstCommon(readers: readonly Reader[], from: number): Promise<number | null> {
  let at = from
  for (let agreed = 0, i = 0; agreed < readers.length; i = (i + 1) % readers.length) {
    const next = await readers[i]!(at)
    if (next === null) return null
    agreed = next === at ? agreed + 1 : 1
    at = next
  }
  return at
}

function union(readers: readonly Reader[]): Reader {
  const heads: (number | null)[] = readers.map(() => -1)
  return async at => {
    let first: number | null = null
    for (const [i, reader] of readers.entries()) {
      if (heads[i] !== null && heads[i]! < at) heads[i] = await reader(at)
      const head = heads[i]!
      if (head !== null && (first === null || head < first)) first = head
    }
    return first
  }
}

function postings(store: Store, prefix: Uint8Array, to: number): Reader {
  const end = concat(prefix, u64be(to + 1))
  let buffer: number[] = []
  let exhausted = false
  return async at => {
    let i = buffer.findIndex(number => number >= at)
    if (i < 0) {
      if (exhausted) return null
      const rows = await store.range(concat(prefix, u64be(at)), end, BATCH)
      exhausted = rows.length < BATCH
      buffer = rows.map(({ key }) => numberAt(key, prefix.length))
      i = 0
    }
    buffer = i ? buffer.slice(i) : buffer
    return buffer[0] ?? null
  }
}
