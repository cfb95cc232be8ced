import { isoTime } from '@keepwell/sdk/base/time'
import { field, isObject, type JsonObject, list } from '@keepwell/sdk/health/fhir/read'
import { matches, search } from '@keepwell/sdk/health/fhir/search/search'
import { openStore } from '@keepwell/sdk/health/fhir/search/store'
import type { FhirResource, Params } from '@keepwell/sdk/health/fhir/search/types'
import { type Notice, statusParameters } from '@keepwell/sdk/health/fhir/subscription/notification'
import { BACKPORT, CONTENTS, type Content, type Filter, readSubscription } from '@keepwell/sdk/health/fhir/subscription/subscription'
import type { Actor, Gateway } from '#gateway/core/types'
import { demand, denied, granted, type Right } from '#gateway/fhir/access'
import { asIssues, Refusal, refuse } from '#gateway/fhir/outcome'
import { patchIn } from '#gateway/fhir/patch'
import { checkMatch } from '#gateway/fhir/plan'
import { etag, missing } from '#gateway/fhir/read'
import type { FhirAnswer, FhirRequest, FhirRoute } from '#gateway/fhir/route'
import { bundled, needed } from '#gateway/fhir/search'
import { inFront, patientIds } from '#gateway/fhir/whose'
import type { Reader } from '#gateway/reading/reader'
import type { Runner } from './runner.ts'
import { owns, type Subscribed } from './types.ts'

/** What the FHIR side of subscriptions does with them. */
export type Desk = {
  readonly gateway: Gateway
  readonly reader: Reader
  all(): readonly Runner[]
  get(id: string): Runner | undefined
  /** Keeps a new or changed one, and sets it going. */
  place(sub: Subscribed): Promise<void>
  remove(id: string): Promise<void>
  /** Throws BAD_INPUT for an endpoint that nothing will be sent to. */
  checkEndpoint(url: string): void
  bindingToken(ids: readonly string[]): { readonly token: string; readonly expires: number }
  readonly socketUrl: string
  readonly newId: () => string
}

const OPERATION = `${BACKPORT}/OperationDefinition/backport-subscription`
const TYPES = ['Subscription']

/** Subscription of R4 as the backport profiles it: create, read, change, end, search, and its three operations. */
export function subscriptionRows(desk: Desk): FhirRoute[] {
  const both = (row: Omit<FhirRoute, 'method'>): FhirRoute[] => [
    { ...row, method: 'GET' },
    { ...row, method: 'POST', body: 'resource' },
  ]
  const operation = (name: string) => ({ name, definition: `${OPERATION}-${name}`, types: TYPES })
  const token = operation('get-ws-binding-token')
  return [
    { name: 'subscription', method: 'POST', path: '/Subscription', interaction: 'create', body: 'resource', handle: create(desk) },
    { name: 'subscription', method: 'GET', path: '/Subscription/{id}', interaction: 'read', handle: read(desk) },
    { name: 'subscription', method: 'PUT', path: '/Subscription/{id}', interaction: 'update', body: 'resource', handle: update(desk) },
    { name: 'subscription', method: 'PATCH', path: '/Subscription/{id}', interaction: 'patch', body: 'patch', handle: patch(desk) },
    { name: 'subscription', method: 'DELETE', path: '/Subscription/{id}', interaction: 'delete', handle: remove(desk) },
    { name: 'subscription', method: 'GET', path: '/Subscription', interaction: 'search-type', handle: searched(desk) },
    { name: 'subscription', method: 'POST', path: '/Subscription/_search', body: 'form', handle: searched(desk) },
    ...both({ name: 'subscription', path: '/Subscription/$status', operation: operation('status'), handle: status(desk) }),
    ...both({ name: 'subscription', path: '/Subscription/{id}/$status', handle: status(desk) }),
    ...both({ name: 'subscription', path: '/Subscription/{id}/$events', operation: operation('events'), handle: events(desk) }),
    ...both({ name: 'subscription', path: '/Subscription/$get-ws-binding-token', operation: token, handle: bind(desk) }),
    ...both({ name: 'subscription', path: '/Subscription/{id}/$get-ws-binding-token', handle: bind(desk) }),
  ]
}

