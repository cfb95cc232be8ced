import { hash, randomBytes } from 'node:crypto'
import { MAX_BLOCK_BYTES } from '@keepwell/sdk/ports/limits'

/**
 * A segment file, all numbers big-endian:
 *
 *   header  "KWBLOCK1" | tag[8] | tag[8] | zero[8]
 *   record  tag[8] | batch u32 | length u32 | digest[32] | body[length]          batch ffffffff: dropped, the body is zeros
 *
 * The tag is random for each file, so that no body can imitate a record. The batch counts commits: everything of one batch was acknowledged
 * together, after one sync; so an unreadable record before a later batch is damage, and one after all others is a torn write that nobody
 * was promised.
 *
 *   hint    "KWBHINT1" | tag[8] | segment length u32 | last batch u32 | count u32 | zero[4] | (digest[32] | offset u32 | length u32)* | SHA-256
 *           the top bit of a length: damaged
 *
 * A hint holds the live records of a segment of exactly that length, and saves reading it at the next start. It can always be made anew.
 */
export const SEGMENT_HEADER = 32
export const RECORD_HEADER = 48
const HINT_HEADER = 32
const HINT_ENTRY = 40
const SUM = 32
export const DROPPED = 0xffff_ffff

const SEGMENT_MAGIC = Buffer.from('KWBLOCK1')
const HINT_MAGIC = Buffer.from('KWBHINT1')

/** `offset` is that of the record's header. `damaged`: acknowledged once, unreadable now. */
export type Entry = { readonly digest: Uint8Array; readonly offset: number; readonly length: number; readonly damaged: boolean }
const DAMAGED = 0x8000_0000

export const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer')

export const newTag = (): Buffer => randomBytes(8)

export function segmentHeader(tag: Uint8Array): Buffer {
  const out = Buffer.alloc(SEGMENT_HEADER)
  out.set(SEGMENT_MAGIC)
  out.set(tag, 8)
  out.set(tag, 16)
  return out
}

export function recordHeader(tag: Uint8Array, batch: number, length: number, digest: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(RECORD_HEADER)
  out.set(tag)
  out.writeUInt32BE(batch, 8)
  out.writeUInt32BE(length, 12)
  out.set(digest, 16)
  return out
}

/** A dropped record: the length stays, so that a scan can step over it; digest and body are zeros. */
export const droppedRecord = (tag: Uint8Array, length: number): Buffer =>
  Buffer.concat([recordHeader(tag, DROPPED, length, Buffer.alloc(32)), Buffer.alloc(length)])

export type Scan = {
  readonly tag: Buffer
  readonly entries: Entry[]
  readonly lastBatch: number
  /** Where the last readable record ends; what follows was torn. */
  readonly end: number
  /** There are unreadable bytes before `end`. */
  readonly holes: boolean
}

/** Reads a whole segment record by record, checking every body. */
export function scanSegment(file: Buffer): Scan {
  const tag = tagOf(file)
  const entries: Entry[] = []
  const suspects: Found[] = []
  let lastBatch = 0
  let end = SEGMENT_HEADER
  let holes = false
  for (let at = SEGMENT_HEADER; at + RECORD_HEADER <= file.length; ) {
    const record = recordAt(file, tag, at)
    if (record?.state === 'torn') suspects.push(record)
    if (!record || record.state === 'torn') {
      // No body holds the tag, so its next occurrence is a record, whatever a bent length says.
      const next = file.indexOf(tag, at + 1)
      at = next < 0 ? file.length : next
      continue
    }
    if (at !== end) holes = true
    at += RECORD_HEADER + record.length
    end = at
    if (record.state === 'dropped') continue
    entries.push(entryOf(record, false))
    lastBatch = Math.max(lastBatch, record.batch)
  }
  for (const suspect of suspects) if (suspect.batch < lastBatch) entries.push(entryOf(suspect, true))
  return { tag, entries, lastBatch, end, holes }
}

const entryOf = ({ digest, offset, length }: Found, damaged: boolean): Entry => ({ digest, offset, length, damaged })

/** The tag is there twice, and once more in each record: where the two disagree, the first record decides. */
function tagOf(file: Buffer): Buffer {
  const whole = file.subarray(0, 8).equals(SEGMENT_MAGIC) && file.subarray(8, 16).equals(file.subarray(16, 24))
  return Buffer.from(whole ? file.subarray(8, 16) : file.subarray(SEGMENT_HEADER, SEGMENT_HEADER + 8))
}

type Found = Omit<Entry, 'damaged'> & { readonly batch: number; readonly state: 'live' | 'dropped' | 'torn' }

function recordAt(file: Buffer, tag: Buffer, offset: number): Found | null {
  if (tag.compare(file, offset, offset + 8) !== 0) return null
  const batch = file.readUInt32BE(offset + 8)
  const length = file.readUInt32BE(offset + 12)
  if (length > MAX_BLOCK_BYTES) return null
  const digest = Uint8Array.from(file.subarray(offset + 16, offset + RECORD_HEADER))
  const body = file.subarray(offset + RECORD_HEADER, offset + RECORD_HEADER + length)
  // Only zeros are stepped over: a wrong length must not swallow the records behind.
  if (batch === DROPPED) return { digest, offset, length, batch, state: body.length === length && isZero(body) ? 'dropped' : 'torn' }
  const sound = body.length === length && sha256(body).equals(digest)
  return { digest, offset, length, batch, state: sound ? 'live' : 'torn' }
}

const isZero = (bytes: Buffer): boolean => bytes.length === 0 || (bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1)))

export type Hint = { readonly tag: Buffer; readonly length: number; readonly lastBatch: number; readonly entries: Entry[] }

export function encodeHint(hint: { tag: Uint8Array; length: number; lastBatch: number; entries: readonly Entry[] }): Buffer {
  const out = Buffer.alloc(HINT_HEADER + hint.entries.length * HINT_ENTRY + SUM)
  out.set(HINT_MAGIC)
  out.set(hint.tag, 8)
  out.writeUInt32BE(hint.length, 16)
  out.writeUInt32BE(hint.lastBatch, 20)
  out.writeUInt32BE(hint.entries.length, 24)
  hint.entries.forEach(({ digest, offset, length, damaged }, i) => {
    const at = HINT_HEADER + i * HINT_ENTRY
    out.set(digest, at)
    out.writeUInt32BE(offset, at + 32)
    out.writeUInt32BE(damaged ? length + DAMAGED : length, at + 36)
  })
  out.set(sha256(out.subarray(0, -SUM)), out.length - SUM)
  return out
}

/** null: no hint, or one that was torn; read the segment instead. */
export function decodeHint(bytes: Buffer): Hint | null {
  if (bytes.length < HINT_HEADER + SUM || !bytes.subarray(0, 8).equals(HINT_MAGIC)) return null
  const count = bytes.readUInt32BE(24)
  if (bytes.length !== HINT_HEADER + count * HINT_ENTRY + SUM) return null
  if (!sha256(bytes.subarray(0, -SUM)).equals(bytes.subarray(-SUM))) return null
  const entries = Array.from({ length: count }, (_, i) => {
    const at = HINT_HEADER + i * HINT_ENTRY
    const length = bytes.readUInt32BE(at + 36)
    const damaged = length >= DAMAGED
    return {
      digest: bytes.subarray(at, at + 32),
      offset: bytes.readUInt32BE(at + 32),
      length: damaged ? length - DAMAGED : length,
      damaged,
    }
  })
  return { tag: Buffer.from(bytes.subarray(8, 16)), length: bytes.readUInt32BE(16), lastBatch: bytes.readUInt32BE(20), entries }
}
