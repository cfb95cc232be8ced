import { KeepwellError } from './error.ts'

/** A source of cryptographically strong random bytes, always passed in. */
export type RandomBytes = (length: number) => Uint8Array

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export const utf8 = (s: string): Uint8Array => encoder.encode(s)

/** UTF-8 bytes as text; throws BAD_INPUT when they are not UTF-8. */
export function text(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'The bytes are not UTF-8 text.', { cause })
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const p of parts) length += p.length
  const out = new Uint8Array(length)
  let at = 0
  for (const p of parts) {
    out.set(p, at)
    at += p.length
  }
  return out
}

/** Equality in time that depends on the lengths only. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

/** Lexicographic order, as deterministic CBOR and sorted tables need it. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

const DIGITS = encoder.encode('0123456789abcdef')
const HEX_AT_ONCE = 4096

/** Lower-case hex without prefix. */
export function toHex(bytes: Uint8Array): string {
  // Put together digit by digit it would be kept as its pieces, 32 bytes for each.
  let out = ''
  for (let from = 0; from < bytes.length; from += HEX_AT_ONCE) {
    const to = Math.min(bytes.length, from + HEX_AT_ONCE)
    const codes = new Array<number>(2 * (to - from))
    for (let i = from, at = 0; i < to; i++) {
      codes[at++] = DIGITS[bytes[i]! >> 4]!
      codes[at++] = DIGITS[bytes[i]! & 15]!
    }
    out += String.fromCharCode(...codes)
  }
  return out
}

/** Hex (with or without `0x`, any case) to bytes; throws BAD_INPUT. */
export function fromHex(hex: string): Uint8Array {
  const s = hex.startsWith('0x') ? hex.slice(2) : hex
  if (s.length % 2 || !/^[0-9a-fA-F]*$/.test(s)) throw new KeepwellError('BAD_INPUT', 'Not a hexadecimal string of whole bytes.')
  const out = new Uint8Array(s.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(s.slice(2 * i, 2 * i + 2), 16)
  return out
}

/** RFC 4648 §4 base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  let s = ''
  for (let i = 0; i < bytes.length; i += 0x8000) s += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
  return btoa(s)
}

/** RFC 4648 §5 base64url without padding. */
export const toBase64Url = (bytes: Uint8Array): string => toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')

export function fromBase64Url(s: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]*$/.test(s) || s.length % 4 === 1) throw new KeepwellError('BAD_INPUT', 'Not a base64url string.')
  const binary = atob(s.replaceAll('-', '+').replaceAll('_', '/'))
  // Not `Uint8Array.from`, which goes through an iterator of characters: a vault reads a thousand keys when it is made.
  const out = new Uint8Array(binary.length)
  for (let i = 0; i < out.length; i++) out[i] = binary.charCodeAt(i)
  return out
}

export function u32be(n: number): Uint8Array {
  const out = new Uint8Array(4)
  new DataView(out.buffer).setUint32(0, n)
  return out
}

export function u64be(n: number | bigint): Uint8Array {
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, BigInt(n))
  return out
}

/** The first eight bytes as an unsigned big-endian number; exact below 2^53. */
export const readU64 = (b: Uint8Array): number => Number(new DataView(b.buffer, b.byteOffset, 8).getBigUint64(0))

/** Below this the garbage collector is the cheaper way. */
const WORTH_RELEASING = 16_384

/**
 * Gives the memory of large bytes back at once, where whoever made them is done with them: left to the garbage collector, a few megabytes of
 * such bytes make it look through the whole heap. Every view of them is empty from then on. A view of a part is left alone.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < WORTH_RELEASING || byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return
  // Browsers of before 2024 lack it.
  buffer.transfer?.(0)
}

/** Overwrites key bytes in place. What the garbage collector copied before is beyond reach. */
export const wipe = (bytes: Uint8Array): void => void bytes.fill(0)
