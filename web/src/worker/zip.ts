import { makeZip } from 'client-zip'

type File = { readonly name: string; readonly time: number; readonly chunks: () => AsyncIterable<Uint8Array> }

/** Files as one ZIP archive, streamed and stored as they are: ZIP64 where it must be, names in UTF-8. */
export async function* zip(files: AsyncIterable<File>): AsyncGenerator<Uint8Array> {
  const reader = makeZip(entriesOf(files)).getReader()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    await reader.cancel().catch(() => {})
  }
}

async function* entriesOf(files: AsyncIterable<File>) {
  for await (const { name, time, chunks } of files) yield { name, lastModified: new Date(time * 1000), input: owned(chunks()) }
}

/** The archive's writer may keep a piece while the next one is read. */
async function* owned(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ArrayBuffer> {
  for await (const chunk of chunks) yield new Uint8Array(chunk).buffer
}
