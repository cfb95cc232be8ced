import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { SELDOM } from '#guard/guard.ts'
import { builtApp } from './journey.kit.ts'

/** Kilobytes by gzip, as `docs/design.md` states them: what a first visit waits for, and the worker that opens the vault. */
const BUDGET = { scripts: 220, styles: 28, worker: 244 }
/** Megabytes that an installed app keeps for everybody, as they lie there. */
const KEPT = 13

describe('the app stays small enough to begin quickly', () => {
  let dir: string
  beforeAll(async () => {
    dir = await builtApp()
  }, 240_000)

  const packed = (file: string): number => gzipSync(readFileSync(join(dir, file)), { level: 9 }).length / 1000
  const named = (pattern: RegExp): string[] => [...readFileSync(join(dir, 'index.html'), 'utf8').matchAll(pattern)].map(m => m[1]!)
  const total = (files: readonly string[]): number => files.reduce((sum, f) => sum + packed(f), 0)

  test('scripts of the first load', () => {
    const files = named(/(?:src|href)="(\/[^"]+\.js)"/g)
    expect(files.length).toBeGreaterThan(0)
    expect(total(files)).toBeLessThanOrEqual(BUDGET.scripts)
  })

  test('styles of the first load', () => {
    const files = named(/href="(\/[^"]+\.css)"/g)
    expect(files.length).toBeGreaterThan(0)
    expect(total(files)).toBeLessThanOrEqual(BUDGET.styles)
  })

  test('what is installed for everybody, without what few need', () => {
    const { files } = JSON.parse(readFileSync(join(dir, 'release.json'), 'utf8')) as { files: { path: string; size: number }[] }
    const kept = files.filter(f => !SELDOM.test(f.path))
    expect(kept.reduce((sum, f) => sum + f.size, 0) / 1e6).toBeLessThanOrEqual(KEPT)
    // Policies are few, and the engine that evaluates them is the largest file there is.
    expect(files.filter(f => f.path.includes('cedar')).map(f => SELDOM.test(f.path))).toContain(true)
    expect(kept.filter(f => f.path.includes('cedar'))).toEqual([])
  })

  test('the worker', () => {
    const files = readdirSync(join(dir, 'assets')).filter(f => /^main-.*\.js$/.test(f))
    expect(files).toHaveLength(1)
    expect(packed(join('assets', files[0]!))).toBeLessThanOrEqual(BUDGET.worker)
  })
})
