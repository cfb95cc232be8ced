import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { demand } from './access.ts'
import { resourceType } from './content.ts'
import { type OutcomeIssue, outcome, refuse } from './outcome.ts'
import { patchIn, patchInEntry } from './patch.ts'
import {
  carryOut,
  checkMatch,
  type Done,
  inTurn,
  planCreate,
  planUpdate,
  prepared,
  presentOf,
  theOne,
  type Work,
  type Writing,
  workOf,
} from './plan.ts'
import { versionHeaders } from './read.ts'
import type { FhirAnswer, FhirRequest } from './route.ts'
import { inFront, patientOf, patientsNamed } from './whose.ts'

const header = (request: FhirRequest, name: string): string | undefined => {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

export const WHOSE_WRITE = 'Say into whose record it is to be written: the resource names no patient, and the token is not for one.'

/** The record that a write goes into: what the resource itself says comes before the address. */
function target(fhir: Writing, request: FhirRequest, resource: JsonObject | null): Work {
  const { type, id } = request.params
  const named = resource && request.actor.patient === null ? patientsNamed(resource, request.base) : new Set<string>()
  const [only] = named
  const patient = named.size === 1 ? only! : patientOf(fhir, request, { ...(type ? { type } : {}), id })
  if (patient === null) throw refuse(422, 'required', WHOSE_WRITE)
  return workOf(fhir, request, inFront(fhir, patient))
}

function bodyOf(request: FhirRequest): JsonObject {
  if (!request.resource) throw refuse(400, 'required', 'The body holds no resource.')
  resourceType(request.resource)
  return request.resource
}

const WRITTEN: OutcomeIssue = { severity: 'information', code: 'informational', text: 'It is written.' }

/** The answer to a write, as `Prefer: return=` wants it. */
export function answered({ prefer, base }: Pick<FhirRequest, 'prefer' | 'base'>, done: Done): FhirAnswer {
  const { plan, versionId, lastUpdated, resource } = done
  const headers = {
    ...versionHeaders({ versionId, lastUpdated }),
    location: `${base}/${plan.type}/${plan.id}/_history/${versionId}`,
  }
  const { status } = plan
  if (prefer.return === 'minimal') return { status, headers }
  if (prefer.return === 'OperationOutcome') return { status, headers, resource: outcome([WRITTEN, ...(plan.told ?? [])]) }
  return { status, headers, resource }
}

export const create =
  (fhir: Writing) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { type = '' } = request.params
    demand(request.actor, type, 'c')
    const body = bodyOf(request)
    const work = target(fhir, request, body)
    const ready = await prepared(work, body, { type })
    const condition = header(request, 'if-none-exist')
    const run = async (): Promise<Done> => (await carryOut(work, [await planCreate(work, ready, { ifNoneExist: condition })]))[0]!
    return answered(request, condition === undefined && type !== 'Patient' ? await run() : await inTurn(work, run))
  }

export const update =
  (fhir: Writing) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { type = '', id = '' } = request.params
    demand(request.actor, type, 'u')
    const body = bodyOf(request)
    const work = target(fhir, request, body)
    const ready = await prepared(work, body, { type })
    const ifMatch = header(request, 'if-match')
    return answered(request, await inTurn(work, async () => (await carryOut(work, [await planUpdate(work, ready, { id, ifMatch })]))[0]!))
  }

/** The condition of an interaction is its search, without what says how to answer. */
export const conditionIn = (query: URLSearchParams): string => query.toString()

export const conditionalUpdate =
  (fhir: Writing) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { type = '' } = request.params
    demand(request.actor, type, 'u')
    const body = bodyOf(request)
    const work = target(fhir, request, body)
    const ready = await prepared(work, body, { type })
    const ifMatch = header(request, 'if-match')
    const done = await inTurn(
      work,
      async () => (await carryOut(work, [await planConditional(work, ready, { condition: conditionIn(request.query), ifMatch })]))[0]!,
    )
    return answered(request, done)
  }

/** R4 http.html#cond-update: one match is updated, none is created, and an id in the body must be that of the match. */
export async function planConditional(
  work: Work,
  body: Parameters<typeof planUpdate>[1],
  { condition, ifMatch }: { readonly condition: string; readonly ifMatch: string | undefined },
): Promise<Awaited<ReturnType<typeof planUpdate>>> {
  const type = String(body.resource.resourceType)
  const there = await theOne(work, type, condition)
  const id = typeof body.resource.id === 'string' ? body.resource.id : undefined
  if (!there) return id === undefined ? planCreate(work, body, { right: 'u' }) : planUpdate(work, body, { id, ifMatch })
  if (id !== undefined && id !== there.id)
    throw refuse(400, 'invalid', 'The id in the body is not that of the resource found.', `${type}.id`)
  return planUpdate(work, { ...body, resource: { ...body.resource, id: there.id } }, { id: there.id, ifMatch })
}

export const patch =
  (fhir: Writing) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { type = '', id } = request.params
    demand(request.actor, type, 'u')
    // Within a batch the patch is the entry's resource.
    const asked = request.resource ? patchInEntry(request.resource, type) : await patchIn(request, fhir.reader.xml)
    const work = target(fhir, request, null)
    const done = await inTurn(work, async () => {
      const found = id ?? (await theOne(work, type, conditionIn(request.query)))?.id
      if (found === undefined) throw refuse(404, 'not-found', 'The condition finds nothing.')
      const current = await presentOf(work, type, found)
      checkMatch(header(request, 'if-match'), current)
      const changed = await fhir.reader.patched(current.resource, asked)
      return (
        await carryOut(work, [await planUpdate(work, await prepared(work, changed, { type }), { id: found, ifMatch: undefined })])
      )[0]!
    })
    return answered(request, done)
  }

/**
 * Nothing can be deleted in another person's record. What this organisation wrote it may ask them to erase; until they do, it stays.
 */
export const remove =
  (fhir: Writing) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { type = '', id } = request.params
    demand(request.actor, type, 'd')
    const work = target(fhir, request, null)
    return inTurn(work, async () => {
      const found = id ?? (await theOne(work, type, conditionIn(request.query)))?.id
      if (found === undefined) return { status: 204 }
      const current = await presentOf(work, type, found)
      checkMatch(header(request, 'if-match'), current)
      await fhir.gateway.askErasure(request.actor, await work.session(), current.versionId)
      return ERASURE
    })
  }

export const ERASURE: FhirAnswer = {
  status: 202,
  resource: outcome([
    { severity: 'information', code: 'informational', text: 'The patient was asked to erase it. It stays in their record until they do.' },
  ]),
}
