import { searchBundle } from '@keepwell/sdk/health/fhir/search/bundle'
import { search, searchPage } from '@keepwell/sdk/health/fhir/search/search'
import { openStore } from '@keepwell/sdk/health/fhir/search/store'
import type { Params, SearchIssue, SearchResult, Store, Terminology } from '@keepwell/sdk/health/fhir/search/types'
import { namedPatient } from '#gateway/core/patients'
import type { Actor, PatientSession } from '#gateway/core/types'
import { demand, visibleTo } from './access.ts'
import type { Judging } from './judge.ts'
import { Refusal } from './outcome.ts'
import type { FhirAnswer, FhirRequest } from './route.ts'
import { withTerms } from './terms.ts'
import { answerable, type Fhir, patientOf, STILL_OPENING, sessionFor } from './whose.ts'

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
    const whole = session ? await answerable(request, session, needed(type, params)) : true
    const found = await withTerms(fhir.terminology, told => searched(fhir, request, { store, type, params, compartment, told }))
    return { resource: bundled(request, whole ? found : { ...found, total: null, issues: [...found.issues, PART] }) }
  }

const PART: SearchIssue = { severity: 'warning', code: 'processing', text: STILL_OPENING }

type Searching = {
  readonly store: Store
  readonly type: string | null
  readonly params: Params
  readonly compartment: string | undefined
  readonly told: Terminology | undefined
}

function searched(fhir: Fhir, { actor, query, prefer }: FhirRequest, { store, type, params, compartment, told }: Searching): SearchResult {
  const common = { now: fhir.now(), visible: visibleTo(actor), ...(told ? { terminology: told } : {}) }
  const cursor = query.get('_cursor')
  if (cursor) return searchPage(store, cursor, common)
  return search(store, {
    ...common,
    type,
    params,
    ...(compartment ? { compartment: { type: 'Patient' as const, id: compartment } } : {}),
    ...(prefer.handling ? { handling: prefer.handling } : {}),
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
  const patients = gateway.patients().map(p => open.get(p.id)?.store.read('Patient', p.id)?.resource ?? namedPatient(p))
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
