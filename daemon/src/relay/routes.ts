import { readCar, writeCar } from '@keepwell/adapters/blocks/car'
import { fromHex, release } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { cidBytes, cidFromBytes } from '@keepwell/sdk/base/cid'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { decodeAs } from '@keepwell/sdk/base/shape'
import { call as callShape } from '@keepwell/sdk/identity/call'
import { type Did, did as didShape } from '@keepwell/sdk/identity/did'
import { message as messageShape } from '@keepwell/sdk/identity/message'
import type { Block } from '@keepwell/sdk/ports/blocks'
import { METHODS, type MethodName } from '@keepwell/sdk/wire/methods'
import { getBlocksBody, ROUTES, type RouteName, type RouteSpec, restoreBody, ringBody } from '@keepwell/sdk/wire/routes'
import { passing } from '#http/body'
import { RateLimited } from '#http/errors'
import type { Gauge, Metrics } from '#http/metrics'
import { byteRange } from '#http/range'
import { type RateLimiter, rateLimiter } from '#http/rate'
import type { HttpAnswer, HttpRequest, HttpRoute } from '#http/route'
import { fileAnswer, staticRoutes } from '#http/static'
import { callIn, capabilityIn, checkSigned, counted } from './authorization.ts'
import { eventStream, streams } from './events.ts'
import { linkHandlers } from './link-doors.ts'
import { openApi } from './openapi.ts'
import type { RelayLimits, RelayService, RelayStatus } from './service.ts'
import { statusPage } from './status-page.ts'

export type RouteOptions = {
  readonly limits: RelayLimits
  readonly metrics: Metrics
  /** Milliseconds, only ever subtracted. */
  readonly now: () => number
  readonly newId: () => string
  /** Folder of a built web application, served instead of the status page. */
  readonly webRoot: string | null
}

type Handler = (request: HttpRequest) => Promise<Omit<HttpAnswer, 'type'> & { readonly type?: string }>

/** The table's routes, each with what it does. */
export function relayRoutes(service: RelayService, options: RouteOptions): HttpRoute[] {
  const handlers: Readonly<Record<RouteName, Handler>> = {
    ...callHandlers(service, options),
    ...blockHandlers(service, options),
    ...readingHandlers(service, options),
    ...operatorHandlers(service, options),
    ...linkHandlers(service.links, service.relay.url, rateLimiter(options.limits.linkPerAddress, options.now)),
  }
  const routes = (Object.entries(ROUTES) as [RouteName, RouteSpec][]).map(([name, spec]) => ({
    name,
    method: spec.method,
    path: spec.path,
    ...(spec.anyOrigin ? { anyOrigin: true as const } : {}),
    ...(spec.request ? { accepts: spec.request.type } : {}),
    handle: async (request: HttpRequest) => ({ type: spec.answer.type, ...(await handlers[name](request)) }),
  }))
  return options.webRoot ? [...routes, ...staticRoutes(options.webRoot, FIRST_SEGMENTS)] : routes
}

const FIRST_SEGMENTS = [...new Set(Object.values(ROUTES).map(r => r.path.split('/')[1]!))]

const DONE = { body: encode({}) }
const cbor = (value: unknown) => ({ body: encode(value) })

/** The port's null is HTTP's 404. */
function found<T>(value: T | null, name: RouteName): T {
  if (value === null) throw new KeepwellError('NOT_FOUND', (ROUTES[name] as RouteSpec).absent ?? 'There is no such thing here.')
  return value
}

const didIn = (request: HttpRequest): Did => didShape.check(request.params.did, 'did')

function spend(limiter: RateLimiter, key: string, cost = 1): void {
  const wait = limiter.take(key, cost)
  if (wait) throw new RateLimited(wait)
}

/** A body up to this size is read before its sender is known, as every other body is. */
const UNCHECKED_BYTES = 1 << 20

function callHandlers({ relay }: RelayService, { limits, now, newId }: RouteOptions) {
  const callers = rateLimiter(limits.perCaller, now)
  const open = streams(limits.streams, limits.streamsPerCaller)
  const ringing = rateLimiter(limits.ringPerAddress, now)
  return {
    call: async request => {
      const method = request.params.method ?? ''
      ensure(Object.hasOwn(METHODS, method), 'NO_ROUTE', 'The relay has no such method.')
      const call = decodeAs(callShape, await request.body(ROUTES.call.request.max))
      return counted(callers, call.from, async () => cbor(await relay.call(method as MethodName, call)))
    },
    'put-blocks': async request => {
      const call = callIn(request.headers.authorization)
      // The relay checks the signature again; twice is worth it only where much would be taken in from nobody.
      if (!(Number(request.headers['content-length']) <= UNCHECKED_BYTES)) await checkSigned(relay, 'put-blocks', call)
      return counted(callers, call.from, async () => {
        const blocks: Block[] = []
        for await (const block of readCar(passing(request.stream(ROUTES['put-blocks'].request.max)))) blocks.push(block)
        try {
          await relay.putBlocks(call, blocks)
        } finally {
          for (const { bytes } of blocks) release(bytes)
        }
        return DONE
      })
    },
    events: async request => {
      const call = callIn(request.headers.authorization)
      await checkSigned(relay, 'events', call)
      const signal = AbortSignal.any([request.signal, request.stopping])
      const words = eventStream(relay, call, signal, newId)
      return { body: counting(() => open.open(call.from), words), headers: { 'x-accel-buffering': 'no' } }
    },
    message: async request => {
      await relay.send(decodeAs(messageShape, await request.body(ROUTES.message.request.max)))
      return DONE
    },
    ring: async request => {
      spend(ringing, request.remote)
      const { to, bell } = decodeAs(ringBody, await request.body(ROUTES.ring.request.max))
      // Not waited for, nor is its failure told: either would say whether there is such a bell.
      relay.ring(to, bell).catch(() => {})
      return DONE
    },
  } satisfies Partial<Record<RouteName, Handler>>
}

