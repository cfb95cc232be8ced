import { hash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { ShredKeys } from '@keepwell/sdk/ports/envelopes'
import { checkShredKey, MAX_SHRED_KEY_BYTES } from '@keepwell/sdk/ports/limits'
import { storageFailure } from '#base/failure'

const SUM = 32
const MAX_FILE = MAX_SHRED_KEY_BYTES + SUM

/**
 * One file for each key: SHA-256 of the key, then the key, so that a torn file is an error and never a wrong key. Names are written in hex,
 * for some file systems tell no upper from lower case.
 *
 * What is to be destroyed is first renamed to `.dead`, then overwritten, synced and unlinked; dead files left by a crash are finished at the
 * next opening. Overwriting reaches the bytes on file systems that write in place (ext4, XFS, NTFS); on copy-on-write ones and on worn
 * flash the old bytes may stay until the device erases them: put the directory on an encrypted volume, or use a TPM or HSM.
 */
export async function openShredKeys(input: { dir: string }): Promise<ShredKeys> {
  const { dir } = input
  const pathOf = (name: string, kind: 'key' | 'new' | 'dead') => join(dir, `${Buffer.from(name).toString('hex')}.${kind}`)
  await attempt('opening the shred keys', () => recover(dir))

  let last: Promise<unknown> = Promise.resolve()
  /** Changes happen one after the other. */
  const alone = <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    const run = last.then(() => attempt(doing, work))
    last = run.catch(() => {})
    return run
  }

  return {
    async get(name) {
      checkShredKey(name)
      const bytes = await attempt('reading a shred key', () => readIfThere(pathOf(name, 'key')))
      return bytes && keyIn(bytes)
    },
    async put(name, key) {
      checkShredKey(name, key)
      // A copy, so that the caller may wipe its own at once.
      const bytes = Buffer.concat([hash('sha256', key, 'buffer'), key])
      await alone('storing a shred key', async () => {
        try {
          await finish(dir, pathOf(name, 'dead'))
          await writeNew(pathOf(name, 'new'), bytes)
          // The old key gets a second name, so that it can still be overwritten when the new one has taken its place.
          const replaces = await linkIfThere(pathOf(name, 'key'), pathOf(name, 'dead'))
          await rename(pathOf(name, 'new'), pathOf(name, 'key'))
          await syncDir(dir)
          if (replaces) await overwrite(dir, pathOf(name, 'dead'))
        } finally {
          bytes.fill(0)
        }
      })
    },
    async destroy(name) {
      checkShredKey(name)
      await alone('destroying a shred key', async () => {
        await finish(dir, pathOf(name, 'dead'))
        if (!(await renameIfThere(pathOf(name, 'key'), pathOf(name, 'dead')))) return
        await syncDir(dir)
        await overwrite(dir, pathOf(name, 'dead'))
      })
    },
  }
}

/** Finishes what a crash interrupted. */
async function recover(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const names = await readdir(dir)
  for (const name of names.filter(n => n.endsWith('.new'))) await overwrite(dir, join(dir, name))
  for (const name of names.filter(n => n.endsWith('.dead'))) await finish(dir, join(dir, name))
  await syncDir(dir)
}

/** Destroys what a dead name still leads to. */
async function finish(dir: string, dead: string): Promise<void> {
  const info = await ifThere(stat(dead))
  if (!info) return
  // Two names of one file: the replacing stopped before the new key came, so the old one is still in force.
  if (info.nlink > 1) await unlink(dead)
  else await overwrite(dir, dead)
}

function keyIn(bytes: Buffer): Uint8Array {
  const key = new Uint8Array(bytes.subarray(SUM))
  const sound = key.length > 0 && hash('sha256', key, 'buffer').equals(bytes.subarray(0, SUM))
  bytes.fill(0)
  if (!sound) throw new KeepwellError('STORAGE_CORRUPT', 'A shred key file is damaged; its bucket must be repaired from another relay.')
  return key
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  await using(await open(path, 'w', 0o600), async file => {
    await file.writeFile(bytes)
    await file.sync()
  })
}

/** Random bytes, then zeros, each synced, over the whole file; then the name goes. */
async function overwrite(dir: string, path: string): Promise<void> {
  await using(await open(path, constants.O_RDWR), async file => {
    const { size } = await file.stat()
    for (const bytes of [randomBytes(size), Buffer.alloc(size)]) {
      await file.write(bytes, 0, size, 0)
      await file.sync()
    }
  })
  await unlink(path)
  await syncDir(dir)
}

async function using(file: FileHandle, work: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(file)
  } finally {
    await file.close()
  }
}

async function syncDir(dir: string): Promise<void> {
  // Windows cannot open a directory and needs no such call.
  if (process.platform !== 'win32') await using(await open(dir, 'r'), file => file.sync())
}

const isMissing = (e: unknown): boolean => (e as { code?: string }).code === 'ENOENT'

async function ifThere<T>(work: Promise<T>): Promise<T | null> {
  return work.catch(e => {
    if (isMissing(e)) return null
    throw e
  })
}

async function readIfThere(path: string): Promise<Buffer | null> {
  const info = await ifThere(stat(path))
  if (info && info.size > MAX_FILE) throw new KeepwellError('STORAGE_CORRUPT', 'A shred key file is larger than any key.')
  return info && ifThere(readFile(path))
}

const linkIfThere = async (from: string, to: string): Promise<boolean> => (await ifThere(link(from, to).then(() => true))) ?? false

const renameIfThere = async (from: string, to: string): Promise<boolean> => (await ifThere(rename(from, to).then(() => true))) ?? false

async function attempt<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw storageFailure(cause, doing)
  }
}
