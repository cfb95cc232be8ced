import { concat, u32be, u64be, utf8 } from '@keepwell/sdk/base/bytes'

/** First byte of every key: the kind of row. */
export const STATE = 0x73
const kind = (letter: string) => utf8(letter)
const [BLOCK, RECEIPTS, HASH, TRANSACTION, POSTING, META] = ['b', 'r', 'h', 't', 'i', 'm'].map(kind) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
]

/** A trie node or contract code under the name EthereumJS gives it (hex). */
export function stateKey(hex: string): Uint8Array {
  const key = Buffer.allocUnsafe(1 + hex.length / 2)
  key[0] = STATE
  key.write(hex, 1, 'hex')
  return key
}

/** Number → RLP of the block. */
export const blockKey = (number: number): Uint8Array => concat(BLOCK, u64be(number))
/** Number → its receipts, see `receipts`. */
export const receiptsKey = (number: number): Uint8Array => concat(RECEIPTS, u64be(number))
/** Block hash → number. */
export const hashKey = (hash: Uint8Array): Uint8Array => concat(HASH, hash)
/** Transaction hash → number ‖ index. */
export const transactionKey = (hash: Uint8Array): Uint8Array => concat(TRANSACTION, hash)

/** Position 0 is the emitting address, 1 to 4 the topics; the value is cut to 16 bytes, as a match is checked against the log itself. */
export const postingPrefix = (position: number, value: Uint8Array): Uint8Array =>
  concat(POSTING, Uint8Array.of(position), value.subarray(0, 16))
/** "A log in this block has this value there" → nothing. */
export const postingKey = (position: number, value: Uint8Array, number: number): Uint8Array =>
  concat(postingPrefix(position, value), u64be(number))

const meta = (name: string) => concat(META, utf8(name))
/** → number ‖ hash of the newest block. */
export const HEAD = meta('head')
/** → number ‖ hash of a block up to which the rows were found whole, after LevelDB had moved them out of its log. */
export const CHECKED = meta('checked')
/** → chain id, u64. */
export const CHAIN = meta('chain')
/** → version of this layout, u32. */
export const FORMAT = meta('format')
export const FORMAT_VERSION = u32be(1)

export type Point = { readonly number: number; readonly hash: Uint8Array }

export const encodePoint = (point: Point): Uint8Array => concat(u64be(point.number), point.hash)
export const decodePoint = (bytes: Uint8Array): Point => ({ number: numberAt(bytes, 0), hash: bytes.slice(8, 40) })

export const encodePlace = (number: number, index: number): Uint8Array => concat(u64be(number), u32be(index))
export const decodePlace = (bytes: Uint8Array): { number: number; index: number } => ({
  number: numberAt(bytes, 0),
  index: viewOf(bytes).getUint32(8),
})

/** The u64 at `offset`; block numbers stay far below 2^53. */
export const numberAt = (bytes: Uint8Array, offset: number): number => Number(viewOf(bytes).getBigUint64(offset))
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
