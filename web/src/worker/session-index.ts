import type { SessionRecord } from '@keepwell/sdk/actions/access/open-session'
import type { Digest } from '@keepwell/sdk/health/fhir/digest'
import { byProblem, type ProblemInput } from '@keepwell/sdk/health/fhir/problems'
import type { Measured } from '@keepwell/sdk/health/series'
import type { Did } from '@keepwell/sdk/identity/did'
import { replacements } from '@keepwell/sdk/records/versions'
import type { OverviewGroup, OverviewRow, ProblemsView, ProblemView, SessionOverview } from '#rpc/clinician.ts'
import { OVERVIEW_GROUPS } from '#rpc/clinician.ts'
import type { Outside } from '#rpc/results.ts'
import type { Row } from '#rpc/views.ts'
import { measuresOf, type Origin } from './results.ts'

/** A record of a session as lists know it; `resource` and what it says once its content was opened. */
export type SessionItem = {
  readonly record: SessionRecord
  readonly row: Row
  readonly hay: string
  readonly fullUrl?: string
  readonly resource?: Readonly<Record<string, unknown>>
  readonly digest?: Digest
  /** It was opened, and its author's signatures were checked. */
  readonly proven?: true
}

/** Newest care first; records that a newer version replaces are left out, once that one was opened: until then anybody may have written it. */
export function inOrder(items: Iterable<SessionItem>, subject: Did): SessionItem[] {
  const all = [...items]
  const proven = new Set(all.flatMap(i => (i.proven ? [i.record] : [])))
  const replaced = replacements(
    all.map(i => i.record),
    { subject, proven: r => proven.has(r) },
  )
  const after = (a: string, b: string): number => (a < b ? 1 : a > b ? -1 : 0)
  return all.filter(i => !replaced.has(i.row.id)).sort((a, b) => after(a.row.date, b.row.date) || -after(a.row.title, b.row.title))
}

const SHOWN = 8
const OVER = new Set(['resolved', 'inactive', 'remission', 'stopped', 'completed', 'cancelled', 'entered-in-error', 'not-done', 'finished'])

const TYPES: Readonly<Record<OverviewGroup, readonly string[]>> = {
  problems: ['Condition'],
  medications: ['MedicationRequest', 'MedicationStatement', 'MedicationDispense', 'MedicationAdministration'],
  allergies: ['AllergyIntolerance'],
  vaccinations: ['Immunization'],
  results: ['Observation'],
  visits: ['Encounter'],
}

/** A measurement's title ends in its value, which is not part of what it measures. */
const nameOf = (row: Row): string => (row.type === 'Observation' ? row.title.replace(/: [^:]*$/, '') : row.title).toLowerCase()

const ALL = new Set<OverviewGroup>(['vaccinations', 'visits'])

/** One line for each thing, the newest of its name; what is going on before what is over. Every visit and vaccination counts by itself. */
function gathered(name: OverviewGroup, rows: readonly Row[]): Row[] {
  if (ALL.has(name)) return [...rows]
  const byName = new Map<string, Row>()
  for (const row of rows) if (!byName.has(nameOf(row))) byName.set(nameOf(row), row)
  const all = [...byName.values()]
  return [...all.filter(r => !isOver(r)), ...all.filter(isOver)]
}

const isOver = (row: Row): boolean => row.type !== 'Observation' && OVER.has(row.status ?? '')

/** The page a clinician reads first, from the cards alone: nothing is opened for it. */
export function sessionOverview(items: readonly SessionItem[]): SessionOverview {
  const live = items.filter(i => i.row.status !== 'entered-in-error')
  const byId = new Map(live.map(i => [i.row.id, i]))
  return {
    groups: OVERVIEW_GROUPS.map(name => {
      const rows = live.filter(i => TYPES[name].includes(i.row.type) && (name !== 'results' || isResult(i))).map(i => i.row)
      const all = gathered(name, rows)
      return { name, rows: all.slice(0, SHOWN).map(row => ({ ...row, ...said(byId.get(row.id)) })), count: all.length }
    }),
  }
}

const NOTES = new Set(['dosage', 'reaction'])
const FLAGS: Readonly<Record<string, Outside>> = { H: 'high', HH: 'high', L: 'low', LL: 'low', A: 'abnormal', AA: 'abnormal' }

/** What only an opened content says. A value is outside by its own flag, or else by its own range. */
function said(item: SessionItem | undefined): Pick<OverviewRow, 'note' | 'outside'> {
  const note = item?.digest?.particulars.find(p => NOTES.has(p.name))?.text
  const [measure] = item?.digest?.measures ?? []
  const value = Number(measure?.value ?? Number.NaN)
  const beyond = measure?.rangeUnit ? undefined : value > Number(measure?.high) ? 'high' : value < Number(measure?.low) ? 'low' : undefined
  const outside = FLAGS[measure?.flag ?? ''] ?? beyond
  return { ...(note ? { note } : {}), ...(outside ? { outside } : {}) }
}

const isResult = ({ record: { card }, row }: SessionItem): boolean =>
  row.title.includes(': ') && !card.category?.includes('social-history') && !card.category?.includes('survey')

const keysOf = ({ record: { card }, row, fullUrl, resource }: SessionItem): string[] => {
  const id = resource?.id
  return [...(typeof id === 'string' ? [`${row.type}/${id}`] : []), ...(fullUrl ? [fullUrl] : []), ...(card.source ? [card.source] : [])]
}

const LINKS = 200

/** The record by problems. Without opened contents only codes and visits link; the page says so. */
export function sessionProblems(items: readonly SessionItem[]): ProblemsView {
  const rows = new Map(items.map(i => [i.row.id, i.row]))
  const live = items.filter(i => i.row.status !== 'entered-in-error')
  const input = live.map((i): ProblemInput => {
    const { card } = i.record
    return {
      id: i.row.id,
      type: i.row.type,
      name: card.title,
      codes: card.codes,
      ...(card.encounter ? { encounter: card.encounter } : {}),
      keys: keysOf(i),
      ...(i.resource ? { resource: i.resource } : {}),
    }
  })
  const { problems, unlinked } = byProblem(input)
  const views = problems.map(({ conditions, links }): ProblemView => {
    const row = rows.get(conditions[0]!)!
    const newest = links.slice(0, LINKS).map(({ id, why }) => ({ ...rows.get(id)!, why }))
    return { row, times: conditions.length, over: isOver(row), links: newest }
  })
  const apart = Map.groupBy(
    unlinked.map(id => rows.get(id)!),
    r => r.type,
  )
  return {
    problems: [...views.filter(v => !v.over), ...views.filter(v => v.over)],
    unlinked: [...apart]
      .map(([type, list]) => ({ type, count: list.length, rows: list.slice(0, LINKS) }))
      .sort((a, b) => b.count - a.count),
  }
}

const VOID = new Set(['entered-in-error', 'cancelled'])

/** What the opened contents measured. */
export function* sessionMeasures(items: readonly SessionItem[]): Generator<Measured<Origin>> {
  for (const item of items)
    if (item.digest && item.row.type === 'Observation' && !VOID.has(item.row.status ?? ''))
      yield* measuresOf(item, item.record.card, item.digest)
}
