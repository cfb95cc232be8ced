import { createReadStream } from 'node:fs'
import { readFile, rm, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { readCsv } from '@keepwell/adapters/tables/csv'
import { readIfThere, writeDurable } from '@keepwell/daemon/bin/files'
import type { Ctx } from '@keepwell/sdk/actions/context'
import type { ImportItem, Verdict } from '@keepwell/sdk/actions/records/import-item'
import { importItems } from '@keepwell/sdk/actions/records/import-items'
import { emptyReconciliation, type Migration, migrateRows, type Reconciliation, rowOf } from '@keepwell/sdk/actions/records/migrate-rows'
import { publishState } from '@keepwell/sdk/actions/records/publish-state'
import { submitItems } from '@keepwell/sdk/actions/records/submit-items'
import { concat, text, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { type Mapping, readMapping } from '@keepwell/sdk/health/migrate/mapping'
import type { Row } from '@keepwell/sdk/health/migrate/row'
import type { Args, Command } from '#command'
import { withHome } from '#home'
import type { Io } from '#io'
import { namedGiver } from '#names'
import { count, safe } from '#show'
import { purpose } from '#words'

export const migrate: Command = {
  name: 'migrate',
  group: 'records',
  takes: 'FILE.csv',
  summary: 'Take a table of an older system into a record, by a mapping file.',
  about:
    'The mapping file says how columns become FHIR; docs/migration.md describes it. Each row is taken whole or refused with its reasons, and the last lines\n' +
    'account for every row. A run that was broken off goes on where it was. Exit code 3 when a row was refused.',
  examples: [
    'keepwell migrate labs.csv --map labs.map.json --dry-run',
    'keepwell migrate labs.csv --map labs.map.json --to "Ada Example" --where mrn=4711 --report labs.report.json',
  ],
  options: {
    map: { type: 'string', value: 'FILE', about: 'The mapping file (JSON).' },
    to: { type: 'string', value: 'WHO', about: 'Somebody who gave you a consent to write; default: your own record.' },
    where: { type: 'string', value: 'COLUMN=VALUE', about: 'Only these rows: a table of many patients is taken in patient by patient.' },
    purpose: { type: 'string', value: 'WHY', about: 'With --to: what for; default treatment.' },
    'dry-run': { type: 'boolean', about: 'File nothing; say what would be.' },
    report: { type: 'string', value: 'FILE', about: 'Write the reconciliation, with every refused row, as JSON.' },
    again: { type: 'boolean', about: 'Begin with the first row, whatever was filed before.' },
  },
  async run(io, args) {
    const path = args.one('table')
    const json = await readFile(args.need('map')).catch(cause => {
      throw new KeepwellError('BAD_INPUT', 'The mapping file cannot be read.', { cause })
    })
    const job = { path, mapping: readMapping(text(json)), json, name: basename(path), seen: emptyReconciliation() }
    const filed = args.flag('dry-run') ? await rehearse(args, job) : await withHome(io, args, ({ ctx }) => file(io, args, ctx, job))
    return tell(io, args, job.seen, filed)
  },
}

type Job = {
  readonly path: string
  readonly mapping: Mapping
  readonly json: Uint8Array
  readonly name: string
  readonly seen: Reconciliation
}
/** Resources by outcome; null where nothing was filed. */
type Filed = Partial<Record<Verdict['outcome'], number>> | null

function onlyOf(args: Args): ((row: Row) => boolean) | undefined {
  const where = args.text('where')
  if (where === undefined) return undefined
  const at = where.indexOf('=')
  ensure(at > 0, 'USAGE', '--where is COLUMN=VALUE.')
  const [column, value] = [where.slice(0, at), where.slice(at + 1)]
  return row => (row[column] ?? '').trim() === value
}

function rowsOf(args: Args, { path, mapping, name }: Job, after: number): Migration {
  const only = onlyOf(args)
  const chunks = createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>
  return { mapping, name, after, rows: readCsv(chunks, mapping), ...(only ? { only } : {}) }
}

async function rehearse(args: Args, job: Job): Promise<Filed> {
  for await (const _item of migrateRows(rowsOf(args, job, 0), job.seen));
  return null
}

/** Names a run: the same table, mapping, rows and record. */
async function tokenOf(args: Args, { path, json }: Job): Promise<string> {
  const { size, mtimeMs } = await stat(path).catch(cause => {
    throw new KeepwellError('BAD_INPUT', `There is nothing to read at ${path}.`, { cause })
  })
  return toHex(sha256(concat(json, utf8(JSON.stringify([size, mtimeMs, args.text('to') ?? '', args.text('where') ?? '']))))).slice(0, 32)
}

/** Rows between two notes of how far it is. */
const NOTE_EVERY = 500

async function file(io: Io, args: Args, ctx: Ctx, job: Job): Promise<Filed> {
  const token = await tokenOf(args, job)
  const note = `${job.path}.${token.slice(0, 8)}.progress`
  const before = args.flag('again') ? null : await readIfThere(note)
  const after = before ? Number(text(before)) || 0 : 0
  const items = migrateRows(rowsOf(args, job, after), job.seen)
  const filed: NonNullable<Filed> = {}
  let row = after
  let noted = after
  const keep = async (): Promise<void> => {
    if (row > noted) await writeDurable(note, String(row))
    noted = row
  }
  try {
    for await (const v of verdictsOf(io, args, ctx, items)) {
      filed[v.outcome] = (filed[v.outcome] ?? 0) + 1
      if (v.outcome === 'failed') throw new KeepwellError('STORAGE_FAILED', `Row ${rowOf(v.item)} could not be filed: ${v.why ?? ''}`)
      // The row before is whole when the next one begins.
      const at = rowOf(v.item)
      row = Math.max(row, at - 1)
      if (row - noted >= NOTE_EVERY) await keep()
      io.progress(`row ${at} …`)
    }
    await rm(note, { force: true })
  } catch (e) {
    await keep()
    throw e
  }
  return filed
}

async function* verdictsOf(io: Io, args: Args, ctx: Ctx, items: AsyncIterable<ImportItem>): AsyncGenerator<Verdict> {
  const to = args.text('to')
  if (to !== undefined && to !== 'own') {
    yield* submitItems(ctx, items, {
      to: namedGiver(ctx.session.state.ring, to),
      purpose: purpose(args.text('purpose') ?? 'treatment'),
      signal: io.signal,
    })
    return
  }
  try {
    yield* importItems(ctx, items, { signal: io.signal })
  } finally {
    await publishState(ctx)
  }
}

const SHOWN = 20

async function tell(io: Io, args: Args, seen: Reconciliation, filed: Filed): Promise<number> {
  io.progress('')
  const report = args.text('report')
  const whole = { ...seen, filed }
  if (report) await writeDurable(report, `${JSON.stringify(whole, null, 1)}\n`)
  if (args.json) io.print(JSON.stringify(whole))
  else {
    for (const { row, why } of seen.refused.slice(0, SHOWN)) io.print(`row ${row} refused: ${safe(why.join('; '))}`)
    if (seen.refused.length > SHOWN) io.print(`… and ${seen.refused.length - SHOWN} more; --report FILE has them all.`)
    const there = filed?.['already-there'] ?? 0
    const what = filed ? 'became' : 'would become'
    io.print(
      `${count(seen.rows, 'row')}: ${seen.mapped} ${what} ${count(seen.resources, 'resource')}${there ? `, ${there} of them there already` : ''}; ${seen.refused.length} refused; ${seen.passedOver} passed over${seen.before ? `; ${seen.before} filed before` : ''}.`,
    )
  }
  return seen.refused.length ? 3 : 0
}
