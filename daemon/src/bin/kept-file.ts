import { stat } from 'node:fs/promises'
import type { Kept } from '#gateway/core/kept'
import { readIfThere } from './files.ts'

const LOOK_MS = 1000

/** What a file says, read again when it changed. One that cannot be read changes nothing, and is told. Throws BAD_INPUT at the start. */
export async function keptFile<T>(
  file: string,
  read: (bytes: Uint8Array | null) => T,
  failed: (code: string) => void,
): Promise<Kept<T> & { close(): void }> {
  const listeners = new Set<() => void>()
  const stamp = (): Promise<string> =>
    stat(file).then(
      s => `${s.mtimeMs}/${s.ino}/${s.size}`,
      () => '',
    )
  let known = await stamp()
  let current = read(await readIfThere(file))
  const look = async (): Promise<void> => {
    const now = await stamp()
    if (now === known) return
    known = now
    try {
      current = read(await readIfThere(file))
      for (const listener of listeners) listener()
    } catch {
      failed('BAD_INPUT')
    }
  }
  const timer = setInterval(() => void look(), LOOK_MS).unref()
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: () => clearInterval(timer),
  }
}
