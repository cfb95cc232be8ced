import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

/** Four gigabytes of bytes pass through, sixteen megabytes of them held at a time; prints how often the whole heap was collected. */
const PASSES = `
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { collectSeldom } from ${JSON.stringify(new URL('./collect.ts', import.meta.url).href)}
if (process.argv[1] === 'seldom') collectSeldom()
const seen = new PerformanceObserver(() => {})
seen.observe({ entryTypes: ['gc'] })
let whole = 0
const count = () => { for (const e of seen.takeRecords()) if (e.detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) whole++ }
const held = []
for (let i = 0; i < 8192; i++) {
  held.push(new Uint8Array(1 << 19).fill(1, 0, 1))
  if (held.length > 32) held.shift()
  if (i % 16 === 0) { await setImmediate(); count() }
}
await setImmediate()
count()
console.log(JSON.stringify({ whole, megabytes: process.resourceUsage().maxRSS / 1000 }))
`

/** A session of 40,000 pages of entries is kept, then ten times as many go by; prints how often the whole heap was collected for those, and what they left in it. */
const ENTRIES = `
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { getHeapSpaceStatistics } from 'node:v8'
import { collectSeldom } from ${JSON.stringify(new URL('./collect.ts', import.meta.url).href)}
if (process.argv[1] === 'seldom') collectSeldom()
const seen = new PerformanceObserver(() => {})
seen.observe({ entryTypes: ['gc'] })
let whole = 0
const count = () => { for (const e of seen.takeRecords()) if (e.detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) whole++ }
const old = () => getHeapSpaceStatistics().find(s => s.space_name === 'old_space').space_used_size / 1e6
const entry = n => ({ fullUrl: n, resource: { n }, search: { mode: 'match' } })
const page = n => Array.from({ length: 10 }, (_, i) => entry(n + i))
const session = Array.from({ length: 40_000 }, (_, n) => page(n))
gc()
await setImmediate()
count()
const [held, before] = [old(), whole]
let shown = 0
for (let n = 0; n < 10 * session.length; n++) {
  shown += page(n).length
  if (n % 1000 === 0) { await setImmediate(); count() }
}
await setImmediate()
count()
console.log(JSON.stringify({ shown, whole: whole - before, megabytes: old() - held }))
`

/** One thread collects and compiles: when several are done, and what was compiled by then, depends on what else the machine does. */
const ONE_THREAD = ['--single-threaded-gc', '--no-concurrent-recompilation', '--expose-gc', '--input-type=module']

async function passed(what: string, how: 'seldom' | 'often'): Promise<{ whole: number; megabytes: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, [...ONE_THREAD, '-e', what, how])
  return JSON.parse(stdout)
}

describe('bytes that pass through a server', () => {
  test('do not make it collect its whole heap every 64 MB, and are given back all the same', async () => {
    const [often, seldom] = [await passed(PASSES, 'often'), await passed(PASSES, 'seldom')]
    expect(often.whole).toBeGreaterThan(16)
    expect(seldom.whole).toBeLessThan(often.whole / 4)
    // Of 4,300: some 180 alone, up to 1,600 where the process waits for a core, since V8 plans by how fast it was.
    expect(seldom.megabytes).toBeLessThan(3000)
  })
})

describe('answers that a server gives when it has opened something large', () => {
  test('leave nothing among what is old, so that the whole heap is not collected for them', async () => {
    const [often, seldom] = [await passed(ENTRIES, 'often'), await passed(ENTRIES, 'seldom')]
    expect(often.whole).toBeGreaterThan(0)
    expect(seldom.whole).toBe(0)
    expect(seldom.megabytes).toBeLessThan(often.megabytes / 20)
  })
})
