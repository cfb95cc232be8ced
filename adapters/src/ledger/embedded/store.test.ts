import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { levelStore } from './level-store.ts'
import { memoryStore } from './memory-store.ts'
import { storeSuite } from './store.suite.ts'

storeSuite('memory store', async () => memoryStore())

const dirs: string[] = []
afterAll(() => Promise.all(dirs.map(dir => rm(dir, { recursive: true }))))
storeSuite('LevelDB store', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'store-'))
  dirs.push(dir)
  return levelStore(dir)
})
