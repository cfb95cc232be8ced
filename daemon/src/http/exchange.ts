import type { IncomingMessage, ServerResponse } from 'node:http'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { type Budget, bodyFlow, bodyStream, type Held, wholeBody } from './body.ts'
import { errorAnswer, RateLimited, type Told, tell } from './errors.ts'
import { ANY_ORIGIN, corsHeaders, HSTS, preflightHeaders, SECURITY_HEADERS } from './headers.ts'
import type { Observation } from './metrics.ts'
import { type ErrorForm, formFor, type HttpMount, mountFor, runMount } from './mount.ts'
import { addressKey, type RateLimiter } from './rate.ts'
import { departure, respond } from './respond.ts'
import type { HttpAnswer, HttpRequest, Router } from './route.ts'
import { type HttpOptions, isLoopback } from './settings.ts'

export type Exchange = {
  readonly options: HttpOptions
  readonly routes: Router
  readonly mounts: readonly HttpMount[]
  readonly errors: readonly ErrorForm[]
  readonly mayCall: ((origin: string) => Promise<boolean>) | undefined
  readonly memory: Budget
  readonly addresses: RateLimiter
  readonly observe: (o: Observation) => void
  stopping(): AbortSignal
}

/** One request and its answer, whatever happens. Never throws. */
export async function exchange(server: Exchange, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { options } = server
  const started = options.now()
  const held = { bytes: 0, passed: 0 }
  const line = { route: 'none', code: '' }
  const gone = departure(response)
  let sent = 0
  try {
    const cors = await corsOf(server, request.headers.origin)
    commonHeaders(server, response, cors)
    const { pathname, searchParams } = admitted(server, request)
    if (server.routes.anyOrigin(pathname)) for (const [name, value] of Object.entries(ANY_ORIGIN)) response.setHeader(name, value)
    const mount = mountFor(server.mounts, pathname)
    if (mount) {
      line.route = mount.name
      sent = await runMount(mount, request, response)
    } else {
      const answer = await answerTo(server, request, { line, held, signal: gone, pathname, query: searchParams, cors })
      sent = await respond(response, answer, request.method === 'HEAD', gone)
    }
  } catch (error) {
    const told = tell(error, options.newId)
    line.code = told.code
    if (told.incident)
      options.log({ level: 'error', route: line.route, code: told.code, incident: told.incident.id, detail: told.incident.detail })
    if (response.headersSent || gone.aborted) response.destroy()
    else sent = await refuse(request, response, formed(server, request, told), gone)
  } finally {
    server.memory.give(held.bytes)
    const seen = { route: line.route, method: known(request.method), status: response.statusCode, milliseconds: options.now() - started }
    const observation: Observation = { ...seen, received: held.bytes + held.passed, sent }
    server.observe(observation)
    options.log({
      level: 'info',
      ...observation,
      milliseconds: Math.round(observation.milliseconds),
      ...(line.code ? { code: line.code } : {}),
    })
  }
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
/** Request methods are the client's words, so only known ones get into the log. */
const known = (method: string | undefined): string => (method && METHODS.has(method) ? method : 'other')

/** A refusal in the form that its path speaks. */
function formed(server: Exchange, request: IncomingMessage, told: Told): HttpAnswer {
  const { accept } = request.headers
  return formFor(server.errors, request.url ?? '')?.answer(told, accept) ?? errorAnswer(told, accept)
}

/** Whether the request is served at all; then its URL. */
export function admitted(server: Exchange, request: IncomingMessage): URL {
  const { options } = server
  ensure(!server.stopping().aborted, 'STOPPING', 'The server is stopping; ask again in a moment.')
  checkHost(options, request.headers.host)
  const wait = server.addresses.take(remoteOf(options, request))
  if (wait) throw new RateLimited(wait)
  return urlOf(request.url)
}

type Progress = {
  readonly line: { route: string; code: string }
  readonly held: Held
  readonly signal: AbortSignal
  readonly pathname: string
  readonly query: URLSearchParams
  readonly cors: Cors
}

async function answerTo(server: Exchange, request: IncomingMessage, progress: Progress): Promise<HttpAnswer> {
  const { options, routes } = server
  const { pathname, query } = progress
  if (request.method === 'OPTIONS') return preflight(server, pathname, progress.cors)
  const { route, params } = routes.match(request.method ?? '', pathname)
  progress.line.route = route.name
  checkType(route.accepts, request.headers['content-type'])
  const stream = (max: number) => bodyStream(request, max, server.memory, progress.held)
  const seen: HttpRequest = {
    method: request.method ?? '',
    target: request.url ?? '',
    params,
    query,
    headers: request.headers,
    remote: remoteOf(options, request),
    signal: progress.signal,
    stopping: server.stopping(),
    stream,
    flow: max => bodyFlow(request, max, server.memory, progress.held),
    body: max => wholeBody(stream(max)),
  }
  return route.handle(seen)
}

type Cors = ReturnType<typeof corsHeaders>

/** What a page of another origin may: those the operator named, and those that a part of the server knows. */
export async function corsOf({ options, mayCall }: Exchange, origin: string | undefined): Promise<Cors> {
  const named = corsHeaders(origin, options.origins)
  return named ?? (origin && (await mayCall?.(origin)) ? corsHeaders(origin, [origin]) : null)
}

function commonHeaders({ options, mayCall }: Exchange, response: ServerResponse, cors: Cors): void {
  const headers = { ...SECURITY_HEADERS, ...(options.tls ? { 'strict-transport-security': HSTS } : {}) }
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (options.origins.length || mayCall) response.setHeader('vary', 'Origin')
  for (const [name, value] of Object.entries(cors ?? {})) response.setHeader(name, value)
}

/** Against DNS rebinding: a page of another site may resolve to us, but it cannot choose its own name. */
function checkHost(options: HttpOptions, header: string | undefined): void {
  if (options.hosts === null) return
  const host = (header ?? '').toLowerCase().replace(/:\d+$/, '')
  ensure(isLoopback(host) || options.hosts.includes(host), 'MISDIRECTED', 'This server does not go by that name.')
}

/** The address a request is counted under; with trusted proxies in front, what the outermost of them saw. */
function remoteOf(options: HttpOptions, request: IncomingMessage): string {
  const forwarded = String(request.headers['x-forwarded-for'] ?? '').split(',')
  const seen = options.proxies > 0 ? forwarded[forwarded.length - options.proxies]?.trim() : undefined
  return addressKey(seen || request.socket.remoteAddress)
}

/** Searches and authorization requests are long; longer ones are posted. */
const MAX_TARGET = 8192

function urlOf(target: string | undefined): URL {
  ensure(
    target?.startsWith('/') && target.length <= MAX_TARGET,
    'BAD_INPUT',
    `The request target is not a path of at most ${MAX_TARGET} characters.`,
  )
  try {
    return new URL(`http://host${target}`)
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'The request target is not a path.', { cause })
  }
}

function checkType(expected: string | readonly string[] | undefined, header: string | undefined): void {
  if (!expected) return
  const given = (header ?? '').split(';')[0]!.trim().toLowerCase()
  const named = typeof expected === 'string' ? [expected] : expected
  ensure(named.includes(given), 'BAD_TYPE', `The body must be ${named.join(' or ')}.`)
}

function preflight(server: Exchange, path: string, cors: Cors): HttpAnswer {
  const allowed = server.routes.allowed(path)
  ensure(allowed.length, 'NO_ROUTE', 'There is nothing at that path.')
  return {
    status: 204,
    type: 'text/plain',
    headers: { allow: allowed.join(', '), ...(cors || server.routes.anyOrigin(path) ? preflightHeaders(allowed) : {}) },
    body: '',
  }
}

/** A body that was not read is let run out, so that the client sees the answer; one that is far too long is cut off. */
async function refuse(request: IncomingMessage, response: ServerResponse, answer: HttpAnswer, signal: AbortSignal): Promise<number> {
  if (answer.status === 413 || answer.status === 429 || answer.status === 503) response.setHeader('connection', 'close')
  const sent = await respond(response, answer, request.method === 'HEAD', signal)
  request.resume()
  return sent
}
