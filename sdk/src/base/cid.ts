import { base32 } from 'multiformats/bases/base32'
import { concat } from './bytes.ts'
import { KeepwellError } from './error.ts'

/** CIDv1, SHA-256, in base32 (`bafk…` raw, `bafy…` dag-pb): the only kind of address there is. */
export type Cid = string

export type Codec = 'raw' | 'dag-pb'

const CODEC: Record<Codec, number> = { raw: 0x55, 'dag-pb': 0x70 }
const CID_LENGTH = 36

const make = (codec: Codec, digest: Uint8Array): Cid => base32.encode(concat(Uint8Array.of(1, CODEC[codec], 0x12, 32), digest))

/** CID of a raw block whose SHA-256 is `digest` (32 bytes). */
export const rawCid = (digest: Uint8Array): Cid => make('raw', digest)

/** CID of a dag-pb node whose SHA-256 is `digest` (32 bytes). */
export const dagPbCid = (digest: Uint8Array): Cid => make('dag-pb', digest)

/** The 36 binary bytes of a CID: version, codec, hash code, length, digest. Throws BAD_CID. */
export function cidBytes(cid: Cid): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = base32.decode(cid)
  } catch (cause) {
    throw new KeepwellError('BAD_CID', 'Not a base32 CID.', { cause })
  }
  check(bytes)
  return bytes
}

export function cidFromBytes(bytes: Uint8Array): Cid {
  check(bytes)
  return base32.encode(bytes)
}

export function parseCid(cid: Cid): { codec: Codec; digest: Uint8Array } {
  const bytes = cidBytes(cid)
  return { codec: bytes[1] === CODEC.raw ? 'raw' : 'dag-pb', digest: bytes.subarray(4) }
}

function check(b: Uint8Array): void {
  const ok = b.length === CID_LENGTH && b[0] === 1 && (b[1] === CODEC.raw || b[1] === CODEC['dag-pb']) && b[2] === 0x12 && b[3] === 32
  if (!ok) throw new KeepwellError('BAD_CID', 'Only CIDv1 with SHA-256 over raw or dag-pb is used here.')
}
