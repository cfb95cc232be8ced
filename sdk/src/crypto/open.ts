import { concat, equal } from '#base/bytes'
import { ensure } from '#base/error'
import { native } from '#crypto/native/platform'
import {
  encodeParams,
  FLOE_HEADER,
  FLOE_KW1,
  FLOE_MAX_SEGMENTS,
  FLOE_NOT_LAST,
  FLOE_OVERHEAD,
  FLOE_PREFIX,
  type FloeParams,
  headerTag,
  segmentAad,
  segmentKeys,
} from './floe.ts'
import { hpkeSchedule, messageNonce } from './hpke-schedule.ts'
import { kemDecaps } from './kem-open.ts'
import type { GcmInput, GcmKey } from './native/native.ts'

// Everything that turns sealed bytes back into text. A relay's import closure may not contain this file.

async function open(key: GcmKey, input: GcmInput): Promise<Uint8Array> {
  const plaintext = await key.open(input)
  ensure(plaintext !== null, 'OPEN_FAILED', 'The sealed bytes do not open: wrong key, wrong context, or altered.')
  return plaintext
}

export type AeadOpenInput = {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly aad: Uint8Array
  readonly ciphertext: Uint8Array
}

/** AES-256-GCM over ciphertext ‖ tag. Throws OPEN_FAILED. */
export const aeadOpen = ({ key, ...sealed }: AeadOpenInput): Promise<Uint8Array> => aeadOpener(key)(sealed)

/** Opens many things under one key; a browser takes the key in once. */
export function aeadOpener(key: Uint8Array): (sealed: Omit<AeadOpenInput, 'key'>) => Promise<Uint8Array> {
  const held = native.gcmKey(key)
  return async ({ nonce, aad, ciphertext }) => {
    ensure(key.length === 32 && nonce.length === 12, 'BAD_INPUT', 'AES-256-GCM takes a 32-byte key and a 12-byte nonce.')
    return open(held, { nonce, aad, data: ciphertext })
  }
}

export type PayloadOpener = {
  /**
   * Opens the sealed segment `index` on its own. `last` is what the caller knows from the payload's length: a segment that was
   * not sealed at this place, or not as the last, does not open. Throws TRUNCATED when bytes are missing, OPEN_FAILED otherwise.
   */
  segment(index: number, bytes: Uint8Array, last: boolean): Promise<Uint8Array>
}

export type PayloadOpenerInput = {
  readonly key: Uint8Array
  readonly aad: Uint8Array
  readonly header: Uint8Array
  readonly params?: FloeParams
}

/** Checks a FLOE header against key and context (c2sp.org/FLOE startDecryption). Throws TRUNCATED or OPEN_FAILED. */
export function payloadOpener({ key, aad, header, params = FLOE_KW1 }: PayloadOpenerInput): PayloadOpener {
  ensure(key.length === 32, 'BAD_INPUT', 'A payload key is 32 bytes.')
  ensure(header.length >= FLOE_HEADER, 'TRUNCATED', 'The payload ends within its header.')
  const encoded = encodeParams(params)
  const context = { params, iv: header.slice(encoded.length, encoded.length + 32), aad: aad.slice() }
  const sane = header.length === FLOE_HEADER && equal(header.subarray(0, encoded.length), encoded)
  ensure(sane, 'OPEN_FAILED', 'The payload does not begin with a header of this suite.')
  const committed = equal(header.subarray(encoded.length + 32), headerTag(key, context))
  ensure(committed, 'OPEN_FAILED', 'The payload was sealed with another key or for another record.')
  const keyOf = segmentKeys(key, context)
  return {
    async segment(index, bytes, last) {
      ensure(Number.isInteger(index) && index >= 0 && index < FLOE_MAX_SEGMENTS, 'BAD_INPUT', 'There is no such segment.')
      checkLength(bytes, last, params.segment)
      const nonce = bytes.subarray(4, FLOE_PREFIX)
      return open(keyOf(index), { nonce, aad: segmentAad(index, last), data: bytes.subarray(FLOE_PREFIX) })
    },
  }
}

/** The unauthenticated length field only chooses the error; place and finality are under the tag. */
function checkLength(bytes: Uint8Array, last: boolean, full: number): void {
  ensure(bytes.length >= FLOE_OVERHEAD, 'TRUNCATED', 'The payload ends within a segment.')
  const stated = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  if (!last) {
    ensure(bytes.length >= full, 'TRUNCATED', 'The payload ends within a segment.')
    ensure(
      bytes.length === full && stated === FLOE_NOT_LAST,
      'OPEN_FAILED',
      'Bytes were put after the last segment, or segments changed places.',
    )
    return
  }
  ensure(stated !== FLOE_NOT_LAST, 'TRUNCATED', 'The last segment of the payload is missing.')
  ensure(stated <= bytes.length || stated > full, 'TRUNCATED', 'The payload ends within its last segment.')
  ensure(stated === bytes.length && stated <= full, 'OPEN_FAILED', 'The last segment has another length than it states.')
}

