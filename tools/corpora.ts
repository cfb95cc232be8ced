import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(fileURLToPath(import.meta.url), '..', '..')

/**
 * Absolute path of a file or folder of the external corpora, or null when they are not on this machine.
 * They are looked for in `KEEPWELL_CORPORA`, then beside the repository; nothing of them is part of the repository.
 */
export function corpus(path: string): string | null {
  const base = process.env.KEEPWELL_CORPORA ?? join(root, '..', 'shared', 'data')
  const full = join(base, path)
  return existsSync(full) ? full : null
}
