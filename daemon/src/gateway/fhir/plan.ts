import { ensure } from '@keepwell/sdk/base/error'
import type { Issue } from '@keepwell/sdk/health/fhir/issue'
import { isObject, type JsonObject } from '@keepwell/sdk/health/fhir/read'
import { conditional, matches } from '@keepwell/sdk/health/fhir/search/search'
import { openStore } from '@keepwell/sdk/health/fhir/search/store'
import type { FhirResource, Params, Version } from '@keepwell/sdk/health/fhir/search/types'
import { comparePatients, patientIdentity } from '@keepwell/sdk/health/fhir/subject'
import { renamed } from '#gateway/core/references'
import type { Actor, PatientSession } from '#gateway/core/types'
import type { Reader } from '#gateway/reading/reader'
import { demand, denied, mayTouch, type Right } from './access.ts'
import { same } from './json-patch.ts'
import { type Judging, judged } from './judge.ts'
import { asIssues, type OutcomeIssue, Refusal, refuse } from './outcome.ts'
import { etagsIn, gone, missing } from './read.ts'
import { ALONE, type FhirRequest } from './route.ts'
import { needed } from './search.ts'
import { withTerms } from './terms.ts'
import { allThere, type Fhir, patientsNamed } from './whose.ts'

export type Writing = Fhir & Judging & { readonly reader: Reader }

/** One record that is being written to. `session` opens it when something must be looked up; a plain create needs none. */
export type Work = {
  readonly fhir: Writing
  readonly actor: Actor
  readonly base: string
  readonly patient: string
  readonly session: () => Promise<PatientSession>
  /** Of `Prefer: handling=`: a breach of a claimed profile refuses the write. */
  readonly strict: boolean
}

/** What is to happen with one resource: it is there already, or it is to be written. */
export type Plan = {
  readonly type: string
  readonly id: string
  readonly status: 200 | 201
  readonly existing?: Version
  readonly write?: { readonly resource: JsonObject; readonly prior?: string; readonly issues: readonly Issue[] }
  /** Warnings for who wrote it. */
  readonly told?: readonly OutcomeIssue[]
}

export const paramsOf = (query: string): Params => [...new URLSearchParams(query)]

/** What a search for exactly one thing finds; null for nothing. Throws 412 for several, 400 for what is no search. */
export async function theOne(work: Work, type: string, query: string): Promise<Version | null> {
  const params = paramsOf(query)
  if (params.length === 0) throw refuse(400, 'invalid', 'A condition names at least one search parameter.')
  const session = await work.session()
  await session.ready(needed(type, params))
  allThere(session)
  const found = await withTerms(work.fhir.terminology, told =>
    conditional(session.store, { type, params, now: work.fhir.now(), ...(told ? { terminology: told } : {}) }),
  )
  if (found.found === 'refused') throw new Refusal(400, found.issues)
  if (found.found === 'many') throw refuse(412, 'multiple-matches', `The condition finds more than one ${type}.`)
  return found.found === 'one' ? found.version : null
}

/**
 * The resource as it may be written: valid, of its type, about this patient alone, with references below our base made relative. What breaks
 * a profile that it claims is told, and with `handling=strict` refused: a claim is its author's word, and no reason to lose the rest.
 */
export async function prepared(
  work: Work,
  resource: JsonObject,
  { type, below = '' }: { readonly type: string; readonly below?: string },
): Promise<Body> {
  if (resource.resourceType !== type)
    throw refuse(400, 'invalid', `The body is of another type than the ${type} in the address.`, 'resourceType')
  if (ALONE.has(type))
    throw refuse(422, 'business-rule', `A ${type} is no part of a record: send it by itself, or in a batch.`, below || type)
  const own = `${work.base}/`
  const told = renamed(resource, r => (r.startsWith(own) ? r.slice(own.length) : null))
  const issues = await work.fhir.reader.check(told)
  const errors = issues.filter(i => i.severity === 'error')
  if (errors.length) throw new Refusal(422, asIssues(errors, below))
  for (const named of patientsNamed(told, work.base))
    if (named !== work.patient)
      throw refuse(
        422,
        'business-rule',
        'The resource names another patient than the one into whose record it is to be written.',
        below || type,
      )
  const breaches = asIssues((await judged(work.fhir, told)).issues, below)
  if (work.strict && breaches.length) throw new Refusal(422, breaches)
  return { resource: told, issues, told: breaches.map(b => ({ ...b, severity: 'warning' as const })) }
}

