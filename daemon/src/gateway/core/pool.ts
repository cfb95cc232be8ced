import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { HeldSession } from './session.ts'
import type { PatientSession } from './types.ts'

export type PoolLimits = {
  readonly sessions: number
  /** Records in all sessions together. */
  readonly records: number
  /** Seconds without a request. */
  readonly idle: number
  /** Seconds after which what was filed meanwhile is looked for beside the next request, and before it. */
  readonly stale: number
  readonly tooStale: number
  /** A record of more records than this is answered in part while it is being opened. */
  readonly large: number
}

export const POOL_LIMITS: PoolLimits = { sessions: 256, records: 2_000_000, idle: 900, stale: 30, tooStale: 120, large: 10_000 }

export type Pool = {
  /** The session of this key; opened when there is none. */
  get(key: string, open: () => Promise<HeldSession>): Promise<HeldSession>
  open(): readonly HeldSession[]
  /** Ends what is idle or expired. */
  sweep(): void
  /** Ends every session, also what is still being opened. */
  endAll(reason: KeepwellError): void
}

/** Whose requests share a session: the same person in the same role, for the same purpose, at the same patient. */
export const sessionKey = ({ person, role, purpose, parts, as, exporting }: PatientSession['actor'], patient: string): string =>
  JSON.stringify([person, role, purpose, parts ?? null, as ?? null, exporting ?? null, patient])

/** Sessions by key, bounded in number and in what they hold: the longest unused make room, those in use do not. */
export function sessionPool(clock: () => number, limits: PoolLimits): Pool {
  const held = new Map<string, Promise<HeldSession>>()
  const open = new Map<string, HeldSession>()

  function drop(key: string, session: HeldSession, reason: KeepwellError): void {
    session.end(reason)
    if (open.get(key) === session) open.delete(key)
    held.delete(key)
  }

  function makeRoom(): void {
    const records = (): number => [...open.values()].reduce((sum, s) => sum + s.records.size, 0)
    const oldest = [...open].sort(([, a], [, b]) => a.used - b.used)
    for (const [key, session] of oldest) {
      if (held.size < limits.sessions && records() < limits.records) return
      if (session.used < clock() - USED) drop(key, session, ROOM)
    }
    ensure(held.size < limits.sessions && records() < limits.records, 'RATE_LIMITED', 'Too many records are open; ask again in a minute.')
  }

  async function opened(key: string, make: () => Promise<HeldSession>): Promise<HeldSession> {
    makeRoom()
    const opening = make()
    held.set(key, opening)
    try {
      const session = await opening
      open.set(key, session)
      session.ended.addEventListener('abort', () => {
        if (open.get(key) === session) open.delete(key)
        if (held.get(key) === opening) held.delete(key)
      })
      session.ended.throwIfAborted()
      return session
    } catch (e) {
      open.delete(key)
      if (held.get(key) === opening) held.delete(key)
      throw e
    }
  }

  return {
    async get(key, make) {
      const found = held.get(key)
      const session = found ? await found : await opened(key, make)
      session.ended.throwIfAborted()
      const now = clock()
      session.used = now
      if (now >= session.listedAt + limits.tooStale) await session.refresh()
      else if (now >= session.listedAt + limits.stale) session.refresh().catch(() => {})
      return session
    },
    open: () => [...open.values()],
    sweep() {
      const now = clock()
      for (const [key, s] of open) {
        if (now >= s.expires) drop(key, s, EXPIRED)
        else if (now >= s.used + limits.idle) drop(key, s, IDLE)
      }
    },
    endAll(reason) {
      for (const opening of held.values())
        opening.then(
          s => s.end(reason),
          () => {},
        )
      for (const [key, s] of open) drop(key, s, reason)
    },
  }
}

/** A session used within so many seconds is in use. */
const USED = 10
const EXPIRED = new KeepwellError('GRANT_ENDED', 'The patient’s consent has expired.')
const IDLE = new KeepwellError('GRANT_ENDED', 'The session was closed, for it was not used.')
const ROOM = new KeepwellError('RATE_LIMITED', 'The session was closed to make room; ask again.')