/** Counted from the first item on: what is never begun, as for HEAD, would never be given back. */
async function* counting<T>(open: () => () => void, items: AsyncIterable<T>): AsyncGenerator<T> {
  const close = open()
  try {
    yield* items
  } finally {
    close()
  }
}

function blockHandlers({ relay }: RelayService, _options: RouteOptions) {
  return {
    'get-blocks': async request => {
      const { capability, cids } = decodeAs(getBlocksBody, await request.body(ROUTES['get-blocks'].request.max))
      return { body: writeCar(await started(relay.getBlocks(capability, cids.map(cidFromBytes), request.signal))) }
    },
    block: async request => {
      const cid = cidFromBytes(cidBytes(request.params.cid ?? ''))
      let bytes: Uint8Array | null = null
      for await (const block of relay.getBlocks(capabilityIn(request.headers.authorization), [cid], request.signal)) bytes = block.bytes
      const whole = found(bytes, 'block')
      const range = byteRange(request.headers.range, whole.length)
      const headers = { 'accept-ranges': 'bytes', etag: `"${cid}"` }
      if (!range) return { headers, body: whole }
      const part = `bytes ${range.start}-${range.end - 1}/${whole.length}`
      return { status: 206, headers: { ...headers, 'content-range': part }, body: whole.subarray(range.start, range.end) }
    },
  } satisfies Partial<Record<RouteName, Handler>>
}

/** The same items once the first is there, or its error thrown: a refusal must not come after the status. */
async function started<T>(items: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const iterator = items[Symbol.asyncIterator]()
  const first = await iterator.next()
  return (async function* () {
    try {
      for (let next = first; !next.done; next = await iterator.next()) yield next.value
    } finally {
      await iterator.return?.()
    }
  })()
}

function readingHandlers({ relay, rpc }: RelayService, { limits, now }: RouteOptions) {
  const restoring = rateLimiter(limits.restorePerAddress, now)
  const asking = rateLimiter(limits.rpcPerAddress, now)
  return {
    info: async () => cbor(await relay.info()),
    bundle: async request => {
      const version = request.query.has('version') ? countIn(request, 'version') : undefined
      ensure(version === undefined || version <= 0xffffffff, 'BAD_INPUT', 'A bundle version is a number of at most 32 bits.')
      return cbor(found(await relay.bundle(didIn(request), version), 'bundle'))
    },
    calendar: async request => cbor(found(await relay.calendar(didIn(request)), 'calendar')),
    page: async request => {
      const compartment = fromHex(request.params.compartment ?? '')
      ensure(compartment.length === 16, 'BAD_INPUT', 'A compartment is 16 bytes in hex.')
      return cbor(found(await relay.page(didIn(request), compartment), 'page'))
    },
    restore: async request => {
      spend(restoring, request.remote)
      const { tag } = decodeAs(restoreBody, await request.body(ROUTES.restore.request.max))
      return cbor(found(await relay.restore(tag), 'restore'))
    },
    policy: async request => {
      const hash = fromHex(request.params.hash ?? '')
      ensure(hash.length === 32, 'BAD_INPUT', 'A hash is 32 bytes in hex.')
      return cbor(found(await relay.policy(hash), 'policy'))
    },
    head: async () => cbor(await relay.head()),
    consistency: async request => cbor(await relay.consistency(countIn(request, 'from'), countIn(request, 'to'))),
    rpc: async request => {
      const text = new TextDecoder().decode(await request.body(ROUTES.rpc.request.max))
      spend(asking, request.remote, Math.min(limits.rpcBatch, text.split('"method"').length - 1))
      return { body: await rpc(text) }
    },
  } satisfies Partial<Record<RouteName, Handler>>
}

function countIn(request: HttpRequest, name: string): number {
  const value = request.query.get(name) ?? ''
  ensure(/^\d{1,15}$/.test(value), 'BAD_INPUT', `The query parameter "${name}" is a whole number.`)
  return Number(value)
}

function operatorHandlers(service: RelayService, { metrics, webRoot }: RouteOptions) {
  const page = async () => statusPage(await service.status(), service.clock())
  return {
    live: async () => ({ body: '{"live":true}' }),
    health: async () => {
      const parts = await service.probe()
      const ready = Object.values(parts).every(Boolean)
      return { status: ready ? 200 : 503, body: JSON.stringify({ live: true, ready, parts }) }
    },
    metrics: async () => ({ body: metrics.render(gauges(await service.status(), service.clock())) }),
    openapi: async () => {
      const { url, version } = await service.status()
      return { body: JSON.stringify(openApi(url, version)) }
    },
    home: async () => (webRoot ? fileAnswer(webRoot, '') : page()),
    status: page,
  } satisfies Partial<Record<RouteName, Handler>>
}

const gauges = (s: RelayStatus, now: number): Gauge[] => [
  { name: 'keepwell_log_entries', about: 'Entries of the access log.', value: s.log },
  { name: 'keepwell_blocks', about: 'Payload blocks held.', value: s.blocks },
  { name: 'keepwell_block_bytes', about: 'Bytes of payload blocks held.', value: s.bytes },
  { name: 'keepwell_records_waiting', about: 'Vaults with records that are not anchored yet.', value: s.waiting },
  { name: 'keepwell_ledger_block', about: 'Number of the newest ledger block seen.', value: s.block },
  { name: 'keepwell_uptime_seconds', about: 'Seconds since the relay was opened.', value: now - s.startedAt },
]
