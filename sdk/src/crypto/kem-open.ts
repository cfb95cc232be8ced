import { ensure, KeepwellError } from '#base/error'
import { native } from '#crypto/native/platform'
import { combineShared, expandSeed, MLKEM_CIPHERTEXT, XWING_ENC } from './kem.ts'

/**
 * Decapsulates an X-Wing `enc` with a 32-byte secret key. Only `open.ts` imports this file, so that a relay cannot.
 * A wrong key gives a wrong secret (implicit rejection); OPEN_FAILED is for an `enc` that is malformed.
 */
export async function kemDecaps(secret: Uint8Array, enc: Uint8Array): Promise<Uint8Array> {
  ensure(enc.length === XWING_ENC, 'OPEN_FAILED', `An encapsulated key is ${XWING_ENC} bytes.`)
  const { mlKem, dh } = expandSeed(secret)
  const dhEnc = enc.subarray(MLKEM_CIPHERTEXT)
  try {
    const shared = await native.mlKemDecaps(mlKem, enc.subarray(0, MLKEM_CIPHERTEXT))
    return combineShared(shared, await native.x25519(dh, dhEnc), dhEnc, await native.x25519Public(dh))
  } catch (cause) {
    throw new KeepwellError('OPEN_FAILED', 'The encapsulated key is malformed.', { cause })
  }
}