/** As it stands now: what its owner wrote, and what the server says of it. */
export const shown = ({ id, resource, status, error, version, changed }: Subscribed): FhirResource => ({
  ...resource,
  resourceType: 'Subscription',
  id,
  meta: { ...(isObject(resource.meta) ? resource.meta : {}), versionId: String(version), lastUpdated: isoTime(changed) },
  status,
  ...(error ? { error: error.text } : {}),
})

const answer = (sub: Subscribed, base: string, code: 200 | 201 = 200): FhirAnswer => ({
  status: code,
  resource: shown(sub),
  headers: {
    etag: etag(String(sub.version)),
    'last-modified': new Date(sub.changed * 1000).toUTCString(),
    ...(code === 201 ? { location: `${base}/Subscription/${sub.id}` } : {}),
  },
})

/** One of the caller's own; others’ are not there for them. */
function mine(desk: Desk, { actor, params }: FhirRequest, right: Right): Runner {
  demand(actor, 'Subscription', right)
  const found = desk.get(params.id ?? '')
  if (!found || !owns(actor, found.sub)) throw missing('Subscription')
  const visible = granted(actor, 'Subscription', right)
  if (typeof visible !== 'boolean' && !storeOf(desk, [found]).allows(visible)) throw denied('Subscription')
  return found
}

function storeOf({ gateway }: Desk, runners: readonly Runner[]) {
  const store = openStore({ bases: [`${gateway.url}/fhir`] })
  const versions = runners.map(r => store.put(shown(r.sub)))
  const now = gateway.clock() * 1000
  return {
    store,
    now,
    allows: (queries: readonly Params[]) => versions.every(v => queries.some(params => matches(store, v, { params, now }))),
  }
}

const MAX_EACH = 200

const create =
  (desk: Desk) =>
  async ({ actor, resource, base }: FhirRequest): Promise<FhirAnswer> => {
    demand(actor, 'Subscription', 'c')
    const own = desk.all().filter(r => owns(actor, r.sub)).length
    if (own >= MAX_EACH) throw refuse(422, 'too-costly', `There are ${MAX_EACH} subscriptions already; end some first.`)
    const judged = await judge(desk, actor, resource)
    const sub: Subscribed = {
      id: desk.newId(),
      owner: actor,
      ...judged,
      status: 'requested',
      error: null,
      version: 1,
      changed: desk.gateway.clock(),
      events: 0,
      delivered: 0,
      marks: {},
      failures: 0,
      retryAt: null,
      errorSince: null,
    }
    await desk.place(sub)
    return answer(sub, base, 201)
  }

/** Whether it can be done at all, and may be by who asks; then what it comes to. */
async function judge(desk: Desk, actor: Actor, given: JsonObject | null): Promise<Pick<Subscribed, 'resource' | 'plan' | 'patients'>> {
  if (given?.resourceType !== 'Subscription') throw refuse(400, 'invalid', 'The body holds no Subscription.', 'resourceType')
  const errors = (await desk.reader.check(given)).filter(i => i.severity === 'error')
  if (errors.length) throw new Refusal(422, asIssues(errors))
  const { plan, issues } = readSubscription(given)
  if (!plan) throw new Refusal(422, asIssues(issues))
  for (const f of plan.filters) checkFilter(desk, f)
  for (const type of plan.types) demand(actor, type, 'r')
  if (plan.channel.type === 'rest-hook')
    try {
      desk.checkEndpoint(plan.channel.endpoint)
    } catch (e) {
      throw refuse(422, 'value', (e as Error).message, 'Subscription.channel.endpoint')
    }
  if (plan.end !== null && plan.end <= desk.gateway.clock()) throw refuse(422, 'value', 'Its end is past.', 'Subscription.end')
  const { id: _id, meta, status: _status, error: _error, ...rest } = given
  const { versionId: _v, lastUpdated: _l, ...kept } = isObject(meta) ? meta : ({} as JsonObject)
  const resource = { ...rest, ...(Object.keys(kept).length ? { meta: kept } : {}) }
  return { resource, plan, patients: patientsFor(desk, actor, plan.filters) }
}