export type OpenPayloadInput = {
  readonly key: Uint8Array
  readonly aad: Uint8Array
  readonly payload: Uint8Array
  readonly params?: FloeParams
}

/** Opens a whole FLOE file in memory. Throws TRUNCATED or OPEN_FAILED; nothing is returned of a payload that is not whole. */
export async function openPayload({ payload, params = FLOE_KW1, ...input }: OpenPayloadInput): Promise<Uint8Array> {
  const opener = payloadOpener({ ...input, params, header: payload.subarray(0, FLOE_HEADER) })
  const parts: Uint8Array[] = []
  for (let at = FLOE_HEADER, i = 0; i === 0 || at < payload.length; at += params.segment, i++) {
    const last = at + params.segment >= payload.length
    parts.push(await opener.segment(i, payload.subarray(at, at + params.segment), last))
  }
  return parts.length === 1 ? parts[0]! : concat(...parts)
}

/** One segment that a range needs: where it lies in the payload, and which of its opened bytes belong to the range. */
export type RangeSegment = {
  readonly index: number
  readonly last: boolean
  /** Bytes [start, end) of the payload. */
  readonly start: number
  readonly end: number
  /** Bytes [from, to) of the opened segment. */
  readonly from: number
  readonly to: number
}

/** Bytes of text in a whole payload of `size` sealed bytes. Throws TRUNCATED for a size no payload has. */
export function plainSize(size: number): number {
  const body = size - FLOE_HEADER
  const count = Math.ceil(body / FLOE_KW1.segment)
  const tail = body - (count - 1) * FLOE_KW1.segment
  ensure(body >= FLOE_OVERHEAD && tail >= FLOE_OVERHEAD, 'TRUNCATED', 'The payload ends within its header or a segment.')
  return body - count * FLOE_OVERHEAD
}

/**
 * The segments that plaintext bytes [offset, offset + length) need, and nothing else; `size` is the sealed payload's length in
 * bytes. A range is cut at the end of the text; an empty one needs no segment.
 */
export function payloadRange(input: { readonly size: number; readonly offset: number; readonly length: number }): RangeSegment[] {
  const { size, offset } = input
  const valid = Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(input.length) && input.length >= 0
  ensure(valid, 'BAD_INPUT', 'A range has an offset and a length of whole bytes.')
  const end = Math.min(offset + input.length, plainSize(size))
  const full = FLOE_KW1.segment - FLOE_OVERHEAD
  const count = Math.ceil((size - FLOE_HEADER) / FLOE_KW1.segment)
  const out: RangeSegment[] = []
  for (let index = Math.floor(offset / full); offset < end && index * full < end; index++) {
    const start = FLOE_HEADER + index * FLOE_KW1.segment
    out.push({
      index,
      last: index === count - 1,
      start,
      end: Math.min(start + FLOE_KW1.segment, size),
      from: Math.max(0, offset - index * full),
      to: Math.min(full, end - index * full),
    })
  }
  return out
}

export type HpkeReceiver = {
  export(context: Uint8Array, length: number): Uint8Array
  /** Opens the next message of this context; await one before the next. Throws OPEN_FAILED and keeps its place. */
  open(aad: Uint8Array, ciphertext: Uint8Array): Promise<Uint8Array>
}

export type ReceiverInput = { readonly secret: Uint8Array; readonly enc: Uint8Array; readonly info: Uint8Array }

/** SetupBaseR of RFC 9180 §5.1.1; `secret` is the 32-byte X-Wing seed. Throws OPEN_FAILED for a malformed `enc`. */
export async function setupReceiver({ secret, enc, info }: ReceiverInput): Promise<HpkeReceiver> {
  const schedule = hpkeSchedule(await kemDecaps(secret, enc), info)
  const gcm = native.gcmKey(schedule.key)
  let sequence = 0
  return {
    export: schedule.export,
    async open(aad, data) {
      const plaintext = await open(gcm, { nonce: messageNonce(schedule.baseNonce, sequence), aad, data })
      sequence++ // only now: RFC 9180 §5.2 keeps the place when a message does not open
      return plaintext
    },
  }
}

export type HpkeOpenInput = ReceiverInput & { readonly aad: Uint8Array; readonly ciphertext: Uint8Array }

/** HPKE single-shot OpenBase (RFC 9180 §6.1). Throws OPEN_FAILED. */
export async function hpkeOpen({ aad, ciphertext, ...input }: HpkeOpenInput): Promise<Uint8Array> {
  return (await setupReceiver(input)).open(aad, ciphertext)
}
