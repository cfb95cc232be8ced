import type { RandomBytes } from '#base/bytes'
import { concat } from '#base/bytes'
import { type Cid, rawCid } from '#base/cid'
import { unixfsBuilder } from '#base/unixfs'
import { sha256, sha256Async, sha256Stream } from '#crypto/hash'
import { padmeLength } from '#crypto/padme'
import { CIPHER_SEGMENT, HEADER, PLAIN_SEGMENT, payloadSealer, sealPayload } from '#crypto/seal'
import type { Block } from '#ports/blocks'
import { payloadAad } from './envelope.ts'

/** A body in memory, or one that is read once from a stream. */
export type Body = Uint8Array | { readonly size: number; readonly chunks: () => AsyncIterable<Uint8Array> }

/** Where sealed blocks go; awaited, so that memory stays bounded. */
export type BlockSink = (blocks: readonly Block[]) => Promise<void>

/** Longest plaintext whose sealed form is one raw block (protocol §3): 256 KiB less header and one segment's overhead. */
export const ONE_BLOCK = CIPHER_SEGMENT - HEADER - (CIPHER_SEGMENT - PLAIN_SEGMENT)

/** Blocks given to the sink at once: 4 MiB. */
const FLUSH = 16

/** Body, zeros up to the Padmé length, tail. Only payloads of one block are padded. */
export function joinPlain(body: Uint8Array, tail: Uint8Array): Uint8Array {
  const bare = body.length + tail.length
  const padded = padmeLength(bare)
  const total = padded <= ONE_BLOCK ? padded : bare
  const plain = new Uint8Array(total)
  plain.set(body)
  plain.set(tail, total - tail.length)
  return plain
}

export type SealInput = { readonly id: Uint8Array; readonly key: Uint8Array; readonly random: RandomBytes; readonly sink: BlockSink }

/** Seals a plaintext in memory; returns the payload's address. */
export async function sealWhole(plain: Uint8Array, input: SealInput): Promise<Cid> {
  if (plain.length > ONE_BLOCK) return sealSegments(cut(each(plain)), input)
  const sealed = await sealPayload({ key: input.key, aad: payloadAad(input.id), plaintext: plain, random: input.random })
  const cid = rawCid(await sha256Async(sealed))
  await input.sink([{ cid, bytes: sealed }])
  return cid
}

/** Seals a body in memory with its tail; a large one is not copied for it. */
export const sealBody = (body: Uint8Array, tail: Uint8Array, input: SealInput): Promise<Cid> =>
  body.length + tail.length > ONE_BLOCK ? sealSegments(cut(each(body, tail)), input) : sealWhole(joinPlain(body, tail), input)

/**
 * Seals a stream in one pass: `tail` is asked for once the body's SHA-256 and size are known. Leaf 0 is the FLOE header, leaf
 * i + 1 segment i, so any byte range can be fetched and opened alone.
 */
export const sealStream = (chunks: AsyncIterable<Uint8Array>, tail: TailOf, input: SealInput): Promise<Cid> =>
  sealSegments(cut(withTail(chunks, tail)), input)

type TailOf = (bodyHash: Uint8Array, size: number) => Promise<Uint8Array>
type Segment = { readonly bytes: Uint8Array; readonly last: boolean }

async function sealSegments(segments: AsyncIterable<Segment>, { id, key, random, sink }: SealInput): Promise<Cid> {
  const sealer = payloadSealer({ key, aad: payloadAad(id), random })
  const builder = unixfsBuilder(sha256)
  let waiting: Block[] = []
  const leaf = async (bytes: Uint8Array): Promise<void> => {
    const digest = await sha256Async(bytes)
    waiting.push({ cid: rawCid(digest), bytes }, ...builder.add(digest, bytes.length))
    if (waiting.length < FLUSH) return
    await sink(waiting)
    waiting = []
  }
  await leaf(sealer.header)
  let index = 0
  for await (const { bytes, last } of segments) await leaf(await sealer.segment(index++, bytes, last))
  const { root, blocks } = builder.finish()
  await sink([...waiting, ...blocks])
  return root
}

async function* withTail(chunks: AsyncIterable<Uint8Array>, tail: TailOf): AsyncGenerator<Uint8Array> {
  const hash = sha256Stream()
  let size = 0
  for await (const chunk of chunks) {
    hash.update(chunk)
    size += chunk.length
    yield chunk
  }
  yield await tail(hash.digest(), size)
}

/** Cuts a plaintext into segments; the last may be short. What lies whole in one chunk is not copied. */
async function* cut(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Segment> {
  const rest: Uint8Array[] = []
  let held = 0
  const take = (length: number): Uint8Array => {
    const pieces: Uint8Array[] = []
    for (let left = length; left > 0; ) {
      const first = rest.shift()!
      pieces.push(first.subarray(0, left))
      if (first.length > left) rest.unshift(first.subarray(left))
      left -= Math.min(left, first.length)
    }
    held -= length
    return pieces.length === 1 ? pieces[0]! : concat(...pieces)
  }
  for await (const chunk of chunks) {
    if (chunk.length) rest.push(chunk)
    held += chunk.length
    while (held > PLAIN_SEGMENT) yield { bytes: take(PLAIN_SEGMENT), last: false }
  }
  yield { bytes: take(held), last: true }
}

async function* each(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}