/** Scopes with search arguments count for what is written, too. */
function allowed(work: Work, resource: JsonObject, right: Right): void {
  const visible = demand(work.actor, String(resource.resourceType), right)
  if (typeof visible === 'boolean') return
  const store = openStore({ bases: [work.base] })
  const version = store.put({
    ...resource,
    id: 'new',
    meta: { versionId: '1', lastUpdated: '1970-01-01T00:00:00Z' },
  } as unknown as FhirResource)
  if (!visible.some(params => matches(store, version, { params, now: work.fhir.now() }))) throw denied(version.type)
}

export type Body = { readonly resource: JsonObject; readonly issues: readonly Issue[]; readonly told: readonly OutcomeIssue[] }

type Creating = {
  readonly ifNoneExist?: string | undefined
  readonly id?: string | undefined
  /** An update may create by the right to update (SMART App Launch 2.2 §scopes for requesting FHIR resources). */
  readonly right?: 'c' | 'u'
}

export async function planCreate(work: Work, { resource, issues, told }: Body, { ifNoneExist, id, right = 'c' }: Creating): Promise<Plan> {
  const type = String(resource.resourceType)
  allowed(work, resource, right)
  await samePerson(work, resource)
  if (ifNoneExist !== undefined) {
    const there = await theOne(work, type, ifNoneExist.replace(/^\?/, ''))
    if (there) return { type, id: there.id, status: 200, existing: there }
  }
  const chosen = id ?? (type === 'Patient' ? work.patient : work.fhir.gateway.ids.fresh(work.patient))
  return { type, id: chosen, status: 201, write: { resource: { ...resource, id: chosen }, issues }, told }
}

/** Who the patient is may be told anew; that it is somebody else may not. Nothing is asked where nothing may be read. */
async function samePerson(work: Work, resource: JsonObject): Promise<void> {
  if (resource.resourceType !== 'Patient' || !work.fhir.gateway.patient(work.patient)?.read) return
  const known = await currentOf(work, 'Patient', work.patient)
  if (known?.resource && comparePatients(patientIdentity(known.resource), patientIdentity(resource)) === 'different')
    throw refuse(409, 'business-rule', 'That is another person than the one whose record it is.', 'Patient')
}

type Updating = { readonly id: string; readonly ifMatch: string | undefined }

/** A new version; or the first, when a client names an id that nothing has (R4 http.html#upsert). Ids that we make up are ours to give. */
export async function planUpdate(work: Work, { resource, issues, told }: Body, { id, ifMatch }: Updating): Promise<Plan> {
  const type = String(resource.resourceType)
  if (resource.id !== id) throw refuse(400, 'invalid', 'The id in the body is not the one in the address.', `${type}.id`)
  const current = await currentOf(work, type, id)
  checkMatch(ifMatch, current)
  if (!current) {
    if (type !== 'Patient' && work.fhir.gateway.ids.patientOf(id) !== null)
      throw refuse(405, 'not-supported', 'An id of that form is given by the server; there is nothing under it.')
    if (type === 'Patient' && id !== work.patient) throw missing('Patient')
    return planCreate(work, { resource, issues, told }, { id, right: 'u' })
  }
  allowed(work, resource, 'u')
  await samePerson(work, resource)
  const session = await work.session()
  if (!mayTouch(work.actor, session.store, current, 'u', work.fhir.now())) throw denied(type)
  if (current.resource && same(content(current.resource), content(resource))) return { type, id, status: 200, existing: current }
  return { type, id, status: 200, write: { resource, issues, ...priorOf(session, current) }, told }
}

