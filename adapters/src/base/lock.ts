import { DatabaseSync } from 'node:sqlite'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { storageFailure } from './failure.ts'

/**
 * Takes the one writer's lock on `file`, created when missing; throws LOCKED while another process, or this one, holds it.
 * Node has no file locks, SQLite has: the operating system frees them when the holder dies, so no lock goes stale after `kill -9`.
 */
export function lockFile(file: string): { release(): void } {
  const db = new DatabaseSync(file, { timeout: 0 })
  try {
    db.exec('PRAGMA journal_mode = MEMORY')
    db.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    db.close()
    const failure = storageFailure(cause, 'taking the lock')
    throw failure.code === 'LOCKED' ? new KeepwellError('LOCKED', `Another process has ${file} open; stop it first.`, { cause }) : failure
  }
  return { release: () => db.close() }
}
