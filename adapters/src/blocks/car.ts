import { concat } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { cidBytes, cidFromBytes } from '@keepwell/sdk/base/cid'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Block } from '@keepwell/sdk/ports/blocks'
import { MAX_BLOCK_BYTES } from '@keepwell/sdk/ports/limits'

const CID_BYTES = 36
const MAX_HEADER = 4096

const HEADER = encode({ roots: [], version: 1 })
/** Every canonical CARv1 header is a map of `roots` and `version: 1`, in this order; the roots say nothing that matters here. */
const HEADER_BEGIN = HEADER.subarray(0, 7)
const HEADER_END = HEADER.subarray(HEADER.length - 9)

/**
 * Blocks as a CARv1 stream without roots (https://ipld.io/specs/transport/car/carv1/). Each chunk is a whole section.
 */
export async function* writeCar(blocks: AsyncIterable<Block> | Iterable<Block>): AsyncGenerator<Uint8Array> {
  yield concat(varint(HEADER.length), HEADER)
  for await (const block of blocks) yield section(block)
}

/** As `writeCar`, for blocks that are all here: parts of one body, without copying the blocks. */
export function carParts(blocks: readonly Block[]): Uint8Array[] {
  const parts = [concat(varint(HEADER.length), HEADER)]
  for (const { cid, bytes } of blocks) parts.push(concat(varint(CID_BYTES + bytes.length), cidBytes(cid)), bytes)
  return parts
}

const section = ({ cid, bytes }: Block): Uint8Array => concat(varint(CID_BYTES + bytes.length), cidBytes(cid), bytes)

/**
 * Blocks of a CARv1 stream, in order, not yet checked against their addresses, each in memory of its own. Holds one at a time. Throws UNREADABLE for what is
 * no CARv1, TRUNCATED when it ends inside a section, TOO_LARGE for a block over 1 MiB, BAD_CID for other addresses than ours.
 */
export async function* readCar(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Block> {
  const source = reader(chunks)
  try {
    const length = await source.size(MAX_HEADER)
    ensure(length !== null && isHeader(await source.bytes(length)), 'UNREADABLE', 'The stream is not a CAR of version 1.')
    for (;;) {
      const size = await source.size(CID_BYTES + MAX_BLOCK_BYTES)
      if (size === null) return
      ensure(size >= CID_BYTES, 'BAD_CID', 'A CAR section has no address of 36 bytes.')
      const cid = cidFromBytes(await source.bytes(CID_BYTES))
      yield { cid, bytes: await source.bytes(size - CID_BYTES) }
    }
  } finally {
    await source.close()
  }
}

const isHeader = (b: Uint8Array): boolean =>
  b.length >= HEADER.length &&
  HEADER_BEGIN.every((byte, i) => b[i] === byte) &&
  HEADER_END.every((byte, i) => b[b.length - HEADER_END.length + i] === byte)

/** Unsigned LEB128, as multiformats writes lengths. */
function varint(n: number): Uint8Array {
  const out: number[] = []
  while (n > 127) {
    out.push((n & 127) | 128)
    n >>>= 7
  }
  return Uint8Array.of(...out, n)
}

function reader(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
  const iterator = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]()
  let chunk: Uint8Array = new Uint8Array(0)
  let at = 0

  async function more(): Promise<boolean> {
    while (at === chunk.length) {
      const next = await iterator.next()
      if (next.done) return false
      chunk = next.value
      at = 0
    }
    return true
  }

  /** A varint of at most three bytes: no section of ours needs more. Null at the end of the stream. */
  async function length(): Promise<number | null> {
    let value = 0
    for (let i = 0; i < 3; i++) {
      if (!(await more())) {
        ensure(i === 0, 'TRUNCATED', 'The CAR ends inside a length.')
        return null
      }
      const byte = chunk[at++]!
      value |= (byte & 127) << (7 * i)
      if (byte < 128) return value
    }
    throw new KeepwellError('TOO_LARGE', 'A CAR section is longer than the largest block.')
  }

  return {
    /** Of the section that follows; null at the end of the stream. */
    async size(max: number): Promise<number | null> {
      const size = await length()
      if (size === null) return null
      ensure(size > 0, 'UNREADABLE', 'A CAR section is empty.')
      ensure(size <= max, 'TOO_LARGE', `A CAR section has ${size} bytes; the limit here is ${max}.`)
      return size
    },
    /** The next bytes of a section, in memory of their own. */
    async bytes(size: number): Promise<Uint8Array> {
      const out = new Uint8Array(size)
      for (let filled = 0; filled < size; ) {
        ensure(await more(), 'TRUNCATED', 'The CAR ends inside a section.')
        const part = chunk.subarray(at, at + size - filled)
        out.set(part, filled)
        filled += part.length
        at += part.length
      }
      return out
    },
    async close(): Promise<void> {
      await iterator.return?.()
    },
  }
}
