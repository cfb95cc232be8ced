import { setImmediate as breathe } from 'node:timers/promises'
import { receivedGrant } from '@keepwell/sdk/actions/access/grants'
import { openSession, type RangedRecord, type ReadingSession, type SessionRecord } from '@keepwell/sdk/actions/access/open-session'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import type { Did } from '@keepwell/sdk/identity/did'
import { remember, type SessionParts, type Written } from './memory.ts'
import { type Opening, openAll } from './opening.ts'
import type { Sift } from './scanning.ts'
import type { PatientSession } from './types.ts'

export type HeldSession = PatientSession & {
  /** Unix seconds of the last use, and of the last listing. */
  used: number
  listedAt: number
  /** The last write number of each vault among what was listed. */
  readonly newest: ReadonlyMap<Did, number>
  /** What was decided when it was opened, as text. */
  readonly decision: string
  end(reason: KeepwellError): void
  /** What was written into a vault. */
  add(written: readonly Written[], vault: Did): void
  /** Lists what was filed since, and opens it. */
  refresh(): Promise<void>
}

/** Neither cards nor keys of other parts are asked for, and the receipt says so. */
export const partly = (only: readonly Uint8Array[] | null) => (only ? { compartments: only } : {})

type Opener = Pick<ReadingSession, 'open' | 'ranges'>

/** Opens only what may be shown. */
export const sifted = (sift: Sift, { open, ranges }: Opener, problem: (id: string, code: string) => void): Opener => ({
  open: async (ids, refused) => [...(await sift.records(await open(ids, refused), problem))],
  ranges,
})

const CLOSED = new KeepwellError('GRANT_ENDED', 'The session was closed; ask again.')

/** Opens a patient's record (receipt first) and goes on opening in the background. Resolves when the first page of cards is there. */
export async function openPatientSession(parts: SessionParts): Promise<HeldSession> {
  const { ctx, patient, actor, grants, expires, narrowed, decision, keep } = parts
  const memory = remember(parts)
  const ended = new AbortController()
  const readers: ReadingSession[] = []
  const end = (reason: KeepwellError): void => {
    if (ended.signal.aborted) return
    ended.abort(reason)
    opening.stop(reason)
    for (const r of readers) r.close()
  }
  const opening = openAll({ ...memory.sink, failed: e => end(asEnd(e)) }, keep)
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const sources = sourcesOf(parts)
  let counted = 0
  const count = (records: number): void => {
    counted += records
  }
  const newest = new Map(grants.map(g => [vaultUnder(parts, g), 0]))
  const { list, relist } = lister(parts, { ended: ended.signal, memory, newest, opening, readers, begin, count })
  const listing = Promise.all(grants.map(g => sources.reach(g, () => list(g)))).then(opening.listed)
  keep(listing).then(
    () => parts.listed?.(newest),
    e => end(asEnd(e)),
  )
  opening.opened().then(memory.resolve, () => {})
  await Promise.race([begun, listing])
  const session: HeldSession = {
    ...{ patient, actor, grants, expires, narrowed, decision },
    get store() {
      ended.signal.throwIfAborted()
      return memory.store
    },
    records: memory.records,
    images: memory.images,
    get problems() {
      return [...memory.problems, ...readers.flatMap(r => r.problems)]
    },
    ended: ended.signal,
    used: ctx.clock(),
    listedAt: ctx.clock(),
    newest,
    ready: async types => {
      // Where records come from is known when all of them are.
      const all = !types || types.includes('Provenance')
      await opening.ready(all ? null : types)
      if (!types) memory.resolve()
      if (all) memory.sign()
    },
    get filling() {
      return !opening.filled()
    },
    get large() {
      return Math.max(counted, memory.records.size) > parts.large
    },
    whole: types => opening.whole(types ?? null),
    more: () => opening.more(),
    authorOf: record => memory.authors.get(record) ?? null,
    idOf: memory.idOf,
    vaultOf: record => memory.vaults.get(record) ?? null,
    get away() {
      return sources.away()
    },
    async openBody(record) {
      const [found] = await session.openBodies([record])
      ensure(found, 'NOT_FOUND', 'The record is not at the relay any more.')
      return found
    },
    async openBodies(wanted) {
      ensure(
        wanted.every(r => memory.records.has(r)),
        'NOT_FOUND',
        'There is no such record among those the consent covers.',
      )
      const found = await keep(bodies(readers, listing, wanted))
      return parts.sift ? found.map(parts.sift.body) : found
    },
    close: () => end(CLOSED),
    end,
    add: memory.add,
    async refresh() {
      session.listedAt = ctx.clock()
      try {
        const unread = grants.filter(g => sources.lacks(g) && !readers.some(r => equal(r.grant.grant.commitment, g)))
        const known = readers.map(r => sources.reach(r.grant.grant.commitment, () => keep(relist(r))))
        const fresh = await Promise.all([...known, ...unread.map(g => sources.reach(g, () => keep(list(g))))])
        const records = fresh.flatMap(found => found?.map(r => toHex(r.id)) ?? [])
        if (records.length) parts.listed?.(newest)
        parts.filed?.(records)
      } catch (e) {
        const reason = asEnd(e)
        if (!isKeepwellError(e, 'RELAY_UNREACHABLE')) end(reason)
        throw reason
      }
    },
  }
  return session
}

