import { absenceOf } from '@keepwell/sdk/health/fhir/absent'
import { joined, MEDICINE_TYPES, medicines } from '@keepwell/sdk/health/medicines'
import type { MedicineView } from '#rpc/medicines.ts'
import type { Fact, Facts, Overview, Printable, PrintQuery, Section } from '#rpc/summary.ts'
import type { CompartmentView, Row } from '#rpc/views.ts'
import type { Entries, Item } from './entries.ts'

/** Facts of a section on the summary page. */
const SHOWN = 6
/** Facts of a section on paper. */
const PRINTED = 200
const FRESH = 5
const ROWS = 40

const WRONG = new Set(['entered-in-error', 'not-done', 'cancelled'])
const OVER = new Set(['resolved', 'inactive', 'remission', 'stopped', 'completed'])
/** Done things are always completed; that says nothing of them. */
const DONE = new Set(['Immunization', 'Procedure', 'Observation'])

/** Systems whose codes name the thing itself, so that two names of it are one. */
const NAMES = /snomed|loinc|icd|cvx|rxnorm/i

const TYPES: Readonly<Record<Section, readonly string[]>> = {
  conditions: ['Condition'],
  medications: MEDICINE_TYPES,
  allergies: ['AllergyIntolerance'],
  vaccinations: ['Immunization'],
  results: ['Observation'],
  procedures: ['Procedure'],
  devices: ['Device', 'DeviceUseStatement'],
}
const isIn: Readonly<Partial<Record<Section, (item: Item) => boolean>>> = {
  results: i => i.row.title.includes(': ') && (i.entry.card.category?.includes('laboratory') || i.row.compartment === 'laboratory'),
}

export const today = (now: number): string => new Date(now * 1000).toISOString().slice(0, 10)

/** A measurement's title ends in its value, which is not part of what it measures. */
const nameOf = ({ row }: Item): string => (row.type === 'Observation' ? row.title.replace(/: [^:]*$/, '') : row.title)

type Given = Row & { readonly codes: Item['entry']['card']['codes']; readonly item: Item }
const given = (item: Item): Given => ({ ...item.row, title: nameOf(item), codes: item.entry.card.codes, item })

function factsOf(section: Section, items: readonly Item[], day: string): Fact[] {
  if (section === 'medications')
    return medicines(items.map(given), day).map(m => ({ row: m.records[0]!.item.row, over: !m.current, times: m.records.length }))
  // The reasons for a procedure or a vaccination stand among its codes, so only its name joins it.
  const systems = section === 'procedures' ? /^$/ : section === 'vaccinations' ? /cvx/i : NAMES
  const all = joined(items.map(given), systems).map(([first, ...more]): Fact => {
    const { row } = first!.item
    const ended = row.end !== undefined && row.end.slice(0, 10) < day
    return { row, over: !DONE.has(row.type) && (OVER.has(row.status ?? '') || ended), times: more.length + 1 }
  })
  return [...all.filter(f => !f.over), ...all.filter(f => f.over)]
}

function section(name: Section, live: readonly Item[], { day, most }: { readonly day: string; readonly most: number }): Facts {
  const mine = live.filter(i => TYPES[name].includes(i.row.type) && (isIn[name]?.(i) ?? true))
  const absences = mine.map(item => ({ item, kind: absenceOf(item.entry.card.codes) }))
  const facts = factsOf(
    name,
    absences.filter(a => a.kind === null).map(a => a.item),
    day,
  )
  const absent = absences.find(a => a.kind !== null && !OVER.has(a.item.row.status ?? ''))
  const now = facts.filter(f => !f.over).length
  return {
    facts: facts.slice(0, most),
    count: facts.length,
    now,
    // Whoever has an allergy now has some, whatever an older record says.
    absent: absent?.kind && !now ? { row: absent.item.row, kind: absent.kind } : null,
  }
}

const liveOf = (entries: Entries): Item[] => entries.current().filter(i => !WRONG.has(i.row.status ?? ''))

export const compartmentCounts = (entries: Entries, names: readonly string[]): CompartmentView[] => {
  const counts = Map.groupBy(entries.current(), i => i.row.compartment)
  return [...new Set([...names, ...counts.keys()])].map(name => ({ name, count: counts.get(name)?.length ?? 0 }))
}

type More = Pick<Overview, 'shares' | 'requests'> & {
  readonly names: readonly string[]
  readonly now: number
  /** When this device opened the vault before. */
  readonly before: number | null
}

/** The one page about a person, from the cards alone: nothing is opened for it. */
export function overview(entries: Entries, { shares, requests, names, now, before }: More): Overview {
  const items = entries.current()
  const live = liveOf(entries)
  const day = today(now)
  const of = (name: Section): Facts => section(name, live, { day, most: SHOWN })
  return {
    records: items.length,
    since: items.findLast(i => i.entry.card.start)?.row.date.slice(0, 4) ?? null,
    sections: {
      conditions: of('conditions'),
      medications: of('medications'),
      allergies: of('allergies'),
      vaccinations: of('vaccinations'),
      results: of('results'),
      procedures: of('procedures'),
      devices: of('devices'),
    },
    appointments: live
      .filter(i => (i.row.type === 'Appointment' || i.row.status === 'planned') && i.row.date >= day)
      .map(i => i.row)
      .reverse()
      .slice(0, SHOWN),
    fresh: freshOf(items, before),
    compartments: compartmentCounts(entries, names),
    shares,
    requests,
  }
}

function freshOf(items: readonly Item[], since: number | null): Overview['fresh'] {
  if (since === null) return null
  const fresh = items.filter(i => i.row.author && i.entry.filedAt > since)
  return fresh.length ? { since, count: fresh.length, rows: fresh.slice(0, FRESH).map(i => i.row) } : null
}

/** The facts of some sections from some parts of the record, for paper. */
export function printable(entries: Entries, { sections, parts }: PrintQuery, now: number): Printable {
  const chosen = new Set(parts)
  const live = liveOf(entries).filter(i => chosen.has(i.row.compartment))
  const day = today(now)
  return { sections: Object.fromEntries(sections.map(name => [name, section(name, live, { day, most: PRINTED })])) }
}

/** Every medicine the record speaks of. */
export function medicineViews(entries: Entries, now: number): MedicineView[] {
  const mine = liveOf(entries).filter(i => MEDICINE_TYPES.includes(i.row.type) && absenceOf(i.entry.card.codes) === null)
  return medicines(mine.map(given), today(now)).map(m => ({
    title: m.title,
    current: m.current,
    courses: m.courses,
    rows: m.records.slice(0, ROWS).map(r => r.item.row),
    count: m.records.length,
  }))
}
