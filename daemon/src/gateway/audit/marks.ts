import { isoTime } from '@keepwell/sdk/base/time'
import type { Entry } from './kept.ts'

/** Words of a name as people look for it: `Grace Hopper (ghopper)` is found by any of its three. */
export const nameWords = (name: string): string[] => name.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}._-]*/gu) ?? []

export type Outcome = 'allowed' | 'refused' | 'policy'
/** A refusal by a policy is a refusal as well. */
export const outcomesOf = ({ refused, policy }: Pick<Entry, 'refused' | 'policy'>): Outcome[] =>
  refused === undefined ? ['allowed'] : ['refused', ...(policy?.forbids.length ? (['policy'] as const) : [])]

/** Resource types of what it was about, as far as they were told. */
export const typesOf = ({ records }: Pick<Entry, 'records'>): string[] => [
  ...new Set(records.flatMap(r => r.reference?.split('/')[0] ?? [])),
]

export const dayOf = (at: number): string => isoTime(at).slice(0, 10)

/** By what an entry is found. */
export const marksOf = (e: Entry): string[] => {
  const day = dayOf(e.at)
  return [
    ...[`day ${day}`, `month ${day.slice(0, 7)}`, `year ${day.slice(0, 4)}`],
    ...(e.patient === null ? [] : [`patient ${e.patient}`]),
    ...nameWords(e.person).map(w => `person ${w}`),
    `action ${e.action}`,
    ...outcomesOf(e).map(o => `outcome ${o}`),
    ...typesOf(e).map(t => `type ${t}`),
  ]
}

const next = (day: string): string => dayOf(Date.parse(`${day}T00:00:00Z`) / 1000 + 86_400)
const lastOfMonth = (day: string): string => dayOf(Date.UTC(Number(day.slice(0, 4)), Number(day.slice(5, 7)), 0) / 1000)

/** Marks of all days from one to another, both included: whole years and months by one mark each. */
export function daysBetween(from: string, to: string): string[] {
  const marks: string[] = []
  for (let day = from; day <= to; ) {
    const year = day.slice(0, 4)
    const month = lastOfMonth(day)
    let end = day
    if (day.endsWith('-01-01') && `${year}-12-31` <= to) end = `${year}-12-31`
    else if (day.endsWith('-01') && month <= to) end = month
    marks.push(end === day ? `day ${day}` : end === month ? `month ${day.slice(0, 7)}` : `year ${year}`)
    day = next(end)
  }
  return marks
}
