import { rekeyGrantees, sendOwed } from '#actions/access/revoke'
import type { Ctx } from '#actions/context'
import { equal } from '#base/bytes'
import { epochEnd, epochOf } from '#base/time'
import { calendarMessage, PAGE_EPOCHS } from '#identity/calendar'
import { peek } from '#identity/signed'
import { homeRelay } from './calls.ts'
import { changeRing } from './change-ring.ts'
import { publishCalendar } from './publish-calendar.ts'

type Keeping = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

export type CalendarState = {
  /** Whether it was long enough, was made longer, or was behind the keyring: a revocation had been cut short. */
  readonly state: 'current' | 'longer' | 'finished'
  /** Grantees to whom a new generation could not be sent. */
  readonly unreached: readonly string[]
}

/** Writers need keys ahead: a calendar is made longer when less than half of a page is left. */
const AHEAD = PAGE_EPOCHS / 2

/**
 * Keeps the public keys that writers seal to ahead of the time (protocol §2). Where the relay's calendar is older than the keyring, what a
 * revocation had left undone is done: the new generations are published, and sent to those whose consent lives. Who was out of reach when
 * keys were due, at a revocation or a rotation, is tried again.
 */
export async function keepCalendar(ctx: Keeping): Promise<CalendarState> {
  const owed = await sendOwed(ctx)
  const relay = await homeRelay(ctx)
  const { ring } = ctx.session.state
  const published = await relay.calendar(ring.did)
  const shown = published ? peek(published.calendar, calendarMessage) : null
  if (shown && shown.version >= ring.calendar) {
    if (shown.notAfter >= epochEnd(epochOf(ctx.clock()) + AHEAD)) return { state: 'current', unreached: owed }
    await publish(ctx, await changeRing(ctx, r => ({ ...r, calendar: r.calendar + 1 })))
    return { state: 'longer', unreached: owed }
  }
  await publish(ctx, ring)
  const behind = ring.compartments.filter(c => shown?.compartments.find(s => equal(s.id, c.id))?.generation !== c.generation)
  const unreached = await rekeyGrantees(
    ctx,
    behind.map(c => c.id),
  )
  return { state: 'finished', unreached: [...new Set([...owed, ...unreached])] }
}

async function publish(ctx: Keeping, ring: Ctx['session']['state']['ring']): Promise<void> {
  const calendar = await publishCalendar(ctx, ring)
  await changeRing(ctx, r => r, { calendar })
}
