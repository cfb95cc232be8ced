import { concat, type RandomBytes, utf8 } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'
import { native } from '#crypto/native/platform'

/** X-Wing (draft-connolly-cfrg-xwing-kem), HPKE KEM 0x647a: lengths in bytes. */
export const XWING_SECRET = 32
export const XWING_PUBLIC = 1216
export const XWING_ENC = 1120
export const MLKEM_PUBLIC = 1184
export const MLKEM_CIPHERTEXT = 1088

export type KemKeyPair = { readonly secret: Uint8Array; readonly public: Uint8Array }

const LABEL = utf8('\\.//^\\')

/** X-Wing's combiner; binds the X25519 transcript, ML-KEM binds its own. */
export const combineShared = (mlKem: Uint8Array, dh: Uint8Array, dhEnc: Uint8Array, dhPublic: Uint8Array): Uint8Array =>
  native.sha3_256(concat(mlKem, dh, dhEnc, dhPublic, LABEL))

/** expandDecapsulationKey: 64 bytes of ML-KEM seed (d ‖ z) and 32 bytes of X25519 secret. Throws BAD_INPUT. */
export function expandSeed(seed: Uint8Array): { mlKem: Uint8Array; dh: Uint8Array } {
  ensure(seed.length === XWING_SECRET, 'BAD_INPUT', `An X-Wing secret key is ${XWING_SECRET} bytes.`)
  const expanded = native.shake256(seed, 96)
  return { mlKem: expanded.subarray(0, 64), dh: expanded.subarray(64) }
}

/**
 * GenerateKeyPairDerand of X-Wing: the 32-byte seed *is* the secret key. Not HPKE's DeriveKeyPair, which hashes first and
 * gives another pair (protocol §2). Throws BAD_INPUT for a seed of another length.
 */
export async function kemKeyPair(seed: Uint8Array): Promise<KemKeyPair> {
  const { mlKem, dh } = expandSeed(seed)
  return { secret: seed, public: concat(await native.mlKemPublic(mlKem), await native.x25519Public(dh)) }
}

/** Encapsulates to an X-Wing public key: 32-byte shared secret and 1,120-byte `enc`. Throws BAD_INPUT for a malformed key. */
export async function kemEncaps(publicKey: Uint8Array, random: RandomBytes): Promise<{ shared: Uint8Array; enc: Uint8Array }> {
  ensure(publicKey.length === XWING_PUBLIC, 'BAD_INPUT', `An X-Wing public key is ${XWING_PUBLIC} bytes.`)
  const peer = publicKey.subarray(MLKEM_PUBLIC)
  try {
    const { ciphertext, shared } = await native.mlKemEncaps(publicKey.subarray(0, MLKEM_PUBLIC), random)
    const ephemeral = random(32)
    const dhEnc = await native.x25519Public(ephemeral)
    const dh = await native.x25519(ephemeral, peer)
    return { shared: combineShared(shared, dh, dhEnc, peer), enc: concat(ciphertext, dhEnc) }
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'The recipient key is not a valid X-Wing public key.', { cause })
  }
}
