import { KeepwellError } from './error.ts'

// RFC 8949 §4.2 for the few types the protocol uses. Written here because everything that is signed, sealed or stored passes through
// it several times: a general library's detours were a fifth of an import's processor time. `cbor.iso.test.ts` holds it to `cborg`.

const MAX_DEPTH = 32
const UINT = 0
const NEGATIVE = 1
const BYTES = 2
const TEXT = 3
const ARRAY = 4
const MAP = 5
const FALSE = 0xf4
const TRUE = 0xf5
const NULL = 0xf6
const TWO_32 = 0x1_0000_0000
const MAX_U64 = 0xffff_ffff_ffff_ffffn

const bad = (message: string): KeepwellError => new KeepwellError('BAD_CBOR', message)

const textEncoder = new TextEncoder()
/** A byte order mark is text like any other here: what is decoded must encode to the same bytes. */
const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

// ---- encoding

/** Room for what is being encoded, kept between calls; nothing in `encode` can call back into it. */
let room = new Uint8Array(4096)
let end = 0
/** Larger rooms are given back, so that one large value does not stay in memory for ever. */
const MAX_KEPT = 1 << 20

/**
 * Deterministic CBOR (RFC 8949 §4.2). Takes null, booleans, safe integers, bigints below 2^64, text, bytes, arrays and plain
 * objects with text keys; `undefined` members are left out; floats are refused, for nothing in the protocol needs one.
 */
export function encode(value: unknown): Uint8Array {
  end = 0
  try {
    write(value, 0)
    return room.slice(0, end)
  } finally {
    // What was encoded may be key material.
    if (room.length > MAX_KEPT) room = new Uint8Array(4096)
    else room.fill(0, 0, end)
  }
}

function reserve(count: number): void {
  if (end + count <= room.length) return
  const larger = new Uint8Array(Math.max(end + count, room.length * 2))
  larger.set(room.subarray(0, end))
  room.fill(0)
  room = larger
}

function write(value: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw bad(`Nested deeper than ${MAX_DEPTH}.`)
  if (typeof value === 'string') writeText(value)
  else if (typeof value === 'number') writeNumber(value)
  else if (value instanceof Uint8Array) writeBytes(value)
  else if (value === null) writeByte(NULL)
  else if (typeof value === 'boolean') writeByte(value ? TRUE : FALSE)
  else if (Array.isArray(value)) {
    writeHead(ARRAY, value.length)
    for (let i = 0; i < value.length; i++) write(value[i], depth + 1)
  } else if (typeof value === 'object') writeMap(value as Record<string, unknown>, depth)
  else if (typeof value === 'bigint') writeBigInt(value)
  else throw bad(`A ${typeof value} has no encoding.`)
}

function writeByte(byte: number): void {
  reserve(1)
  room[end++] = byte
}

/** The initial byte and the argument in as few bytes as it takes; `n` is a safe integer, zero or more. */
function writeHead(major: number, n: number): void {
  reserve(9)
  const type = major << 5
  if (n < 24) room[end++] = type | n
  else if (n < 0x100) {
    room[end++] = type | 24
    room[end++] = n
  } else if (n < 0x1_0000) {
    room[end++] = type | 25
    room[end++] = n >>> 8
    room[end++] = n & 0xff
  } else if (n < TWO_32) {
    room[end++] = type | 26
    writeU32(n)
  } else {
    room[end++] = type | 27
    writeU32(Math.floor(n / TWO_32))
    writeU32(n % TWO_32)
  }
}

function writeU32(n: number): void {
  room[end++] = n >>> 24
  room[end++] = (n >>> 16) & 0xff
  room[end++] = (n >>> 8) & 0xff
  room[end++] = n & 0xff
}

function writeNumber(n: number): void {
  if (!Number.isSafeInteger(n)) throw bad('Only safe integers are encoded.')
  if (n >= 0) writeHead(UINT, n)
  else writeHead(NEGATIVE, -1 - n)
}

