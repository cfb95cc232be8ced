import { field, type JsonObject, list, string } from '@keepwell/sdk/health/fhir/read'
import { everything } from '@keepwell/sdk/health/fhir/search/everything'
import { search } from '@keepwell/sdk/health/fhir/search/search'
import { shaped } from '@keepwell/sdk/health/fhir/search/shape'
import type { EverythingInput, Params, Store, Version, Visible } from '@keepwell/sdk/health/fhir/search/types'
import { literal, renamed } from '#gateway/core/references'
import { needed } from '#gateway/fhir/search'
import { type Plan, R4 } from './kick-off.ts'

export type Taking = {
  readonly plan: Plan
  /** Logical id of the patient whose record the store holds. */
  readonly patient: string
  /** URL of the FHIR endpoint, without a trailing slash. */
  readonly base: string
  /** Unix milliseconds. */
  readonly now: number
  readonly visible: (type: string) => Visible
}

/** The types that must be open before a plan can be met; undefined for all. What a compartment refers to is known when all of it is open. */
export function openedFor({ level, types, filters, provenance }: Plan): readonly string[] | undefined {
  const beyond = [...filters].some(([type, queries]) => queries.some(q => needed(type, q) === undefined))
  const outside = level === 'patient' && types?.some(t => t === 'Provenance' || (t !== 'Patient' && !R4.compartment.has(t)))
  return types === null || beyond || outside || provenance ? undefined : types
}

/** What an export takes of a record: the current resources of each type, in the order of the types. Needs `openedFor` to be open. */
export function taken(store: Store, taking: Taking): Map<string, JsonObject[]> {
  const { plan, patient, base, now, visible } = taking
  const own = plan.level === 'patient' ? ofPatient(store, { id: patient, now, visible }) : null
  const found = new Map<string, readonly Version[]>()
  for (const type of store.types()) {
    if ((plan.types && !plan.types.includes(type)) || (plan.provenance && type === 'Provenance')) continue
    found.set(
      type,
      ofType(store, type, taking).filter(v => own === null || own.has(v)),
    )
  }
  if (plan.provenance) found.set('Provenance', provenanceOf(store, [...found.values()].flat(), { ...taking, which: plan.provenance }))
  const shape = { summary: 'false', elements: plan.elements } as const
  return new Map(
    [...found].flatMap(([type, versions]) =>
      versions.length ? [[type, versions.map(v => absolute(shaped(v.resource!, shape), base))] as const] : [],
    ),
  )
}

/** Where these come from: every Provenance that names one of them, or the latest for each. */
function provenanceOf(
  store: Store,
  versions: readonly Version[],
  { now, visible, which }: Pick<Taking, 'now' | 'visible'> & { readonly which: 'relevant' | 'latest' },
): Version[] {
  const names = new Set(versions.map(v => `${v.type}/${v.id}`))
  const all = search(store, { type: 'Provenance', params: [], now, visible, defaultCount: ALL, maxCount: ALL }).matches
  const about = all.map(v => [v, targetsOf(v).filter(name => names.has(name))] as const).filter(([, targets]) => targets.length)
  if (which === 'relevant') return about.map(([v]) => v)
  const latest = new Map<string, Version>()
  for (const [v, targets] of about)
    for (const name of targets) if (recorded(v) >= (latest.has(name) ? recorded(latest.get(name)!) : 0)) latest.set(name, v)
  return [...new Set(latest.values())]
}

const recorded = ({ resource, lastUpdated }: Version): number => Date.parse(string(resource?.recorded) ?? '') || Number(lastUpdated)

/** The resources that a Provenance is about, as `Type/id`. */
const targetsOf = ({ resource }: Version): string[] =>
  list(resource?.target).map(target => {
    const { type, id } = literal(string(field(target, 'reference')) ?? '') ?? {}
    return `${type}/${id}`
  })

/** The patient's compartment, what it refers to, and where it comes from: a Provenance of each is asked for unless the client says less. */
function ofPatient(store: Store, input: EverythingInput): Set<Version> {
  const own = new Set(everything(store, input)?.matches)
  const names = new Set([...own].map(v => `${v.type}/${v.id}`))
  const found = search(store, { ...input, type: 'Provenance', params: [], defaultCount: ALL, maxCount: ALL }).matches
  for (const v of found) if (targetsOf(v).some(name => names.has(name))) own.add(v)
  return own
}

const ALL = 1_000_000_000

function ofType(store: Store, type: string, { plan, now, visible }: Taking): Version[] {
  const since: Params = plan.since === null ? [] : [['_lastUpdated', `ge${new Date(plan.since).toISOString()}`]]
  const found = new Set<Version>()
  for (const query of plan.filters.get(type) ?? [[]])
    for (const v of search(store, {
      type,
      params: [...query, ...since],
      now,
      visible,
      handling: 'strict',
      defaultCount: ALL,
      maxCount: ALL,
    }).matches)
      found.add(v)
  return [...found]
}

/** Bytes beside the lines are fetched by an address that stands for itself (Bulk Data 2.0 §Attachments). */
const absolute = (resource: JsonObject, base: string): JsonObject =>
  renamed(resource, reference => (reference.startsWith('Binary/') ? `${base}/${reference}` : null))
