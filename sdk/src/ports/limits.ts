import { compare, equal, utf8 } from '#base/bytes'
import { parseCid } from '#base/cid'
import { ensure } from '#base/error'
import type { Block } from './blocks.ts'
import type { Range, Row } from './envelopes.ts'

/** The law's numbers, checked alike by every adapter so that none accepts what another refuses. */
export const MAX_BLOCK_BYTES = 1 << 20
export const MAX_KEY_BYTES = 128
export const MAX_VALUE_BYTES = 4 << 20
export const MAX_VAULT_CHARACTERS = 120
export const MAX_KIND_CHARACTERS = 40
export const MAX_SHRED_NAME_BYTES = 120
export const MAX_SHRED_KEY_BYTES = 4096

/** The block's digest, which is `hash`, the SHA-256 of its bytes; throws BAD_CID when the CID names another, TOO_LARGE above 1 MiB. */
export function checkBlock(block: Block, hash: Uint8Array): Uint8Array {
  ensure(block.bytes.length <= MAX_BLOCK_BYTES, 'TOO_LARGE', `A block has ${block.bytes.length} bytes; the limit is ${MAX_BLOCK_BYTES}.`)
  const { digest } = parseCid(block.cid)
  ensure(equal(digest, hash), 'BAD_CID', `The bytes do not hash to ${block.cid}.`)
  return digest
}

/** Throws BAD_INPUT for a vault name that some engine could not hold: too long, a NUL, or half a surrogate pair. */
export function checkVault(vault: string): void {
  const ok = vault.length <= MAX_VAULT_CHARACTERS && !vault.includes('\0') && vault.isWellFormed()
  ensure(ok, 'BAD_INPUT', `A vault name is well-formed text of at most ${MAX_VAULT_CHARACTERS} characters without NUL.`)
}

export function checkKind(kind: string): void {
  const ok = kind.length > 0 && kind.length <= MAX_KIND_CHARACTERS && /^[\x20-\x7e]+$/.test(kind)
  ensure(ok, 'BAD_INPUT', `A kind is 1 to ${MAX_KIND_CHARACTERS} printable ASCII characters.`)
}

export function checkRows(kind: string, rows: readonly Row[]): void {
  checkKind(kind)
  for (const { key, value } of rows) {
    ensure(key.length <= MAX_KEY_BYTES, 'TOO_LARGE', `A ${kind} key has ${key.length} bytes; the limit is ${MAX_KEY_BYTES}.`)
    ensure(value.length <= MAX_VALUE_BYTES, 'TOO_LARGE', `A ${kind} value has ${value.length} bytes; the limit is ${MAX_VALUE_BYTES}.`)
  }
}

/** The half-open key interval of a scan: `from` inclusive unless `exclusive`, `to` exclusive; null is unbounded. */
export type Bounds = { readonly from: Uint8Array; readonly exclusive: boolean; readonly to: Uint8Array | null }

/** Checks a range and turns prefix and `after` into one key interval. */
export function boundsOf(kind: string, range: Omit<Range, 'limit'>): Bounds {
  checkKind(kind)
  const prefix = range.prefix ?? new Uint8Array(0)
  const to = successor(prefix)
  const after = range.after
  return after && compare(after, prefix) >= 0 ? { from: after, exclusive: true, to } : { from: prefix, exclusive: false, to }
}

export function checkLimit(limit: number): void {
  ensure(Number.isSafeInteger(limit) && limit >= 0, 'BAD_INPUT', 'A scan limit is a whole number, zero or more.')
}

export function checkShredKey(name: string, key?: Uint8Array): void {
  const ok = name.length > 0 && name.isWellFormed() && utf8(name).length <= MAX_SHRED_NAME_BYTES
  ensure(ok, 'BAD_INPUT', `A shred key name is 1 to ${MAX_SHRED_NAME_BYTES} bytes of text.`)
  if (key) ensure(key.length > 0 && key.length <= MAX_SHRED_KEY_BYTES, 'TOO_LARGE', `A shred key has 1 to ${MAX_SHRED_KEY_BYTES} bytes.`)
}

export function checkLeaves(leaves: readonly Uint8Array[]): void {
  for (const leaf of leaves) ensure(leaf.length === 32, 'BAD_INPUT', 'A log leaf is a hash of 32 bytes.')
}

export function checkRecordId(id: Uint8Array): void {
  ensure(id.length === 16, 'BAD_INPUT', 'A catalog row id has 16 bytes.')
}

/** The first key after every key with this prefix; null when there is none (empty or all 0xff). */
function successor(prefix: Uint8Array): Uint8Array | null {
  let end = prefix.length
  while (end > 0 && prefix[end - 1] === 0xff) end--
  if (end === 0) return null
  const out = prefix.slice(0, end)
  out[end - 1]!++
  return out
}