/** How one of the consents is asked under. */
const inputOf = ({ actor, policy, only, receipted, hot }: SessionParts, grant: Uint8Array) => ({
  ...{ grant, purpose: actor.purpose, person: actor.person, role: actor.role, policy },
  ...partly(only(grant)),
  ...(receipted ? { receipted } : {}),
  ...(hot ? { near: hot.of(grant) } : {}),
})

type Listing = {
  readonly ended: AbortSignal
  readonly memory: ReturnType<typeof remember>
  readonly newest: Map<Did, number>
  readonly opening: Opening
  readonly readers: ReadingSession[]
  /** Called with the first page. */
  readonly begin: () => void
  /** Told before it how many records a consent covers, as far as that says whether they are many. */
  readonly count: (records: number) => void
}

/** Lists what is under a consent, and again what was filed since; all of it goes on to be opened. Each gives what was filed since. */
function lister(parts: SessionParts, { ended, memory, newest, opening, readers, begin, count }: Listing) {
  const shown = (reader: Opener): Opener => (parts.sift ? sifted(parts.sift, reader, memory.sink.problem) : reader)
  const take = (grant: Uint8Array, fresh: readonly SessionRecord[], reader: Opener): void => {
    const vault = vaultUnder(parts, grant)
    newest.set(
      vault,
      fresh.reduce((last, r) => Math.max(last, r.seq), newest.get(vault) ?? 0),
    )
    opening.add(memory.list(fresh.filter(parts.sees(grant)), vault), shown(reader))
  }
  return {
    async list(grant: Uint8Array): Promise<readonly SessionRecord[]> {
      const reader = await openSession(parts.ctx, {
        ...inputOf(parts, grant),
        breathe: () => breathe(),
        counted: { to: parts.large, told: count },
        arrived(fresh, opener) {
          ended.throwIfAborted()
          take(grant, fresh, opener)
          begin()
        },
      })
      if (ended.aborted) reader.close()
      else readers.push(reader)
      return []
    },
    async relist(reader: ReadingSession): Promise<readonly SessionRecord[]> {
      const found = await reader.refresh()
      take(reader.grant.grant.commitment, found, reader)
      return found
    },
  }
}

const vaultUnder = ({ ctx }: Pick<SessionParts, 'ctx'>, grant: Uint8Array): Did => receivedGrant(ctx, grant).terms.patient

/**
 * The vaults that a session is made of. Where there are several, one whose relay does not answer, or is not to be asked, is named and the others are shown; one
 * that is alone, or the last of them, is the session's end.
 */
function sourcesOf(parts: Pick<SessionParts, 'ctx' | 'grants' | 'patient'>) {
  const vaults = new Map(parts.grants.map(g => [toHex(g), vaultUnder(parts, g)]))
  const away = new Set<string>()
  const several = new Set(vaults.values()).size > 1
  return {
    async reach<T>(grant: Uint8Array, work: () => Promise<T>): Promise<T | undefined> {
      const name = toHex(grant)
      try {
        const done = await work()
        away.delete(name)
        return done
      } catch (e) {
        if (!several || !(isKeepwellError(e, 'RELAY_UNREACHABLE') || isKeepwellError(e, 'RELAY_NOT_FOLLOWED'))) throw e
        away.add(name)
        if (away.size === vaults.size) throw e
        return undefined
      }
    },
    lacks: (grant: Uint8Array): boolean => away.has(toHex(grant)),
    away(): string[] {
      const missing = new Set([...away].map(name => vaults.get(name)))
      return parts.patient.vaults.flatMap(v => (missing.has(v.did) ? [v.id] : []))
    },
  }
}

/** Records by parts, from whichever consent shows them. */
async function bodies(readers: readonly ReadingSession[], listing: Promise<void>, wanted: readonly string[]): Promise<RangedRecord[]> {
  const left = new Set(wanted)
  const found: RangedRecord[] = []
  const take = async (): Promise<void> => {
    for (const reader of readers) {
      const here = reader.records.filter(r => left.delete(toHex(r.id)))
      if (here.length) found.push(...(await reader.ranges(here.map(r => r.id))))
    }
  }
  await take()
  // Cards are known page by page, and who opens them is there once all are listed.
  if (left.size) {
    await listing
    await take()
  }
  ensure(left.size === 0, 'NOT_FOUND', 'That record was written just now; ask again in a moment.')
  return found
}

/** Why a session ended, as its user is told: a refusal of the relay means that the consent is no more. */
export function asEnd(e: unknown): KeepwellError {
  if (isKeepwellError(e, 'DENIED') || isKeepwellError(e, 'NO_GRANT'))
    return new KeepwellError('GRANT_ENDED', 'The patient’s consent has ended, or no longer covers this.', { cause: e })
  return isKeepwellError(e) ? e : new KeepwellError('DEFECT', 'The session broke.', { cause: e })
}
