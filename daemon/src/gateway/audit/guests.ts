import { isoTime } from '@keepwell/sdk/base/time'
import type { Keeper } from '#gateway/duties/register'
import { type Guest, personOf, STAFF_PREFIX, type Staff } from '#gateway/smart/staff'
import type { KeptTrail } from './kept.ts'

const CHANGES = { in: 'let in', out: 'let out', again: 'let in again', code: 'given a new code' } as const
export type GuestChange = keyof typeof CHANGES

type Change = { readonly by: Keeper; readonly at: number; readonly staff: Staff; readonly change: GuestChange }

/**
 * That somebody of another house was let in or out is an entry of the trail: who did it, whom, until when, why, and for which part. It is on disk when
 * this resolves; throws STORAGE_FAILED.
 */
export async function noteGuest(trail: Pick<KeptTrail, 'note' | 'settled'>, { by, at, staff, change }: Change): Promise<void> {
  const may = staff.guest ? `, ${mayOf(staff.guest)}` : ''
  trail.note({
    ...{ ...by, at, purpose: 'HOPERAT', patient: null, action: change === 'in' ? 'create' : 'update' },
    records: [{ id: '', reference: `Practitioner/${STAFF_PREFIX}${staff.id}` }],
    query: `${personOf(staff)} ${CHANGES[change]}${may}`.slice(0, 4000),
  })
  await trail.settled()
}

function mayOf({ until, why, from, to, patients }: Guest): string {
  const days = from || to ? `entries from ${from ?? 'the first'} to ${to ?? 'the last'}` : 'entries of any day'
  const whom = patients ? `about ${patients.join(', ')}` : 'about anybody'
  return `until ${isoTime(until).slice(0, 10)}: ${days}, ${whom} (${why})`
}
