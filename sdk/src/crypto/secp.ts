import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concat, fromHex, toHex } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'
import { type TypedData, typedDataDigest } from './eip712.ts'

export type { TypedData }

/** A 20-byte EVM address, lower-case hex with 0x. */
export type Address = `0x${string}`
/** r ‖ s ‖ v with v 27 or 28: 65 bytes of hex with 0x. */
export type SecpSignature = `0x${string}`

/** The last 20 bytes of the Keccak-256 of the uncompressed point. */
const addressOf = (publicKey: Uint8Array): Address =>
  `0x${toHex(keccak_256(secp256k1.Point.fromBytes(publicKey).toBytes(false).subarray(1)).subarray(12))}`

function check(privateKey: Uint8Array): void {
  ensure(privateKey.length === 32 && secp256k1.utils.isValidSecretKey(privateKey), 'BAD_INPUT', 'Not a secp256k1 private key.')
}

/** The 33-byte compressed public key. Throws BAD_INPUT. */
export function secpPublic(privateKey: Uint8Array): Uint8Array {
  check(privateKey)
  return secp256k1.getPublicKey(privateKey, true)
}

/** The address of a private key, lower-case. Throws BAD_INPUT. */
export const secpAddress = (privateKey: Uint8Array): Address => addressOf(secpPublic(privateKey))

/** EIP-712 signature with the deterministic nonce of RFC 6979 and low s. Throws BAD_INPUT. */
export const signTypedData = (privateKey: Uint8Array, typedData: TypedData): SecpSignature =>
  signDigest(privateKey, typedDataDigest(typedData))

/** The address that signed; any well-formed signature yields one, so compare it. Throws BAD_SIGNATURE for a malformed one or high s. */
export const recoverTypedData = (typedData: TypedData, signature: string): Address => recoverDigest(typedDataDigest(typedData), signature)

/** Signs a 32-byte digest as it is (no prefix). Throws BAD_INPUT. */
export function signDigest(privateKey: Uint8Array, digest: Uint8Array): SecpSignature {
  check(privateKey)
  ensure(digest.length === 32, 'BAD_INPUT', 'A digest is 32 bytes.')
  const [recovery, ...rs] = secp256k1.sign(digest, privateKey, { prehash: false, format: 'recovered', extraEntropy: false })
  return `0x${toHex(Uint8Array.from([...rs, 27 + recovery!]))}`
}

/** The address that signed a 32-byte digest. Throws BAD_SIGNATURE for a malformed signature or high s. */
export function recoverDigest(digest: Uint8Array, signature: string): Address {
  ensure(digest.length === 32, 'BAD_INPUT', 'A digest is 32 bytes.')
  const { rs, v } = parse(signature)
  try {
    const key = secp256k1.recoverPublicKey(concat(Uint8Array.of(v - 27), rs), digest, { prehash: false })
    return addressOf(key)
  } catch (cause) {
    throw new KeepwellError('BAD_SIGNATURE', 'No signer can be recovered from that signature.', { cause })
  }
}

/** 65 bytes, v 27 or 28, s in the lower half: the one form that a contract accepts too. */
function parse(signature: string): { rs: Uint8Array; v: number } {
  ensure(/^0x[0-9a-fA-F]{130}$/.test(signature), 'BAD_SIGNATURE', 'A signature is 65 bytes of hex with 0x.')
  const bytes = fromHex(signature)
  const rs = bytes.subarray(0, 64)
  const v = bytes[64]!
  const low = BigInt(`0x${toHex(rs.subarray(32))}`) <= secp256k1.Point.Fn.ORDER / 2n
  ensure((v === 27 || v === 28) && low, 'BAD_SIGNATURE', 'The signature is not in canonical form (v 27 or 28, low s).')
  return { rs, v }
}
