import { spawn } from 'node:child_process'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { compartmentNamed } from '@keepwell/sdk/actions/records/secrets'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { sampleBundleChunks } from '@keepwell/sdk/sample/bundle'
import { samplePatient } from '@keepwell/sdk/sample/patient'
import { benchHome, clock, KEEPWELL, residentMemory, serve } from './home.kit.ts'
import { median, type Row, report } from './report.kit.ts'

// What a person waits for and what a machine must hold: `keepwell start` until a page came back, on an empty folder and on a home that is
// there; resident memory when idle; and, with --import, the highest resident memory of `keepwell import` over a large Bundle. Beside the
// start stands a Node process that only imports the same modules: the limit.

const NOW = 1_790_000_000
const BATCH = 512
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

async function starting(dir: string): Promise<number> {
  const started = performance.now()
  const server = await serve(dir)
  const seconds = (performance.now() - started) / 1000
  await server.stop()
  return seconds
}

/** Milliseconds of a process that runs `code` and ends. */
async function running(code: string): Promise<number> {
  const started = performance.now()
  await ended(spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: import.meta.dirname, stdio: 'inherit' }))
  return (performance.now() - started) / 1000
}

const ended = (child: ReturnType<typeof spawn>): Promise<number | null> => new Promise(resolve => child.once('exit', resolve))

/** A home with `count` small records, closed. */
async function homeWith(count: number): Promise<{ dir: string; remove(): Promise<void> }> {
  const bench = await benchHome()
  const ctx = await bench.person('Ada')
  const resources = [...samplePatient('idle', { resources: count, now: NOW })]
  for (let at = 0; at < count; at += BATCH)
    await fileRecords(
      ctx,
      resources.slice(at, at + BATCH).map(r => ({
        id: ctx.random(16),
        kind: 'fhir' as const,
        mediaType: 'application/fhir+json',
        compartment: compartmentNamed(ctx.session.state.ring, 'general').id,
        authoredAt: clock(),
        body: utf8(JSON.stringify(r)),
        facts: { title: r.resourceType, codes: [] },
      })),
    )
  await bench.home.relay.anchor()
  return bench.leave()
}

async function idleMemory(records: number, wait: number): Promise<{ now: number; peak: number }> {
  const { dir, remove } = await homeWith(records)
  try {
    const server = await serve(dir)
    await pause(wait * 1000)
    const memory = residentMemory(server.pid)
    await server.stop()
    return memory
  } finally {
    await remove()
  }
}

/** `keepwell import` of a Bundle of `resources` entries of about 2.4 kB, as a person runs it. */
async function importing(resources: number): Promise<{ peak: number; seconds: number; megabytes: number; code: number | null }> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-import-'))
  try {
    const file = join(dir, 'bundle.json')
    await writeFile(file, sampleBundleChunks('import', resources, { now: NOW, noteBytes: 11_500 }))
    const env = { PATH: process.env.PATH, KEEPWELL_HOME: join(dir, 'home') }
    await ended(
      spawn(process.execPath, [...KEEPWELL, 'init', '--name', 'Ada', '--no-passphrase', '--words-file', join(dir, 'words')], {
        env,
        stdio: 'ignore',
      }),
    )
    const started = performance.now()
    const child = spawn(process.execPath, [...KEEPWELL, 'import', '--quiet', file], { env, stdio: ['ignore', 'ignore', 'inherit'] })
    let peak = 0
    const watch = setInterval(() => {
      peak = Math.max(peak, residentMemory(child.pid!).peak || 0)
    }, 100)
    const code = await ended(child)
    clearInterval(watch)
    const { size } = await stat(file)
    return { peak, seconds: (performance.now() - started) / 1000, megabytes: size / 1e6, code }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

export type StartOptions = { readonly wait?: number; readonly records?: number; readonly resources?: number }

export async function start({ wait = 5, records = 10_000, resources = 0 }: StartOptions = {}): Promise<Row[]> {
  const dirs = await Promise.all(Array.from({ length: 3 }, () => mkdtemp(join(tmpdir(), 'bench-start-'))))
  try {
    const fresh: number[] = []
    const again: number[] = []
    for (const dir of dirs) fresh.push(await starting(dir))
    for (const dir of dirs) again.push(await starting(dir))
    const limit = await running("await import('@keepwell/daemon/bin/start')")
    const idle = await idleMemory(records, wait)
    const rows: Row[] = [
      { what: 'keepwell start on an empty folder, to a served page', value: median(fresh), unit: 's', note: 'median of 3' },
      { what: 'keepwell start on a home, to a served page', value: median(again), unit: 's', note: 'median of 3' },
      { what: 'limit: a process that only imports the same modules', value: limit, unit: 's' },
      {
        what: `resident, idle for ${wait} s with ${records.toLocaleString('en')} records`,
        value: idle.now,
        unit: 'MB',
        note: `peak ${idle.peak.toFixed(0)} MB`,
      },
    ]
    if (!resources) return rows
    const taken = await importing(resources)
    const what = `highest resident of keepwell import, ${taken.megabytes.toFixed(0)} MB, ${resources.toLocaleString('en')} entries`
    return [...rows, { what, value: taken.peak, unit: 'MB', note: `${taken.seconds.toFixed(0)} s, exit code ${taken.code}` }]
  } finally {
    for (const dir of dirs) await rm(dir, { recursive: true, force: true })
  }
}

/** At 1×, 10× and 100× data. */
const GROWTH = [1000, 10_000, 100_000]

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      wait: { type: 'string' },
      import: { type: 'boolean' },
      entries: { type: 'string' },
      growth: { type: 'boolean' },
    },
  })
  const wait = Number(values.wait ?? 5)
  const resources = values.import ? Number(values.entries ?? 25_000) : 0
  for (const records of values.growth ? GROWTH : [10_000]) report('start', await start({ wait, records, resources }), values.json === true)
}
