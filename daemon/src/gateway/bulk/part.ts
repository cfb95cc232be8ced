import { KeepwellError } from '@keepwell/sdk/base/error'
import { isoTime } from '@keepwell/sdk/base/time'
import type { Actor, Authenticate, Gateway, GatewayPart } from '#gateway/core/types'
import { demand, denied } from '#gateway/fhir/access'
import { outcome, refuse } from '#gateway/fhir/outcome'
import { read } from '#gateway/fhir/read'
import type { FhirAnswer, FhirRequest, FhirRoute } from '#gateway/fhir/route'
import type { HttpAnswer, HttpRequest, HttpRoute } from '#http/route'
import { type DeskInput, type Export, openDesk, type State } from './desk.ts'
import { type Plan, planOf, takes } from './kick-off.ts'
import { PROBLEM, patientsOf } from './work.ts'

/** The one group there is: everybody who lets the organisation read. */
export const EVERYBODY = 'all'

export type BulkInput = DeskInput & { readonly authenticate: Authenticate }

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
    (request: FhirRequest): FhirAnswer => {
      if (request.params.id !== undefined && request.params.id !== EVERYBODY)
        throw refuse(404, 'not-found', `Only the group "${EVERYBODY}" is exported.`)
      const plan = planOf(request, level)
      const known = new Set(patientsOf(gateway, request.actor, { patients: null }).map(p => p.id))
      if (plan.patients && [...plan.patients].some(p => !known.has(p)))
        throw refuse(404, 'not-found', 'A patient who is named gave no consent that lives.')
      const job = desk.start(request.actor, plan, `${request.base}${request.target}`)
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
      { name: 'group', method: 'GET', path: '/Group/{id}', handle: request => group(gateway, request) },
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
    gauges: desk.gauges,
    close: desk.close,
  }
}

/** The built-in group; any other is a resource like all. */
async function group(gateway: Gateway, request: FhirRequest): Promise<FhirAnswer> {
  const { actor, params } = request
  if (params.id !== EVERYBODY)
    return read({ gateway, now: () => gateway.clock() * 1000 })({ ...request, params: { ...params, type: 'Group' } })
  demand(actor, 'Group', 'r')
  const member = patientsOf(gateway, actor, { patients: null }).map(p => ({ entity: { reference: `Patient/${p.id}` } }))
  return {
    resource: {
      resourceType: 'Group',
      id: EVERYBODY,
      active: true,
      type: 'person',
      actual: true,
      name: 'Everybody whose consent to read lives',
      quantity: member.length,
      ...(member.length ? { member } : {}),
    },
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
        const type = /^([A-Z][A-Za-z]{1,63})\.ndjson$/.exec(request.params.file ?? '')?.[1]
        if (!type || !job.outputs().some(o => o.type === type)) throw new KeepwellError('NOT_FOUND', 'The export has no such file.')
        if (type !== PROBLEM && !sameRight(actor, job.actor, type)) throw denied(type)
        return { type: 'application/fhir+ndjson', headers: { 'content-disposition': 'attachment' }, body: job.read(type) }
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
    output: files.filter(f => f.type !== PROBLEM),
    error: files.filter(f => f.type === PROBLEM),
  }
  return { type: JSON_TYPE, headers: { expires: new Date(state.until * 1000).toUTCString() }, body: JSON.stringify(manifest) }
}
