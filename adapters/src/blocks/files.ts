import type { BlockFile, BlockIo } from './io.ts'

/**
 * Open files by path, at most `limit` idle ones. A file stays open while it is used, so a reader is never disturbed by a removal: it reads
 * the removed file's bytes, or finds that the block has moved and looks again.
 */
export function openFiles(io: BlockIo, limit = 128) {
  type Held = { readonly file: Promise<BlockFile>; users: number; gone: boolean }
  const held = new Map<string, Held>()

  const take = (path: string): Held => {
    const entry = held.get(path) ?? { file: io.open(path, 'write'), users: 0, gone: false }
    // Last in the map is last used.
    held.delete(path)
    held.set(path, entry)
    entry.users++
    return entry
  }
  const closeUnused = async (entry: Held): Promise<void> => {
    if (entry.users === 0) await entry.file.then(file => file.close()).catch(() => {})
  }
  const retire = async (path: string, entry: Held): Promise<void> => {
    if (entry.gone) return
    entry.gone = true
    if (held.get(path) === entry) held.delete(path)
    await closeUnused(entry)
  }
  const release = async (entry: Held): Promise<void> => {
    entry.users--
    if (entry.gone) await closeUnused(entry)
    const surplus = [...held].slice(0, Math.max(0, held.size - limit)).filter(([, e]) => e.users === 0)
    for (const [path, e] of surplus) await retire(path, e)
  }

  return {
    async use<T>(path: string, work: (file: BlockFile) => Promise<T>): Promise<T> {
      const entry = take(path)
      try {
        // A file that could not be opened must be tried again next time.
        const file = await entry.file.catch(async e => {
          await retire(path, entry)
          throw e
        })
        return await work(file)
      } finally {
        await release(entry)
      }
    },
    async forget(path: string): Promise<void> {
      const entry = held.get(path)
      if (entry) await retire(path, entry)
    },
    async close(): Promise<void> {
      for (const [path, entry] of [...held]) await retire(path, entry)
    },
  }
}

export type OpenFiles = ReturnType<typeof openFiles>
