import { router } from '#http/route'
import { bundles, type Dispatch } from './bundle.ts'
import { capability, type Told } from './capability.ts'
import { docref, everythingOf, meta, summary, validate } from './operations.ts'
import { refuse } from './outcome.ts'
import type { Writing } from './plan.ts'
import { binary, histories, read, vread } from './read.ts'
import { ALONE, type FhirRequest, type FhirRoute } from './route.ts'
import { searches } from './search.ts'
import { conditionalUpdate, create, patch, remove, update } from './write.ts'

const DEFINITION = 'http://hl7.org/fhir/OperationDefinition'

/** Every row of the FHIR side: what is here is routed, and told in `/metadata`; what is not, is neither. `more` are the rows of other parts. */
export function fhirTable(fhir: Writing, told: Omit<Told, 'rows' | 'profiles'>, more: readonly FhirRoute[]): FhirRoute[] {
  const every: FhirRoute[] = [
    {
      name: 'metadata',
      method: 'GET',
      path: '/metadata',
      open: true,
      handle: request => ({ resource: capability({ ...told, profiles: fhir.profiles, rows }, request.base) }),
    },
    ...reading(fhir),
    ...writing(fhir),
    ...operations(fhir),
    ...bundled(
      fhir,
      dispatcher(() => rows),
    ),
    ...more,
    ...compartments(fhir),
  ]
  const rows = every.map(served)
  return rows
}

const ABOUT_ANY = /^\/(Patient\/\{compartment\}\/)?\{type\}/

/** A row for every type does not serve those that stand alone. */
const served = (row: FhirRoute): FhirRoute =>
  ABOUT_ANY.test(row.path)
    ? {
        ...row,
        handle(request) {
          if (ALONE.has(request.params.type ?? '')) throw refuse(405, 'not-supported', 'That is not done with resources of this type.')
          return row.handle(request)
        },
      }
    : row

const reading = (fhir: Writing): FhirRoute[] => [
  { name: 'read', method: 'GET', path: '/{type}/{id}', interaction: 'read', handle: read(fhir) },
  { name: 'binary', method: 'GET', path: '/Binary/{id}', handle: binary(fhir) },
  { name: 'vread', method: 'GET', path: '/{type}/{id}/_history/{version}', interaction: 'vread', handle: vread(fhir) },
  { name: 'history', method: 'GET', path: '/{type}/{id}/_history', interaction: 'history-instance', handle: histories(fhir) },
  { name: 'history', method: 'GET', path: '/{type}/_history', interaction: 'history-type', handle: histories(fhir) },
  { name: 'history', method: 'GET', path: '/_history', interaction: 'history-system', handle: histories(fhir) },
  { name: 'search', method: 'GET', path: '/{type}', interaction: 'search-type', handle: searches(fhir) },
  { name: 'search', method: 'POST', path: '/{type}/_search', body: 'form', handle: searches(fhir) },
  { name: 'search', method: 'GET', path: '', interaction: 'search-system', handle: searches(fhir) },
  { name: 'search', method: 'POST', path: '/_search', body: 'form', handle: searches(fhir) },
]

/** Last, for an operation on a patient looks like a type in its compartment. */
const compartments = (fhir: Writing): FhirRoute[] => [
  { name: 'search', method: 'GET', path: '/Patient/{compartment}/{type}', handle: searches(fhir) },
  { name: 'search', method: 'POST', path: '/Patient/{compartment}/{type}/_search', body: 'form', handle: searches(fhir) },
]

