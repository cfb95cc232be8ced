import { setImmediate as breathe } from 'node:timers/promises'
import { field, isObject, type JsonObject, list, string } from '@keepwell/sdk/health/fhir/read'
import type { Version } from '@keepwell/sdk/health/fhir/search/types'
import { literal, renamed } from '#gateway/core/references'
import { demand } from './access.ts'
import { resourceType } from './content.ts'
import { outcome, Refusal, refusalOf, refuse } from './outcome.ts'
import { patchInEntry } from './patch.ts'
import {
  type Body,
  carryOut,
  checkMatch,
  type Done,
  inTurn,
  type Plan,
  planCreate,
  planUpdate,
  prepared,
  presentOf,
  theOne,
  type Work,
  type Writing,
  workOf,
} from './plan.ts'
import { etag } from './read.ts'
import type { FhirAnswer, FhirRequest } from './route.ts'
import { inFront, patientOf, patientsNamed } from './whose.ts'
import { planConditional, WHOSE_WRITE } from './write.ts'

/** Answers one request below the base as if it had come alone. */
export type Dispatch = (
  request: FhirRequest,
  inner: { readonly method: string; readonly url: string; readonly resource: JsonObject | null; readonly headers: Record<string, string> },
) => Promise<FhirAnswer>

const MAX_ENTRIES = 4000

type Entry = {
  readonly index: number
  readonly fullUrl: string | undefined
  readonly resource: JsonObject | null
  readonly method: string
  /** Below the base. */
  readonly url: string
  readonly headers: Record<string, string>
}

/** Batch and transaction (R4 http.html#transaction). */
export const bundles =
  (fhir: Writing, dispatch: Dispatch) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { resource } = request
    if (resource?.resourceType !== 'Bundle') throw refuse(400, 'invalid', 'Only a Bundle is posted here.', 'resourceType')
    if (resource.type !== 'batch' && resource.type !== 'transaction')
      throw refuse(400, 'invalid', 'Only a Bundle of type batch or transaction is carried out.', 'Bundle.type')
    const given = list(resource.entry)
    if (given.length > MAX_ENTRIES)
      throw refuse(413, 'too-long', `A Bundle has at most ${MAX_ENTRIES} entries here; send several.`, 'Bundle.entry')
    const entries = given.map((e, i) => entryOf(e, i, request.base))
    return resource.type === 'batch' ? batch(request, entries, dispatch) : transaction(fhir, request, entries, dispatch)
  }

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])

