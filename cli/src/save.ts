import { existsSync, mkdirSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from '@keepwell/daemon/bin/files'
import { ensure, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'

/** Writes a new file, readable by its owner only; after a failure nothing is left. Returns its size. Throws BAD_INPUT when it exists. */
export async function saveStream(
  path: string,
  content: AsyncIterable<Uint8Array>,
  options: { readonly replace?: boolean } = {},
): Promise<number> {
  ensure(options.replace || !existsSync(path), 'BAD_INPUT', `${path} is there already; name a new file.`)
  mkdirSync(dirname(path), { recursive: true })
  const draft = `${path}.part`
  let size = 0
  try {
    const file = await open(draft, 'w', 0o600)
    try {
      for await (const part of content) {
        await file.write(part)
        size += part.length
      }
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
    await syncFolder(dirname(path))
    return size
  } catch (cause) {
    await rm(draft, { force: true })
    if (isKeepwellError(cause)) throw cause
    const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
    throw new KeepwellError(full ? 'STORAGE_FULL' : 'STORAGE_FAILED', `${path} could not be written${full ? ': no space is left' : ''}.`, {
      cause,
    })
  }
}

/** Bytes that are here already, as a stream of one piece. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
