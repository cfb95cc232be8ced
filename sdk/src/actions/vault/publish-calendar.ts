import type { Ctx } from '#actions/context'
import { ensure } from '#base/error'
import { epochEnd, epochOf, LAST_EPOCH } from '#base/time'
import { type CalendarMessage, calendarPage, PAGE_EPOCHS, pageHash } from '#identity/calendar'
import type { Compartment, Keyring } from '#identity/keyring'
import { sign, signedHash } from '#identity/signed'
import { callRelay, homeRelay, signerOf } from './calls.ts'

export const currentRoot = (c: Compartment): Uint8Array => {
  const last = c.roots.at(-1)
  ensure(last, 'DEFECT', 'A compartment has no tree.')
  return last.root
}

/** Makes and publishes the calendar of all compartments from this epoch on; returns its hash for the vault head. */
export async function publishCalendar(ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>, ring: Keyring): Promise<Uint8Array> {
  const firstEpoch = epochOf(ctx.clock())
  const count = Math.min(PAGE_EPOCHS, LAST_EPOCH - firstEpoch + 1)
  const pages = []
  const compartments = []
  for (const c of ring.compartments) {
    const page = await calendarPage(currentRoot(c), firstEpoch, count)
    pages.push({ compartment: c.id, page })
    compartments.push({ id: c.id, generation: c.generation, firstEpoch, count, page: await pageHash(page) })
  }
  const message: CalendarMessage = {
    v: 1,
    vault: ring.did,
    version: ring.calendar,
    issuedAt: ctx.clock(),
    notAfter: epochEnd(firstEpoch + count - 1),
    compartments,
    tokens: ring.tokens.filter(t => t.used === null).map(t => t.address),
  }
  const calendar = await sign(signerOf(ring), 'calendar', message)
  await callRelay(ctx, await homeRelay(ctx), 'put-calendar', { calendar, pages })
  return signedHash(calendar)
}
