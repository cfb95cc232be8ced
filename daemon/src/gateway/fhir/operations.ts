import { setImmediate as breathe } from 'node:timers/promises'
import { patientSummary } from '@keepwell/sdk/health/fhir/ips/patient-summary'
import { field, isObject, type JsonObject, list, string } from '@keepwell/sdk/health/fhir/read'
import { searchBundle } from '@keepwell/sdk/health/fhir/search/bundle'
import { everything } from '@keepwell/sdk/health/fhir/search/everything'
import { search, searchPage } from '@keepwell/sdk/health/fhir/search/search'
import type { EverythingInput, Params } from '@keepwell/sdk/health/fhir/search/types'
import { demand, visibleTo } from './access.ts'
import { judged, judgedWhole } from './judge.ts'
import { namesFor } from './names.ts'
import { asIssues, type OutcomeIssue, outcome, refuse } from './outcome.ts'
import type { Writing } from './plan.ts'
import { counted, missing, visibleVersion } from './read.ts'
import type { FhirAnswer, FhirRequest } from './route.ts'
import { awayFrom, pageOf } from './search.ts'
import { allThere, sessionFor } from './whose.ts'

/** Parameters of an operation by POST, as if they had come in the URL: the simple ones. */
export function withParameters(request: FhirRequest): URLSearchParams {
  const query = new URLSearchParams(request.query)
  if (request.resource?.resourceType === 'Parameters')
    for (const p of list(request.resource.parameter)) {
      const name = string(field(p, 'name'))
      const value = isObject(p) ? Object.entries(p).find(([k]) => k.startsWith('value'))?.[1] : undefined
      if (name && (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')) query.append(name, String(value))
    }
  return query
}

/** `Patient/[id]/$everything`. */
export const everythingOf =
  (fhir: Writing) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { id = '' } = request.params
    demand(request.actor, 'Patient', 'r')
    const query = withParameters(request)
    const session = await sessionFor(fhir, request, { type: 'Patient', id })
    await session.ready()
    const common = { now: fhir.now(), visible: visibleTo(request.actor, 'r') }
    const cursor = query.get('_cursor')
    const until = session.ended
    if (cursor) return pageOf(request, searchPage(session.store, cursor, common), { until })
    const since = Date.parse(query.get('_since') ?? '')
    const input: EverythingInput = {
      ...common,
      id,
      ...(Number.isFinite(since) ? { since } : {}),
      ...(query.get('_type') ? { types: query.get('_type')!.split(',') } : {}),
      ...(query.get('start') ? { start: query.get('start')! } : {}),
      ...(query.get('end') ? { end: query.get('end')! } : {}),
      ...counted(query),
    }
    const found = await everything(session.store, { ...input, breathe: () => breathe() })
    if (!found) throw missing('Patient')
    return pageOf(request, found, { issues: awayFrom(session), until })
  }

const UNKNOWN_PROFILE: OutcomeIssue = {
  severity: 'error',
  code: 'not-supported',
  text: 'That profile is not known here; nothing was checked against it.',
}
const UNKNOWN_CLAIM: OutcomeIssue = {
  severity: 'information',
  code: 'not-supported',
  text: 'It claims a profile that is not known here and was not checked.',
}

/** `$validate` (R4 resource-operation-validate): the answer is the judgement, whatever it is. */
export const validate =
  (fhir: Writing) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { type, id } = request.params
    const given = request.resource
    const inside = given?.resourceType === 'Parameters' ? list(given.parameter).find(p => field(p, 'name') === 'resource') : undefined
    const profile = withParameters(request).get('profile')
    const resource = inside ? field(inside, 'resource') : (given ?? (await stored(fhir, request, type, id)))
    if (!isObject(resource)) throw refuse(400, 'required', 'There is no resource to validate.')
    const issues = asIssues(await fhir.reader.check(resource, true))
    const asked = profile ? await judged(fhir, resource, [profile]) : null
    const { issues: told, unknown } = asked ? { issues: asIssues(asked.issues), unknown: 0 } : await judgedWhole(fhir, resource)
    const more = [
      ...(type && resource.resourceType !== type
        ? [{ severity: 'error' as const, code: 'invalid', text: `The resource is no ${type}.`, expression: 'resourceType' }]
        : []),
      ...(asked?.unknown ? [UNKNOWN_PROFILE] : []),
      ...(unknown ? [UNKNOWN_CLAIM] : []),
    ]
    const all = [...issues, ...told, ...more]
    return { resource: outcome(all.length ? all : [{ severity: 'information', code: 'informational', text: 'Nothing is wrong with it.' }]) }
  }

async function stored(fhir: Writing, request: FhirRequest, type: string | undefined, id: string | undefined): Promise<JsonObject | null> {
  if (!type || !id) return null
  demand(request.actor, type, 'r')
  const session = await sessionFor(fhir, request, { type, id })
  await session.ready([type])
  return visibleVersion(fhir, request, session, session.store.read(type, id), type).resource
}

/** `$meta` of a resource. */
export const meta =
  (fhir: Writing) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { type = '', id = '' } = request.params
    const resource = await stored(fhir, request, type, id)
    return { resource: { resourceType: 'Parameters', parameter: [{ name: 'return', valueMeta: resource?.meta ?? {} }] } }
  }

/** `Patient/[id]/$summary`: the International Patient Summary of what the actor may see. */
export const summary =
  (fhir: Writing) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { id = '' } = request.params
    demand(request.actor, 'Patient', 'r')
    const session = await sessionFor(fhir, request, { type: 'Patient', id })
    await session.ready()
    allThere(session)
    const found = await everything(session.store, { id, now: fhir.now(), visible: visibleTo(request.actor, 'r'), breathe: () => breathe() })
    const patient = found?.matches.find(v => v.type === 'Patient')?.resource
    if (!found || !patient) throw missing('Patient')
    const author = { resourceType: 'Organization', id: 'gateway', name: fhir.gateway.name }
    const resources = [...found.matches, ...found.includes].map(v => v.resource!)
    return {
      resource: patientSummary(resources, {
        patient,
        author,
        at: new Date(fhir.now()).toISOString(),
        urlOf: r => `${request.base}/${String(r.resourceType)}/${String(r.id)}`,
        nameOf: await namesFor(fhir.terminology, resources),
      }),
    }
  }

/** `DocumentReference/$docref` (US Core): the documents there are; none is made for the purpose. */
export const docref =
  (fhir: Writing) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    demand(request.actor, 'DocumentReference', 's')
    const query = withParameters(request)
    const patient = query.get('patient')
    if (!patient) throw refuse(400, 'required', '$docref names the patient.', 'http.patient')
    const asked = new URLSearchParams({ patient })
    const session = await sessionFor(fhir, request, { type: 'DocumentReference', query: asked })
    await session.ready(['DocumentReference'])
    allThere(session)
    const params: Params = [
      ['patient', session.patient.id],
      ...(query.get('start') ? ([['date', `ge${query.get('start')}`]] as const) : []),
      ...(query.get('end') ? ([['date', `le${query.get('end')}`]] as const) : []),
      ...(query.get('type') ? ([['type', query.get('type')!]] as const) : []),
      ['_count', '1000'],
    ]
    const result = search(session.store, { type: 'DocumentReference', params, now: fhir.now(), visible: visibleTo(request.actor) })
    return { resource: searchBundle(result, { base: request.base, path: 'DocumentReference/$docref' }) }
  }
