import { AsyncLocalStorage } from 'node:async_hooks'
import { DatabaseSync } from 'node:sqlite'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { storageFailure } from './failure.ts'

/** 'Kwel' in the header of every database of ours, so that a stranger's file is refused and `file(1)` can tell. */
const APPLICATION_ID = 0x4b77656c
/** Transactions that share one fsync; bounds what one failed commit can take with it. */
const MAX_GROUP = 256
/** A server rewrites no larger file: it takes 10 to 20 ms a MiB, in which the server does nothing else. */
export const MOST_SERVED = 64 << 20

export type SqliteSchema = {
  readonly file: string
  readonly version: number
  readonly create: readonly string[]
  readonly pageSize?: number
}

/**
 * Opens a database whose commits survive power loss (WAL, synchronous FULL) and whose deleted content is overwritten (secure_delete; `scrub`).
 * Throws STORAGE_CORRUPT for a file that is no database, NOT_SUPPORTED for one of a newer Keepwell.
 */
export function openSqlite(schema: SqliteSchema): DatabaseSync {
  const db = guarded('opening the database', () => new DatabaseSync(schema.file, { timeout: 5000 }))
  try {
    guarded('opening the database', () => {
      db.exec(`PRAGMA page_size = ${schema.pageSize ?? 4096}`)
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cache_size = -16000')
      migrate(db, schema)
    })
    return db
  } catch (e) {
    db.close()
    throw e
  }
}

/** A second connection that only reads; in WAL mode its transactions are snapshots beside the writer's. */
export function openSqliteReader(file: string): DatabaseSync {
  return guarded('opening the database', () => {
    const db = new DatabaseSync(file, { timeout: 5000 })
    db.exec('PRAGMA query_only = ON; PRAGMA cache_size = -8000')
    return db
  })
}

function migrate(db: DatabaseSync, schema: SqliteSchema): void {
  const number = (name: string) => Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0)
  const [version, application] = [number('user_version'), number('application_id')]
  if (version === schema.version && application === APPLICATION_ID) return
  if (version !== 0 || application !== 0)
    throw new KeepwellError(
      'NOT_SUPPORTED',
      `${schema.file} is of another program or a newer Keepwell (schema ${version}); update Keepwell.`,
    )
  db.exec('BEGIN IMMEDIATE')
  for (const statement of schema.create) db.exec(statement)
  db.exec(`PRAGMA user_version = ${schema.version}; PRAGMA application_id = ${APPLICATION_ID}; COMMIT`)
}

/** Moves everything out of the write-ahead log, so that it holds no deleted bytes. Throws STORAGE_FAILED while another process reads. */
export function emptyLog(db: DatabaseSync): void {
  const result = guarded('emptying the write-ahead log', () => db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get())
  if (result?.busy !== 0)
    throw new KeepwellError('STORAGE_FAILED', 'Another process reads the database, so deleted bytes are still in its write-ahead log.')
}

/**
 * Leaves nothing of what was deleted in the file or its log: secure_delete overwrites a cell that is deleted, and of cells that a page lost when its
 * rows were shared out anew it leaves what they were. So the file is rewritten, unless it has more than `most` bytes; what it takes meanwhile stays in
 * memory, for other folders are not the home's. Outside any transaction. Throws as `emptyLog` does.
 */
export function scrub(db: DatabaseSync, most = Number.POSITIVE_INFINITY): void {
  guarded('rewriting the database', () => {
    const { size } = db.prepare('select page_count * page_size as size from pragma_page_count, pragma_page_size').get() as { size: number }
    if (size <= most) db.exec('PRAGMA temp_store = MEMORY; VACUUM')
  })
  emptyLog(db)
}

/** Runs a synchronous piece of storage work; what the engine throws becomes a KeepwellError. */
export function guarded<T>(doing: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw storageFailure(cause, doing)
  }
}

type Job = { readonly work: () => unknown; readonly resolve: (value: never) => void; readonly reject: (reason: unknown) => void }

export type GroupWriter = {
  /** Runs `work` alone, in order, inside a transaction; resolves when it is on disk, and rejects with nothing of it kept. */
  run<T>(work: () => T | Promise<T>): Promise<T>
  /** Resolves when everything queued is done; none begins before whoever waited has run on. */
  idle(): Promise<void>
  busy(): boolean
}

/**
 * One writer for one connection. Transactions that arrive together share one commit and so one fsync: each runs in a savepoint of its own,
 * so one that throws takes nothing with it but itself. A commit that fails rejects the whole group.
 */
export function groupWriter(db: DatabaseSync): GroupWriter {
  const waiting: Job[] = []
  const inside = new AsyncLocalStorage<{ running: boolean }>()
  let draining: Promise<void> | null = null

  async function drain(): Promise<void> {
    // A turn of the event loop lets all requests that are ready join the group.
    await new Promise(resolve => setImmediate(resolve))
    while (waiting.length) await commitGroup(db, waiting.splice(0, MAX_GROUP))
    draining = null
  }

  async function marked<T>(work: () => T | Promise<T>): Promise<T> {
    const mark = { running: true }
    try {
      return await inside.run(mark, work)
    } finally {
      mark.running = false
    }
  }

  return {
    run: <T>(work: () => T | Promise<T>) =>
      new Promise<T>((resolve, reject) => {
        // It would wait for itself for ever.
        if (inside.getStore()?.running) throw new KeepwellError('DEFECT', 'A transaction was started within another.')
        waiting.push({ work: () => marked(work), resolve, reject })
        draining ??= drain()
      }),
    async idle() {
      while (draining) await draining
    },
    busy: () => draining !== null,
  }
}

async function commitGroup(db: DatabaseSync, group: readonly Job[]): Promise<void> {
  const failed = new Map<Job, unknown>()
  const results = new Map<Job, unknown>()
  try {
    db.exec('BEGIN IMMEDIATE')
    for (const job of group) {
      const outcome = await runInSavepoint(db, job)
      if ('error' in outcome) failed.set(job, outcome.error)
      else results.set(job, outcome.value)
    }
    db.exec('COMMIT')
  } catch (cause) {
    if (db.isTransaction) rollBack(db)
    for (const job of group) failed.set(job, failed.get(job) ?? storageFailure(cause, 'committing'))
  }
  for (const job of group) {
    if (failed.has(job)) job.reject(failed.get(job))
    else job.resolve(results.get(job) as never)
  }
}

async function runInSavepoint(db: DatabaseSync, job: Job): Promise<{ value: unknown } | { error: unknown }> {
  db.exec('SAVEPOINT job')
  try {
    const value = await job.work()
    db.exec('RELEASE job')
    return { value }
  } catch (error) {
    // On a full disk SQLite may have rolled back the whole transaction by itself; then the group has failed.
    if (!db.isTransaction) throw error
    db.exec('ROLLBACK TO job; RELEASE job')
    return { error }
  }
}

function rollBack(db: DatabaseSync): void {
  try {
    db.exec('ROLLBACK')
  } catch {
    // The next BEGIN reports what is wrong; the caller already has the first cause.
  }
}
