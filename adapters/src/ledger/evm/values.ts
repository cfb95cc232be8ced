import { fromHex, text, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import type { Address } from '@keepwell/sdk/ports/ledger'
import type { Hex } from 'viem'

/** Bytes as `0x…`. */
export const hex = (bytes: Uint8Array): Hex => `0x${toHex(bytes)}`

/** Text of the port's checked types (addresses, signatures) as the library wants it typed. */
export const asHex = (value: string): Hex => value as Hex

/** The library gives mixed-case checksum addresses; the port's are lower-case. */
export const lower = (address: string): Address => address.toLowerCase()

/** ASCII in a fixed word, zeros behind. */
export const asciiWord = (value: string, bytes: number): Hex => `0x${toHex(utf8(value)).padEnd(2 * bytes, '0')}`

/** The text of such a word; what is not text is shown as hex, for anybody may write to a public registry. */
export function wordText(word: string): string {
  const bytes = fromHex(word)
  const end = bytes.findLastIndex(byte => byte !== 0) + 1
  try {
    return text(bytes.subarray(0, end))
  } catch {
    return word
  }
}

/** A JSON-RPC quantity. */
export const quantity = (value: number | bigint): Hex => `0x${value.toString(16)}`

export const sleep = (milliseconds: number): Promise<void> => new Promise(done => setTimeout(done, milliseconds))
