import { type ErrorCode, KeepwellError } from '@keepwell/sdk/base/error'

const SQLITE_FULL = 13
const SQLITE_CORRUPT = 11
const SQLITE_NOT_A_DATABASE = 26
const SQLITE_BUSY = 5

/** File system, SQLite and PostgreSQL (https://www.postgresql.org/docs/15/errcodes-appendix.html) names for "no space left". */
const FULL = new Set(['ENOSPC', 'EDQUOT', '53100'])
const CORRUPT = new Set(['XX001', 'XX002'])

/**
 * What a storage engine threw, in Keepwell's words: STORAGE_FULL, STORAGE_CORRUPT, LOCKED or STORAGE_FAILED, with the cause kept.
 * A KeepwellError passes as it is. `doing` completes "Storage failed while …".
 */
export function storageFailure(cause: unknown, doing: string): KeepwellError {
  if (cause instanceof KeepwellError) return cause
  const code = codeOf(cause)
  if (code === 'STORAGE_FULL')
    return new KeepwellError(code, `No space is left while ${doing}; nothing of it was kept. Free some space.`, { cause })
  if (code === 'STORAGE_CORRUPT') return new KeepwellError(code, `Damage was found while ${doing}; restore from another copy.`, { cause })
  if (code === 'LOCKED') return new KeepwellError(code, `Another process holds the lock while ${doing}.`, { cause })
  return new KeepwellError(code, `Storage failed while ${doing}; nothing of it counts as stored.`, { cause })
}

function codeOf(cause: unknown): ErrorCode {
  const { code, errcode } = cause as { code?: unknown; errcode?: unknown }
  const sqlite = typeof errcode === 'number' ? errcode & 0xff : undefined
  if (FULL.has(String(code)) || sqlite === SQLITE_FULL) return 'STORAGE_FULL'
  if (CORRUPT.has(String(code)) || sqlite === SQLITE_CORRUPT || sqlite === SQLITE_NOT_A_DATABASE) return 'STORAGE_CORRUPT'
  return sqlite === SQLITE_BUSY ? 'LOCKED' : 'STORAGE_FAILED'
}
