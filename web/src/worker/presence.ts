import { ensure } from '@keepwell/sdk/base/error'
import { type Closed, IDLE_MINUTES, type Limits, MOST_HOURS } from '#rpc/limits.ts'

/** For so many seconds it counts that the person showed who they are. */
export const FRESH = 300
/** A clock is put right by less than this; one that goes further back tells nothing. */
const PUT_RIGHT = 300

export const DEFAULT_LIMITS: Limits = { idleMinutes: 15, mostHours: 12 }

/** Seconds by the clock on the wall, and by one that only ever goes on. */
export type Moment = { readonly wall: number; readonly ticks: number }

/** Seconds that went by, by whichever clock saw more: one stands still while a device sleeps, the other can be set back. */
const since = (from: Moment, now: Moment): number => {
  const wall = now.wall - from.wall
  return wall < -PUT_RIGHT ? Number.POSITIVE_INFINITY : Math.max(wall, now.ticks - from.ticks)
}

/** Settings as kept here; what nobody could have chosen counts as the default. */
export const limitsFrom = (kept: Partial<Limits> | undefined): Limits => ({
  idleMinutes: IDLE_MINUTES.find(m => m === kept?.idleMinutes) ?? DEFAULT_LIMITS.idleMinutes,
  mostHours: MOST_HOURS.find(h => h === kept?.mostHours) ?? DEFAULT_LIMITS.mostHours,
})

export type Presence = {
  /** The person is at the device. */
  seen(): void
  /** The person showed who they are. */
  proved(): void
  /** Throws PROVE_AGAIN unless the person showed it lately. */
  ensureFresh(): void
  /** Why the record must close now; null while it may stay open. */
  over(): Closed | null
  limits(next?: Limits): Limits
}

/** Of the person who has just opened a record. `asks` is false where there is nothing to prove oneself by: a made-up record has no lock. */
export function presence(now: () => Moment, first: Limits, asks = true): Presence {
  const opened = now()
  let limits = first
  let seen = opened
  let proved = opened
  return {
    seen() {
      seen = now()
    },
    proved() {
      proved = seen = now()
    },
    ensureFresh: () => ensure(!asks || since(proved, now()) < FRESH, 'PROVE_AGAIN', 'This needs the passphrase or the passkey once more.'),
    over() {
      const at = now()
      if (since(opened, at) >= limits.mostHours * 3600) return 'most'
      return since(seen, at) >= limits.idleMinutes * 60 ? 'idle' : null
    },
    limits: (next = limits) => (limits = next),
  }
}
