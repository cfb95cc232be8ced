import { encode } from '#base/cbor'
import { bytes, type Infer, int, list, object, optional, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { did } from './did.ts'

/** Parts of one keyring; all together have at most `MAX_PARTS_BYTES`. */
export const MAX_PARTS = 4096
export const MAX_PARTS_BYTES = 96 << 20
export const partBytes = bytes({ max: 2 << 20 })
/** What is large in a keyring, kept beside it under its hash; its bytes come along, or whoever has them already is spared them. */
const sealedPart = object({ hash: bytes(32), size: int(1, 2 << 20), sealed: optional(partBytes) })
export type SealedPart = Infer<typeof sealedPart>

/** The keyring as relays keep it: under a random key, that key sealed to each device, to the recovery key and to those guardians share. */
export const sealedKeyring = object({
  suite: string(16),
  vault: did,
  version: int(1),
  recipients: list(object({ id: bytes(16), enc: bytes(1120), key: bytes(48) }), 69),
  nonce: bytes(12),
  sealed: bytes({ max: 16 << 20 }),
  parts: optional(list(sealedPart, MAX_PARTS)),
})
export type SealedKeyring = Infer<typeof sealedKeyring>

/** A recipient is known by the first 16 bytes of its public key's hash. */
export const recipientId = (publicKey: Uint8Array): Uint8Array => sha256(publicKey).slice(0, 16)

/** Without the bytes of its parts, which it names by hash. */
export const bareKeyring = (k: SealedKeyring): SealedKeyring =>
  k.parts ? { ...k, parts: k.parts.map(({ hash, size }) => ({ hash, size })) } : k

/** What a vault head names. */
export const keyringHash = (k: SealedKeyring): Uint8Array => sha256(encode(bareKeyring(k)))
