import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the app is built, once a run, when the first journey of any worker needs it. */
    readonly app: string
  }
}

/** Lasts as long as the run: a worker may end while another's journeys are still served from it. */
export default async function appFolder(project: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(join(tmpdir(), 'keepwell-app-'))
  project.provide('app', dir)
  return () => rm(dir, { recursive: true, force: true })
}
