/** Small tools of bounded streams. */

/** Starts `work` on the next items while earlier ones still run, at most `limit` at once; results come in order. */
export async function* mapAhead<T, R>(
  source: AsyncIterable<T> | Iterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = []
  try {
    for await (const item of source) {
      const started = work(item)
      // A failure is thrown where its result is awaited; until then it must not count as unhandled.
      started.catch(() => {})
      running.push(started)
      if (running.length >= limit) yield await running.shift()!
    }
    while (running.length) yield await running.shift()!
  } finally {
    await Promise.allSettled(running)
  }
}

export type BatchLimits<T> = { readonly count: number; readonly bytes: number; readonly sizeOf: (item: T) => number }

/** Gathers items until their number or their bytes are worth a batch. */
export async function* batches<T>(source: AsyncIterable<T>, { count, bytes, sizeOf }: BatchLimits<T>): AsyncGenerator<T[]> {
  let held: T[] = []
  let size = 0
  for await (const item of source) {
    held.push(item)
    size += sizeOf(item)
    if (held.length < count && size < bytes) continue
    yield held
    held = []
    size = 0
  }
  if (held.length) yield held
}

/** Reads at most `max` bytes from the beginning; `whole` when that was everything. */
export async function readHead(chunks: AsyncIterable<Uint8Array>, max: number): Promise<{ bytes: Uint8Array; whole: boolean }> {
  const parts: Uint8Array[] = []
  let length = 0
  let whole = true
  for await (const chunk of chunks) {
    const room = max - length
    if (chunk.length > room) {
      parts.push(chunk.subarray(0, room))
      length += room
      whole = false
      break
    }
    parts.push(chunk)
    length += chunk.length
  }
  if (parts.length === 1) return { bytes: parts[0]!, whole }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return { bytes, whole }
}
