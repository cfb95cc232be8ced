import type { RandomBytes } from '#base/bytes'
import { concat } from '#base/bytes'
import { type Cid, rawCid } from '#base/cid'
import { unixfsBuilder } from '#base/unixfs'
import { sha256, sha256Stream } from '#crypto/hash'
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
  if (plain.length > ONE_BLOCK) return sealStream(once(plain), async () => new Uint8Array(0), input)
  const sealed = await sealPayload({ key: input.key, aad: payloadAad(input.id), plaintext: plain, random: input.random })
  const cid = rawCid(sha256(sealed))
  await input.sink([{ cid, bytes: sealed }])
  return cid
}

/**
 * Seals a stream in one pass: `tail` is asked for once the body's SHA-256 and size are known. Leaf 0 is the FLOE header, leaf
 * i + 1 segment i, so any byte range can be fetched and opened alone.
 */
export async function sealStream(
  chunks: AsyncIterable<Uint8Array>,
  tail: (bodyHash: Uint8Array, size: number) => Promise<Uint8Array>,
  { id, key, random, sink }: SealInput,
): Promise<Cid> {
  const sealer = payloadSealer({ key, aad: payloadAad(id), random })
  const builder = unixfsBuilder(sha256)
  let waiting: Block[] = []
  const leaf = async (bytes: Uint8Array): Promise<void> => {
    const digest = sha256(bytes)
    waiting.push({ cid: rawCid(digest), bytes }, ...builder.add(digest, bytes.length))
    if (waiting.length < FLUSH) return
    await sink(waiting)
    waiting = []
  }
  await leaf(sealer.header)
  let index = 0
  for await (const { bytes, last } of segments(chunks, tail)) await leaf(await sealer.segment(index++, bytes, last))
  const { root, blocks } = builder.finish()
  await sink([...waiting, ...blocks])
  return root
}

/** Cuts body and tail into plaintext segments; the last may be short. */
async function* segments(
  chunks: AsyncIterable<Uint8Array>,
  tail: (bodyHash: Uint8Array, size: number) => Promise<Uint8Array>,
): AsyncIterable<{ bytes: Uint8Array; last: boolean }> {
  const hash = sha256Stream()
  let size = 0
  let rest: Uint8Array[] = []
  let held = 0
  const cut = (): Uint8Array => {
    const all = concat(...rest)
    rest = [all.subarray(PLAIN_SEGMENT)]
    held = all.length - PLAIN_SEGMENT
    return all.subarray(0, PLAIN_SEGMENT)
  }
  const push = (chunk: Uint8Array): void => {
    rest.push(chunk)
    held += chunk.length
  }
  for await (const chunk of chunks) {
    hash.update(chunk)
    size += chunk.length
    for (let at = 0; at < chunk.length; at += PLAIN_SEGMENT) {
      push(chunk.subarray(at, at + PLAIN_SEGMENT))
      while (held > PLAIN_SEGMENT) yield { bytes: cut(), last: false }
    }
  }
  push(await tail(hash.digest(), size))
  while (held > PLAIN_SEGMENT) yield { bytes: cut(), last: false }
  yield { bytes: concat(...rest), last: true }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}