/** A filter is judged by the resource alone, for nothing else is opened. */
function checkFilter({ gateway }: Desk, { type, params }: Filter): void {
  const place = 'Subscription.criteria.extension'
  if (params.some(([name]) => name.startsWith('_') && !['_id', '_tag', '_profile'].includes(name)) || needed(type, params) === undefined)
    throw refuse(422, 'not-supported', 'A filter asks about the resource itself: no chains, no results’ parameters.', place)
  const found = search(openStore(), { type, params, handling: 'strict', now: gateway.clock() * 1000 })
  if (found.refused)
    throw new Refusal(
      422,
      found.issues.map(i => ({ ...i, expression: place })),
    )
}

/** The patients that it names, each of whom must have consented; null when a type is not narrowed to any. */
function patientsFor({ gateway }: Desk, actor: Actor, filters: readonly Filter[]): string[] | null {
  const base = `${gateway.url}/fhir`
  const byType = Map.groupBy(filters, f => f.type)
  const named = [...byType].map(([type, fs]) => fs.flatMap(f => patientIds(type, f.params, base)))
  const all = named.length && named.every(ids => ids.length) ? [...new Set(named.flat())] : actor.patient === null ? null : [actor.patient]
  for (const id of all ?? []) {
    inFront({ gateway }, id)
    const there = (actor.patient === null || actor.patient === id) && gateway.patient(id)?.read?.terms.purposes.includes(actor.purpose)
    if (!there) throw refuse(403, 'forbidden', 'There is no live consent of such a patient for that purpose.', 'Subscription.criteria')
  }
  return all
}

const read =
  (desk: Desk) =>
  async (request: FhirRequest): Promise<FhirAnswer> =>
    answer(mine(desk, request, 'r').sub, request.base)

async function changed(desk: Desk, request: FhirRequest, sub: Subscribed, given: JsonObject | null): Promise<FhirAnswer> {
  if (given?.id !== sub.id) throw refuse(400, 'invalid', 'The id in the body is not the one in the address.', 'Subscription.id')
  checkMatch(request.headers['if-match'], {
    type: 'Subscription',
    id: sub.id,
    versionId: String(sub.version),
    lastUpdated: '',
    method: 'PUT',
    resource: null,
  })
  const off = given.status === 'off'
  const now = desk.gateway.clock()
  const judged = off ? {} : judge(desk, request.actor, given)
  const next: Subscribed = {
    ...sub,
    ...judged,
    owner: request.actor,
    status: off ? 'off' : 'requested',
    error: null,
    version: sub.version + 1,
    changed: now,
    failures: 0,
    retryAt: null,
    errorSince: null,
  }
  await desk.place(next)
  return answer(next, request.base)
}

const update =
  (desk: Desk) =>
  async (request: FhirRequest): Promise<FhirAnswer> =>
    changed(desk, request, mine(desk, request, 'u').sub, request.resource)

const patch =
  (desk: Desk) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { sub } = mine(desk, request, 'u')
    return changed(desk, request, sub, await desk.reader.patched(shown(sub), await patchIn(request, desk.reader.xml)))
  }

const remove =
  (desk: Desk) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    await desk.remove(mine(desk, request, 'd').sub.id)
    return { status: 204 }
  }

const searched =
  (desk: Desk) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { actor, query, prefer } = request
    const visible = demand(actor, 'Subscription', 's')
    const { store, now } = storeOf(
      desk,
      desk.all().filter(r => owns(actor, r.sub)),
    )
    const params: Params = [...query].filter(([name]) => name !== '_cursor')
    const common = { now, visible: () => visible, defaultCount: MAX_EACH, ...(prefer.handling ? { handling: prefer.handling } : {}) }
    return { resource: bundled(request, search(store, { ...common, type: 'Subscription', params })) }
  }

