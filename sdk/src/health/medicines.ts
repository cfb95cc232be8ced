/** Medicines out of the many records that speak of them: ordered, dispensed, given, taken. */

/** What is known of one such record from its card. */
export type Given = {
  readonly id: string
  readonly title: string
  readonly type: string
  readonly date: string
  readonly end?: string | undefined
  readonly status?: string | undefined
  readonly codes: readonly { readonly system?: string | undefined; readonly code: string }[]
}

/** A stretch of time it was meant to be taken. `end` is null while it goes on; a single day when no end is known. */
export type Course = { readonly start: string; readonly end: string | null }

export type Medicine<T extends Given> = {
  readonly title: string
  readonly current: boolean
  /** Oldest first, none overlapping. */
  readonly courses: readonly Course[]
  /** Newest first. */
  readonly records: readonly T[]
}

export const MEDICINE_TYPES = ['MedicationRequest', 'MedicationStatement', 'MedicationDispense', 'MedicationAdministration']

/** Systems that name a product or a substance; other codes on a card may be the reason it was given for. */
const PRODUCTS = /rxnorm|whocc\.no\/atc|\/atc$|hl7\.org\/fhir\/sid\/(ndc|cvx)|6\.88$|6\.73$|pzn|dmd/i

const GOING_ON = new Set(['active', 'on-hold', 'in-progress', 'intended', 'draft'])
const NEVER = new Set(['entered-in-error', 'cancelled', 'not-taken', 'not-done', 'declined'])
/** These say what is meant to be taken; dispensing and giving only say what was. */
const PLANS = new Set(['MedicationRequest', 'MedicationStatement'])

const nameKey = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()

/** Puts records of the same thing together: by a code of these systems, or by name. Given newest first, so are the groups. */
export function joined<T extends Pick<Given, 'title' | 'codes'>>(records: readonly T[], systems: RegExp): T[][] {
  const groups = new Map<string, T[]>()
  for (const record of records) {
    const keys = [nameKey(record.title), ...record.codes.flatMap(c => (systems.test(c.system ?? '') ? `${c.system}|${c.code}` : []))]
    const [into = [], ...others] = [...new Set(keys.map(k => groups.get(k)).filter(g => g !== undefined))]
    for (const other of others) {
      into.push(...other)
      for (const [key, group] of groups) if (group === other) groups.set(key, into)
    }
    into.push(record)
    for (const key of keys) groups.set(key, into)
  }
  return [...new Set(groups.values())]
}

function courseOf(record: Given): Course | null {
  if (!record.date) return null
  if (record.end) return { start: record.date, end: record.end }
  const on = PLANS.has(record.type) && GOING_ON.has(record.status ?? '')
  return { start: record.date, end: on ? null : record.date }
}

/** Overlapping and touching courses as one. */
function merged(courses: readonly Course[]): Course[] {
  const out: Course[] = []
  for (const c of [...courses].sort((a, b) => (a.start < b.start ? -1 : 1))) {
    const last = out.at(-1)
    if (!last || (last.end !== null && last.end.slice(0, 10) < c.start.slice(0, 10))) out.push(c)
    else if (last.end !== null && (c.end === null || c.end > last.end)) out[out.length - 1] = { start: last.start, end: c.end }
  }
  return out
}

/** Whether it is taken now: the newest plan says so, and its end has not come. `today` is a FHIR date. */
function isCurrent(records: readonly Given[], today: string): boolean {
  const plan = records.find(r => PLANS.has(r.type))
  return plan !== undefined && GOING_ON.has(plan.status ?? '') && !(plan.end && plan.end.slice(0, today.length) < today)
}

/** Records newest first, as medicines: those taken now first, then the others, newest first. Mistakes are left out. */
export function medicines<T extends Given>(records: readonly T[], today: string): Medicine<T>[] {
  const real = records.filter(r => !NEVER.has(r.status ?? ''))
  const all = joined(real, PRODUCTS).map((group): Medicine<T> => {
    const current = isCurrent(group, today)
    const courses = merged(group.flatMap(r => courseOf(r) ?? []))
    // An old order that nobody closed does not go on when a newer one has ended.
    const closed = current ? courses : courses.map(c => ({ ...c, end: c.end ?? lastDay(group, c.start) }))
    return { title: group[0]!.title, current, courses: closed, records: group }
  })
  return [...all.filter(m => m.current), ...all.filter(m => !m.current)]
}

const lastDay = (group: readonly Given[], start: string): string => {
  const days = group.flatMap(r => [r.date, r.end ?? '']).filter(d => d >= start)
  return days.sort().at(-1) ?? start
}
