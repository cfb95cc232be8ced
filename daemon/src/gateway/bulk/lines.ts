import { setImmediate as breathe } from 'node:timers/promises'
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

/** What an export takes of a record: the current resources of each type, in the order of the types. Needs `openedFor` to be open. Others have their turn meanwhile. */
export async function taken(store: Store, taking: Taking): Promise<Map<string, JsonObject[]>> {
  const { plan, patient, base, now, visible } = taking
  const own = plan.level === 'patient' ? await ofPatient(store, { id: patient, now, visible }) : null
  const found = new Map<string, readonly Version[]>()
  for (const type of store.types()) {
    if ((plan.types && !plan.types.includes(type)) || (plan.provenance && type === 'Provenance')) continue
    found.set(
      type,
      ofType(store, type, taking).filter(v => own === null || own.has(nameOf(v))),
    )
  }
  if (plan.provenance) found.set('Provenance', await provenanceOf(store, [...found.values()].flat(), { ...taking, which: plan.provenance }))
  const shape = { summary: 'false', elements: plan.elements } as const
  const lines = new Map<string, JsonObject[]>()
  for (const [type, versions] of found)
    if (versions.length) lines.set(type, await inTurns(versions, v => absolute(shaped(v.resource!, shape), base)))
  return lines
}

const nameOf = ({ type, id }: Version): string => `${type}/${id}`

/** Versions that are looked at in one turn. */
const TURN = 64

async function inTurns<T>(versions: readonly Version[], each: (version: Version) => T): Promise<T[]> {
  const out: T[] = []
  for (const version of versions) {
    if (out.length % TURN === TURN - 1) await breathe()
    out.push(each(version))
  }
  return out
}

/** Where these come from: every Provenance that names one of them, or the latest for each. */
async function provenanceOf(
  store: Store,
  versions: readonly Version[],
  { now, visible, which }: Pick<Taking, 'now' | 'visible'> & { readonly which: 'relevant' | 'latest' },
): Promise<Version[]> {
  const names = new Set(versions.map(nameOf))
  const all = search(store, { type: 'Provenance', params: [], now, visible, defaultCount: ALL, maxCount: ALL }).matches
  const targets = await inTurns(all, targetsOf)
  const about = all.map((v, i) => [v, targets[i]!.filter(name => names.has(name))] as const).filter(([, named]) => named.length)
  if (which === 'relevant') return about.map(([v]) => v)
  const latest = new Map<string, Version>()
  for (const [v, named] of about)
    for (const name of named) if (recorded(v) >= (latest.has(name) ? recorded(latest.get(name)!) : 0)) latest.set(name, v)
  return [...new Set(latest.values())]
}

const recorded = ({ resource, lastUpdated }: Version): number => Date.parse(string(resource?.recorded) ?? '') || Number(lastUpdated)

/** The resources that a Provenance is about, as `Type/id`. */
const targetsOf = ({ resource }: Version): string[] =>
  list(resource?.target).map(target => {
    const { type, id } = literal(string(field(target, 'reference')) ?? '') ?? {}
    return `${type}/${id}`
  })

/**
 * The patient's compartment, what it refers to, and where it comes from, by their names: a newer version may come meanwhile. A Provenance of
 * each is asked for unless the client says less.
 */
async function ofPatient(store: Store, input: EverythingInput): Promise<Set<string>> {
  const found = await everything(store, { ...input, breathe: () => breathe() })
  const own = new Set(found?.matches.map(nameOf))
  const { matches } = search(store, { ...input, type: 'Provenance', params: [], defaultCount: ALL, maxCount: ALL })
  const targets = await inTurns(matches, targetsOf)
  const from = matches.filter((_, i) => targets[i]!.some(name => own.has(name)))
  for (const v of from) own.add(nameOf(v))
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
