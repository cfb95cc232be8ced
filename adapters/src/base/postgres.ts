import { hash } from 'node:crypto'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import pg from 'pg'
import { storageFailure } from './failure.ts'

export type Sql = (text: string, values?: readonly unknown[]) => Promise<Record<string, unknown>[]>

export type PostgresInput = {
  readonly url: string
  /** PostgreSQL schema that holds the tables; several relays may share one database. */
  readonly schema?: string
  readonly connections?: number
}

/**
 * A pool of connections. Nothing is kept in a session (no `set`, no named statements, only transaction-level locks), so that a
 * transaction-pooling PgBouncer may stand between. Commits are durable whatever the server's default for `synchronous_commit`.
 */
export async function openPostgres(input: PostgresInput, create: readonly string[]) {
  const { url, schema = 'keepwell', connections = 10 } = input
  ensure(/^[a-z_][a-z0-9_]{0,40}$/.test(schema), 'BAD_INPUT', 'A PostgreSQL schema name is lower-case letters, digits and underscores.')
  const pool = new pg.Pool({ connectionString: url, max: connections, connectionTimeoutMillis: 10_000 })
  // An idle connection that breaks is replaced at its next use; without a listener it would end the process.
  pool.on('error', () => {})
  let closed = false

  async function using<T>(begin: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    ensure(!closed, 'STORAGE_FAILED', 'The database is closed.')
    const client = await pool.connect().catch(cause => Promise.reject(storageFailure(cause, 'connecting to PostgreSQL')))
    const state = { broken: false }
    // A connection that ends while nothing is asked of it is noticed here; the next query then fails.
    const onError = () => {
      state.broken = true
    }
    client.on('error', onError)
    try {
      return await inTransaction(client, begin, work)
    } catch (e) {
      await client.query('rollback').catch(onError)
      throw e
    } finally {
      client.off('error', onError)
      client.release(state.broken)
    }
  }

  const database = {
    schema,
    /** One transaction; `lock` keeps every other one with the same lock waiting until it ends, in this process and in all others. */
    transact<T>(lock: string, work: (sql: Sql) => Promise<T>): Promise<T> {
      return using(
        `begin; set local synchronous_commit = on; select pg_advisory_xact_lock(${lockNumber(`keepwell ${schema} ${lock}`)})`,
        work,
      )
    },
    /** One snapshot. */
    read: <T>(work: (sql: Sql) => Promise<T>): Promise<T> => using('begin transaction isolation level repeatable read read only', work),
    async close(): Promise<void> {
      if (closed) return
      closed = true
      await pool.end()
    },
  }
  try {
    await database.transact('schema', async sql => {
      await sql(`create schema if not exists "${schema}"`)
      for (const statement of create) await sql(statement)
    })
    return database
  } catch (e) {
    await database.close()
    throw e
  }
}

/** The 64-bit number that stands for a lock's name. */
const lockNumber = (name: string): bigint => hash('sha256', name, 'buffer').readBigInt64BE()

export type PostgresDatabase = Awaited<ReturnType<typeof openPostgres>>

async function inTransaction<T>(client: pg.PoolClient, begin: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  let failed: KeepwellError | null = null
  const ask = async (text: string, values: readonly unknown[] = []): Promise<pg.QueryResult> => {
    try {
      return await client.query(text, values as unknown[])
    } catch (cause) {
      failed ??= storageFailure(cause, 'asking PostgreSQL')
      throw failed
    }
  }
  await client.query(begin).catch(cause => Promise.reject(storageFailure(cause, 'beginning a transaction')))
  const result = await work(async (text, values) => (await ask(text, values)).rows)
  // After a failed statement PostgreSQL answers a commit with a rollback, and no error.
  if (failed) throw failed
  const end = await ask('commit')
  if (end.command !== 'COMMIT') throw new KeepwellError('STORAGE_FAILED', 'PostgreSQL rolled the transaction back; nothing of it was kept.')
  return result
}

/** A view of what the driver gives, as plain bytes. */
export const bytesOf = (value: unknown): Uint8Array => {
  const buffer = value as Buffer
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
