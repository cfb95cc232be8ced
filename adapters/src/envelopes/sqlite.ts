import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { ensure } from '@keepwell/sdk/base/error'
import type { EnvelopeStore, Rows } from '@keepwell/sdk/ports/envelopes'
import { boundsOf, checkKind, checkLimit, checkRows, checkVault } from '@keepwell/sdk/ports/limits'
import { rationed } from '#base/ration'
import { emptyLog, groupWriter, guarded, MOST_SERVED, openSqlite, openSqliteReader, scrub } from '#base/sqlite'
import { queriesFor } from './queries.ts'

const queries = queriesFor('sqlite')
/** More reads than this wait for a free connection. */
const MAX_READERS = 8

/**
 * Envelopes in one SQLite file. Writes share commits (one fsync for all transactions that arrive together); reads have connections of their own
 * and see snapshots. `scrub` empties the write-ahead log, and rewrites the file, so that deleted bytes are in neither: at once as long as that takes a
 * twentieth of the time at most, else soon; one of more than 64 MiB is not rewritten.
 * `maxPages` caps the file at that many pages of 8 KiB.
 */
export async function openSqliteEnvelopes(input: { file: string; maxPages?: number }): Promise<EnvelopeStore> {
  const { file } = input
  const db = openSqlite({ file, version: 1, create: queries.create, pageSize: PAGE_SIZE })
  if (input.maxPages) db.exec(`PRAGMA max_page_count = ${Math.floor(input.maxPages)}`)
  const writer = groupWriter(db)
  const write = statements(db)
  const readers = readerPool(file)
  let open = true
  // A reader's snapshot would hold the log back, a writer's transaction the rewriting; both are synchronous, so none can start during it.
  const quiet = async (): Promise<void> => {
    while (writer.busy() || readers.busy()) await new Promise(resolve => setImmediate(resolve))
  }
  const rewriting = rationed(() => scrub(db, MOST_SERVED), quiet)
  const check = (vault: string) => {
    checkVault(vault)
    ensure(open, 'STORAGE_FAILED', 'The envelope store is closed.')
  }
  return {
    async transact(vault, work) {
      check(vault)
      return writer.run(() => scoped(write, vault, work))
    },
    async read(vault, work) {
      check(vault)
      return readers.use(reader => scoped(reader, vault, work))
    },
    async vaults(kind) {
      check('')
      checkKind(kind)
      return readers.use(async s => guarded('listing vaults', () => s.vaults.all(kind).map(row => String(row.vault))))
    },
    async scrub() {
      await quiet()
      if (!rewriting.ask()) emptyLog(db)
    },
    async close() {
      open = false
      await rewriting.settle().catch(() => {})
      await writer.idle()
      await readers.close()
      if (db.isOpen) db.close()
    },
  }
}

/** Measured: 4 KiB pages write envelopes of 0.4 to 2.5 kB a third slower; a table without rowid, four to seven times. */
const PAGE_SIZE = 8192

type Statements = {
  readonly get: StatementSync
  readonly remove: StatementSync
  readonly put: StatementSync
  readonly vaults: StatementSync
  scan(exclusive: boolean, open: boolean): StatementSync
  count(open: boolean): StatementSync
}

function statements(db: DatabaseSync): Statements {
  return guarded('opening the database', () => {
    const scans = [false, true].map(exclusive => [false, true].map(open => db.prepare(queries.scan(exclusive, open))))
    const counts = [false, true].map(open => db.prepare(queries.count(open)))
    return {
      get: db.prepare(queries.get),
      remove: db.prepare(queries.remove(1)),
      put: db.prepare(queries.put(1)),
      vaults: db.prepare(queries.vaults),
      scan: (exclusive, open) => scans[Number(exclusive)]![Number(open)]!,
      count: open => counts[Number(open)]!,
    }
  })
}

/** Runs `work` over the rows of one vault; the rows end with it, lest a leaked handle writes into another's transaction. */
async function scoped<T>(s: Statements, vault: string, work: (rows: Rows) => Promise<T>): Promise<T> {
  let open = true
  const during = <V>(doing: string, step: () => V): V => {
    ensure(open, 'DEFECT', 'Rows were used after their transaction had ended.')
    return guarded(doing, step)
  }
  const rows: Rows = {
    async get(kind, key) {
      checkKind(kind)
      return during('reading a row', () => (s.get.get(vault, kind, key)?.value as Uint8Array | undefined) ?? null)
    },
    async put(kind, added) {
      checkRows(kind, added)
      during('writing rows', () => {
        for (const { key, value } of added) s.put.run(vault, kind, key, value)
      })
    },
    async delete(kind, keys) {
      checkKind(kind)
      during('deleting rows', () => {
        for (const key of keys) s.remove.run(vault, kind, key)
      })
    },
    async scan(kind, range) {
      checkLimit(range.limit)
      const { from, exclusive, to } = boundsOf(kind, range)
      const ends = to ? [to, range.limit] : [range.limit]
      return during('scanning rows', () => s.scan(exclusive, !to).all(vault, kind, from, ...ends)).map(row => ({
        key: row.key as Uint8Array,
        value: row.value as Uint8Array,
      }))
    },
    async count(kind, prefix) {
      const { from, to } = boundsOf(kind, prefix ? { prefix } : {})
      return Number(during('counting rows', () => s.count(!to).get(vault, kind, from, ...(to ? [to] : [])))?.n)
    },
  }
  try {
    return await work(rows)
  } finally {
    open = false
  }
}

/** Connections that only read, opened as needed up to MAX_READERS; each use is one snapshot. */
function readerPool(file: string) {
  const all: { db: DatabaseSync; statements: Statements }[] = []
  const idle: typeof all = []
  const waiting: ((reader: (typeof all)[number]) => void)[] = []

  function take(): Promise<(typeof all)[number]> | (typeof all)[number] {
    const free = idle.pop()
    if (free) return free
    if (all.length >= MAX_READERS) return new Promise(resolve => waiting.push(resolve))
    const db = openSqliteReader(file)
    const reader = { db, statements: statements(db) }
    all.push(reader)
    return reader
  }

  const busy = (): boolean => idle.length < all.length

  return {
    busy,
    async use<T>(work: (s: Statements) => Promise<T>): Promise<T> {
      const reader = await take()
      try {
        guarded('starting to read', () => reader.db.exec('BEGIN'))
        return await work(reader.statements)
      } finally {
        if (reader.db.isTransaction) reader.db.exec('ROLLBACK')
        const next = waiting.shift()
        if (next) next(reader)
        else idle.push(reader)
      }
    },
    async close() {
      while (busy()) await new Promise(resolve => setImmediate(resolve))
      for (const { db } of all) if (db.isOpen) db.close()
    },
  }
}
