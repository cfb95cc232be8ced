import { openSession, type RangedRecord, type ReadingSession, type SessionRecord } from '@keepwell/sdk/actions/access/open-session'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import { remember, type SessionParts, type Written } from './memory.ts'
import { openAll } from './opening.ts'
import type { PatientSession } from './types.ts'

export type HeldSession = PatientSession & {
  /** Unix seconds of the last use, and of the last listing. */
  used: number
  listedAt: number
  /** What was decided when it was opened, as text. */
  readonly decision: string
  end(reason: KeepwellError): void
  add(written: readonly Written[]): void
  /** Lists what was filed since, and opens it. */
  refresh(): Promise<void>
}

/** Neither cards nor keys of other parts are asked for, and the receipt says so. */
export const partly = (only: readonly Uint8Array[] | null) => (only ? { compartments: only } : {})

const CLOSED = new KeepwellError('GRANT_ENDED', 'The session was closed; ask again.')

/** Opens a patient's record (receipt first) and goes on opening in the background. Resolves when the first page of cards is there. */
export async function openPatientSession(parts: SessionParts): Promise<HeldSession> {
  const { ctx, patient, actor, grants, expires, narrowed, decision, receipted, hot, sees, only, policy, keep } = parts
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
  const take = (grant: Uint8Array, fresh: readonly SessionRecord[], reader: Pick<ReadingSession, 'open' | 'ranges'>): void =>
    opening.add(memory.list(fresh.filter(sees(grant))), reader)
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const listing = Promise.all(
    grants.map(async grant => {
      const told = { ...(receipted ? { receipted } : {}), ...(hot ? { near: hot.of(grant) } : {}) }
      const input = { grant, purpose: actor.purpose, person: actor.person, role: actor.role, policy, ...partly(only(grant)), ...told }
      const reader: ReadingSession = await openSession(ctx, {
        ...input,
        arrived(fresh, opener) {
          if (ended.signal.aborted) throw ended.signal.reason
          take(grant, fresh, opener)
          begin()
        },
      })
      if (ended.signal.aborted) reader.close()
      else readers.push(reader)
    }),
  ).then(opening.listed)
  keep(listing).catch(e => end(asEnd(e)))
  let filling = true
  opening.ready(null).then(
    () => {
      memory.resolve()
      filling = false
    },
    () => {},
  )
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
    ready: async types => {
      // Where records come from is known when all of them are.
      const all = !types || types.includes('Provenance')
      await opening.ready(all ? null : types)
      if (!types) memory.resolve()
      if (all) memory.sign()
    },
    get filling() {
      return filling
    },
    get large() {
      return memory.records.size > parts.large
    },
    whole: types => opening.whole(types ?? null),
    more: () => opening.more(),
    authorOf: record => memory.authors.get(record) ?? null,
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
      return keep(bodies(readers, listing, wanted))
    },
    close: () => end(CLOSED),
    end,
    add: memory.add,
    async refresh() {
      session.listedAt = ctx.clock()
      try {
        const fresh: SessionRecord[] = []
        for (const r of readers) {
          const found = await keep(r.refresh())
          fresh.push(...found)
          take(r.grant.grant.commitment, found, r)
        }
        parts.filed?.(fresh.map(r => toHex(r.id)))
      } catch (e) {
        const reason = asEnd(e)
        if (!isKeepwellError(e, 'RELAY_UNREACHABLE')) end(reason)
        throw reason
      }
    },
  }
  return session
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
