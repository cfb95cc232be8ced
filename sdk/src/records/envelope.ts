import { concat, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { type Cid, cidFromBytes } from '#base/cid'
import { bytes, type Infer, int, list, object, optional, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { leafHash } from '#crypto/merkle'
import { compartmentId } from '#identity/compartments'
import { type Did, did } from '#identity/did'

/** One record's sealed keys: `card` is the sealed card, `key` the sealed DEK, `cid` the payload's address (36 bytes). */
export const envelopeItem = object({
  id: bytes(16),
  card: bytes({ max: 16_384 }),
  key: bytes(48),
  cid: bytes(36),
  leaf: bytes(32),
})
export type EnvelopeItem = Infer<typeof envelopeItem>

const head = {
  suite: string(16),
  vault: did,
  compartment: compartmentId,
  generation: int(0, 0xffffffff),
  epoch: int(0, 65535),
  enc: bytes(1120),
}

/** One encapsulation, without its envelopes. */
export const groupHead = object(head)
export type GroupHead = Infer<typeof groupHead>

/** Envelopes that share one encapsulation: one (author, vault, compartment, generation, epoch) batch (protocol §3). */
export const envelopeGroup = object({ ...head, items: list(envelopeItem, 4096) })
export type EnvelopeGroup = Infer<typeof envelopeGroup>

/** Where a leaf lies in an anchored tree. */
export const anchorProof = object({ root: bytes(32), size: int(1), index: int(), path: list(bytes(32), 40) })
export type AnchorProof = Infer<typeof anchorProof>

/** An envelope as a relay serves it: its write number there, its anchor once there is one, and to the vault itself who filed it. */
export const servedItem = object({
  id: bytes(16),
  card: optional(bytes({ max: 16_384 })),
  key: optional(bytes(48)),
  cid: bytes(36),
  leaf: bytes(32),
  seq: int(1),
  by: optional(did),
  anchor: optional(anchorProof),
})
export type ServedItem = Infer<typeof servedItem>
export const servedGroup = object({ ...head, items: list(servedItem, 4096) })
export type ServedGroup = Infer<typeof servedGroup>

/** HPKE info of a group. */
export const groupInfo = (g: Pick<GroupHead, 'vault' | 'compartment' | 'generation' | 'epoch'>): Uint8Array =>
  encode(['kw1/envelope', g.vault, g.compartment, g.generation, g.epoch])

/** What binds card and key to their record and payload. */
export const itemAad = (i: Pick<EnvelopeItem, 'id' | 'cid' | 'leaf'>): Uint8Array => encode([i.id, i.cid, i.leaf])

export const payloadAad = (id: Uint8Array): Uint8Array => encode(['kw1/record', id])

/** Of the payload that an author holds itself. */
export const heldAad = (id: Uint8Array): Uint8Array => encode(['kw1/held', id])

/** SHA-256 over the whole envelope: what acceptances and vault heads name. */
export function envelopeHash(g: GroupHead, i: EnvelopeItem): Uint8Array {
  const { suite, vault, compartment, generation, epoch, enc } = g
  const { id, card, key, cid, leaf } = i
  return sha256(encode({ suite, vault, compartment, generation, epoch, enc, id, card, key, cid, leaf }))
}

const NO_TOKEN = new Uint8Array(20)

const MAX_KNOWN = 64
const known = new Map<Did, Uint8Array>()

/** A list of cards has few authors and one subject. */
function didHash(did: Did): Uint8Array {
  const found = known.get(did)
  if (found) return found
  if (known.size >= MAX_KNOWN) known.clear()
  const hash = sha256(utf8(did))
  known.set(did, hash)
  return hash
}

/** The inner commitment of a leaf: salted, so that nothing low-entropy can be guessed from it. */
export const leafInner = (l: { salt: Uint8Array; id: Uint8Array; cid: Uint8Array; author: Did; subject: Did }): Uint8Array =>
  sha256(l.salt, l.id, l.cid, didHash(l.author), didHash(l.subject))

/** The record's RFC 9162 leaf hash: SHA-256(0x00 ‖ token address ‖ inner). */
export const recordLeaf = (inner: Uint8Array, token?: Uint8Array): Uint8Array => leafHash(concat(token ?? NO_TOKEN, inner))

export const payloadCid = (i: { cid: Uint8Array }): Cid => cidFromBytes(i.cid)
