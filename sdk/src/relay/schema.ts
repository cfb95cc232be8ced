import { concat, readU64, toHex, u32be, u64be, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { bytes, decodeAs, type Infer, object } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { did } from '#identity/did'
import type { Rows } from '#ports/envelopes'

/**
 * The rows of a vault, by kind:
 * `bundle` version → bundle · `state` name → head, keyring, calendar, bell · `part` hash → part of the keyring · `page` compartment → epoch keys · `counter` name → u64 ·
 * `group` id → encapsulation · `env` compartment‖epoch‖seq → wrapped envelope · `seq` seq → env key · `id` id → env key ·
 * `bucket` number → shred key name · `doomed` name → what a crash must not leave undestroyed · `tomb` id → tombstone hash · `grave` number → signed
 * tombstone · `gone` version → bundle of a vault that erased itself · `sweep` name → what of an erased vault is still to be destroyed ·
 * `unanchored` seq → id‖leaf · `anchor` id → proof · `rcpt` seq → sealed receipt · `revoked` commitment → time ·
 * `nonce` time‖nonce‖caller · `msg` id → message · `copy` id → receipt copy · `link` SHA-256(name) → link · `linkfile` SHA-256(name)‖file‖part → sealed
 * bytes. Vault '' holds `lookup` tag hash → did, `link` SHA-256(name) → did,
 * `payload` block digest → record, and `own` name.
 */
export const at = (name: string): Uint8Array => utf8(name)

export const seqKey = (seq: number): Uint8Array => u64be(seq)

export const envKey = (compartment: Uint8Array, epoch: number, seq: number): Uint8Array => concat(compartment, u32be(epoch), u64be(seq))
export function readEnvKey(key: Uint8Array): { compartment: Uint8Array; epoch: number; seq: number } {
  const view = new DataView(key.buffer, key.byteOffset, 28)
  return { compartment: key.slice(0, 16), epoch: view.getUint32(16), seq: Number(view.getBigUint64(20)) }
}

/** One stored envelope; `group` names its encapsulation, `by` its writer. */
export const storedEnvelope = object({
  group: bytes(16),
  id: bytes(16),
  card: bytes({ max: 16_384 }),
  key: bytes(48),
  cid: bytes(36),
  leaf: bytes(32),
  by: did,
})
export type StoredEnvelope = Infer<typeof storedEnvelope>
export const encodeStored = (e: StoredEnvelope): Uint8Array => encode(e)
export const decodeStored = (b: Uint8Array): StoredEnvelope => decodeAs(storedEnvelope, b)

export const groupId = (enc: Uint8Array): Uint8Array => sha256(enc).slice(0, 16)

/** Envelopes whose write numbers share a bucket share a shred key (protocol §8). */
export const BUCKET_SIZE = 256
export const bucketOf = (seq: number): number => Math.floor(seq / BUCKET_SIZE)
export const shredName = (vault: string, bucket: number, version: number): string =>
  `${toHex(sha256(utf8(vault))).slice(0, 24)}-${bucket}-${version}`

/** Reads and advances a counter by `by`; returns its first new value. Counters begin at 1. */
export async function takeNumbers(rows: Rows, name: string, by: number): Promise<number> {
  const before = await rows.get('counter', at(name))
  const first = (before ? readU64(before) : 0) + 1
  await rows.put('counter', [{ key: at(name), value: u64be(first + by - 1) }])
  return first
}

export async function lastNumber(rows: Pick<Rows, 'get'>, name: string): Promise<number> {
  const value = await rows.get('counter', at(name))
  return value ? readU64(value) : 0
}
