import { concat, type RandomBytes, utf8 } from '#base/bytes'
import { ensure } from '#base/error'
import { native } from '#crypto/native/platform'

// A relay keeps erasable rows under the shred key of their bucket (protocol §8): destroying the key destroys what backups and
// write-ahead logs still hold. This opens only what the relay itself wrapped, which is itself sealed to somebody else.

const NONCE = 12
const TAG = 16

const LABEL = utf8('kw1/shred')
const aadOf = (rowId: Uint8Array): Uint8Array => concat(LABEL, rowId)

/** Wraps a row under its bucket's 32-byte key, bound to the row's id: nonce(12) ‖ ciphertext ‖ tag(16). */
export async function shredWrap(bucketKey: Uint8Array, rowId: Uint8Array, bytes: Uint8Array, random: RandomBytes): Promise<Uint8Array> {
  ensure(bucketKey.length === 32, 'BAD_INPUT', 'A shred key is 32 bytes.')
  const out = new Uint8Array(NONCE + bytes.length + TAG)
  const nonce = random(NONCE)
  out.set(nonce)
  await native.gcmKey(bucketKey).seal({ nonce, aad: aadOf(rowId), data: bytes }, out.subarray(NONCE))
  return out
}

/** Unwraps rows of one bucket, whose key the platform takes in once. Throws OPEN_FAILED for another key, another row or altered bytes. */
export function shredUnwrapper(bucketKey: Uint8Array): (rowId: Uint8Array, wrapped: Uint8Array) => Promise<Uint8Array> {
  ensure(bucketKey.length === 32, 'BAD_INPUT', 'A shred key is 32 bytes.')
  const key = native.gcmKey(bucketKey)
  return async (rowId, wrapped) => {
    ensure(wrapped.length >= NONCE + TAG, 'TRUNCATED', 'The stored row ends early.')
    const opened = await key.open({ nonce: wrapped.subarray(0, NONCE), aad: aadOf(rowId), data: wrapped.subarray(NONCE) })
    ensure(opened !== null, 'OPEN_FAILED', 'The stored row does not open: wrong bucket, wrong row, or damaged.')
    return opened
  }
}
