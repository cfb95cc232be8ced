import { createReadStream } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import type { ImportItem } from '@keepwell/sdk/actions/records/import-item'
import { KeepwellError } from '@keepwell/sdk/base/error'

/** Files that operating systems leave behind and nobody means to keep. */
const LITTER = /^(\.DS_Store|Thumbs\.db|desktop\.ini|\._.*)$/i

/** Every file at these paths, folders walked in the order of names. A path that is not there throws at once; links inside folders are passed over. */
export async function* filesAt(paths: readonly string[]): AsyncGenerator<ImportItem> {
  const checked = await Promise.all(
    paths.map(async path => ({
      path,
      stat: await stat(path).catch(cause => {
        throw new KeepwellError('BAD_INPUT', `There is nothing to read at ${path}.`, { cause })
      }),
    })),
  )
  for (const { path, stat: s } of checked) {
    if (s.isDirectory()) yield* walk(path, path)
    else yield itemOf(path, basename(path), s.size)
  }
}

async function* walk(root: string, folder: string): AsyncGenerator<ImportItem> {
  const names = (await readdir(folder)).sort()
  for (const name of names) {
    const path = join(folder, name)
    const s = await lstat(path)
    if (s.isDirectory()) yield* walk(root, path)
    else if (s.isFile() && !LITTER.test(name)) yield itemOf(path, relative(root, path), s.size)
  }
}

function itemOf(path: string, name: string, size: number): ImportItem {
  return {
    name,
    size,
    async *chunks() {
      try {
        for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) yield chunk as Uint8Array
      } catch (cause) {
        const why = (cause as NodeJS.ErrnoException).code === 'EACCES' ? 'permission is missing' : 'reading it failed'
        throw new KeepwellError('UNREADABLE', `The file could not be read: ${why}.`, { cause })
      }
    },
  }
}