function entryOf(entry: unknown, index: number, base: string): Entry {
  const told = field(entry, 'request')
  const method = string(field(told, 'method')) ?? ''
  const url = string(field(told, 'url')) ?? ''
  const place = `Bundle.entry[${index}].request`
  if (!METHODS.has(method)) throw refuse(400, 'required', 'An entry of a batch or transaction says what to do.', `${place}.method`)
  const path = url.startsWith(`${base}/`) ? url.slice(base.length + 1) : url.replace(/^\//, '')
  if (/^[a-z][a-z0-9+.-]*:/i.test(path)) throw refuse(400, 'invalid', 'The address of an entry leads elsewhere.', `${place}.url`)
  const named = {
    'if-none-exist': 'ifNoneExist',
    'if-match': 'ifMatch',
    'if-none-match': 'ifNoneMatch',
    'if-modified-since': 'ifModifiedSince',
  }
  const headers = Object.fromEntries(
    Object.entries(named).flatMap(([h, name]) => (string(field(told, name)) ? [[h, string(field(told, name))!]] : [])),
  )
  const resource = field(entry, 'resource')
  return { index, fullUrl: string(field(entry, 'fullUrl')), resource: isObject(resource) ? resource : null, method, url: path, headers }
}

const bundleOf = (type: string, entry: readonly JsonObject[]): FhirAnswer => ({ resource: { resourceType: 'Bundle', type, entry } })

async function batch(request: FhirRequest, entries: readonly Entry[], dispatch: Dispatch): Promise<FhirAnswer> {
  const out: JsonObject[] = []
  for (const { method, url, resource, headers } of entries) {
    request.signal.throwIfAborted()
    try {
      out.push(entryAnswer(await dispatch(request, { method, url, resource, headers })))
    } catch (error) {
      const refused = refusalOf(error)
      if (!refused) throw error
      out.push({ response: { status: String(refused.status), outcome: refused.outcome } })
    }
  }
  return bundleOf('batch-response', out)
}

function entryAnswer({ status = 200, resource, raw, headers = {} }: FhirAnswer): JsonObject {
  if (raw) throw refuse(400, 'not-supported', 'Bytes are not read in a Bundle; read them by themselves.')
  const instant = headers['last-modified'] ? new Date(headers['last-modified']).toISOString() : undefined
  return {
    ...(resource ? { resource } : {}),
    response: {
      status: String(status),
      ...(headers.location ? { location: headers.location } : {}),
      ...(headers.etag ? { etag: headers.etag } : {}),
      ...(instant ? { lastModified: instant } : {}),
    },
  }
}

// transaction

/** R4: deletes, then creates, then updates, then reads, whatever the order of the entries. */
async function transaction(fhir: Writing, request: FhirRequest, entries: readonly Entry[], dispatch: Dispatch): Promise<FhirAnswer> {
  const writes = entries.filter(e => e.method !== 'GET' && e.method !== 'HEAD')
  const answers = new Map<number, JsonObject>()
  if (writes.length) {
    const work = workOf(fhir, request, patientOfAll(fhir, request, writes))
    await inTurn(work, async () => {
      const deletes = await planDeletes(
        work,
        writes.filter(e => e.method === 'DELETE'),
      )
      const plans = await planAll(
        work,
        request,
        writes.filter(e => e.method !== 'DELETE'),
      )
      const done = await carryOut(work, [...plans.values()])
      for (const [i, index] of [...plans.keys()].entries()) answers.set(index, writtenAnswer(request, done[i]!))
      for (const [index, recordId] of deletes) {
        await fhir.gateway.askErasure(request.actor, await work.session(), recordId)
        answers.set(index, { response: { status: '202' } })
      }
    })
  }
  for (const { index, method, url, headers } of entries.filter(e => !answers.has(e.index)))
    answers.set(
      index,
      writes.some(w => w.index === index)
        ? { response: { status: '204' } }
        : entryAnswer(await dispatch(request, { method, url, resource: null, headers })),
    )
  return bundleOf(
    'transaction-response',
    entries.map(e => answers.get(e.index)!),
  )
}

function writtenAnswer({ base, prefer }: FhirRequest, { plan, versionId, lastUpdated, resource }: Done): JsonObject {
  return {
    ...(prefer.return === 'representation' ? { resource } : {}),
    response: {
      status: plan.status === 201 ? '201 Created' : '200 OK',
      location: `${base}/${plan.type}/${plan.id}/_history/${versionId}`,
      etag: etag(versionId),
      lastModified: lastUpdated,
      ...(plan.told?.length ? { outcome: outcome(plan.told) } : {}),
    },
  }
}

/** What is written together goes into one record: that is what the relay can do in one step. */
function patientOfAll(fhir: Writing, request: FhirRequest, entries: readonly Entry[]): string {
  if (request.actor.patient !== null) return request.actor.patient
  const inside = new Set(
    entries.flatMap(e => (e.resource?.resourceType === 'Patient' && typeof e.resource.id === 'string' ? [e.resource.id] : [])),
  )
  const named = new Set<string>()
  for (const e of entries) {
    if (e.resource) for (const id of patientsNamed(e.resource, request.base)) if (!inside.has(id) || fhir.gateway.patient(id)) named.add(id)
    const id = literal(e.url)?.id
    const owner = id === undefined ? null : fhir.gateway.ids.patientOf(id)
    if (owner) named.add(owner)
  }
  const [only] = named
  if (named.size > 1)
    throw refuse(
      422,
      'business-rule',
      'A transaction writes into the record of one patient; this names several. Send one for each, or a batch.',
      'Bundle.entry',
    )
  const patient = only ?? patientOf(fhir, request, {})
  if (patient === null) throw refuse(422, 'required', WHOSE_WRITE)
  return inFront(fhir, patient)
}

async function planDeletes(work: Work, entries: readonly Entry[]): Promise<Map<number, string>> {
  const out = new Map<number, string>()
  for (const e of entries) {
    const { type, id, query } = placeOf(e)
    demand(work.actor, type, 'd')
    const found: Pick<Version, 'id'> | null = id === null ? await theOne(work, type, query) : { id }
    if (!found) continue
    const current = await presentOf(work, type, found.id)
    const session = await work.session()
    if (session.authorOf(current.versionId) !== work.fhir.gateway.did)
      throw refuse(403, 'forbidden', 'Only what this organisation wrote can be asked back.', `Bundle.entry[${e.index}]`)
    out.set(e.index, current.versionId)
  }
  return out
}

const PLACE = /^([A-Z][A-Za-z]{1,63})(?:\/([A-Za-z0-9\-.]{1,64}))?(?:\?(.*))?$/

function placeOf({ url, index }: Entry): { type: string; id: string | null; query: string } {
  const match = PLACE.exec(url)
  if (!match) throw refuse(400, 'invalid', 'The address of an entry is none of a resource.', `Bundle.entry[${index}].request.url`)
  return { type: match[1]!, id: match[2] ?? null, query: match[3] ?? '' }
}

/** Entries checked at once before other requests have their turn. */
const AT_ONCE = 32

/** First what each entry will be called, then what it says with the new names: all is known before anything is written. */
async function planAll(work: Work, request: FhirRequest, entries: readonly Entry[]): Promise<Map<number, Plan>> {
  const names = new Map<string, string>()
  const found = new Map<number, Plan | { readonly id: string | undefined }>()
  for (const e of entries) found.set(e.index, await named(work, e, names))
  const conditions = await resolveConditions(work, request, entries)
  const plans = new Map<number, Plan>()
  for (const [i, e] of entries.entries()) {
    if (i % AT_ONCE === AT_ONCE - 1) await breathe()
    request.signal.throwIfAborted()
    const known = found.get(e.index)!
    plans.set(e.index, 'status' in known ? known : await planOne(work, e, { id: known.id, names, conditions }))
  }
  return plans
}

const fresh = (work: Work, type: string): string => (type === 'Patient' ? work.patient : work.fhir.gateway.ids.fresh(work.patient))

/** The name an entry gets; notes it under whatever others of the Bundle may call it. */
async function named(work: Work, e: Entry, names: Map<string, string>): Promise<Plan | { readonly id: string | undefined }> {
  const { type, id, query } = placeOf(e)
  const note = (chosen: string): void => {
    const target = `${type}/${chosen}`
    if (e.fullUrl) names.set(e.fullUrl, target)
    const own = string(e.resource?.id)
    // A relative reference is read against the fullUrl of its entry (R4 bundle.html#references).
    if (own && (!e.fullUrl || e.fullUrl.endsWith(`${type}/${own}`) || e.fullUrl === `urn:uuid:${own}`)) names.set(`${type}/${own}`, target)
  }
  if (e.method === 'POST') {
    const condition = e.headers['if-none-exist']
    demand(work.actor, type, 'c')
    const there = condition === undefined ? null : await theOne(work, type, condition.replace(/^\?/, ''))
    const chosen = there?.id ?? fresh(work, type)
    note(chosen)
    return there ? { type, id: there.id, status: 200, existing: there } : { id: chosen }
  }
  demand(work.actor, type, 'u')
  const there = id === null ? await theOne(work, type, query) : null
  // Whatever a Bundle calls its patient: it is the one into whose record it goes.
  const chosen = type === 'Patient' ? work.patient : (id ?? there?.id ?? string(e.resource?.id) ?? fresh(work, type))
  note(chosen)
  if (type === 'Patient' && id !== null) names.set(`Patient/${id}`, `Patient/${chosen}`)
  return { id: chosen }
}

type Naming = {
  readonly id: string | undefined
  readonly names: ReadonlyMap<string, string>
  readonly conditions: ReadonlyMap<string, Condition>
}

async function planOne(work: Work, e: Entry, { id, names, conditions }: Naming): Promise<Plan> {
  const place = placeOf(e)
  const below = `Bundle.entry[${e.index}].resource`
  if (e.method === 'PATCH') return planPatch(work, e, { ...place, id: id! }, below)
  if (!e.resource) throw refuse(400, 'required', 'The entry holds no resource.', below)
  resourceType(e.resource)
  const linked = renamed(e.resource, reference => {
    const [literalPart, fragment] = reference.split('#')
    const target = names.get(literalPart!) ?? names.get(literalPart!.replace(/\/_history\/[^/]+$/, ''))
    return target === undefined ? null : `${target}${fragment ? `#${fragment}` : ''}`
  })
  const told = withConditions(linked, conditions)
  const ready: Body = await prepared(work, e.method === 'POST' ? told : { ...told, id }, { type: place.type, below })
  if (e.method === 'POST') return planCreate(work, ready, { id })
  const ifMatch = e.headers['if-match']
  return place.id === null && place.type !== 'Patient'
    ? planConditional(work, ready, { condition: place.query, ifMatch })
    : planUpdate(work, ready, { id: id!, ifMatch })
}

async function planPatch(work: Work, e: Entry, { type, id }: { type: string; id: string }, below: string): Promise<Plan> {
  const asked = patchInEntry(e.resource, below)
  const current = await presentOf(work, type, id)
  checkMatch(e.headers['if-match'], current)
  const changed = await work.fhir.reader.patched(current.resource, asked)
  return planUpdate(work, await prepared(work, changed, { type, below }), { id, ifMatch: undefined })
}

// conditional references (R4 http.html#trules)

type Condition = { readonly reference: string } | { readonly identifier: { readonly system?: string; readonly value: string } }

const CONDITION = /^([A-Z][A-Za-z]{1,63})\?(.{1,1000})$/

/**
 * What `Practitioner?identifier=…` leads to: an entry of the Bundle, or exactly one resource of the record. With `handling=lenient` one that
 * leads nowhere becomes a logical reference, which says the same without a target.
 */
async function resolveConditions(work: Work, { prefer }: FhirRequest, entries: readonly Entry[]): Promise<Map<string, Condition>> {
  const asked = new Map<string, number>()
  for (const e of entries)
    if (e.resource)
      renamed(e.resource, reference => {
        if (CONDITION.test(reference) && !asked.has(reference)) asked.set(reference, e.index)
        return null
      })
  const out = new Map<string, Condition>()
  for (const [reference, index] of asked) {
    const [, type, query] = CONDITION.exec(reference)!
    const place = `Bundle.entry[${index}].resource`
    if (type === 'Patient') {
      out.set(reference, { reference: `Patient/${work.patient}` })
      continue
    }
    const there = await theOne(work, type!, query!)
    const identifier = /^identifier=(?:([^|&]*)\|)?([^|&]+)$/.exec(decodeURIComponent(query!))
    if (there) out.set(reference, { reference: `${type}/${there.id}` })
    else if (prefer.handling === 'lenient' && identifier)
      out.set(reference, { identifier: { ...(identifier[1] ? { system: identifier[1] } : {}), value: identifier[2]! } })
    else
      throw new Refusal(412, [
        {
          severity: 'error',
          code: 'not-found',
          text: `A conditional reference to ${/^[A-Z]\w+$/.test(type!) ? 'a resource' : 'something'} finds nothing.`,
          expression: place,
        },
      ])
  }
  return out
}

function withConditions<T>(value: T, conditions: ReadonlyMap<string, Condition>): T {
  if (conditions.size === 0) return value
  if (Array.isArray(value)) return value.map(v => withConditions(v as unknown, conditions)) as T
  if (!isObject(value)) return value
  const found = typeof value.reference === 'string' ? conditions.get(value.reference) : undefined
  if (found) {
    const { reference: _reference, ...rest } = value
    return { ...rest, ...found } as T
  }
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withConditions(v, conditions)])) as T
}
