import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, KeepwellError } from '@keepwell/sdk/base/error'
import { ClassicLevel } from 'classic-level'
import type { Store } from './store.ts'

type Level = ClassicLevel<Uint8Array, Uint8Array>

const BYTES = { keyEncoding: 'view', valueEncoding: 'view' } as const
const PROBE_BYTES = 8 * 1024 * 1024

/**
 * The LevelDB under `dir`/db. One process at a time: a second one gets LEDGER_LOCKED. Damage that LevelDB itself notices is
 * LEDGER_CORRUPT at opening; a record it skips in silence is found by the ledger's own check of block rows.
 */
export async function levelStore(dir: string): Promise<Store> {
  const location = join(dir, 'db')
  await mkdir(location, { recursive: true })
  let level = await openLevel(location)
  let broken = false
  return {
    get(key) {
      const value = guard(() => level.getSync(key))
      return value && plain(value)
    },
    async range(from, to, limit, reverse = false) {
      const rows = await level
        .iterator({ gte: from, lt: to, limit, reverse, highWaterMarkBytes: 1 << 20 })
        .all()
        .catch(readFailed)
      return rows.map(([key, value]) => ({ key: plain(key), value: plain(value) }))
    },
    async write(rows, sync) {
      if (broken) throw new KeepwellError('STORAGE_FAILED', 'The ledger store refuses writes since one failed; it has to be revived first.')
      try {
        await level.batch(
          rows.map(({ key, value }) => ({ type: 'put' as const, key, value })),
          { sync, ...BYTES },
        )
      } catch (cause) {
        broken = true
        throw writeFailed(cause)
      }
    },
    async revive() {
      await probe(dir)
      // LevelDB cannot know whether the failed record reached its log; only reopening settles it.
      await level.close()
      level = await openLevel(location)
      broken = false
    },
    close: () => level.close(),
  }
}

/** LevelDB hands out Node Buffers, whose `slice` shares memory where that of other bytes copies. */
const plain = (bytes: Uint8Array) => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)

async function openLevel(location: string): Promise<Level> {
  const level: Level = new ClassicLevel(location, { ...BYTES, cacheSize: 16 * 1024 * 1024, writeBufferSize: WRITE_BUFFER_BYTES })
  try {
    await level.open()
    return level
  } catch (cause) {
    throw openFailed(location, cause)
  }
}

/** LevelDB moves its log into a sorted table whenever this much was written; see `checkpoints`. */
export const WRITE_BUFFER_BYTES = 4 * 1024 * 1024

function openFailed(location: string, error: unknown): KeepwellError {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const code = (cause as { code?: string }).code
  if (code === 'LEVEL_LOCKED') {
    return new KeepwellError('LEDGER_LOCKED', `Another process has the ledger in ${location} open; stop it first.`, { cause })
  }
  if (code === 'LEVEL_CORRUPTION' || /corruption/i.test(String(cause))) {
    return new KeepwellError('LEDGER_CORRUPT', `The ledger files in ${location} are damaged; restore them from an export.`, { cause })
  }
  return new KeepwellError('STORAGE_FAILED', `The ledger files in ${location} cannot be opened: ${String(cause)}`, { cause })
}

function guard<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw readError(cause)
  }
}

function readFailed(cause: unknown): never {
  throw readError(cause)
}

function readError(cause: unknown): KeepwellError {
  const corrupt = /corruption/i.test(String(cause))
  return new KeepwellError(corrupt ? 'STORAGE_CORRUPT' : 'STORAGE_FAILED', `The ledger store could not be read: ${String(cause)}`, {
    cause,
  })
}

function writeFailed(cause: unknown): KeepwellError {
  const full = /no space|ENOSPC|quota|EDQUOT/i.test(String(cause))
  const code: ErrorCode = full ? 'STORAGE_FULL' : 'STORAGE_FAILED'
  return new KeepwellError(code, `The ledger store could not be written: ${String(cause)}`, { cause })
}

/** Writes and removes a file of two write buffers, which is what reopening may need; throws STORAGE_FULL or STORAGE_FAILED. */
async function probe(dir: string): Promise<void> {
  const path = join(dir, 'probe')
  try {
    const file = await open(path, 'w')
    try {
      await file.writeFile(new Uint8Array(PROBE_BYTES))
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw writeFailed(cause)
  } finally {
    await rm(path, { force: true })
  }
}
