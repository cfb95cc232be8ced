import { concat, type RandomBytes, utf8 } from '#base/bytes'
import { cidBytes } from '#base/cid'
import { unixfsBuilder } from '#base/unixfs'
import { hkdf, sha256, sha256Stream } from '#crypto/hash'
import { PLAIN_SEGMENT, payloadSealer, segmentSealer } from '#crypto/seal'
import type { Block } from '#ports/blocks'
import { heldAad } from './envelope.ts'

/** What a record says of content that its author holds: its sealed form's address and key, and what its author signs. */
export type HeldBody = { readonly cid: Uint8Array; readonly key: Uint8Array; readonly size: number; readonly hash: Uint8Array }

/** What the holder remembers, so that it can seal the same content into the same bytes again. `leaves` are their SHA-256, one after another. */
export type Sealing = { readonly key: Uint8Array; readonly seed: Uint8Array; readonly leaves: Uint8Array; readonly size: number }

const NONE = new Uint8Array(0)
/** The random bytes of a sealing, worked out from its seed: number 0 is the file's own, number i + 1 the nonce of segment i. */
const drawn = (seed: Uint8Array, number: number, length: number): Uint8Array => hkdf(seed, NONE, utf8(`keepwell/v1/held/${number}`), length)

/**
 * Seals content that stays where it is, in one pass, and keeps nothing of it but the digests: whoever holds the content can seal any part of
 * it again when somebody asks.
 */
export async function sealHeld(
  chunks: AsyncIterable<Uint8Array>,
  { id, random }: { readonly id: Uint8Array; readonly random: RandomBytes },
): Promise<{ readonly body: HeldBody; readonly sealing: Sealing }> {
  const [key, seed] = [random(32), random(32)]
  let number = 0
  const sealer = payloadSealer({ key, aad: heldAad(id), random: length => drawn(seed, number++, length) })
  const builder = unixfsBuilder(sha256)
  const leaves: Uint8Array[] = []
  const leaf = (bytes: Uint8Array): void => {
    leaves.push(sha256(bytes))
    builder.add(leaves.at(-1)!, bytes.length)
  }
  leaf(sealer.header)
  const hash = sha256Stream()
  let size = 0
  let index = 0
  for await (const { bytes, last } of segmentsOf(chunks)) {
    hash.update(bytes)
    size += bytes.length
    leaf(await sealer.segment(index++, bytes, last))
  }
  return {
    body: { cid: cidBytes(builder.finish().root), key, size, hash: hash.digest() },
    sealing: { key, seed, leaves: concat(...leaves), size },
  }
}

async function* segmentsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<{ bytes: Uint8Array; last: boolean }> {
  const buffer = new Uint8Array(PLAIN_SEGMENT)
  let filled = 0
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.length; ) {
      if (filled === PLAIN_SEGMENT) {
        yield { bytes: buffer, last: false }
        filled = 0
      }
      const part = chunk.subarray(at, at + PLAIN_SEGMENT - filled)
      buffer.set(part, filled)
      filled += part.length
      at += part.length
    }
  yield { bytes: buffer.subarray(0, filled), last: true }
}

/** The sealed form of held content: its inner nodes, and its leaves on demand. */
export function heldBlocks(id: Uint8Array, { key, seed, leaves, size }: Sealing) {
  const sealer = segmentSealer({ key, aad: heldAad(id), iv: drawn(seed, 0, 32) })
  const count = Math.max(1, Math.ceil(size / PLAIN_SEGMENT))
  const lengthOf = (index: number): number => (index === count - 1 ? size - index * PLAIN_SEGMENT : PLAIN_SEGMENT)
  const digests = Array.from({ length: leaves.length / 32 }, (_, i) => leaves.subarray(i * 32, i * 32 + 32))
  const builder = unixfsBuilder(sha256)
  const nodes: Block[] = []
  for (const [i, digest] of digests.entries())
    nodes.push(...builder.add(digest, i === 0 ? sealer.header.length : sealer.lengthOf(lengthOf(i - 1))))
  nodes.push(...builder.finish().blocks)
  return {
    nodes: nodes as readonly Block[],
    header: sealer.header,
    digests: digests as readonly Uint8Array[],
    /** Where the content of a segment lies. */
    rangeOf: (index: number) => ({ offset: index * PLAIN_SEGMENT, length: lengthOf(index) }),
    /** A segment sealed again. If the content is another than it was, so are the bytes; they must then not leave, for their nonce was used before. */
    segment: (index: number, plaintext: Uint8Array): Promise<Uint8Array> =>
      sealer.seal(index, plaintext, index === count - 1, drawn(seed, index + 1, 12)),
  }
}
