import { secp256k1 } from '@noble/curves/secp256k1.js'
import { concat } from '#base/bytes'
import type { Secp } from './native.ts'

/** noble takes digests of any length. */
function whole(digest: Uint8Array): Uint8Array {
  if (digest.length !== 32) throw new RangeError('secp256k1 digest of wrong length')
  return digest
}

/** secp256k1 in JavaScript. */
export const secp: Secp = {
  secpPublic: secret => secp256k1.getPublicKey(secret, false).subarray(1),
  secpSign: (secret, digest) => {
    const signed = secp256k1.sign(whole(digest), secret, { prehash: false, format: 'recovered', extraEntropy: false })
    return concat(signed.subarray(1), signed.subarray(0, 1))
  },
  secpRecover: (digest, signature, recovery) =>
    secp256k1.Signature.fromBytes(concat(Uint8Array.of(recovery), signature), 'recovered')
      .recoverPublicKey(whole(digest))
      .toBytes(false)
      .subarray(1),
}
