import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { inHome } from '@keepwell/daemon/bin/home'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { publishState } from '@keepwell/sdk/actions/records/publish-state'
import { eraseVault } from '@keepwell/sdk/actions/vault/erase-vault'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import type { Entry } from '@keepwell/sdk/records/catalog'
import { type BenchHome, clock, random, servedHome } from './home.kit.ts'
import { median, type Row, report, timed } from './report.kit.ts'

// From "erase" until the relay has destroyed the keys, dropped the payloads, emptied its write-ahead log and signed for it, and the device's
// catalog has forgotten the rows; relay and device on one machine, over HTTP. Beside it, in the same run, a copy of the relay's own database
// from which the same rows are deleted and which is then vacuumed: what a database alone would do, with no key to destroy, no payload and no signature.

const BATCH = 1000

async function filled(bench: BenchHome, name: string, records: number) {
  const ctx = await bench.person(name)
  const { compartments } = ctx.session.state.ring
  const entries: Entry[] = []
  for (let at = 0; at < records; at += BATCH) {
    const drafts = Array.from({ length: Math.min(BATCH, records - at) }, (_, i) => {
      const title = `Value ${at + i}`
      const body = utf8(JSON.stringify({ resourceType: 'Observation', status: 'final', code: { text: title } }))
      const facts = { resourceType: 'Observation', title, codes: [], canonical: sha256(body) }
      const kind = 'fhir' as const
      return {
        id: random(16),
        kind,
        mediaType: 'application/fhir+json',
        compartment: compartments[0]!.id,
        authoredAt: clock(),
        body,
        facts,
      }
    })
    entries.push(...(await fileRecords(ctx, drafts)))
  }
  await publishState(ctx)
  return { ctx, entries }
}

/** Seconds for `DELETE` of so many envelope rows of a vault, and `VACUUM`, in a copy of the relay's database. */
function deleting(dir: string, vault: string, count: number): number {
  const copy = join(dir, 'copy.sqlite')
  const from = new DatabaseSync(inHome(join(dir, 'relay')).envelopes, { readOnly: true })
  from.exec(`VACUUM INTO '${copy}'`)
  from.close()
  const db = new DatabaseSync(copy)
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON')
    const keys = db.prepare("select key from rows where vault = ? and kind = 'env' limit ?").all(vault, count)
    const remove = db.prepare("delete from rows where vault = ? and kind = 'env' and key = ?")
    const began = performance.now()
    db.exec('BEGIN')
    for (const { key } of keys) remove.run(vault, key as Uint8Array)
    db.exec('COMMIT; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
    return (performance.now() - began) / 1000
  } finally {
    db.close()
    for (const name of readdirSync(dir)) if (name.startsWith('copy.sqlite')) rmSync(join(dir, name))
  }
}

export async function shredding({ records = 2000, rounds = 15 } = {}): Promise<Row[]> {
  const bench = await servedHome()
  try {
    const { ctx, entries } = await filled(bench, 'Ada', records)
    const vault = ctx.session.state.ring.did
    const single: number[] = []
    const alone: number[] = []
    for (let i = 0; i < rounds; i++) {
      alone.push(deleting(bench.dir, vault, 1))
      single.push((await timed(() => eraseRecords(ctx, [entries.pop()!.id]))).seconds)
    }
    const many = Math.min(500, entries.length >> 1)
    const manyAlone = deleting(bench.dir, vault, many)
    const together = await timed(() =>
      eraseRecords(
        ctx,
        entries.splice(-many).map(e => e.id),
      ),
    )
    const left = entries.length
    const wholeAlone = deleting(bench.dir, vault, left)
    const whole = await timed(() => eraseVault(ctx))
    const note = (peer: number, ours: number): string => `DELETE and VACUUM: ${(peer * 1000).toFixed(0)} ms; ${(ours / peer).toFixed(1)} ×`
    const one = median(single)
    return [
      { what: `one record of ${records}, median of ${rounds}`, value: one * 1000, unit: 'ms', note: note(median(alone), one) },
      { what: '… slowest', value: Math.max(...single) * 1000, unit: 'ms' },
      { what: `${many} records at once`, value: together.seconds * 1000, unit: 'ms', note: note(manyAlone, together.seconds) },
      { what: `a whole vault of ${left} records`, value: whole.seconds * 1000, unit: 'ms', note: note(wholeAlone, whole.seconds) },
    ]
  } finally {
    await bench.close()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { json: { type: 'boolean', default: false }, records: { type: 'string' } } })
  const rows = await shredding(values.records ? { records: Number(values.records) } : {})
  report('shred: from "erase" to the relay’s signed receipt', rows, values.json)
}
