import { setImmediate as breathe } from 'node:timers/promises'
import { text as decode, utf8 } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { isObject, type JsonObject } from '@keepwell/sdk/health/fhir/read'
import { registry } from '@keepwell/sdk/health/fhir/search/parameters'
import { table } from '@keepwell/sdk/health/fhir/search/parameters.generated'
import { toXml } from '@keepwell/sdk/health/fhir/xml'
import type { Actor, Authenticate } from '#gateway/core/types'
import type { Reader } from '#gateway/reading/reader'
import { type Budget, budget } from '#http/body'
import type { HttpAnswer, HttpRequest, HttpRoute } from '#http/route'
import { bare, bodyFormat, demandUtf8, type Format, MAX_VALUES, parseJson, wanted } from './content.ts'
import { refusalOf, refuse } from './outcome.ts'
import type { FhirAnswer, FhirRequest, FhirRoute } from './route.ts'

/** Nobody: for rows that ask for no actor. */
export const NOBODY: Actor = { person: '', role: '', purpose: 'TREAT', scopes: [], patient: null }

const MAX_BODY = 16 << 20
const R4 = registry(table)

/** The rows as routes of the server. */
export function httpRoutes(rows: readonly FhirRoute[], answering: Answering): HttpRoute[] {
  const room = budget(2 * MAX_VALUES)
  return rows.flatMap(row => {
    const route: HttpRoute = {
      name: `fhir-${row.name}`,
      method: row.method,
      path: `/fhir${row.path}`,
      handle: request => answerOf(row, { ...answering, room }, request),
    }
    return row.path === '' ? [route, { ...route, path: '/fhir/' }] : [route]
  })
}

/** Told of what an actor may not do. That there is no consent is noted where the consents are. */
export type Refused = (
  actor: Actor,
  about: { readonly row: string; readonly type: string; readonly id: string; readonly why: string },
) => void

export type Answering = {
  /** The FHIR endpoint without a trailing slash. */
  readonly base: string
  readonly authenticate: Authenticate
  readonly reader: Pick<Reader, 'xml'>
  readonly refused?: Refused
}

/** `room`: values of bodies that all requests together hold. */
type Serving = Answering & { readonly room: Budget }

async function answerOf(row: FhirRoute, serving: Serving, request: HttpRequest): Promise<HttpAnswer> {
  const { base, authenticate, reader, room, refused = () => {} } = serving
  const held = { values: 0 }
  const take = (values: number): void => {
    room.take(values)
    held.values += values
  }
  let actor: Actor = NOBODY
  let format: Format = 'json'
  const pretty = request.query.get('_pretty') === 'true'
  try {
    actor = row.open ? NOBODY : await authenticate(request)
    format = row.name === 'binary' || row.body === 'raw' ? 'json' : wanted(request.query.get('_format'), request.headers.accept)
    const { type } = request.params
    if (type !== undefined && !R4.isType(type)) throw refuse(404, 'not-supported', 'FHIR R4 has no resource of that type.')
    const seen = await fhirRequest(row, { base, actor, reader, take, request })
    const answer = await write(await row.handle(seen), { format, pretty })
    // What needs nobody is for pages of any origin: apps read `/metadata` before they are known here (SMART App Launch 2.2, CORS).
    return row.open ? { ...answer, headers: { ...answer.headers, 'access-control-allow-origin': '*' } } : answer
  } catch (error) {
    const told = refusalOf(error)
    if (!told) throw error
    const { type = row.path.split('/')[1] ?? '', id = request.params.compartment ?? '' } = request.params
    if (told.status === 403 && actor !== NOBODY && !isKeepwellError(error, 'NO_GRANT'))
      refused(actor, { row: row.name, type, id, why: (error as Error).message })
    const headers: Record<string, string> = told.status === 401 ? { 'www-authenticate': 'Bearer' } : {}
    return write({ status: told.status, resource: told.outcome, headers }, { format, pretty })
  } finally {
    room.give(held.values)
  }
}

type Seen = Pick<Answering, 'base' | 'reader'> & {
  readonly actor: Actor
  readonly take: (values: number) => void
  readonly request: HttpRequest
}

async function fhirRequest(row: FhirRoute, { base, actor, reader, take, request }: Seen): Promise<FhirRequest> {
  const type = bare(request.headers['content-type'])
  demandUtf8(request.headers['content-type'])
  const bytes = row.body ? await request.body(row.maxBody ?? MAX_BODY) : NO_BYTES
  const query = new URLSearchParams(request.query)
  if (row.body === 'form' && bytes.length) {
    if (type !== 'application/x-www-form-urlencoded')
      throw refuse(415, 'not-supported', 'A search is posted as a form.', 'http.Content-Type')
    for (const [name, value] of new URLSearchParams(decode(bytes))) query.append(name, value)
  }
  query.delete('_format')
  query.delete('_pretty')
  return {
    actor,
    params: request.params,
    query,
    headers: request.headers,
    resource:
      row.body === 'resource' && bytes.length ? (bodyFormat(type) === 'json' ? parseJson(bytes, take) : await reader.xml(bytes)) : null,
    bytes,
    type,
    prefer: preferences(request.headers.prefer),
    base,
    target: request.target.replace(/^\/fhir/, ''),
    signal: request.signal,
  }
}

