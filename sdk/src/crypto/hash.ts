import { concat } from '#base/bytes'
import { ensure } from '#base/error'
import { native } from '#crypto/native/platform'
import type { HashStream } from './native/native.ts'

const HASH = 32
/** The counter of HKDF's first block. */
const FIRST = Uint8Array.of(1)

/** SHA-256 of the parts in order, as if concatenated. */
export const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => native.sha256(parts)

/** Incremental SHA-256, for bytes that do not fit in memory. */
export const sha256Stream = (): HashStream => native.sha256Stream()

/**
 * SHA-256 of one large piece (a block, a segment). In browsers an order of magnitude faster than `sha256`, whose promise to be
 * synchronous costs it the platform's implementation.
 */
export const sha256Async = async (data: Uint8Array): Promise<Uint8Array> => native.sha256Async(data)

/** HMAC-SHA-256 (RFC 2104), 32 bytes. */
export const hmacSha256 = (key: Uint8Array, data: Uint8Array): Uint8Array => native.hmacSha256(key, data)

/** HKDF-Extract with SHA-256 (RFC 5869 §2.2); an empty salt is 32 zero bytes. */
export const hkdfExtract = (salt: Uint8Array, ikm: Uint8Array): Uint8Array =>
  native.hmacSha256(salt.length === 0 ? new Uint8Array(HASH) : salt, ikm)

/** HKDF-Expand with SHA-256 (RFC 5869 §2.3); `length` in bytes, at most 255 · 32. Throws BAD_INPUT beyond. */
export function hkdfExpand(prk: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  ensure(Number.isInteger(length) && length >= 0 && length <= 255 * HASH, 'BAD_INPUT', 'HKDF gives at most 8,160 bytes.')
  if (length === HASH) return native.hmacSha256(prk, concat(info, FIRST))
  const out = new Uint8Array(length)
  let block: Uint8Array = new Uint8Array(0)
  for (let at = 0, i = 1; at < length; at += HASH, i++) {
    block = native.hmacSha256(prk, concat(block, info, Uint8Array.of(i)))
    out.set(block.subarray(0, Math.min(HASH, length - at)), at)
  }
  return out
}

/** HKDF-SHA-256 (RFC 5869): extract, then expand. */
export const hkdf = (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array =>
  hkdfExpand(hkdfExtract(salt, ikm), info, length)
