import { historyBundle } from '@keepwell/sdk/health/fhir/search/bundle'
import { history } from '@keepwell/sdk/health/fhir/search/history'
import { isWhole, shaped } from '@keepwell/sdk/health/fhir/search/shape'
import type { FhirResource, HistoryInput, Shape, Version } from '@keepwell/sdk/health/fhir/search/types'
import type { PatientSession } from '#gateway/core/types'
import { demand, denied, mayTouch, visibleTo } from './access.ts'
import { refuse } from './outcome.ts'
import type { FhirAnswer, FhirRequest } from './route.ts'
import { ALL_AT_ONCE, answerable, type Fhir, PARTIAL, sessionFor } from './whose.ts'

export const etag = (version: string): string => `W/"${version}"`

export const versionHeaders = ({ versionId, lastUpdated }: Pick<Version, 'versionId' | 'lastUpdated'>): Record<string, string> => ({
  etag: etag(versionId),
  'last-modified': new Date(lastUpdated).toUTCString(),
})

/** The version ids in an `If-Match` or `If-None-Match`. */
export const etagsIn = (header: string | undefined): string[] => [...(header ?? '').matchAll(/(?:W\/)?"([^"]{1,64})"/g)].map(m => m[1]!)

export const missing = (type: string) => refuse(404, 'not-found', `There is no such ${type} here.`)
export const gone = (type: string) => refuse(410, 'deleted', `That ${type} was deleted.`)

/** A resource as `_summary` and `_elements` of the request want it. */
function shapeOf(query: URLSearchParams): Shape {
  const summary = query.get('_summary') ?? 'false'
  const elements = query.get('_elements')
  if (!['true', 'text', 'data', 'count', 'false'].includes(summary))
    throw refuse(400, 'invalid', '_summary has no such form.', 'http._summary')
  return { summary: summary as Shape['summary'], elements: elements ? elements.split(',').filter(Boolean) : null }
}

function asWanted(resource: FhirResource, { query }: FhirRequest): Pick<FhirAnswer, 'resource' | 'lasting'> {
  const shape = shapeOf(query)
  return { resource: shaped(resource, shape), lasting: isWhole(shape) }
}

/** A version that the actor may see, or why not. */
export function visibleVersion(fhir: Fhir, { actor }: FhirRequest, session: PatientSession, found: Version | null, type: string): Version {
  if (!found && session.problems.length)
    throw refuse(404, 'not-found', `There is no such ${type} among what could be opened; ${session.problems.length} could not.`)
  if (!found) throw missing(type)
  if (!found.resource) throw gone(type)
  if (!mayTouch(actor, session.store, found, 'r', fhir.now())) throw denied(type)
  return found
}

export const read =
  (fhir: Fhir) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { type = '', id = '' } = request.params
    demand(request.actor, type, 'r')
    const session = await sessionFor(fhir, request, { type, id })
    // An older version may have come before the one that replaces it; and version 0 is only the name on the consent.
    const answers = (): boolean => (session.store.read(type, id)?.versionId ?? '0') !== '0'
    const whole = await answerable(request, session, { types: [type], exact: ALL_AT_ONCE.has(type), answers })
    const version = visibleVersion(fhir, request, session, session.store.read(type, id), type)
    const headers = { ...versionHeaders(version), ...(whole ? {} : PARTIAL) }
    if (unchanged(request, version)) return { status: 304, headers }
    return { ...asWanted(version.resource!, request), headers }
  }

/** Conditional read (R4 http.html#cread). */
function unchanged({ headers }: FhirRequest, { versionId, lastUpdated }: Version): boolean {
  const known = etagsIn(headers['if-none-match'])
  if (known.length) return known.includes(versionId)
  const since = Date.parse(headers['if-modified-since'] ?? '')
  return Number.isFinite(since) && Math.floor(Date.parse(lastUpdated) / 1000) * 1000 <= since
}

