import { randomFillSync } from 'node:crypto'
import type { RandomBytes } from '@keepwell/sdk/base/bytes'

const POOL = 4096

/**
 * The system's randomness, drawn in pages: a call to it costs microseconds, and sealing a record takes eight small draws. What was
 * handed out is wiped from the page at once, so no later leak of the page tells it.
 */
export function pagedRandom(): RandomBytes {
  const pool = new Uint8Array(POOL)
  let at = POOL
  return length => {
    if (length > POOL / 8) return randomFillSync(new Uint8Array(length))
    if (at + length > POOL) {
      randomFillSync(pool)
      at = 0
    }
    const out = pool.slice(at, at + length)
    pool.fill(0, at, at + length)
    at += length
    return out
  }
}
