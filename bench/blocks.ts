import { hash, randomBytes } from 'node:crypto'
import { closeSync, cpSync, fdatasyncSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, writeSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { blockIndex } from '@keepwell/adapters/blocks/block-index'
import { openFileBlocks } from '@keepwell/adapters/blocks/file'
import { openPostgresEnvelopes } from '@keepwell/adapters/envelopes/postgres'
import { openSqliteEnvelopes } from '@keepwell/adapters/envelopes/sqlite'
import { openSqliteLog } from '@keepwell/adapters/log/sqlite'
import { rawCid } from '@keepwell/sdk/base/cid'
import type { Block, BlockStore } from '@keepwell/sdk/ports/blocks'
import type { EnvelopeStore } from '@keepwell/sdk/ports/envelopes'
import { postgresBin, withPostgres } from '#tools/postgres'

/**
 * Block store and database, each beside what the machine could do at best with the same bytes in the same run:
 * SHA-256 of each block and one growing file with one fsync at the end. `--rounds N` (3), `--json`.
 */
const { values } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '3' } } })
const rounds = Number(values.rounds)
const home = mkdtempSync(join(tmpdir(), 'keepwell-bench-'))
const sha256 = (bytes: Uint8Array) => hash('sha256', bytes, 'buffer')
const median = (list: number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1] ?? Number.NaN
const spread = (list: number[]): string => `${Math.min(...list).toFixed(2)}–${Math.max(...list).toFixed(2)}`