export const vread =
  (fhir: Fhir) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { type = '', id = '', version = '' } = request.params
    demand(request.actor, type, 'r')
    const session = await sessionFor(fhir, request, { type, id })
    await session.ready([type])
    const current = session.store.read(type, id)
    const found = session.store.vread(type, id, version)
    if (found && current && !mayTouch(request.actor, session.store, current, 'r', fhir.now())) throw denied(type)
    if (!found) throw missing(type)
    if (!found.resource) throw gone(type)
    return { ...asWanted(found.resource, request), headers: versionHeaders(found) }
  }

/** History of a resource, of a type, or of all. */
export const histories =
  (fhir: Fhir) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { type, id } = request.params
    if (type) demand(request.actor, type, 'r')
    const { query } = request
    const session = await sessionFor(fhir, request, { ...(type ? { type } : {}), id, query })
    await session.ready(type ? [type] : undefined)
    const input: HistoryInput = {
      ...(type ? { type } : {}),
      ...(id ? { id } : {}),
      ...instant(query, '_since', 'since'),
      ...counted(query),
      ...(query.get('_cursor') ? { cursor: query.get('_cursor')! } : {}),
      visible: visibleTo(request.actor, 'r'),
    }
    const found = history(session.store, input)
    if (id && found.total === 0 && !session.store.read(type!, id)) throw missing(type!)
    const resource = historyBundle(found, { base: request.base, path: request.target.slice(1).split('?')[0]! })
    return { resource, lasting: true, until: session.ended }
  }

function instant(query: URLSearchParams, name: string, key: 'since'): { since?: number } {
  const value = query.get(name)
  if (value === null) return {}
  const time = Date.parse(value)
  if (!Number.isFinite(time)) throw refuse(400, 'invalid', `${name} is no instant.`, `http.${name}`)
  return { [key]: time }
}

export function counted(query: URLSearchParams): { count?: number } {
  const value = query.get('_count')
  if (value === null) return {}
  if (!/^\d{1,6}$/.test(value)) throw refuse(400, 'invalid', '_count is a whole number.', 'http._count')
  return { count: Math.min(1000, Number(value)) }
}

/** The bytes of a document, as they were signed; or a Binary in FHIR, as its content. */
export const binary =
  (fhir: Fhir) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { id = '' } = request.params
    demand(request.actor, 'Binary', 'r')
    const session = await sessionFor(fhir, request, { type: 'Binary', id })
    await session.ready(['Binary'])
    const inFhir = session.store.read('Binary', id)
    const whole = (request.headers.accept ?? '').includes('fhir')
    if (inFhir) {
      const { resource } = visibleVersion(fhir, request, session, inFhir, 'Binary')
      if (whole) return { resource: resource!, headers: versionHeaders(inFhir) }
      return {
        raw: { type: String(resource!.contentType), body: Buffer.from(String(resource!.data ?? ''), 'base64') },
        headers: { ...versionHeaders(inFhir), ...ATTACHED },
      }
    }
    const record = /\.([0-9a-f]{32})$/.exec(id)?.[1]
    const card = record === undefined ? undefined : session.records.get(record)?.card
    if (!record || !card || card.kind === 'fhir') throw missing('Binary')
    // A token that may see only some documents may have their bytes only.
    await session.ready(['DocumentReference'])
    const told = session.store.vread('DocumentReference', session.idOf(record) ?? '', record)
    const some = request.actor.scopes?.some(s => s.query.length)
    if (some && !(told && mayTouch(request.actor, session.store, told, 'r', fhir.now()))) throw denied('Binary')
    const opened = await session.openBody(record)
    const bytes = await collected(opened.read(0, opened.meta.size))
    if (!whole) return { raw: { type: card.mediaType, body: bytes }, headers: ATTACHED }
    return { resource: { resourceType: 'Binary', id, contentType: card.mediaType, data: Buffer.from(bytes).toString('base64') } }
  }

/** Foreign bytes are never a page of ours. */
const ATTACHED = { 'content-disposition': 'attachment', 'content-security-policy': "default-src 'none'; sandbox" }

async function collected(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const c of chunks) parts.push(c)
  return Buffer.concat(parts)
}