// operations

/** The values of a parameter, from the address or from Parameters in the body. */
function parameter({ query, resource }: FhirRequest, name: string): string[] {
  const posted = list(field(resource, 'parameter')).flatMap(p => {
    if (!isObject(p) || p.name !== name) return []
    const value = Object.entries(p).find(([key]) => key.startsWith('value'))?.[1]
    return typeof value === 'string' || typeof value === 'number' ? [String(value)] : []
  })
  return [...query.getAll(name).flatMap(v => v.split(',')), ...posted]
}

/** Those an operation is about: the one in the address, those named, or all of the caller's. */
function chosen(desk: Desk, request: FhirRequest): Runner[] {
  if (request.params.id) return [mine(desk, request, 'r')]
  demand(request.actor, 'Subscription', 'r')
  const ids = parameter(request, 'id')
  return desk.all().filter(r => owns(request.actor, r.sub) && (ids.length === 0 || ids.includes(r.sub.id)))
}

const status =
  (desk: Desk) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { base, params } = request
    const wanted = params.id ? [] : parameter(request, 'status')
    const found = chosen(desk, request).filter(r => wanted.length === 0 || wanted.includes(r.sub.status))
    const entry = found.map(({ sub }) => {
      const { topic, channel } = sub.plan
      const told: Notice = {
        ...{ base, topic, subscription: sub.id, status: sub.status, type: 'query-status', events: sub.events, content: channel.content },
        ...(sub.error ? { error: sub.error } : {}),
      }
      // A search's results bear an id; that of the status is its subscription's.
      const { resourceType, ...said } = statusParameters(told)
      return { fullUrl: `urn:uuid:${sub.id}`, resource: { resourceType, id: sub.id, ...said }, search: { mode: 'match' } }
    })
    return { resource: { resourceType: 'Bundle', type: 'searchset', total: entry.length, entry } }
  }

const events =
  (desk: Desk) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const found = mine(desk, request, 'r')
    const number = (name: string, otherwise: number): number => {
      const [text] = parameter(request, name)
      if (text === undefined) return otherwise
      if (!/^\d{1,15}$/.test(text)) throw refuse(400, 'invalid', `${name} is a number.`, `http.${name}`)
      return Number(text)
    }
    const { sub } = found
    const asked = parameter(request, 'content')[0] ?? sub.plan.channel.content
    if (!CONTENTS.includes(asked as Content)) throw refuse(400, 'invalid', `content is one of ${CONTENTS.join(', ')}.`, 'http.content')
    // No more than the subscription itself sends.
    const content = CONTENTS[Math.min(CONTENTS.indexOf(asked as Content), CONTENTS.indexOf(sub.plan.channel.content))]!
    const from = Math.max(1, number('eventsSinceNumber', 1))
    const to = Math.min(sub.events, number('eventsUntilNumber', sub.events))
    return { resource: await found.events({ from, to, content }) }
  }

const bind =
  (desk: Desk) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const ids = chosen(desk, request)
      .filter(({ sub }) => sub.plan.channel.type === 'websocket' && sub.status !== 'off')
      .map(r => r.sub.id)
    if (ids.length === 0) throw refuse(422, 'not-found', 'There is no subscription by websocket among those.')
    const { token, expires } = desk.bindingToken(ids)
    return {
      resource: {
        resourceType: 'Parameters',
        parameter: [
          { name: 'token', valueString: token },
          { name: 'expiration', valueDateTime: isoTime(expires) },
          ...ids.map(id => ({ name: 'subscription', valueString: id })),
          { name: 'websocket-url', valueUrl: desk.socketUrl },
        ],
      },
      headers: { 'cache-control': 'no-store' },
    }
  }
