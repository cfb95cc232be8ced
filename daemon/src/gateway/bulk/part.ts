import { KeepwellError } from '@keepwell/sdk/base/error'
import { isoTime } from '@keepwell/sdk/base/time'
import type { Actor, Authenticate, GatewayPart } from '#gateway/core/types'
import { denied } from '#gateway/fhir/access'
import { outcome, refuse } from '#gateway/fhir/outcome'
import type { FhirAnswer, FhirRequest, FhirRoute } from '#gateway/fhir/route'
import type { HttpAnswer, HttpRequest, HttpRoute } from '#http/route'
import { type DeskInput, type Export, openDesk, type State } from './desk.ts'
import { EVERYBODY, type Grouping, group, groupsFound, knownGroup } from './group.ts'
import { acceptsGzip, gzipped } from './gzip.ts'
import { importing, MAX_IMPORT } from './import.ts'
import { type Plan, planOf, takes } from './kick-off.ts'
import { GONE, PROBLEM, patientsOf } from './work.ts'

export type BulkInput = DeskInput & Pick<Grouping, 'groups'> & { readonly authenticate: Authenticate }

const BULK = 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition'
/** Seconds until it is worth asking again. */
const AGAIN = 2

/**
 * Bulk Data Access 2.0: exports of everybody's records at once, made in the background under each patient's own consent and receipt.
 * https://hl7.org/fhir/uv/bulkdata/STU2/export.html
 */
export function bulkPart(input: BulkInput): GatewayPart {
  const { gateway, authenticate } = input
  const desk = openDesk(input)
  const start =
    (level: Plan['level']) =>
    async (request: FhirRequest): Promise<FhirAnswer> => {
      const group = await knownGroup(input.groups, request.params.id ?? EVERYBODY)
      if (!group) throw refuse(404, 'not-found', 'There is no such group to be exported.')
      const asked = planOf(request, level)
      const known = new Set(patientsOf(gateway, request.actor, group).map(p => p.id))
      if (asked.patients && [...asked.patients].some(p => !known.has(p)))
        throw refuse(404, 'not-found', 'A patient who is named is not in the group, or gave no consent that lives.')
      const job = desk.start(request.actor, { ...asked, patients: asked.patients ?? group.patients }, `${request.base}${request.target}`)
      const resource = outcome([{ severity: 'information', code: 'informational', text: 'The export has begun.' }])
      return { status: 202, headers: { 'content-location': `${request.base}/bulk/${job.id}` }, resource }
    }
  const kicks: readonly (Pick<FhirRoute, 'path' | 'operation'> & { readonly level: Plan['level'] })[] = [
    { path: '/$export', level: 'system', operation: { name: 'export', definition: `${BULK}/export` } },
    { path: '/Patient/$export', level: 'patient', operation: { name: 'export', definition: `${BULK}/patient-export`, types: ['Patient'] } },
    { path: '/Group/{id}/$export', level: 'patient', operation: { name: 'export', definition: `${BULK}/group-export`, types: ['Group'] } },
  ]
  return {
    fhir: [
      { name: 'group', method: 'GET', path: '/Group/{id}', handle: request => group(input, request) },
      { name: 'groups', method: 'GET', path: '/Group', handle: request => groupsFound(input, request) },
      {
        name: 'import',
        method: 'POST',
        path: '/$import',
        body: 'raw',
        maxBody: MAX_IMPORT,
        operation: { name: 'import', definition: 'urn:keepwell:operation:import' },
        handle: request => importing({ gateway, base: request.base }, request),
      },
      ...kicks.flatMap(({ level, ...row }): FhirRoute[] => [
        { name: 'export', method: 'GET', ...row, handle: start(level) },
        { name: 'export', method: 'POST', ...row, body: 'resource', handle: start(level) },
      ]),
    ],
    routes: fetching(
      async request => {
        const actor = await authenticate(request)
        const job = desk.find(actor, request.params.job ?? '')
        if (!job) throw new KeepwellError('NOT_FOUND', 'There is no such export; it may be over.')
        return { actor, job }
      },
      desk.cancel,
      `${gateway.url}/fhir`,
    ),
    told: { instantiates: ['http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data'] },
    gauges: desk.gauges,
    close: desk.close,
  }
}

type Asked = (request: HttpRequest) => Promise<{ readonly actor: Actor; readonly job: Export }>

/** Where an export is asked after, cancelled and fetched: under the authentication of everything else, by whoever asked for it. */
function fetching(asked: Asked, cancel: (id: string) => Promise<void>, base: string): HttpRoute[] {
  return [
    {
      name: 'bulk-status',
      method: 'GET',
      path: '/fhir/bulk/{job}',
      async handle(request) {
        const { job } = await asked(request)
        return statusOf(job, base)
      },
    },
    {
      name: 'bulk-cancel',
      method: 'DELETE',
      path: '/fhir/bulk/{job}',
      async handle(request) {
        const { job } = await asked(request)
        await cancel(job.id)
        return { status: 202, type: JSON_TYPE, body: '' }
      },
    },
    {
      name: 'bulk-file',
      method: 'GET',
      path: '/fhir/bulk/{job}/{file}',
      async handle(request) {
        const { actor, job } = await asked(request)
        const [, name = '', type = ''] = /^((?:deleted-)?([A-Z][A-Za-z]{1,63}))\.ndjson$/.exec(request.params.file ?? '') ?? []
        if (!job.outputs().some(o => o.type === name)) throw new KeepwellError('NOT_FOUND', 'The export has no such file.')
        if (name !== PROBLEM && !sameRight(actor, job.actor, type)) throw denied(type)
        const body = job.read(name)
        const zipped = acceptsGzip(request.headers['accept-encoding'])
        return {
          type: 'application/fhir+ndjson',
          headers: {
            'content-disposition': 'attachment',
            vary: 'Origin, Accept-Encoding',
            ...(zipped ? { 'content-encoding': 'gzip' } : {}),
          },
          body: zipped ? gzipped(body) : body,
        }
      },
    },
  ]
}

const JSON_TYPE = 'application/json'

/** A token that may do less than the one that began the export does not fetch what that one could. */
const sameRight = (now: Actor, then: Actor, type: string): boolean => {
  const right = takes(now)(type)
  return right !== false && (right === true || JSON.stringify(right) === JSON.stringify(takes(then)(type)))
}

const progress = (state: State): string => (state.is === 'running' ? `${state.done} of ${state.of} patients` : 'waiting for its turn')

function statusOf(job: Export, base: string): HttpAnswer {
  const state = job.state()
  if (state.is === 'failed') throw state.error
  if (state.is !== 'done')
    return { status: 202, type: JSON_TYPE, headers: { 'x-progress': progress(state), 'retry-after': String(AGAIN) }, body: '' }
  const files = job.outputs().map(({ type, lines }) => ({ type, url: `${base}/bulk/${job.id}/${type}.ndjson`, count: lines }))
  const manifest = {
    transactionTime: isoTime(job.at),
    request: job.request,
    requiresAccessToken: true,
    output: files.filter(f => f.type !== PROBLEM && !f.type.startsWith(GONE)),
    deleted: files.filter(f => f.type.startsWith(GONE)).map(f => ({ ...f, type: 'Bundle' })),
    error: files.filter(f => f.type === PROBLEM),
  }
  return { type: JSON_TYPE, headers: { expires: new Date(state.until * 1000).toUTCString() }, body: JSON.stringify(manifest) }
}