const writing = (fhir: Writing): FhirRoute[] => [
  { name: 'create', method: 'POST', path: '/{type}', interaction: 'create', body: 'resource', handle: create(fhir) },
  { name: 'update', method: 'PUT', path: '/{type}/{id}', interaction: 'update', body: 'resource', handle: update(fhir) },
  { name: 'update', method: 'PUT', path: '/{type}', body: 'resource', handle: conditionalUpdate(fhir) },
  { name: 'patch', method: 'PATCH', path: '/{type}/{id}', interaction: 'patch', body: 'patch', handle: patch(fhir) },
  { name: 'patch', method: 'PATCH', path: '/{type}', body: 'patch', handle: patch(fhir) },
  { name: 'delete', method: 'DELETE', path: '/{type}/{id}', interaction: 'delete', handle: remove(fhir) },
  { name: 'delete', method: 'DELETE', path: '/{type}', handle: remove(fhir) },
]

const operations = (fhir: Writing): FhirRoute[] => {
  const both = (row: Omit<FhirRoute, 'method'>): FhirRoute[] => [
    { ...row, method: 'GET' },
    { ...row, method: 'POST', body: 'resource' },
  ]
  const everything = { name: 'everything', definition: `${DEFINITION}/Patient-everything`, types: ['Patient'] }
  const ips = { name: 'summary', definition: 'http://hl7.org/fhir/uv/ips/OperationDefinition/summary', types: ['Patient'] }
  const documents = { name: 'docref', definition: 'http://hl7.org/fhir/us/core/OperationDefinition/docref', types: ['DocumentReference'] }
  const judge = { name: 'validate', definition: `${DEFINITION}/Resource-validate` }
  const about = { name: 'meta', definition: `${DEFINITION}/Resource-meta` }
  return [
    ...both({ name: 'everything', path: '/Patient/{id}/$everything', operation: everything, handle: everythingOf(fhir) }),
    ...both({ name: 'summary', path: '/Patient/{id}/$summary', operation: ips, handle: summary(fhir) }),
    ...both({ name: 'docref', path: '/DocumentReference/$docref', operation: documents, handle: docref(fhir) }),
    { name: 'validate', method: 'POST', path: '/{type}/$validate', body: 'resource', operation: judge, handle: validate(fhir) },
    { name: 'validate', method: 'POST', path: '/{type}/{id}/$validate', body: 'resource', handle: validate(fhir) },
    { name: 'validate', method: 'GET', path: '/{type}/{id}/$validate', handle: validate(fhir) },
    { name: 'meta', method: 'GET', path: '/{type}/{id}/$meta', operation: about, handle: meta(fhir) },
  ]
}

const MAX_BUNDLE = 64 << 20

const bundled = (fhir: Writing, dispatch: Dispatch): FhirRoute[] => [
  {
    name: 'bundle',
    method: 'POST',
    path: '',
    interaction: 'transaction',
    body: 'resource',
    maxBody: MAX_BUNDLE,
    handle: bundles(fhir, dispatch),
  },
]

const NO_BYTES = new Uint8Array(0)

/** Finds the row for an entry of a Bundle, as the server does for a request. */
function dispatcher(rows: () => readonly FhirRoute[]): Dispatch {
  let find: ReturnType<typeof router> | undefined
  const byRoute = new Map<unknown, FhirRoute>()
  return async (request, { method, url, resource, headers }) => {
    find ??= router(
      rows().map(row => {
        const route = { name: row.name, method: row.method, path: row.path || '/', handle: () => ({ type: '', body: '' }) }
        byRoute.set(route, row)
        return route
      }),
    )
    const asked = URL.parse(`http://host/${url}`)
    if (!asked) throw refuse(400, 'invalid', 'The address of an entry is none.')
    const { route, params } = find.match(method, asked.pathname)
    const row = byRoute.get(route)!
    if (row.name === 'bundle' || row.name === 'binary') throw refuse(400, 'not-supported', 'That is not done within a Bundle.')
    const inner: FhirRequest = {
      ...request,
      params,
      query: asked.searchParams,
      headers,
      entry: true,
      resource,
      bytes: NO_BYTES,
      type: 'application/fhir+json',
      target: `${asked.pathname}${asked.search}`,
    }
    return row.handle(inner)
  }
}
