import { p256 } from '@noble/curves/nist.js'
import type { RandomBytes } from '#base/bytes'

/** The public half that a browser subscribes with: 65 bytes, uncompressed. */
export const wakePublic = (key: Uint8Array): Uint8Array => p256.getPublicKey(key, false)

/** A key for one subscription. */
export function newWakeKey(random: RandomBytes): Uint8Array {
  for (;;) {
    const key = random(32)
    if (p256.utils.isValidSecretKey(key)) return key
  }
}
