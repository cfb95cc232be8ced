import { KeepwellError } from '@keepwell/sdk/base/error'

/** A file the person chose, where the browser can write into one; else null. */
export type Target = FileSystemFileHandle | null

type Saving = { readonly target: Target; readonly signal: AbortSignal; readonly wrote: (bytes: number) => void }
export type Saved = { readonly bytes: number; readonly blob: Blob | null }

/**
 * So much of a file without a chosen place is held here before the browser takes it as a blob, which it puts on disk when it is short of memory. It
 * is not written to a file of our own (OPFS) in between: that would be plaintext at rest on this device, which outlives a crash and the lock, where a blob
 * ends with the page.
 */
const HELD = 4 << 20

/** Writes a stream as it comes. What was called off half-way leaves no file. Throws CANCELLED, STORAGE_FULL, STORAGE_FAILED. */
export async function save(chunks: AsyncIterable<Uint8Array>, { target, signal, wrote }: Saving): Promise<Saved> {
  const sink = target ? await fileSink(target) : blobSink()
  let bytes = 0
  try {
    for await (const chunk of chunks) {
      if (signal.aborted) throw new KeepwellError('CANCELLED', 'Writing was called off.')
      await sink.write(chunk)
      bytes += chunk.length
      wrote(bytes)
    }
    return { bytes, blob: await sink.end() }
  } catch (e) {
    await sink.drop()
    throw e
  }
}

type Sink = { write(chunk: Uint8Array): Promise<void>; end(): Promise<Blob | null>; drop(): Promise<void> }

function blobSink(): Sink {
  const blobs: Blob[] = []
  let held: Uint8Array[] = []
  let size = 0
  const pack = async (): Promise<void> => {
    const blob = new Blob(held as BlobPart[])
    blobs.push(blob)
    held = []
    size = 0
    // Read from once the browser has taken it: until then its bytes are here a second time.
    await blob.slice(0, 1).arrayBuffer()
  }
  return {
    async write(chunk) {
      held.push(chunk.slice())
      size += chunk.length
      if (size >= HELD) await pack()
    },
    async end() {
      if (size) await pack()
      return new Blob(blobs, { type: 'application/octet-stream' })
    },
    async drop() {},
  }
}

async function fileSink(target: FileSystemFileHandle): Promise<Sink> {
  const file = await target.createWritable().catch(failed)
  return {
    write: chunk => file.write(new Uint8Array(chunk)).catch(failed),
    end: () => file.close().then(() => null, failed),
    drop: () => file.abort().catch(() => {}),
  }
}

function failed(cause: unknown): never {
  const full = (cause as { name?: unknown } | null)?.name === 'QuotaExceededError'
  throw new KeepwellError(full ? 'STORAGE_FULL' : 'STORAGE_FAILED', 'The file could not be written.', { cause })
}

/** A file in pieces, as it is read. */
export async function* piecesOf(file: Blob): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    await reader.cancel().catch(() => {})
  }
}
