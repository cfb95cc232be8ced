import type { IncomingMessage } from 'node:http'
import { concat, release } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'

/** Bytes of bodies held in memory by all requests together. */
export type Budget = { take(bytes: number): void; give(bytes: number): void }

/** Throws RATE_LIMITED rather than let many large bodies fill the memory. */
export function budget(max: number): Budget {
  let used = 0
  return {
    take(bytes) {
      ensure(used + bytes <= max, 'RATE_LIMITED', 'The server is busy with other large requests; retry in a moment.')
      used += bytes
    },
    give(bytes) {
      used -= bytes
    },
  }
}

const tooLarge = (max: number) => new KeepwellError('TOO_LARGE', `The body is larger than ${max} bytes.`)

/** Bytes of one body that came: those that are held, and those that were passed on and are gone. */
export type Held = { bytes: number; passed: number }

/** Throws CANCELLED when it ends before its end: whoever sent it broke it off, or was cut off. */
async function* whileItComes(request: IncomingMessage): AsyncGenerator<unknown> {
  try {
    yield* request.iterator({ destroyOnReturn: false })
  } catch (cause) {
    throw request.complete ? cause : new KeepwellError('CANCELLED', 'The body was broken off.', { cause })
  }
}

/** The body in chunks; throws CANCELLED when it does not come to its end, TOO_LARGE as soon as it is known to be, BAD_TYPE for a compressed one. */
export async function* bodyStream(request: IncomingMessage, max: number, memory: Budget, held: Held): AsyncGenerator<Uint8Array> {
  const stated = request.headers['content-length']
  if (stated !== undefined && Number(stated) > max) throw tooLarge(max)
  ensure((request.headers['content-encoding'] ?? 'identity') === 'identity', 'BAD_TYPE', 'Compressed bodies are not taken.')
  for await (const chunk of whileItComes(request)) {
    const bytes = chunk as Uint8Array
    if (held.passed + held.bytes + bytes.length > max) throw tooLarge(max)
    memory.take(bytes.length)
    held.bytes += bytes.length
    yield bytes
  }
}

/**
 * The body in chunks for one who keeps none of them: only the chunk in hand counts as held, so a body may be larger than the memory. Its
 * bytes are gone when the next is asked for.
 */
export async function* bodyFlow(request: IncomingMessage, max: number, memory: Budget, held: Held): AsyncGenerator<Uint8Array> {
  for await (const chunk of bodyStream(request, max, memory, held)) {
    const { length } = chunk
    yield chunk
    release(chunk)
    memory.give(length)
    held.bytes -= length
    held.passed += length
  }
}

/** For one who copies each chunk before he takes the next: its bytes are gone then. */
export async function* passing(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk
    release(chunk)
  }
}

export async function wholeBody(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks.length === 1 ? chunks[0]! : concat(...chunks)
}
