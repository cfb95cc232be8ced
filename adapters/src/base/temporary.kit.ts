import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fixture } from '@keepwell/sdk/ports/fixture'

/** A fresh directory for one test. */
export function temporaryDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'keepwell-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** A fixture whose store lives in a directory of its own, removed afterwards. */
export const inDirectory =
  <Store>(open: (dir: string) => Promise<Store>) =>
  async (): Promise<Fixture<Store>> => {
    const dir = temporaryDirectory()
    return { open: () => open(dir.path), dispose: async () => dir.remove() }
  }
