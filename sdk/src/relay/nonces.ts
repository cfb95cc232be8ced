import { concat, readU64, u64be, utf8 } from '#base/bytes'
import { ensure } from '#base/error'
import { sha256 } from '#crypto/hash'
import type { Call } from '#identity/call'
import type { Rows } from '#ports/envelopes'

/** Nonces are kept for fifteen minutes, requests may be five off (protocol §6). */
export const NONCE_LIFE = 900
const SWEEP = 64

/**
 * Uses a call up in the transaction that acts on it, so that it stays used when the relay starts anew. Throws REPLAYED. Calls that
 * change or show nothing the second time are remembered in memory only.
 */
export async function useNonce(rows: Rows, call: Call, now: number): Promise<void> {
  const key = concat(u64be(call.time), call.nonce, sha256(utf8(call.from)).slice(0, 16))
  ensure((await rows.get('nonce', key)) === null, 'REPLAYED', 'This signed request was used before; sign a new one.')
  const oldest = await rows.scan('nonce', { limit: SWEEP })
  const over = oldest.map(r => r.key).filter(k => readU64(k) < now - NONCE_LIFE)
  if (over.length) await rows.delete('nonce', over)
  await rows.put('nonce', [{ key, value: Uint8Array.of(1) }])
}