const NO_BYTES = new Uint8Array(0)

export function preferences(header: string | string[] | undefined): FhirRequest['prefer'] {
  const said = String(header ?? '')
  const wish = /\breturn\s*=\s*(minimal|representation|OperationOutcome)\b/.exec(said)?.[1]
  const wait = /\bwait\s*=\s*"?(\d{1,4})\b/.exec(said)?.[1]
  const handling = /\bhandling\s*=\s*(strict|lenient)\b/.exec(said)?.[1]
  return {
    ...(wish ? { return: wish as 'minimal' } : {}),
    ...(handling ? { handling: handling as 'strict' } : {}),
    ...(wait ? { wait: Number(wait) } : {}),
    ...(/\brespond-async\b/.test(said) ? { async: true as const } : {}),
  }
}

/** By resource of a store: it does not change, so its bytes are made once, and go with it. */
const made = new WeakMap<JsonObject, Uint8Array>()

const jsonOf = (resource: JsonObject): Uint8Array => utf8(JSON.stringify(resource))

function keptJsonOf(resource: JsonObject): Uint8Array {
  let bytes = made.get(resource)
  if (!bytes) {
    bytes = jsonOf(resource)
    made.set(resource, bytes)
  }
  return bytes
}

/** A Bundle of more entries than a page of a search has is not kept, for nobody asks for a whole record many times; from a session it is written in pieces. */
const PAGE = 100

/** Bytes of a piece, at the least. */
const PIECE = 64 << 10

/** The bytes of each resource in a Bundle, and the frame around them. */
function* bundleParts(
  { entry: _, ...frame }: JsonObject,
  entries: readonly JsonObject[],
  lasting: boolean,
): Generator<string | Uint8Array> {
  let text = `${JSON.stringify(frame).slice(0, -1)},"entry":[`
  for (const [i, { resource, ...more }] of entries.entries()) {
    const around = JSON.stringify(more)
    text += i ? ',' : ''
    if (!isObject(resource)) {
      text += around
      continue
    }
    yield `${text}${around.slice(0, -1)}${around === '{}' ? '' : ','}"resource":`
    // What a search says of itself is made for this one answer.
    yield lasting && resource.resourceType !== 'OperationOutcome' ? keptJsonOf(resource) : jsonOf(resource)
    text = '}'
  }
  yield `${text}]}`
}

const sizeOf = (part: string | Uint8Array): number => (typeof part === 'string' ? Buffer.byteLength(part) : part.length)

/** In one buffer: many small ones cost more than what is in them. */
function joined(parts: readonly (string | Uint8Array)[]): Uint8Array {
  const out = Buffer.allocUnsafe(parts.reduce((sum, p) => sum + sizeOf(p), 0))
  let at = 0
  for (const p of parts) {
    if (typeof p === 'string') at += out.write(p, at)
    else {
      out.set(p, at)
      at += p.length
    }
  }
  return out
}

/** Each is made when the one before it was taken, and others have their turn between two. */
async function* inPieces(parts: Iterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  let [piece, size]: [(string | Uint8Array)[], number] = [[], 0]
  for (const part of parts) {
    piece.push(part)
    size += sizeOf(part)
    if (size < PIECE) continue
    yield joined(piece)
    await breathe()
    piece = []
    size = 0
  }
  yield joined(piece)
}

type Writing = { readonly format: Format; readonly pretty: boolean }

function written(
  { resource, lasting = false, until }: FhirAnswer & { readonly resource: JsonObject },
  pretty: boolean,
): HttpAnswer['body'] {
  if (pretty) return JSON.stringify(resource, null, 2)
  const { resourceType, entry } = resource
  if (resourceType !== 'Bundle' || !Array.isArray(entry) || !entry.every(isObject)) return (lasting ? keptJsonOf : jsonOf)(resource)
  const parts = bundleParts(resource, entry, lasting && entry.length <= PAGE)
  return until && entry.length > PAGE ? inPieces(parts) : joined([...parts])
}

async function write(answer: FhirAnswer, { format, pretty }: Writing): Promise<HttpAnswer> {
  const { status = 200, resource, raw, headers = {}, until } = answer
  const common = { status, headers, ...(until ? { until } : {}) }
  if (raw) return { ...common, type: raw.type, body: raw.body }
  const type = `application/fhir+${format}; charset=utf-8`
  if (!resource) return { ...common, type, body: '' }
  return { ...common, type, body: format === 'json' ? written({ ...answer, resource }, pretty) : await toXml(resource) }
}