async function seconds(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

type Load = { readonly name: string; readonly blocks: Block[]; readonly batch: number; readonly bytes: number }

function loadOf(name: string, size: number, count: number, batch: number): Load {
  const seed = randomBytes(size)
  const blocks = Array.from({ length: count }, (_, i) => {
    const bytes = new Uint8Array(seed)
    new DataView(bytes.buffer).setUint32(0, i)
    return { cid: rawCid(sha256(bytes)), bytes }
  })
  return { name, blocks, batch, bytes: size * count }
}

/** Hash each block, write it behind the others, sync once. */
function plainWrite({ blocks }: Load): void {
  const file = openSync(join(home, 'plain'), 'w')
  for (const { bytes } of blocks) {
    sha256(bytes)
    writeSync(file, bytes)
  }
  fdatasyncSync(file)
  closeSync(file)
}

function plainRead({ blocks }: Load): void {
  const file = openSync(join(home, 'plain'), 'r')
  for (const { bytes } of blocks) {
    const into = new Uint8Array(bytes.length)
    readSync(file, into)
    sha256(into)
  }
  closeSync(file)
}

async function putAll(store: BlockStore, { blocks, batch }: Load): Promise<void> {
  for (let i = 0; i < blocks.length; i += batch) await store.put(blocks.slice(i, i + batch))
}

async function getAll(store: BlockStore, { blocks }: Load): Promise<void> {
  for (let i = 0; i < blocks.length; i += 16) await Promise.all(blocks.slice(i, i + 16).map(({ cid }) => store.get(cid)))
}

async function blocksOf(load: Load) {
  const runs = {
    put: [] as number[],
    write: [] as number[],
    get: [] as number[],
    read: [] as number[],
    open: [] as number[],
    scan: [] as number[],
  }
  for (let round = 0; round < rounds; round++) {
    const dir = join(home, 'blocks')
    runs.write.push(await seconds(() => plainWrite(load)))
    let store = await openFileBlocks({ dir })
    runs.put.push(await seconds(() => putAll(store, load)))
    runs.read.push(await seconds(() => plainRead(load)))
    runs.get.push(await seconds(() => getAll(store, load)))
    await store.close()
    runs.open.push(await seconds(async () => (store = await openFileBlocks({ dir }))))
    await store.close()
    // A crash: the last segment has no hint. Here none has one.
    cpSync(dir, `${dir}-crash`, { recursive: true })
    for (const name of readdirSync(`${dir}-crash`).filter(n => n.endsWith('.hint'))) rmSync(join(`${dir}-crash`, name))
    runs.scan.push(await seconds(async () => (store = await openFileBlocks({ dir: `${dir}-crash` }))))
    await store.close()
    for (const path of [dir, `${dir}-crash`]) rmSync(path, { recursive: true })
  }
  const ratios = (limit: number[], ours: number[]) => limit.map((s, i) => s / ours[i]!)
  const rate = (list: number[]) => load.bytes / 1e6 / median(list)
  return {
    load: load.name,
    'put MB/s': rate(runs.put),
    'limit MB/s': rate(runs.write),
    'put of limit': median(ratios(runs.write, runs.put)),
    'put spread': spread(ratios(runs.write, runs.put)),
    'get MB/s': rate(runs.get),
    'get of limit': median(ratios(runs.read, runs.get)),
    'open ms': median(runs.open) * 1000,
    'open without any hint ms': median(runs.scan) * 1000,
  }
}

/** Bytes of memory the index takes for a block. */
function indexMemory(count: number) {
  const before = process.memoryUsage().arrayBuffers
  const index = blockIndex()
  const digest = new Uint8Array(32)
  const view = new DataView(digest.buffer)
  const start = performance.now()
  for (let i = 0; i < count; i++) {
    view.setUint32(0, Math.imul(i, 0x9e3779b1))
    view.setUint32(4, i)
    index.set(digest, { segment: 1, offset: i, length: 6000, damaged: false })
  }
  const ns = ((performance.now() - start) / count) * 1e6
  return { blocks: index.held().blocks, 'bytes a block': (process.memoryUsage().arrayBuffers - before) / count, 'ns an insertion': ns }
}

const ROW = 400
const rowsOf = (n: number) =>
  Array.from({ length: n }, () => ({ key: new Uint8Array(randomBytes(16)), value: new Uint8Array(randomBytes(ROW)) }))

/** The same rows and commits by prepared statements and nothing else. */
function plainSqlite(batches: ReturnType<typeof rowsOf>[]): void {
  const db = new DatabaseSync(join(home, 'plain.db'))
  db.exec('PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON')
  db.exec('create table rows (vault text, kind text, key blob, value blob, primary key (vault, kind, key))')
  const insert = db.prepare('insert into rows values (?, ?, ?, ?)')
  for (const rows of batches) {
    db.exec('BEGIN')
    for (const { key, value } of rows) insert.run('vault', 'envelope', key, value)
    db.exec('COMMIT')
  }
  db.close()
}

async function envelopesOf(store: EnvelopeStore, batches: ReturnType<typeof rowsOf>[]) {
  const bulk = await seconds(async () => {
    for (const rows of batches) await store.transact('vault', t => t.put('envelope', rows))
  })
  const one = rowsOf(1200)
  const alone = await seconds(async () => {
    for (const row of one.slice(0, 200)) await store.transact('vault', t => t.put('envelope', [row]))
  })
  const together = await seconds(async () => {
    for (let i = 200; i < 1200; i += 50)
      await Promise.all(one.slice(i, i + 50).map((row, j) => store.transact(`vault ${j % 10}`, t => t.put('envelope', [row]))))
  })
  const keys = batches.flat().slice(0, 2000)
  const lookups = await seconds(async () => {
    for (const { key } of keys) await store.read('vault', t => t.get('envelope', key))
  })
  return {
    bulk,
    'rows/s, 1,000 a transaction': batches.flat().length / bulk,
    'transactions/s, one by one': 200 / alone,
    'transactions/s, 50 at once': 1000 / together,
    'lookup µs': (lookups / keys.length) * 1e6,
  }
}

async function databases() {
  const batches = Array.from({ length: 50 }, () => rowsOf(1000))
  const plain = await seconds(() => plainSqlite(batches))
  const sqlite = await openSqliteEnvelopes({ file: join(home, 'envelopes.db') })
  const { bulk, ...ours } = await envelopesOf(sqlite, batches)
  await sqlite.close()
  const out: Record<string, Record<string, number>> = {
    'node:sqlite and nothing else': { 'rows/s, 1,000 a transaction': 50_000 / plain },
    'SQLite envelopes': { ...ours, 'bulk of limit': plain / bulk },
  }
  if (postgresBin())
    await withPostgres(async url => {
      const store = await openPostgresEnvelopes({ url })
      const { bulk: _, ...figures } = await envelopesOf(store, batches)
      out['PostgreSQL envelopes'] = figures
      await store.close()
    })
  return out
}

async function log() {
  const store = await openSqliteLog({ file: join(home, 'log.db') })
  const leaves = Array.from({ length: 40_000 }, () => new Uint8Array(randomBytes(32)))
  const bulk = await seconds(async () => {
    for (let i = 0; i < 30_000; i += 1000) await store.append(leaves.slice(i, i + 1000))
  })
  const together = await seconds(async () => {
    for (let i = 30_000; i < 40_000; i += 50) await Promise.all(leaves.slice(i, i + 50).map(leaf => store.append([leaf])))
  })
  await store.close()
  return { 'leaves/s, 1,000 an append': 30_000 / bulk, 'appends/s, 50 at once': 10_000 / together }
}

try {
  // First, while nothing else has taken memory that might be given back meanwhile.
  const index = indexMemory(1_000_000)
  const loads = [() => loadOf('500 MB in 256 KiB', 262_144, 1907, 16), () => loadOf('50,000 of 6 kB', 6144, 50_000, 500)]
  const measured = []
  for (const load of loads) measured.push(await blocksOf(load()))
  const result = {
    bench: 'blocks',
    machine: `${cpus()[0]?.model ?? 'unknown'} x${cpus().length}, Node ${process.versions.node}`,
    rounds,
    blocks: measured,
    index,
    databases: await databases(),
    log: await log(),
  }
  const rounded = (_: string, v: unknown) => (typeof v === 'number' ? Number(v.toPrecision(3)) : v)
  if (values.json) console.log(JSON.stringify(result, rounded))
  else {
    const { blocks, index: memory, databases: rows, log: appends } = JSON.parse(JSON.stringify(result, rounded)) as typeof result
    console.log(`${result.machine}; median of ${rounds} rounds; the limit is SHA-256 and one file with one fsync`)
    console.table(Object.fromEntries(blocks.map(({ load, ...figures }) => [load, figures])))
    console.table({ 'index of a million': memory })
    console.table(rows)
    console.table({ 'SQLite log': appends })
  }
} finally {
  rmSync(home, { recursive: true, force: true })
}
