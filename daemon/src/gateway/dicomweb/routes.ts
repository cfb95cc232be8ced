import type { Reader } from '#gateway/reading/reader'
import { budget } from '#http/body'
import type { HttpAnswer, HttpRequest, HttpRoute } from '#http/route'
import { takes, wanted } from './accept.ts'
import { capabilities, type Service } from './capabilities.ts'
import type { Imaging } from './imaging.ts'
import { retrieveRendered } from './rendered.ts'
import type { Renderer } from './renderer.ts'
import { notAcceptable, type Retrieving, retrieveBulk, retrieveFrames, retrieveInstances, retrieveMetadata } from './retrieve.ts'
import { type Level, MOST_RESULTS, queryOf, search } from './search.ts'
import { type StoreLimits, storeInstances } from './store.ts'

export type DicomwebOptions = {
  /** Who asks decides what there is. Throws UNAUTHENTICATED, NO_GRANT, DENIED. */
  readonly imaging: (request: HttpRequest) => Promise<Imaging>
  /** URL of the service as its clients reach it, without a trailing slash; its path is where the routes are. */
  readonly base: string
  readonly renderer: Renderer
  readonly reader: Pick<Reader, 'instance'>
  readonly limits: StoreLimits
  /** Opaque ids; a boundary must not occur in what it bounds. */
  readonly newId: () => string
}

const PATIENT_ID = 0x00100020

type Handle = (retrieving: Retrieving) => Promise<HttpAnswer>

const STUDY = '/studies/{study}'
const SERIES = `${STUDY}/series/{series}`
const INSTANCE = `${SERIES}/instances/{instance}`

const RETRIEVE: readonly (readonly [name: string, path: string, handle: Handle])[] = [
  ['study', STUDY, retrieveInstances],
  ['series', SERIES, retrieveInstances],
  ['instance', INSTANCE, retrieveInstances],
  ['study-metadata', `${STUDY}/metadata`, retrieveMetadata],
  ['series-metadata', `${SERIES}/metadata`, retrieveMetadata],
  ['instance-metadata', `${INSTANCE}/metadata`, retrieveMetadata],
  ['frames', `${INSTANCE}/frames/{frames}`, retrieveFrames],
  ['bulk', `${INSTANCE}/bulkdata/{path}`, retrieveBulk],
  ['instance-rendered', `${INSTANCE}/rendered`, r => retrieveRendered(r)],
  ['frames-rendered', `${INSTANCE}/frames/{frames}/rendered`, r => retrieveRendered(r)],
  ['study-thumbnail', `${STUDY}/thumbnail`, r => retrieveRendered(r, true)],
  ['series-thumbnail', `${SERIES}/thumbnail`, r => retrieveRendered(r, true)],
  ['instance-thumbnail', `${INSTANCE}/thumbnail`, r => retrieveRendered(r, true)],
]

const SEARCH: readonly (readonly [name: string, path: string, level: Level])[] = [
  ['search-studies', '/studies', 'study'],
  ['search-series', '/series', 'series'],
  ['search-instances', '/instances', 'instance'],
  ['search-study-series', `${STUDY}/series`, 'series'],
  ['search-study-instances', `${STUDY}/instances`, 'instance'],
  ['search-series-instances', `${SERIES}/instances`, 'instance'],
]

async function answerSearch(options: DicomwebOptions, request: HttpRequest, level: Level): Promise<HttpAnswer> {
  const choices = wanted(request.headers.accept, request.query.get('accept'))
  if (!choices.some(w => takes(w.type, 'application/dicom+json') || w.type === 'application/json')) throw notAcceptable()
  const asked = queryOf(request.query)
  const { study, series } = request.params
  const imaging = await options.imaging(request)
  const all = await imaging.instances(study)
  const query = {
    ...asked,
    keys: asked.keys.filter(k => !(k.value === imaging.chosenBy && k.path.length === 1 && k.path[0] === PATIENT_ID)),
  }
  const path = { base: options.base, ...(study ? { study } : {}), ...(series ? { series } : {}) }
  const { results, cut } = search(all, level, query, path)
  const headers: Record<string, string> = cut
    ? { warning: `299 keepwell "There are more than ${MOST_RESULTS} results; ask with offset."` }
    : {}
  // An empty list, not 204 without a body: Orthanc takes an empty answer for a broken one.
  return { type: 'application/dicom+json', headers, body: JSON.stringify(results) }
}

/** STOW-RS, QIDO-RS and WADO-RS (PS3.18 §10), and the document that says what of them there is, made from the same rows. */
export function dicomwebRoutes(options: DicomwebOptions): HttpRoute[] {
  const root = new URL(options.base).pathname.replace(/\/$/, '')
  const route = (name: string, method: 'GET' | 'POST', path: string, handle: HttpRoute['handle']): HttpRoute => ({
    name: `dicomweb-${name}`,
    method,
    path: `${root}${path}`,
    handle,
  })
  const memory = budget(options.limits.memory)
  const store = async (request: HttpRequest): Promise<HttpAnswer> =>
    storeInstances({ ...options, imaging: await options.imaging(request), request, memory })
  const retrieve = (handle: Handle) => async (request: HttpRequest) =>
    handle({
      imaging: await options.imaging(request),
      request,
      base: options.base,
      boundary: `keepwell-${options.newId()}`,
      renderer: options.renderer,
    })
  const services: Service[] = [
    ...SEARCH.map(([, path]): Service => ({ method: 'GET', path, does: 'search' })),
    ...RETRIEVE.map(([, path]): Service => ({ method: 'GET', path, does: 'retrieve' })),
    { method: 'POST', path: '/studies', does: 'store' },
    { method: 'POST', path: STUDY, does: 'store' },
  ]
  return [
    ...SEARCH.map(([name, path, level]) => route(name, 'GET', path, r => answerSearch(options, r, level))),
    ...RETRIEVE.map(([name, path, handle]) => route(name, 'GET', path, retrieve(handle))),
    route('store', 'POST', '/studies', store),
    route('store-study', 'POST', STUDY, store),
    route('capabilities', 'GET', '', () => capabilities(options.base, services, options.limits)),
  ]
}
