import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { importItems } from '@keepwell/sdk/actions/records/import-items'
import { loadChecker } from '@keepwell/sdk/health/fhir/check'
import { sampleBundleChunks } from '@keepwell/sdk/sample/bundle'
import { describeElsewhere } from 'keepwell/src/describe-worker.ts'
import { benchHome } from './home.kit.ts'
import { profiled, type Row, report, timed } from './report.kit.ts'

// Intake, door to door: a transaction Bundle is split, each resource validated, described, signed, sealed, stored, indexed and
// anchored over the embedded backends, durable when acknowledged. Beside it the plain path: the same resources parsed, validated by
// the same rules and inserted as text into SQLite with the same fsyncs.

const NOW = 1_790_000_000
/** As many resources share a commit on the plain path as share a submission on ours. */
const BATCH = 512

async function bundle(resources: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of sampleBundleChunks('intake', resources, { now: NOW })) parts.push(chunk)
  return Buffer.concat(parts)
}

async function sealedPath(bytes: Uint8Array, profile: boolean) {
  const bench = await benchHome()
  const elsewhere = describeElsewhere()
  try {
    const ctx = await bench.person('Ada')
    const item = (name: string, body: Uint8Array) => ({
      name,
      size: body.length,
      chunks: async function* () {
        for (let at = 0; at < body.length; at += 65_536) yield body.subarray(at, at + 65_536)
      },
    })
    const take = async (name: string, body: Uint8Array): Promise<number> => {
      let taken = 0
      for await (const v of importItems(ctx, one(item(name, body)), { describe: elsewhere.describe })) if (v.outcome !== 'failed') taken++
      return taken
    }
    await take('warm.json', await bundle(500))
    await bench.home.relay.anchor()
    const work = () => take('bundle.json', bytes)
    const before = process.threadCpuUsage()
    const loop = performance.eventLoopUtilization()
    const stored = await timed(() => (profile ? profiled(work) : work()))
    const own = process.threadCpuUsage(before)
    const main = (own.user + own.system) / 1e6
    const idle = performance.eventLoopUtilization(loop).idle / 1000
    const anchored = await timed(() => bench.home.relay.anchor())
    return { stored, anchored, main, idle }
  } finally {
    await elsewhere.close()
    await bench.close()
  }
}

async function* one<T>(item: T): AsyncGenerator<T> {
  yield item
}

async function plainPath(bytes: Uint8Array) {
  const dir = await mkdtemp(join(tmpdir(), 'bench-plain-'))
  const db = new DatabaseSync(join(dir, 'plain.sqlite'))
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    db.exec('create table resources (type text, id text, body text, primary key (type, id))')
    const insert = db.prepare('insert or replace into resources values (?, ?, ?)')
    const check = await loadChecker()
    return await timed(async () => {
      const { entry } = JSON.parse(new TextDecoder().decode(bytes)) as { entry: { resource: Record<string, unknown> }[] }
      for (let at = 0; at < entry.length; at += BATCH) {
        db.exec('BEGIN')
        for (const { resource } of entry.slice(at, at + BATCH)) {
          check(resource as never)
          insert.run(String(resource.resourceType), String(resource.id), JSON.stringify(resource))
        }
        db.exec('COMMIT')
      }
    })
  } finally {
    db.close()
    await rm(dir, { recursive: true, force: true })
  }
}

export async function intake({ resources = 10_000, profile = false } = {}): Promise<Row[]> {
  const bytes = await bundle(resources)
  const { stored, anchored, main, idle } = await sealedPath(bytes, profile)
  const plain = await plainPath(bytes)
  const seconds = stored.seconds + anchored.seconds
  const cpu = stored.cpu + anchored.cpu
  return [
    {
      what: 'resources',
      value: resources,
      unit: '',
      note: `${(bytes.length / resources).toFixed(0)} bytes each; ${stored.result} verdicts`,
    },
    { what: 'sealed: validate to anchored', value: resources / seconds, unit: '/s', note: `${seconds.toFixed(2)} s` },
    { what: 'sealed, per processor second', value: resources / cpu, unit: '/s', note: `${cpu.toFixed(2)} s` },
    {
      what: 'bound by the busier thread',
      value: resources / (main + anchored.cpu),
      unit: '/s',
      note: `${main.toFixed(2)} s CPU of the sealing thread, which waited ${idle.toFixed(2)} s`,
    },
    {
      what: 'of that: anchoring what the import left',
      value: anchored.seconds * 1000,
      unit: 'ms',
      note: `${(anchored.cpu * 1000).toFixed(0)} ms CPU`,
    },
    { what: 'plain: validate, insert into SQLite', value: resources / plain.seconds, unit: '/s' },
    { what: 'plain, per processor second', value: resources / plain.cpu, unit: '/s' },
    { what: 'sealed against plain, processor time', value: cpu / plain.cpu, unit: '×' },
  ]
}

/** At 1×, 10× and 100× data; each size begins with an empty home. */
const GROWTH = [1000, 10_000, 100_000]

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, resources: { type: 'string' }, profile: { type: 'boolean' }, growth: { type: 'boolean' } },
  })
  for (const resources of values.growth ? GROWTH : [Number(values.resources ?? 10_000)])
    report('intake', await intake({ resources, profile: values.profile === true }), values.json === true)
}
