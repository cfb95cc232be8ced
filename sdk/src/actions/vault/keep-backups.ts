import type { Ctx, Progress } from '#actions/context'
import { type Tombstones, walkTombstones } from '#actions/records/check-tombstones'
import { liveEntries } from '#actions/records/live-entries'
import { toHex } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import type { Shelf } from '#ports/shelf'
import { backup, backupKeys } from './backup.ts'
import { type BackupPart, erasedParts, isBlock, isEnd, isErased, isRecord, isVault, readBackup, writeBackup } from './backup-file.ts'
import { type BackupCheck, checkBackup, type Expected } from './check-backup.ts'
import { type Generations, keptTimes } from './generations.ts'

type Keeping = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>
type Pair = { readonly secret: Uint8Array; readonly public: Uint8Array }

export type KeptBackups = {
  /** The one that was made, read back and compared with the vault. */
  readonly name: string
  readonly check: BackupCheck
  readonly size: number
  /** Older ones, by name: written anew without what was erased since; removed; and those that do not read back. */
  readonly resealed: readonly string[]
  readonly pruned: readonly string[]
  readonly damaged: readonly string[]
}

const NAME = /^keepwell-(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)(\d\d)Z\.backup$/

/** `keepwell-2026-11-28T234900Z.backup`. */
export const backupName = (time: number): string =>
  `keepwell-${new Date(time * 1000)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/(?<=T.*):/g, '')}.backup`

/** Unix seconds; null for a file that is not of that kind. */
export function backupTime(name: string): number | null {
  const [, date, hour, minute, second] = NAME.exec(name) ?? []
  const time = Date.parse(`${date}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(time) ? null : time / 1000
}

/** What a backup of this vault must hold now. */
export const expectedNow = async (ctx: Pick<Ctx, 'catalog' | 'session'>): Promise<Expected> =>
  new Map((await liveEntries(ctx)).map(e => [toHex(e.id), e.leaf]))

/**
 * Makes a backup on the shelf, reads it back and compares it with the vault; one that does not hold is removed, and the older ones stay as they
 * are. Then sees to those: what was erased since they were made is taken out of them (protocol §8), one that this device cannot open and that
 * is older than an erasure goes, and so do those beyond the generations kept. Sync first.
 */
export async function keepBackups(
  ctx: Keeping,
  { shelf, keep, progress = () => {} }: { readonly shelf: Shelf; readonly keep: Generations; readonly progress?: Progress },
): Promise<KeptBackups> {
  const name = backupName(ctx.clock())
  const size = await shelf.write(name, backup(ctx, progress))
  const check = await checkBackup(shelf.read(name), ctx.session.device, await expectedNow(ctx)).catch(async e => {
    await shelf.remove(name)
    throw e
  })
  return { name, check, size, ...(await tidyBackups(ctx, { shelf, keep })) }
}

/** What keepBackups does with the files that are there: after an erasure it need not wait for the next backup. */
export async function tidyBackups(
  ctx: Keeping,
  { shelf, keep }: { readonly shelf: Shelf; readonly keep: Generations },
): Promise<Pick<KeptBackups, 'resealed' | 'pruned' | 'damaged'>> {
  const found = (await shelf.list()).flatMap(name => {
    const time = backupTime(name)
    return time === null ? [] : [{ name, time }]
  })
  const stay = keptTimes(
    found.map(f => f.time),
    keep,
  )
  const out = { resealed: [] as string[], pruned: [] as string[], damaged: [] as string[] }
  const graves = await walkTombstones(ctx)
  for (const { name, time } of found) {
    const fate = stay.has(time) ? await fateOf(ctx, shelf, { name, time, graves }) : 'pruned'
    const done = fate === 'resealed' && !(await resealedOn(ctx, shelf, { name, graves })) ? 'pruned' : fate
    if (done === 'pruned') await shelf.remove(name)
    if (done !== 'kept') out[done].push(name)
  }
  return out
}

type Older = { readonly name: string; readonly time: number; readonly graves: Tombstones }

async function fateOf(ctx: Keeping, shelf: Shelf, { name, time, graves }: Older): Promise<'kept' | 'resealed' | 'pruned' | 'damaged'> {
  try {
    const { vault, erased } = await backupState(shelf.read(name), ctx.session.device)
    ensure(vault === ctx.session.state.ring.did, 'WRONG_SUBJECT', 'That backup is of another record.')
    return erased.length < graves.ids.length ? 'resealed' : 'kept'
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    if (e.code === 'WRONG_SUBJECT') return 'kept'
    if (time <= graves.latest) return 'pruned'
    return e.code === 'NO_KEY' ? 'kept' : 'damaged'
  }
}

/** Takes out of a backup what was erased since; false when it does not read to its end. */
async function resealedOn(ctx: Keeping, shelf: Shelf, { name, graves }: Pick<Older, 'name' | 'graves'>): Promise<boolean> {
  try {
    await shelf.write(name, resealed(ctx, shelf.read(name), graves))
    return true
  } catch (e) {
    if (isKeepwellError(e, 'OPEN_FAILED') || isKeepwellError(e, 'TRUNCATED') || isKeepwellError(e, 'UNREADABLE')) return false
    throw e
  }
}

/** The beginning of a backup: whose, of when, and what was erased by then. */
export async function backupState(
  chunks: AsyncIterable<Uint8Array>,
  pair: Pair,
): Promise<{ readonly vault: string; readonly at: number; readonly erased: readonly Uint8Array[] }> {
  const erased: Uint8Array[] = []
  let vault = { vault: '', at: 0 }
  for await (const p of readBackup(chunks, pair)) {
    if (isVault(p)) vault = { vault: p.keyring.vault, at: p.at }
    else if (isErased(p)) erased.push(...p.ids.map(id => id.slice()))
    else break
  }
  ensure(vault.vault, 'UNREADABLE', 'The backup does not begin with its vault.')
  return { ...vault, erased }
}

/** The same backup without what was erased since, under a key of its own. */
const resealed = (ctx: Keeping, chunks: AsyncIterable<Uint8Array>, graves: Tombstones): AsyncIterable<Uint8Array> =>
  writeBackup(without(readBackup(chunks, ctx.session.device), graves.ids), backupKeys(ctx.session.state.ring), ctx.random)

async function* without(parts: AsyncIterable<BackupPart>, ids: readonly Uint8Array[]): AsyncGenerator<BackupPart> {
  const gone = new Set(ids.map(toHex))
  const counts = { records: 0, blocks: 0, bytes: 0 }
  let dropping = false
  for await (const p of parts) {
    if (isErased(p)) continue
    if (isVault(p)) {
      yield { ...p, v: 2 }
      yield* erasedParts(ids)
      continue
    }
    if (isRecord(p)) dropping = gone.has(toHex(p.item.id))
    if (isEnd(p)) yield { ...p, ...counts }
    else if (!isRecord(p) && !isBlock(p)) yield p
    else if (!dropping) {
      yield p
      if (isRecord(p)) counts.records++
      else {
        counts.blocks++
        counts.bytes += p.bytes.length
      }
    }
  }
}