function writeBigInt(value: bigint): void {
  const n = value < 0n ? -1n - value : value
  const major = value < 0n ? NEGATIVE : UINT
  if (n > MAX_U64) throw bad('Integers have at most 64 bits.')
  if (n <= BigInt(Number.MAX_SAFE_INTEGER)) {
    writeHead(major, Number(n))
    return
  }
  reserve(9)
  room[end++] = (major << 5) | 27
  writeU32(Number(n >> 32n))
  writeU32(Number(n & 0xffff_ffffn))
}

function writeBytes(bytes: Uint8Array): void {
  writeHead(BYTES, bytes.length)
  reserve(bytes.length)
  room.set(bytes, end)
  end += bytes.length
}

/** Calling the platform's encoder costs more than a short ASCII text does. */
const SHORT = 64

function writeText(text: string): void {
  if (text.length > SHORT || !writeAscii(text)) {
    const utf8 = textEncoder.encode(text)
    writeHead(TEXT, utf8.length)
    reserve(utf8.length)
    room.set(utf8, end)
    end += utf8.length
  }
}

function writeAscii(text: string): boolean {
  const start = end
  writeHead(TEXT, text.length)
  reserve(text.length)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) {
      end = start
      return false
    }
    room[end++] = unit
  }
  return true
}

function writeMap(map: Record<string, unknown>, depth: number): void {
  const keys: string[] = []
  for (const key of Object.keys(map)) if (map[key] !== undefined) keys.push(key)
  sortKeys(keys)
  writeHead(MAP, keys.length)
  for (const key of keys) {
    if (key === '__proto__') throw bad('A member of that name cannot be encoded.')
    writeText(key)
    write(map[key], depth + 1)
  }
}

/** RFC 8949 §4.2.1: by encoded bytes, so the shorter in UTF-8 first, then bytewise. For ASCII that is what the text itself says. */
function sortKeys(keys: string[]): void {
  const compare = keys.every(isAscii) ? compareAscii : compareUtf8
  if (keys.length > 32) {
    keys.sort(compare)
    return
  }
  // By insertion: maps are small, and those of one shape come in nearly the same order each time.
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i]!
    let at = i
    while (at > 0 && compare(keys[at - 1]!, key) > 0) {
      keys[at] = keys[at - 1]!
      at--
    }
    keys[at] = key
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

const compareAscii = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)

function compareUtf8(a: string, b: string): number {
  const [x, y] = [textEncoder.encode(a), textEncoder.encode(b)]
  if (x.length !== y.length) return x.length - y.length
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return x[i]! - y[i]!
  return 0
}

// ---- decoding

/** Things in one value: an empty list is one byte, and takes a hundred of memory. Nothing of the protocol comes near. */
export const MAX_ITEMS = 2_000_000

type Reader = { readonly bytes: Uint8Array; at: number; items: number }

/**
 * Decodes deterministic CBOR and nothing else; throws BAD_CBOR. Byte strings are copies of nothing: they view the input. Every rule of
 * the one form is checked where it can be broken: shortest heads, members in order and once, no floats, tags or open ends.
 */
export function decode(bytes: Uint8Array): unknown {
  const r: Reader = {
    bytes: bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length),
    at: 0,
    items: 0,
  }
  try {
    const value = read(r, 0)
    if (r.at !== r.bytes.length) throw bad('There are bytes after the value.')
    return value
  } catch (cause) {
    throw new KeepwellError('BAD_CBOR', 'The bytes are not deterministic CBOR.', { cause })
  }
}

