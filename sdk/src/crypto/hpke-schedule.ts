import { concat, utf8 } from '#base/bytes'
import { ensure } from '#base/error'
import { hkdfExpand, hkdfExtract } from './hash.ts'

/** RFC 9180 §7: KEM 0x647a (X-Wing), KDF 0x0001 (HKDF-SHA-256), AEAD 0x0002 (AES-256-GCM). */
export const HPKE_KEM = 0x647a
export const HPKE_AES_256_GCM = 0x0002
const KDF = 0x0001

const EMPTY = new Uint8Array(0)
const u16 = (n: number): Uint8Array => Uint8Array.of(n >> 8, n & 0xff)

/** LabeledExtract and LabeledExpand of RFC 9180 §4 for one suite. */
function labeled(suiteId: Uint8Array) {
  const version = utf8('HPKE-v1')
  const before = concat(version, suiteId)
  return {
    extract: (salt: Uint8Array, label: string, ikm: Uint8Array) => hkdfExtract(salt, concat(before, utf8(label), ikm)),
    expand: (prk: Uint8Array, label: string, info: Uint8Array, length: number) =>
      hkdfExpand(prk, concat(u16(length), before, utf8(label), info), length),
  }
}

export type HpkeSchedule = {
  readonly key: Uint8Array
  readonly baseNonce: Uint8Array
  readonly exporterSecret: Uint8Array
  /** RFC 9180 §5.3: a secret of `length` bytes bound to this encapsulation and to `context`. */
  export(context: Uint8Array, length: number): Uint8Array
}

/** Which suite: kw1 uses the defaults; the published vectors need the others. */
export type HpkeIds = { readonly kem?: number; readonly aead?: number }

/** KeySchedule of RFC 9180 §5.1 in base mode (no PSK, no sender key). */
export function hpkeSchedule(shared: Uint8Array, info: Uint8Array, ids: HpkeIds = {}): HpkeSchedule {
  const suiteId = concat(utf8('HPKE'), u16(ids.kem ?? HPKE_KEM), u16(KDF), u16(ids.aead ?? HPKE_AES_256_GCM))
  const { extract, expand } = labeled(suiteId)
  const context = concat(Uint8Array.of(0), extract(EMPTY, 'psk_id_hash', EMPTY), extract(EMPTY, 'info_hash', info))
  const secret = extract(shared, 'secret', EMPTY)
  const exporterSecret = expand(secret, 'exp', context, 32)
  return {
    key: expand(secret, 'key', context, ids.aead === 1 ? 16 : 32),
    baseNonce: expand(secret, 'base_nonce', context, 12),
    exporterSecret,
    export: (exporterContext, length) => expand(exporterSecret, 'sec', exporterContext, length),
  }
}

/** ComputeNonce of RFC 9180 §5.2; refuses to run past 2^32 messages, where nobody should be. */
export function messageNonce(base: Uint8Array, sequence: number): Uint8Array {
  ensure(sequence < 2 ** 32, 'DEFECT', 'Too many messages in one HPKE context.')
  const nonce = base.slice()
  const view = new DataView(nonce.buffer)
  view.setUint32(8, (view.getUint32(8) ^ sequence) >>> 0)
  return nonce
}
