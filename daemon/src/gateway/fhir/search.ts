import { searchBundle } from '@keepwell/sdk/health/fhir/search/bundle'
import { search, searchPage } from '@keepwell/sdk/health/fhir/search/search'
import { isWhole } from '@keepwell/sdk/health/fhir/search/shape'
import { openStore } from '@keepwell/sdk/health/fhir/search/store'
import type { Params, SearchIssue, SearchResult, Store, Terminology } from '@keepwell/sdk/health/fhir/search/types'
import { typeOfRecord } from '#gateway/core/opening'
import { namedPatient } from '#gateway/core/patients'
import type { Actor, PatientSession } from '#gateway/core/types'
import { demand, visibleTo } from './access.ts'
import type { Judging } from './judge.ts'
import { Refusal } from './outcome.ts'
import type { FhirAnswer, FhirRequest } from './route.ts'
import { withTerms } from './terms.ts'
import { ALL_AT_ONCE, answerable, type Fhir, NOT_ALL_THERE, PARTIAL, patientOf, STILL_OPENING, sessionFor } from './whose.ts'

/** Parameters that look beyond the type that is searched. */
const BEYOND = /^(_include|_revinclude|_has|_list|_type)\b|\./

/** The types that must be open before a search can answer truly; undefined for all. */
export const needed = (type: string | null, params: Params): readonly string[] | undefined =>
  type === null || params.some(([name]) => BEYOND.test(name)) ? undefined : [type]

type Asking = Fhir & Pick<Judging, 'terminology'>

/** Search by GET and by POST, of a type or of all, in a patient's compartment or not. */
export const searches =
  (fhir: Asking) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { type = null, compartment } = { ...request.params } as { type?: string; compartment?: string }
    if (type) demand(request.actor, type, 's')
    const { query } = request
    const directory = type === 'Patient' && compartment === undefined && patientOf(fhir, request, { type, query }) === null
    const session = directory
      ? null
      : await sessionFor(fhir, request, compartment ? { type: 'Patient', id: compartment } : { ...(type ? { type } : {}), query })
    const store = session ? session.store : directoryOf(fhir, request.actor)
    const params: Params = [...query].filter(([name]) => name !== '_cursor')
    const find = (partial?: SearchIssue): Promise<SearchResult> =>
      withTerms(fhir.terminology, told => searched(fhir, request, { store, type, params, compartment, told, partial }))
    // Another page is of what was found with the first.
    if (!session) return pageOf(request, await find())
    const page = (result: SearchResult): FhirAnswer => pageOf(request, result, { issues: unopened(session, type), until: session.ended })
    if (query.has('_cursor')) return page(await find())
    let found: SearchResult | undefined
    const answers = async (): Promise<boolean> => {
      found = await find(PART)
      return found.refused || found.matches.some(v => v.versionId !== '0')
    }
    const whole = await answerable(request, session, { types: needed(type, params), exact: type === null || params.some(isExact), answers })
    return page(whole || !found ? await find() : found)
  }

const PART: SearchIssue = { severity: 'warning', code: 'incomplete', text: STILL_OPENING }

/** A page of what was found, which says when it is not of the whole record. From a session it comes for as long as that lives. */
export function pageOf(
  request: FhirRequest,
  found: SearchResult,
  { issues: more = [], until }: { readonly issues?: readonly SearchIssue[]; readonly until?: AbortSignal } = {},
): FhirAnswer {
  const issues = [...found.issues, ...more]
  return {
    resource: bundled(request, { ...found, issues }),
    lasting: isWhole(found.shape),
    ...(until ? { until } : {}),
    ...(issues.some(i => i.code === PART.code) ? { headers: PARTIAL } : {}),
  }
}

/** That a part of a person's record lies at a relay which does not answer. */
export const awayFrom = ({ away }: PatientSession): SearchIssue[] => (away.length ? [{ ...PART, text: NOT_ALL_THERE }] : [])