function read(r: Reader, depth: number): unknown {
  if (depth > MAX_DEPTH) throw bad(`Nested deeper than ${MAX_DEPTH}.`)
  if (++r.items > MAX_ITEMS) throw bad(`More than ${MAX_ITEMS} things.`)
  const first = r.bytes[r.at]
  if (first === undefined) throw bad('The bytes end early.')
  const major = first >> 5
  if (major === TEXT) return readText(r)
  if (major === BYTES) return readBytes(r)
  if (major === MAP) return readMap(r, depth)
  if (major === ARRAY) return readArray(r, depth)
  if (major === UINT) return readInteger(r)
  if (major === NEGATIVE) {
    const n = readInteger(r)
    if (typeof n === 'bigint') return -1n - n
    return n === Number.MAX_SAFE_INTEGER ? -1n - BigInt(n) : -1 - n
  }
  r.at++
  if (first === NULL) return null
  if (first === TRUE || first === FALSE) return first === TRUE
  throw bad('A type that is not used here.')
}

const TOO_LONG = 'A head is longer than it need be.'

/** The argument of the head at the reader's place: a number, or a bigint beyond the safe integers. */
function readInteger(r: Reader): number | bigint {
  const { bytes } = r
  const info = bytes[r.at++]! & 31
  if (info < 24) return info
  const width = info === 24 ? 1 : info === 25 ? 2 : info === 26 ? 4 : info === 27 ? 8 : 0
  if (width === 0) throw bad('A head of no known length.')
  if (r.at + width > bytes.length) throw bad('The bytes end early.')
  let n = 0
  for (let i = 0; i < Math.min(width, 4); i++) n = n * 256 + bytes[r.at + i]!
  if (width < 8) {
    if (n < (width === 1 ? 24 : width === 2 ? 0x100 : 0x1_0000)) throw bad(TOO_LONG)
    r.at += width
    return n
  }
  if (n === 0) throw bad(TOO_LONG)
  let low = 0
  for (let i = 4; i < 8; i++) low = low * 256 + bytes[r.at + i]!
  r.at += 8
  return n < 0x20_0000 ? n * TWO_32 + low : (BigInt(n) << 32n) | BigInt(low)
}

/** A length that the rest of the input can hold: each of `n` things is one byte or more. */
function readLength(r: Reader): number {
  const n = readInteger(r)
  if (typeof n === 'bigint' || n > r.bytes.length - r.at) throw bad('The bytes end early.')
  return n
}

function readBytes(r: Reader): Uint8Array {
  const length = readLength(r)
  r.at += length
  return r.bytes.subarray(r.at - length, r.at)
}

function readText(r: Reader): string {
  const bytes = readBytes(r)
  if (bytes.length > SHORT) return textDecoder.decode(bytes)
  // Put together letter by letter it would be kept as its pieces, 32 bytes for each letter.
  const codes = new Array<number>(bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (byte > 0x7f) return textDecoder.decode(bytes)
    codes[i] = byte
  }
  return String.fromCharCode(...codes)
}

function readArray(r: Reader, depth: number): unknown[] {
  const length = readLength(r)
  const out: unknown[] = []
  for (let i = 0; i < length; i++) out.push(read(r, depth + 1))
  return out
}

function readMap(r: Reader, depth: number): Record<string, unknown> {
  const size = readLength(r)
  const out: Record<string, unknown> = {}
  let [from, to] = [-1, -1]
  for (let i = 0; i < size; i++) {
    const start = r.at
    if (r.bytes[start] === undefined || r.bytes[start]! >> 5 !== TEXT) throw bad('Members are named by text.')
    const key = readText(r)
    if (from >= 0 && !isAfter(r.bytes, [from, to], [start, r.at])) throw bad('Members are out of order, or there twice.')
    if (key === '__proto__') throw bad('A member of that name cannot be held.')
    from = start
    to = r.at
    out[key] = read(r, depth + 1)
  }
  return out
}

type Span = readonly [start: number, end: number]

/** Whether the encoded key at `b` sorts behind the one at `a`. Heads are shortest, so a longer key has the greater head. */
function isAfter(bytes: Uint8Array, a: Span, b: Span): boolean {
  const shorter = Math.min(a[1] - a[0], b[1] - b[0])
  for (let i = 0; i < shorter; i++) {
    const difference = bytes[b[0] + i]! - bytes[a[0] + i]!
    if (difference !== 0) return difference > 0
  }
  return b[1] - b[0] > a[1] - a[0]
}
