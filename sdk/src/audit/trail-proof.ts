import { fromBase64Url, text, toBase64Url, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { KeepwellError } from '#base/error'
import { bytes, decodeAs, type Infer, int, list, nullable, object, optional } from '#base/shape'
import { bundle } from '#identity/bundle'
import { address, did } from '#identity/did'
import { headWritten, logHead } from './head.ts'
import { NO_RECEIPT, receipt } from './receipt.ts'

const path = list(bytes(32), 64)
const page = object({
  head: logHead,
  /** From this head to that of the last page: all of them are of one log. */
  grown: path,
  receipts: list(object({ receipt, index: int(), path }), 512),
})

/**
 * A trail that a stranger can check alone: every receipt whole, where it lies in the relay's log, and the keys that signed. `anchored` is what
 * the ledger held then, and leads to the last head; whether it does hold it is for the ledger to say.
 */
export const trailProof = object({
  v: int(1, 1),
  vault: did,
  madeAt: int(),
  relay: bundle,
  chainId: int(1),
  contract: address,
  pages: list(page, 4096),
  anchored: nullable(object({ size: int(1), time: int(), root: bytes(32), proof: path, written: optional(headWritten) })),
  readers: list(bundle, 4096),
})
export type TrailProof = Infer<typeof trailProof>

/** Where a part of a trail begins: after so many receipts, the last of that hash. */
export type TrailStart = { readonly after: number; readonly prev: Uint8Array }
export const BEGINNING: TrailStart = { after: 0, prev: NO_RECEIPT }

/** A part of a trail as a record in the compartment of that name (protocol §6), for those who may read the trail and nothing else. */
export const trailPart = object({ v: int(1, 1), after: int(), prev: bytes(32), trail: trailProof })
export type TrailPart = Infer<typeof trailPart>

/** The compartment in which the owner publishes who looked. */
export const AUDIT = 'audit'
export const TRAIL_PART = 'application/vnd.keepwell.trail-part+cbor'

const FORMAT = 'keepwell-trail/1'
const ABOUT =
  'Who opened a health record, with the signatures that prove it. Check it with: keepwell verify FILE. It holds no health data; it names readers, purposes and times.'

/** As a file. */
export const trailFile = (proof: TrailProof): Uint8Array =>
  utf8(`${JSON.stringify({ format: FORMAT, about: ABOUT, proof: toBase64Url(encode(proof)) }, null, 1)}\n`)

/** Throws UNREADABLE for what is no such file. */
export function readTrailFile(file: Uint8Array): TrailProof {
  try {
    const { format, proof } = JSON.parse(text(file)) as { format?: unknown; proof?: unknown }
    if (format === FORMAT && typeof proof === 'string') return decodeAs(trailProof, fromBase64Url(proof))
  } catch (cause) {
    throw new KeepwellError('UNREADABLE', 'The file is damaged: it is no trail with proofs.', { cause })
  }
  throw new KeepwellError('UNREADABLE', 'The file is no trail with proofs, as keepwell audit --proof writes it.')
}
