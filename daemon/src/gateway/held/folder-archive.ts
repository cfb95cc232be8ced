import { createReadStream } from 'node:fs'
import { open, opendir, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Archive } from './archive.ts'

/** A folder of files, with all below it; links and hidden files are left alone. */
export function folderArchive(root: string): Archive {
  return {
    async *list() {
      for await (const path of filesIn(root)) {
        const { size } = await stat(path)
        const ref = relative(root, path).split(sep).join('/')
        yield { name: ref, ref, size, chunks: () => createReadStream(path) as AsyncIterable<Uint8Array> }
      }
    },
    async read(ref, offset, length) {
      try {
        const [inside, path] = await Promise.all([realpath(root), realpath(join(root, ref))])
        if (!path.startsWith(inside + sep)) throw new Error('outside the folder')
        const file = await open(path, 'r')
        try {
          const bytes = new Uint8Array(length)
          const { bytesRead } = await file.read(bytes, 0, length, offset)
          return bytes.subarray(0, bytesRead)
        } finally {
          await file.close()
        }
      } catch (cause) {
        throw new KeepwellError('HELD_UNREACHABLE', 'The archive no longer has that file.', { cause })
      }
    },
  }
}

async function* filesIn(folder: string): AsyncGenerator<string> {
  const found: { readonly name: string; readonly folder: boolean }[] = []
  for await (const entry of await opendir(folder))
    if (!entry.name.startsWith('.') && (entry.isFile() || entry.isDirectory()))
      found.push({ name: entry.name, folder: entry.isDirectory() })
  for (const { name, folder: deeper } of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (deeper) yield* filesIn(join(folder, name))
    else yield join(folder, name)
  }
}