/** What a client may change: all but what the server says of the version. */
function content(resource: JsonObject): JsonObject {
  const { meta, ...rest } = resource
  const { versionId: _v, lastUpdated: _l, ...kept } = isObject(meta) ? meta : ({} as JsonObject)
  return { ...rest, ...(Object.keys(kept).length ? { meta: kept } : {}) }
}

/** A patient of whom only the name on the consent is known has no version to follow. */
function priorOf(session: PatientSession, { versionId, type }: Version): { prior?: string } {
  const card = session.records.get(versionId)?.card
  if (card && card.kind !== 'fhir') throw refuse(405, 'not-supported', `That ${type} tells of a file; the file is not changed by it.`)
  return versionId === '0' ? {} : { prior: versionId }
}

export async function currentOf(work: Work, type: string, id: string): Promise<Version | null> {
  const session = await work.session()
  await session.ready([type])
  return session.store.read(type, id)
}

export function checkMatch(ifMatch: string | undefined, current: Version | null): void {
  const wanted = etagsIn(ifMatch)
  if (ifMatch !== undefined && (!current || !wanted.includes(current.versionId)))
    throw refuse(412, 'conflict', 'The resource is at another version than the one in If-Match; read it again.')
}

/** A resource that is there to be changed. */
export async function presentOf(work: Work, type: string, id: string): Promise<Version & { resource: FhirResource }> {
  const current = await currentOf(work, type, id)
  if (!current) throw missing(type)
  if (!current.resource) throw gone(type)
  return current as Version & { resource: FhirResource }
}

export type Done = { readonly plan: Plan; readonly versionId: string; readonly lastUpdated: string; readonly resource: JsonObject }

/** Writes what the plans say, all of it or nothing; resolves after the relay accepted it. */
export async function carryOut({ fhir, actor, patient }: Work, plans: readonly Plan[]): Promise<Done[]> {
  const writes = plans.flatMap(p => p.write ?? [])
  const sent = [...(await fhir.gateway.submit(actor, patient, { resources: writes }))]
  return plans.map(plan => {
    const resource: JsonObject = plan.write ? sent.shift()!.resource! : plan.existing!.resource!
    const meta = resource.meta as { versionId: string; lastUpdated: string }
    return { plan, versionId: meta.versionId, lastUpdated: meta.lastUpdated, resource }
  })
}

const queues = new WeakMap<Fhir['gateway'], Map<string, Promise<unknown>>>()

/** One after the other at one record, where what is written depends on what is there: two who know one version cannot both follow it. */
export async function inTurn<T>({ fhir, patient }: Pick<Work, 'fhir' | 'patient'>, work: () => Promise<T>): Promise<T> {
  const mine = queues.get(fhir.gateway) ?? new Map<string, Promise<unknown>>()
  queues.set(fhir.gateway, mine)
  const before = mine.get(patient) ?? Promise.resolve()
  const run = before.then(work, work)
  const settled = run.catch(() => {})
  mine.set(patient, settled)
  try {
    return await run
  } finally {
    if (mine.get(patient) === settled) mine.delete(patient)
  }
}

export type Asked = Pick<FhirRequest, 'actor' | 'base' | 'prefer'>

export const workOf = (fhir: Writing, { actor, base, prefer }: Asked, patient: string): Work => {
  ensure(fhir.gateway.patient(patient), 'NO_GRANT', 'There is no live consent of such a patient.')
  let opened: Promise<PatientSession> | undefined
  return {
    fhir,
    actor,
    base,
    patient,
    strict: prefer.handling === 'strict',
    session: () => (opened ??= fhir.gateway.session(actor, patient)),
  }
}