/** What is missing because it is damaged is told, by the beginning of its record's id: it may be what was searched for. */
function unopened(session: PatientSession, type: string | null): SearchIssue[] {
  const { problems, records } = session
  const missing = problems.filter(p => {
    const record = records.get(p.id)
    return type === null || !record || typeOfRecord(record) === type
  })
  if (missing.length === 0) return awayFrom(session)
  const named = missing.slice(0, 5).map(p => `${p.id.slice(0, 8)} (${p.code})`)
  const others = missing.length > named.length ? ` and ${missing.length - named.length} more` : ''
  return [
    ...awayFrom(session),
    { severity: 'warning', code: 'processing', text: `Records that could not be opened are not shown: ${named.join(', ')}${others}.` },
  ]
}

/** A number of all, what changed since another time, or something that is told when all is there. */
const isExact = ([name, value]: Params[number]): boolean =>
  name === '_lastUpdated' ||
  (name === '_summary' && value === 'count') ||
  (name === '_count' && value === '0') ||
  (name === '_total' && value === 'accurate') ||
  [...ALL_AT_ONCE].some(type => name.includes(type) || value.includes(type))

type Searching = {
  readonly store: Store
  readonly type: string | null
  readonly params: Params
  readonly compartment: string | undefined
  readonly told: Terminology | undefined
  readonly partial: SearchIssue | undefined
}

function searched(
  fhir: Fhir,
  { actor, query, prefer }: FhirRequest,
  { store, type, params, compartment, told, partial }: Searching,
): SearchResult {
  const common = { now: fhir.now(), visible: visibleTo(actor), ...(told ? { terminology: told } : {}) }
  const cursor = query.get('_cursor')
  if (cursor) return searchPage(store, cursor, common)
  return search(store, {
    ...common,
    type,
    params,
    ...(compartment ? { compartment: { type: 'Patient' as const, id: compartment } } : {}),
    ...(prefer.handling ? { handling: prefer.handling } : {}),
    ...(partial ? { partial } : {}),
  })
}

export function bundled({ base, target }: Pick<FhirRequest, 'base' | 'target'>, result: SearchResult): FhirAnswer['resource'] & object {
  if (result.refused) {
    const expired = result.issues.some(i => i.code === 'expired')
    throw new Refusal(expired ? 410 : 400, result.issues)
  }
  return searchBundle(result, {
    base,
    path: target
      .slice(1)
      .split('?')[0]!
      .replace(/\/?_search$/, ''),
  })
}

/** Patients by what is known without opening a record: who they are where one is open, the name on the consent elsewhere. */
const directories = new WeakMap<Fhir, Map<string, { readonly of: string; readonly store: Store }>>()

function directoryOf(fhir: Fhir, actor: Actor): Store {
  const { gateway } = fhir
  const open = new Map(gateway.openFor(actor).map((s): [string, PatientSession] => [s.patient.id, s]))
  const patients = gateway
    .patientsFor(actor, [actor.purpose])
    .map(p => open.get(p.id)?.store.read('Patient', p.id)?.resource ?? namedPatient(p))
  // Pages of a search need the store they were made on.
  const mine = directories.get(fhir) ?? new Map<string, { of: string; store: Store }>()
  directories.set(fhir, mine)
  const key = JSON.stringify([actor.person, actor.role, actor.purpose])
  const of = patients.map(p => `${String(p.id)}/${String((p.meta as { versionId?: string }).versionId)}`).join()
  const known = mine.get(key)
  if (known?.of === of) return known.store
  const store = openStore({ bases: [`${gateway.url}/fhir`] })
  for (const p of patients) store.put(p)
  mine.delete(key)
  mine.set(key, { of, store })
  if (mine.size > MAX_DIRECTORIES) mine.delete(mine.keys().next().value!)
  return store
}

const MAX_DIRECTORIES = 64
