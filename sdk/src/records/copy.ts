import { concat, type RandomBytes } from '#base/bytes'
import { encode } from '#base/cbor'
import { bytes, decodeAs, type Infer, object } from '#base/shape'
import { aeadOpen } from '#crypto/open'
import { aeadSeal } from '#crypto/seal'

/** What opens a payload that a device keeps: its address and its key. */
export const copy = object({ cid: bytes(36), dek: bytes(32) })
export type Copy = Infer<typeof copy>

const aad = (id: Uint8Array): Uint8Array => concat(encode(['kw1/copy']), id)

/** Sealed as a catalog's entries are: nonce ‖ AES-256-GCM under the vault's catalog key. */
export async function sealCopy(key: Uint8Array, id: Uint8Array, c: Copy, random: RandomBytes): Promise<Uint8Array> {
  const nonce = random(12)
  return concat(nonce, await aeadSeal({ key, nonce, aad: aad(id), plaintext: encode(c) }))
}

export const openCopy = async (key: Uint8Array, id: Uint8Array, sealed: Uint8Array): Promise<Copy> =>
  decodeAs(copy, await aeadOpen({ key, nonce: sealed.subarray(0, 12), aad: aad(id), ciphertext: sealed.subarray(12) }))
