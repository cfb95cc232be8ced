import { concat, u32be, u64be, utf8 } from '#base/bytes'
import { native } from '#crypto/native/platform'
import type { GcmKey } from './native/native.ts'

/**
 * FLOE, the Fast Lightweight Online Encryption of c2sp.org/FLOE (ePrint 2025/2275), as far as sealing and opening share it.
 * AEAD AES-256-GCM (id 0), KDF HKDF-Expand-SHA-384 (id 0), IV of 32 bytes. Only the two numbers below may differ, and in
 * kw1 they do not: other values exist for the published known answers.
 */
export type FloeParams = {
  /** ENC_SEG_LEN: bytes of one sealed segment. */
  readonly segment: number
  /** AEAD_ROTATION_MASK: 2^rotation segments share one AES key. */
  readonly rotation: number
}

export const FLOE_KW1: FloeParams = { segment: 262_144, rotation: 20 }
export const FLOE_HEADER = 74
/** Length field, nonce and tag of each segment. */
export const FLOE_OVERHEAD = 32
export const FLOE_PREFIX = 16
export const FLOE_NOT_LAST = 0xffffffff
/** AEAD_MAX_SEGMENTS. */
export const FLOE_MAX_SEGMENTS = 2 ** 40

const KEY = 32
const MESSAGE_KEY = 48
const PURPOSE = { header: utf8('HEADER_TAG:'), message: utf8('MESSAGE_KEY:'), segment: utf8('DEK:') } as const
const FIRST_BLOCK = Uint8Array.of(1)

/** PARAM_ENCODE of the specification, the first ten bytes of every header. */
export const encodeParams = (params: FloeParams): Uint8Array =>
  params === FLOE_KW1 ? KW1_PARAMS : concat(Uint8Array.of(0, 0), u32be(params.segment), u32be(32))
const KW1_PARAMS = concat(Uint8Array.of(0, 0), u32be(FLOE_KW1.segment), u32be(32))

type Context = { readonly params: FloeParams; readonly iv: Uint8Array; readonly aad: Uint8Array }

/** FLOE_KDF. One HMAC suffices: HKDF-Expand's first block is 48 bytes, and nothing here is longer. */
const derive = (key: Uint8Array, { params, iv, aad }: Context, purpose: Uint8Array, length: number): Uint8Array =>
  native.hmacSha384(key, concat(encodeParams(params), iv, purpose, aad, FIRST_BLOCK)).subarray(0, length)

export const headerTag = (key: Uint8Array, context: Context): Uint8Array => derive(key, context, PURPOSE.header, 32)

/** The AES key of each segment, derived from the record key once for 2^rotation segments. */
export function segmentKeys(key: Uint8Array, context: Context): (index: number) => GcmKey {
  const messageKey = derive(key, context, PURPOSE.message, MESSAGE_KEY)
  const span = 2 ** context.params.rotation
  let masked = -1
  let current: GcmKey | undefined
  return index => {
    const first = index - (index % span)
    if (current === undefined || first !== masked) {
      current = native.gcmKey(derive(messageKey, context, concat(PURPOSE.segment, u64be(first)), KEY))
      masked = first
    }
    return current
  }
}

/** What a segment's tag covers beside its text: the place, and whether it is the last. */
export function segmentAad(index: number, last: boolean): Uint8Array {
  const aad = new Uint8Array(9)
  const view = new DataView(aad.buffer)
  view.setUint32(0, Math.floor(index / 2 ** 32))
  view.setUint32(4, index % 2 ** 32)
  aad[8] = last ? 1 : 0
  return aad
}
