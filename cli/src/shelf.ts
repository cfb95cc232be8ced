import { createReadStream, existsSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Shelf } from '@keepwell/sdk/ports/shelf'
import { saveStream } from './save.ts'

export async function* fileChunks(path: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) yield chunk as Uint8Array
}

/** A folder of backups, readable by its owner only. Folders are made as they are needed; names are those of its own files. */
export function folderShelf(dir: string): Shelf {
  const at = (name: string): string => {
    if (name.includes('/') || name.includes('\\') || name.startsWith('.'))
      throw new KeepwellError('BAD_INPUT', 'That is no name of a backup.')
    return join(dir, name)
  }
  return {
    list: async () => (existsSync(dir) ? (await readdir(dir)).filter(n => n.endsWith('.backup')).sort() : []),
    async *read(name) {
      if (!existsSync(at(name))) throw new KeepwellError('NOT_FOUND', `There is no backup ${name}.`)
      yield* fileChunks(at(name))
    },
    async write(name, content) {
      await mkdir(dir, { recursive: true, mode: 0o700 })
      return saveStream(at(name), content, { replace: true })
    },
    remove: name => rm(at(name), { force: true }),
  }
}
