import { concat } from '@keepwell/sdk/base/bytes'

/** Smaller parts are sent together. */
const SMALL = 16_384

/** Parts as one body of stated length, the large ones as they are: a Blob copies each of them twice here, in pieces of 64 KiB. */
export function partsBody(parts: readonly Uint8Array[]): RequestInit {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const chunks = gathered(parts)
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    const { value, done } = chunks.next()
    if (done) controller.close()
    else controller.enqueue(value)
  }
  const stream = { body: new ReadableStream({ pull }, { highWaterMark: 0 }), duplex: 'half' }
  return { ...stream, headers: { 'content-length': String(length) } } as RequestInit
}

function* gathered(parts: readonly Uint8Array[]): Generator<Uint8Array, undefined> {
  let small: Uint8Array[] = []
  let held = 0
  for (const part of parts) {
    if (part.length < SMALL && held < SMALL) {
      small.push(part)
      held += part.length
      continue
    }
    if (held) yield concat(...small)
    small = part.length < SMALL ? [part] : []
    held = part.length < SMALL ? part.length : 0
    if (part.length >= SMALL) yield part
  }
  if (held) yield concat(...small)
}
