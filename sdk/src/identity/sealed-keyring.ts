import { encode } from '#base/cbor'
import { bytes, type Infer, int, list, object, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { did } from './did.ts'

/** The keyring as relays keep it: under a random key, that key sealed to each device, to the recovery key and to those guardians share. */
export const sealedKeyring = object({
  suite: string(16),
  vault: did,
  version: int(1),
  recipients: list(object({ id: bytes(16), enc: bytes(1120), key: bytes(48) }), 69),
  nonce: bytes(12),
  sealed: bytes({ max: 16 << 20 }),
})
export type SealedKeyring = Infer<typeof sealedKeyring>

/** A recipient is known by the first 16 bytes of its public key's hash. */
export const recipientId = (publicKey: Uint8Array): Uint8Array => sha256(publicKey).slice(0, 16)

/** What a vault head names. */
export const keyringHash = (k: SealedKeyring): Uint8Array => sha256(encode(k))
