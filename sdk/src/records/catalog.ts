import type { RandomBytes } from '#base/bytes'
import { concat } from '#base/bytes'
import { encode } from '#base/cbor'
import { bytes, decodeAs, type Infer, int, list, object, oneOf, optional } from '#base/shape'
import { aeadOpener } from '#crypto/open'
import { aeadSeal } from '#crypto/seal'
import { card } from './card.ts'
import { packedDigest } from './digest.ts'
import { anchorProof } from './envelope.ts'

/** What a vault remembers of a record on its own device. */
export const entry = object({
  id: bytes(16),
  card,
  cid: bytes(36),
  leaf: bytes(32),
  compartment: bytes(16),
  generation: int(),
  epoch: int(),
  seq: int(),
  hash: bytes(32),
  /** `own`: written here; `verified`: opened and the author's signatures checked; `unverified`: they could not be. */
  state: oneOf('own', 'verified', 'unverified'),
  anchor: optional(anchorProof),
  anchoredAt: optional(int()),
  filedAt: int(),
  /** Of the content, for search and trends; absent until it was opened here once. */
  digest: optional(packedDigest),
})
export type Entry = Infer<typeof entry>

const aad = (id: Uint8Array): Uint8Array => concat(encode(['kw1/catalog']), id)

/** Seals an entry for the catalog file: nonce ‖ AES-256-GCM under the vault's catalog key. */
export async function sealEntry(key: Uint8Array, e: Entry, random: RandomBytes): Promise<Uint8Array> {
  const nonce = random(12)
  return concat(nonce, await aeadSeal({ key, nonce, aad: aad(e.id), plaintext: encode(e) }))
}

export const openEntry = (key: Uint8Array, id: Uint8Array, sealed: Uint8Array): Promise<Entry> => entryOpener(key)(id, sealed)

/** Opens many entries of one catalog. */
export function entryOpener(key: Uint8Array): (id: Uint8Array, sealed: Uint8Array) => Promise<Entry> {
  const open = aeadOpener(key)
  return async (id, sealed) => decodeAs(entry, await open({ nonce: sealed.subarray(0, 12), aad: aad(id), ciphertext: sealed.subarray(12) }))
}

/** Entries in one pack: few enough that one pack opens while the next is read, many enough that the seal costs little. */
export const PACK = 512

const entries = list(entry, PACK)
const packAad = encode(['kw1/catalog-pack'])

/** Seals up to {@link PACK} entries as one: nonce ‖ AES-256-GCM under the vault's catalog key. */
export async function sealPack(key: Uint8Array, pack: readonly Entry[], random: RandomBytes): Promise<Uint8Array> {
  const nonce = random(12)
  return concat(nonce, await aeadSeal({ key, nonce, aad: packAad, plaintext: encode([...pack]) }))
}

/** Opens many packs of one catalog. */
export function packOpener(key: Uint8Array): (sealed: Uint8Array) => Promise<Entry[]> {
  const open = aeadOpener(key)
  return async sealed => decodeAs(entries, await open({ nonce: sealed.subarray(0, 12), aad: packAad, ciphertext: sealed.subarray(12) }))
}
