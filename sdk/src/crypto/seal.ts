import { concat, type RandomBytes } from '#base/bytes'
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
import { kemEncaps } from './kem.ts'

/** Bytes of text in a full segment, bytes of a full sealed segment, bytes of the header (protocol §3). */
export const PLAIN_SEGMENT = 262_112
export const CIPHER_SEGMENT = 262_144
export const HEADER = FLOE_HEADER

const KEY = 32
const TAG = 16
const NONCE = 12

export type AeadInput = { readonly key: Uint8Array; readonly nonce: Uint8Array; readonly aad: Uint8Array; readonly plaintext: Uint8Array }

/**
 * AES-256-GCM: ciphertext ‖ 16-byte tag. Key 32 bytes, nonce 12 bytes; a pair of them is used once. Throws BAD_INPUT for
 * other lengths.
 */
export async function aeadSeal({ key, nonce, aad, plaintext }: AeadInput): Promise<Uint8Array> {
  ensure(key.length === KEY && nonce.length === NONCE, 'BAD_INPUT', 'AES-256-GCM takes a 32-byte key and a 12-byte nonce.')
  const out = new Uint8Array(plaintext.length + TAG)
  await native.gcmKey(key).seal({ nonce, aad, data: plaintext }, out)
  return out
}

export type PayloadSealer = {
  readonly header: Uint8Array
  /**
   * Seals segment `index`: in order from 0, every one but the last exactly PLAIN_SEGMENT bytes, the last 0 to PLAIN_SEGMENT.
   * Calls may overlap; each index is sealed once. The result is a view of `into` (CIPHER_SEGMENT bytes or more) when given:
   * fresh memory for every segment costs half as much as the cipher. Throws BAD_INPUT for another order or length.
   */
  segment(index: number, plaintext: Uint8Array, last: boolean, into?: Uint8Array): Promise<Uint8Array>
}

export type PayloadSealInput = {
  readonly key: Uint8Array
  readonly aad: Uint8Array
  readonly random: RandomBytes
  readonly params?: FloeParams
}

/**
 * One segment or another of a FLOE file, with the file's 32 random bytes and each segment's nonce given. A nonce seals one plaintext only:
 * this is for sealing what was sealed before, once more; everything else wants `payloadSealer`.
 */
export function segmentSealer({ key, aad, iv, params = FLOE_KW1 }: Omit<PayloadSealInput, 'random'> & { readonly iv: Uint8Array }) {
  ensure(key.length === KEY, 'BAD_INPUT', 'A payload key is 32 bytes.')
  const context = { params, iv, aad: aad.slice() }
  const keyOf = segmentKeys(key, context)
  return {
    header: concat(encodeParams(params), context.iv, headerTag(key, context)),
    lengthOf: (plain: number): number => plain + FLOE_OVERHEAD,
    async seal(index: number, plaintext: Uint8Array, last: boolean, nonce: Uint8Array, into?: Uint8Array): Promise<Uint8Array> {
      const length = plaintext.length + FLOE_OVERHEAD
      const sealed = into === undefined ? new Uint8Array(length) : into.subarray(0, length)
      new DataView(sealed.buffer, sealed.byteOffset).setUint32(0, last ? length : FLOE_NOT_LAST)
      sealed.set(nonce, 4)
      await keyOf(index).seal({ nonce, aad: segmentAad(index, last), data: plaintext }, sealed.subarray(FLOE_PREFIX))
      return sealed
    },
  }
}

/** A streaming FLOE encryption under a fresh 32-byte key (protocol §3, c2sp.org/FLOE startOnlineEncryption). */
export function payloadSealer({ key, aad, random, params = FLOE_KW1 }: PayloadSealInput): PayloadSealer {
  const sealer = segmentSealer({ key, aad, iv: random(32), params })
  const full = params.segment - FLOE_OVERHEAD
  let next = 0
  let closed = false
  return {
    header: sealer.header,
    async segment(index, plaintext, last, into) {
      ensure(
        !closed && index === next && index < FLOE_MAX_SEGMENTS,
        'BAD_INPUT',
        'Segments are sealed once each, in order, until the last.',
      )
      const fits = last ? plaintext.length <= full : plaintext.length === full
      ensure(fits, 'BAD_INPUT', `Every segment but the last holds exactly ${full} bytes.`)
      ensure(into === undefined || into.length >= params.segment, 'BAD_INPUT', `Give room for a whole segment, ${params.segment} bytes.`)
      next++
      closed = last
      return sealer.seal(index, plaintext, last, random(NONCE), into)
    },
  }
}

export type SealPayloadInput = PayloadSealInput & { readonly plaintext: Uint8Array }

/** A whole FLOE file in memory: header, then segments. `key` is random and for this payload alone. */
export async function sealPayload({ plaintext, ...input }: SealPayloadInput): Promise<Uint8Array> {
  const sealer = payloadSealer(input)
  const full = (input.params ?? FLOE_KW1).segment - FLOE_OVERHEAD
  const count = Math.max(1, Math.ceil(plaintext.length / full))
  const out = new Uint8Array(HEADER + plaintext.length + count * FLOE_OVERHEAD)
  out.set(sealer.header)
  for (let i = 0, at = HEADER; i < count; i++) {
    const sealed = await sealer.segment(i, plaintext.subarray(i * full, (i + 1) * full), i === count - 1)
    out.set(sealed, at)
    at += sealed.length
  }
  return out
}

export type HpkeSender = {
  /** 1,120 bytes that the recipient needs; never reused for another context. */
  readonly enc: Uint8Array
  export(context: Uint8Array, length: number): Uint8Array
  /** Seals the next message of this context; messages open in the same order. */
  seal(aad: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>
}

export type SenderInput = { readonly recipient: Uint8Array; readonly info: Uint8Array; readonly random: RandomBytes }

/** SetupBaseS of RFC 9180 §5.1.1 to a 1,216-byte X-Wing public key. Throws BAD_INPUT for a malformed one. */
export async function setupSender({ recipient, info, random }: SenderInput): Promise<HpkeSender> {
  const { shared, enc } = await kemEncaps(recipient, random)
  const schedule = hpkeSchedule(shared, info)
  const gcm = native.gcmKey(schedule.key)
  let sequence = 0
  return {
    enc,
    export: schedule.export,
    async seal(aad, plaintext) {
      const out = new Uint8Array(plaintext.length + TAG)
      await gcm.seal({ nonce: messageNonce(schedule.baseNonce, sequence++), aad, data: plaintext }, out)
      return out
    },
  }
}

export type HpkeSealInput = SenderInput & { readonly aad: Uint8Array; readonly plaintext: Uint8Array }

/** HPKE single-shot SealBase (RFC 9180 §6.1). */
export async function hpkeSeal({ aad, plaintext, ...input }: HpkeSealInput): Promise<{ enc: Uint8Array; ciphertext: Uint8Array }> {
  const sender = await setupSender(input)
  return { enc: sender.enc, ciphertext: await sender.seal(aad, plaintext) }
}
