import { sha256 } from '@noble/hashes/sha2.js'
import { concat, toHex } from '#base/bytes'
import { checkLeaves } from '#ports/limits'
import type { Log } from '#ports/log'

/** A Merkle log in memory: `levels[l][i]` is the hash of the perfect subtree (l, i) of RFC 9162 §2.1.1. */
export function memoryLog(): Log {
  const levels: Uint8Array[][] = [[]]
  const first = new Map<string, number>()

  function push(level: number, hash: Uint8Array): void {
    levels[level] ??= []
    const row = levels[level]
    row.push(hash)
    if (row.length % 2 === 0) push(level + 1, sha256(concat(Uint8Array.of(1), row.at(-2)!, row.at(-1)!)))
  }

  return {
    async append(leaves) {
      checkLeaves(leaves)
      const start = levels[0]!.length
      leaves.forEach((leaf, i) => {
        push(0, new Uint8Array(leaf))
        if (!first.has(toHex(leaf))) first.set(toHex(leaf), start + i)
      })
      return start
    },
    async size() {
      return levels[0]!.length
    },
    async node(level, index) {
      return levels[level]?.[index]?.slice() ?? null
    },
    async find(leaf) {
      return first.get(toHex(leaf)) ?? null
    },
    async close() {},
  }
}
