import { ACTIONS } from '@keepwell/sdk/audit/receipt'
import { ensure } from '@keepwell/sdk/base/error'
import type { Guest } from '#gateway/smart/staff'
import type { Entry, KeptTrail } from './kept.ts'
import { dayOf, daysBetween, nameWords, type Outcome, outcomesOf, typesOf } from './marks.ts'

/** What an auditor looks for; what is left out narrows nothing. Days are UTC, both included. */
export type Criteria = {
  readonly from?: string
  readonly to?: string
  /** An id, or part of a name that the organisation knows. */
  readonly patient?: string
  /** Words of a name, or a login. */
  readonly person?: string
  readonly action?: string
  readonly type?: string
  readonly outcome?: Outcome
}

export const FIELDS = ['from', 'to', 'patient', 'person', 'action', 'type', 'outcome'] as const
export const OUTCOMES: readonly Outcome[] = ['allowed', 'refused', 'policy']

const FITS: Readonly<Record<(typeof FIELDS)[number], (text: string) => boolean>> = {
  from: isDay,
  to: isDay,
  patient: t => t.length <= 200,
  person: t => t.length <= 200 && nameWords(t).length > 0,
  action: t => ACTIONS.some(a => a === t),
  type: t => /^[A-Z][A-Za-z]{1,63}$/.test(t),
  outcome: t => OUTCOMES.some(o => o === t),
}

function isDay(text: string): boolean {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  return !Number.isNaN(at) && dayOf(at / 1000) === text
}

/** Of a form. Throws BAD_INPUT naming the field. */
export function criteriaOf(form: URLSearchParams): Criteria {
  const given = FIELDS.flatMap(name => {
    const text = form.get(name)?.trim()
    if (!text) return []
    ensure(FITS[name](text), 'BAD_INPUT', `"${name}" cannot be looked for as it was written.`)
    return [[name, text] as const]
  })
  return Object.fromEntries(given)
}

/** Nothing here is older. */
const BEGINNING = '2024-01-01'

/** A search as it is carried out: `patients` are the ids that were meant; null for everybody's. */
export type Search = { readonly criteria: Criteria; readonly patients: readonly string[] | null }

function termsOf({ criteria: c, patients }: Search, today: string): string[][] {
  return [
    ...(patients ? [patients.map(p => `patient ${p}`)] : []),
    ...(c.person ? nameWords(c.person).map(w => [`person ${w}`]) : []),
    ...(c.action ? [[`action ${c.action}`]] : []),
    ...(c.type ? [[`type ${c.type}`]] : []),
    ...(c.outcome ? [[`outcome ${c.outcome}`]] : []),
    ...(c.from || c.to ? [daysBetween(c.from ?? BEGINNING, c.to ?? today)] : []),
  ]
}

const later = (a: string | undefined, b: string | null): string | undefined => (b !== null && (!a || a < b) ? b : a)
const earlier = (a: string | undefined, b: string | null): string | undefined => (b !== null && (!a || a > b) ? b : a)

/**
 * What is left of a search for somebody who is to see a part of the trail. A patient named to them is a person: `vaultsOf` gives all records that are
 * theirs now, for an entry names one of these.
 */
export function within({ criteria, patients }: Search, guest: Guest | undefined, vaultsOf: (patient: string) => readonly string[]): Search {
  if (!guest) return { criteria, patients }
  const { from: _from, to: _to, ...rest } = criteria
  const [from, to] = [later(criteria.from, guest.from), earlier(criteria.to, guest.to)]
  const theirs = guest.patients && [...new Set(guest.patients.flatMap(vaultsOf))]
  return {
    criteria: { ...rest, ...(from ? { from } : {}), ...(to ? { to } : {}) },
    patients: theirs && patients ? patients.filter(p => theirs.includes(p)) : (theirs ?? patients),
  }
}

/** Marks may say too much, never too little: a number that was given to another entry, a crash in between. */
export function meets(e: Entry, { criteria: c, patients }: Search): boolean {
  const day = dayOf(e.at)
  const words = c.person ? nameWords(e.person) : []
  return (
    (patients === null || (e.patient !== null && patients.includes(e.patient))) &&
    (!c.person || nameWords(c.person).every(w => words.includes(w))) &&
    (!c.action || e.action === c.action) &&
    (!c.type || typesOf(e).includes(c.type)) &&
    (!c.outcome || outcomesOf(e).includes(c.outcome)) &&
    (!c.from || day >= c.from) &&
    (!c.to || day <= c.to)
  )
}

/** What is found, the newest first, from below a number on. It is read as it is asked for. */
export async function* found(
  trail: Pick<KeptTrail, 'newest'>,
  search: Search,
  { before = Number.MAX_SAFE_INTEGER, now }: { readonly before?: number; readonly now: number },
): AsyncGenerator<Entry> {
  // A clock that is a day ahead noted entries of tomorrow.
  const terms = termsOf(search, dayOf(now + 86_400))
  if (terms.some(t => t.length === 0)) return
  for await (const e of trail.newest(terms, before)) if (meets(e, search)) yield e
}
