import { ensure } from '@keepwell/sdk/base/error'
import type { EnvelopeStore, Row, Rows } from '@keepwell/sdk/ports/envelopes'
import { boundsOf, checkKind, checkLimit, checkRows, checkVault } from '@keepwell/sdk/ports/limits'
import { bytesOf, openPostgres, type PostgresInput, type Sql } from '#base/postgres'
import { type Queries, queriesFor } from './queries.ts'

const CHUNK_ROWS = 500
const CHUNK_BYTES = 8 << 20

/**
 * Envelopes in PostgreSQL, for relays of more than one process. Each transaction holds an advisory lock of its vault, so that work runs once,
 * alone for that vault, and is never repeated. Every key is led by the vault: the table can be partitioned or distributed by it as it is.
 *
 * When the connection breaks during a commit the call throws STORAGE_FAILED though the commit may have happened; the caller must look.
 * Deleting is not destroying here: old bytes stay in the write-ahead log and in recycled segments. Erasure is the shred keys' work.
 */
export async function openPostgresEnvelopes(input: PostgresInput): Promise<EnvelopeStore> {
  const queries = queriesFor('postgres', input.schema ?? 'keepwell')
  const database = await openPostgres(input, queries.create)
  const inLine = lines()
  return {
    async transact(vault, work) {
      checkVault(vault)
      // Waiting here rather than in the database keeps one busy vault from taking every connection.
      return inLine(vault, () => database.transact(`vault ${vault}`, sql => scoped(rowsOver(sql, queries, vault), work)))
    },
    async read(vault, work) {
      checkVault(vault)
      return database.read(sql => scoped(rowsOver(sql, queries, vault), work))
    },
    async vaults(kind) {
      checkKind(kind)
      return (await database.read(sql => sql(queries.vaults, [kind]))).map(row => String(row.vault))
    },
    // PostgreSQL recycles its log in its own time; what it still holds is wrapped under keys that are destroyed.
    async scrub() {},
    close: () => database.close(),
  }
}

function rowsOver(sql: Sql, queries: Queries, vault: string): Rows {
  return {
    async get(kind, key) {
      checkKind(kind)
      const [row] = await sql(queries.get, [vault, kind, key])
      return row ? bytesOf(row.value) : null
    },
    async put(kind, added) {
      checkRows(kind, added)
      for (const chunk of chunks(lastOfEachKey(added)))
        await sql(
          queries.put(chunk.length),
          chunk.flatMap(({ key, value }) => [vault, kind, key, value]),
        )
    },
    async delete(kind, keys) {
      checkKind(kind)
      for (let i = 0; i < keys.length; i += CHUNK_ROWS) {
        const some = keys.slice(i, i + CHUNK_ROWS)
        await sql(queries.remove(some.length), [vault, kind, ...some])
      }
    },
    async scan(kind, range) {
      checkLimit(range.limit)
      const { from, exclusive, to } = boundsOf(kind, range)
      const found = await sql(queries.scan(exclusive, !to), [vault, kind, from, ...(to ? [to] : []), range.limit])
      return found.map(row => ({ key: bytesOf(row.key), value: bytesOf(row.value) }))
    },
    async count(kind, prefix) {
      const { from, to } = boundsOf(kind, prefix ? { prefix } : {})
      const [row] = await sql(queries.count(!to), [vault, kind, from, ...(to ? [to] : [])])
      return Number(row?.n)
    },
  }
}

/** The rows end with the work, lest a leaked handle writes into another's transaction. */
async function scoped<T>(rows: Rows, work: (rows: Rows) => Promise<T>): Promise<T> {
  let open = true
  const during = async <V>(step: () => Promise<V>): Promise<V> => {
    ensure(open, 'DEFECT', 'Rows were used after their transaction had ended.')
    return step()
  }
  try {
    return await work({
      get: (kind, key) => during(() => rows.get(kind, key)),
      put: (kind, added) => during(() => rows.put(kind, added)),
      delete: (kind, keys) => during(() => rows.delete(kind, keys)),
      scan: (kind, range) => during(() => rows.scan(kind, range)),
      count: (kind, prefix) => during(() => rows.count(kind, prefix)),
    })
  } finally {
    open = false
  }
}

/** One statement may not write a row twice. */
const lastOfEachKey = (rows: readonly Row[]): Row[] => [
  ...new Map(rows.map(row => [Buffer.from(row.key).toString('latin1'), row])).values(),
]

function* chunks(rows: readonly Row[]): Iterable<Row[]> {
  let chunk: Row[] = []
  let bytes = 0
  for (const row of rows) {
    if (chunk.length === CHUNK_ROWS || (chunk.length > 0 && bytes + row.value.length > CHUNK_BYTES)) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(row)
    bytes += row.value.length
  }
  if (chunk.length) yield chunk
}

/** Runs work of one name one after the other. */
function lines() {
  const last = new Map<string, Promise<unknown>>()
  return async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const run = (last.get(name) ?? Promise.resolve()).then(work)
    const done = run.catch(() => {})
    last.set(name, done)
    try {
      return await run
    } finally {
      if (last.get(name) === done) last.delete(name)
    }
  }
}
