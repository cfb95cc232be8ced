import { compare } from '@keepwell/sdk/base/bytes'
import { STATE } from './rows.ts'
import type { Row, Store } from './store.ts'

/** Rows in memory, for tests and demonstrations: nothing survives the process. */
export function memoryStore(): Store {
  const values = new Map<string, Uint8Array>()
  const keys: Uint8Array[] = []
  const name = (key: Uint8Array) => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
  const put = ({ key, value }: Row) => {
    const id = name(key)
    // Trie nodes are only ever asked for one by one, so they stay out of the sorted list.
    if (key[0] !== STATE && !values.has(id)) keys.splice(position(keys, key), 0, key)
    values.set(id, value)
  }
  return {
    get: key => values.get(name(key)),
    async range(from, to, limit, reverse = false) {
      const [first, last] = [position(keys, from), position(keys, to)]
      const found = reverse ? keys.slice(Math.max(first, last - limit), last).reverse() : keys.slice(first, Math.min(last, first + limit))
      return found.map(key => ({ key, value: values.get(name(key))! }))
    },
    async write(rows) {
      for (const row of rows) put(row)
    },
    async revive() {},
    async close() {},
  }
}

/** Where `key` stands, or would stand, in the ascending list. */
function position(keys: readonly Uint8Array[], key: Uint8Array): number {
  let [low, high] = [0, keys.length]
  // Block rows arrive in ascending order within their kind; the binary search costs the same wherever they go.
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compare(keys[middle]!, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
