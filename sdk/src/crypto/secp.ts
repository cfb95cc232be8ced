import { keccak_256 } from '@noble/hashes/sha3.js'
import { compare, concat, fromHex, toHex } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'
import { native } from '#crypto/native/platform'
import { type TypedData, typedDataDigest } from './eip712.ts'

export type { TypedData }

/** A 20-byte EVM address, lower-case hex with 0x. */
export type Address = `0x${string}`
/** r ‖ s ‖ v with v 27 or 28: 65 bytes of hex with 0x. */
export type SecpSignature = `0x${string}`

/** The last 20 bytes of the Keccak-256 of the point, x ‖ y. */
const addressOf = (point: Uint8Array): Address => `0x${toHex(keccak_256(point).subarray(12))}`

/** What a library says of a key is not passed on: some print it. */
function withKey<T>(privateKey: Uint8Array, work: () => T): T {
  ensure(privateKey.length === 32, 'BAD_INPUT', 'Not a secp256k1 private key.')
  try {
    return work()
  } catch {
    throw new KeepwellError('BAD_INPUT', 'Not a secp256k1 private key.')
  }
}

const pointOf = (privateKey: Uint8Array): Uint8Array => withKey(privateKey, () => native.secpPublic(privateKey))

/** The 33-byte compressed public key. Throws BAD_INPUT. */
export function secpPublic(privateKey: Uint8Array): Uint8Array {
  const point = pointOf(privateKey)
  return concat(Uint8Array.of(2 + (point[63]! & 1)), point.subarray(0, 32))
}

/** The address of a private key, lower-case. Throws BAD_INPUT. */
export const secpAddress = (privateKey: Uint8Array): Address => addressOf(pointOf(privateKey))

/** EIP-712 signature with the deterministic nonce of RFC 6979 and low s. Throws BAD_INPUT. */
export const signTypedData = (privateKey: Uint8Array, typedData: TypedData): SecpSignature =>
  signDigest(privateKey, typedDataDigest(typedData))

/** The address that signed; any well-formed signature yields one, so compare it. Throws BAD_SIGNATURE for a malformed one or high s. */
export const recoverTypedData = (typedData: TypedData, signature: string): Address => recoverDigest(typedDataDigest(typedData), signature)

/** Signs a 32-byte digest as it is (no prefix). Throws BAD_INPUT. */
export function signDigest(privateKey: Uint8Array, digest: Uint8Array): SecpSignature {
  ensure(digest.length === 32, 'BAD_INPUT', 'A digest is 32 bytes.')
  const signature = withKey(privateKey, () => native.secpSign(privateKey, digest))
  signature[64]! += 27
  return `0x${toHex(signature)}`
}

/** The address that signed a 32-byte digest. Throws BAD_SIGNATURE for a malformed signature or high s. */
export function recoverDigest(digest: Uint8Array, signature: string): Address {
  ensure(digest.length === 32, 'BAD_INPUT', 'A digest is 32 bytes.')
  const { rs, v } = parse(signature)
  return addressOf(recoverPoint(digest, rs, v === 27 ? 0 : 1))
}

/** The public point, x ‖ y, behind r ‖ s over a 32-byte digest; high s is taken, as the EVM takes it. Throws BAD_SIGNATURE where there is none. */
export function recoverPoint(digest: Uint8Array, signature: Uint8Array, recovery: 0 | 1): Uint8Array {
  try {
    return native.secpRecover(digest, signature, recovery)
  } catch (cause) {
    throw new KeepwellError('BAD_SIGNATURE', 'No signer can be recovered from that signature.', { cause })
  }
}

/** Half of the order of the curve, rounded down. */
const HALF = fromHex('7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0')

/** 65 bytes, v 27 or 28, s in the lower half: the one form that a contract accepts too. */
function parse(signature: string): { rs: Uint8Array; v: number } {
  ensure(/^0x[0-9a-fA-F]{130}$/.test(signature), 'BAD_SIGNATURE', 'A signature is 65 bytes of hex with 0x.')
  const bytes = fromHex(signature)
  const rs = bytes.subarray(0, 64)
  const v = bytes[64]!
  const low = compare(rs.subarray(32), HALF) <= 0
  ensure((v === 27 || v === 28) && low, 'BAD_SIGNATURE', 'The signature is not in canonical form (v 27 or 28, low s).')
  return { rs, v }
}
