import { concat, equal, u32be } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, KeepwellError } from '#base/error'
import { bytes, decodeAs, dictionary, type Infer, int, list, object, oneOf, optional, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { leafHash, verifyInclusion } from '#crypto/merkle'
import { compartmentId } from '#identity/compartments'
import { did } from '#identity/did'
import { signed } from '#identity/signed'
import { KINDS, MILESTONES } from './card.ts'

/**
 * Where the content of a record lies that its author holds itself (protocol §13): at the door `url`, as the payload of address `cid` under `key`.
 * The first `head` bytes of it are in the record's own payload, so that a list can say what it is.
 */
export const held = object({ url: string(300, /^https?:\/\/[^\s?#]+$/), cid: bytes(36), key: bytes(32), head: int(0, 1 << 17) })
export type Held = Infer<typeof held>

/** What the author signs about a record (protocol §3): everything but the body itself, which `bodyHash` (SHA-256) stands for. */
export const meta = object({
  v: int(1, 2),
  id: bytes(16),
  authorSalt: bytes(32),
  subject: did,
  author: did,
  kind: oneOf(...KINDS),
  mediaType: string(120),
  compartment: optional(compartmentId),
  authoredAt: int(),
  prior: optional(bytes(16)),
  milestone: optional(oneOf(...MILESTONES)),
  attributes: optional(dictionary(string(1000), 64)),
  size: int(),
  bodyHash: bytes(32),
  /** Of version 2. */
  held: optional(held),
})
export type Meta = Infer<typeof meta>

/** A batch the author signed: the RFC 9162 root over the digests of its records. */
export const batchMessage = object({ v: int(1, 1), root: bytes(32), size: int(1, 1 << 20), at: int() })

/** Proof of authorship: the signed batch and this record's inclusion path. */
export const authorship = object({ batch: signed, index: int(), path: list(bytes(32), 20) })
export type Authorship = Infer<typeof authorship>

const tail = object({ meta, proof: authorship })
export type Tail = Infer<typeof tail>

/** SHA-256(0x00 ‖ authorSalt ‖ CBOR(meta)): a hiding commitment, and the RFC 9162 leaf hash in the author's batch. */
export const recordDigest = (m: Meta): Uint8Array => leafHash(concat(m.authorSalt, encode(m)))

export const encodeTail = (t: Tail): Uint8Array => {
  const cbor = encode(t)
  return concat(cbor, u32be(cbor.length))
}

/** Bytes of the body that are in the payload itself. */
export const bytesHere = (m: Meta): number => (m.held ? m.held.head : m.size)

/** Longest tail accepted, bytes: two signatures, a path and 64 attributes fit many times. */
export const MAX_TAIL = 1 << 17

/**
 * A record's plaintext is `body ‖ zeros ‖ CBOR{meta, proof} ‖ u32be(length of that CBOR)`: the body first, so that a byte range
 * of it is a byte range of the payload; the tail last, so that a large body is hashed, sealed and written in one pass.
 */
export function readTail(end: Uint8Array, total: number): Tail & { tailLength: number } {
  ensure(end.length >= 4, 'TRUNCATED', 'The record is too short to hold its tail.')
  const length = lengthIn(end)
  ensure(length <= MAX_TAIL && length + 4 <= end.length, 'UNREADABLE', 'The record tail has an impossible length.')
  const t = decodeAs(tail, end.subarray(end.length - 4 - length, end.length - 4))
  ensure(bytesHere(t.meta) + length + 4 <= total, 'UNREADABLE', 'The record body is longer than the record.')
  return { ...t, tailLength: length + 4 }
}

const lengthIn = (end: Uint8Array): number => new DataView(end.buffer, end.byteOffset + end.length - 4).getUint32(0)

/** Whether the end of a record's plaintext has its whole tail. */
export const holdsTail = (end: Uint8Array): boolean => end.length >= 4 && lengthIn(end) + 4 <= end.length

/** As long as most tails are, bytes: two signatures of 3.4 KB, the meta and a path. */
export const USUAL_TAIL = 5 << 10

/** Splits a whole plaintext; throws when the body does not hash to what was signed. Of one that its author holds, `body` is the beginning. */
export function splitPlain(plain: Uint8Array): Tail & { body: Uint8Array } {
  const t = readTail(plain, plain.length)
  const body = plain.subarray(0, bytesHere(t.meta))
  ensure(t.meta.held || equal(sha256(body), t.meta.bodyHash), 'BAD_SIGNATURE', 'The record body is not the one its author signed.')
  return { meta: t.meta, proof: t.proof, body }
}

/** Throws BAD_SIGNATURE unless this record is in the batch its proof names. The batch's own signatures are checked apart. */
export function checkMembership(t: Tail): void {
  const message = decodeAs(batchMessage, t.proof.batch.message)
  const ok =
    t.proof.batch.type === 'batch' &&
    t.proof.batch.signer === t.meta.author &&
    verifyInclusion({ leaf: recordDigest(t.meta), index: t.proof.index, size: message.size, path: t.proof.path, root: message.root })
  if (!ok) throw new KeepwellError('BAD_SIGNATURE', 'The record is not in the batch its author signed.')
}
