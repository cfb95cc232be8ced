import { concat } from '@keepwell/sdk/base/bytes'
import { decode } from '@keepwell/sdk/base/cbor'
import { ERRORS, type ErrorCode, KeepwellError } from '@keepwell/sdk/base/error'
import { CBOR, pathOf, ROUTES, type RouteName, type RouteSpec } from '@keepwell/sdk/wire/routes'
import { partsBody } from '#relay/body/platform'

export type Fetch = typeof globalThis.fetch

export type HttpCall = {
  readonly parameters?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, number>>
  readonly authorization?: string
  /** In one piece, or in parts, none of which is copied that need not be. */
  readonly body?: Uint8Array | readonly Uint8Array[]
  readonly signal?: AbortSignal
}

export type Transport = {
  /** The whole answer, within the route's limit; null where the route's 404 means "not here". */
  ask(route: RouteName, call?: HttpCall): Promise<Uint8Array | null>
  /** The answer as a stream. */
  open(route: RouteName, call?: HttpCall): Promise<AsyncIterable<Uint8Array>>
}

const unreachable = (why: string, cause?: unknown) =>
  new KeepwellError('RELAY_UNREACHABLE', `The relay does not answer: ${why}.`, { cause })

/** One request each, no retry, no cookies, no cache, no redirect. Throws the relay's own error, CANCELLED or RELAY_UNREACHABLE. */
export function transport(options: { url: string; fetch: Fetch; timeout: number }): Transport {
  const base = options.url.replace(/\/+$/, '')

  async function request(name: RouteName, call: HttpCall, timeout: AbortSignal | null): Promise<Response> {
    const route: RouteSpec = ROUTES[name]
    const query = call.query ? `?${new URLSearchParams(Object.entries(call.query).map(([k, v]) => [k, String(v)]))}` : ''
    const headers: Record<string, string> = { accept: `${route.answer.type}, ${CBOR}` }
    if (route.request) headers['content-type'] = route.request.type
    if (call.authorization) headers.authorization = call.authorization
    const signals = [timeout, call.signal].filter(s => s != null)
    const sent: RequestInit =
      call.body === undefined ? {} : call.body instanceof Uint8Array ? { body: call.body as BodyInit } : partsBody(call.body)
    const init: RequestInit = {
      ...sent,
      method: route.method,
      headers: { ...headers, ...sent.headers },
      redirect: 'error',
      credentials: 'omit',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.any(signals),
    }
    try {
      return await options.fetch(base + pathOf(name, call.parameters) + query, init)
    } catch (cause) {
      throw failure(cause, call.signal)
    }
  }

  /** Throws unless the answer is a success; null for a 404 that is an answer. */
  async function accept(name: RouteName, response: Response): Promise<Response | null> {
    if (response.ok) return response
    const error = await errorOf(response)
    if (error.code === 'NOT_FOUND' && (ROUTES[name] as RouteSpec).absent) return null
    throw error
  }

  return {
    async ask(name, call = {}) {
      const timeout = AbortSignal.timeout(options.timeout)
      const response = await accept(name, await request(name, call, timeout))
      if (!response) return null
      try {
        return await bounded(response, (ROUTES[name] as RouteSpec).answer.max ?? 1 << 20)
      } catch (cause) {
        throw failure(cause, call.signal)
      }
    },
    async open(name, call = {}) {
      // The time limit is for the first byte; what follows may last as long as it flows.
      const patience = new AbortController()
      const timer = setTimeout(() => patience.abort(new DOMException('no answer in time', 'TimeoutError')), options.timeout)
      try {
        const response = await accept(name, await request(name, call, patience.signal))
        if (!response?.body) throw unreachable('it gave an empty answer')
        return chunksOf(response.body, call.signal)
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

function failure(cause: unknown, signal: AbortSignal | undefined): KeepwellError {
  if (cause instanceof KeepwellError) return cause
  if (signal?.aborted) return new KeepwellError('CANCELLED', 'The request was cancelled.', { cause })
  const late = (cause as { name?: unknown })?.name === 'TimeoutError'
  return unreachable(late ? 'no answer in time' : 'no connection, or it broke off', cause)
}

async function* chunksOf(body: ReadableStream<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } catch (cause) {
    throw failure(cause, signal)
  } finally {
    await reader.cancel().catch(() => {})
  }
}

async function bounded(response: Response, max: number): Promise<Uint8Array> {
  const tooLarge = () => new KeepwellError('TOO_LARGE', `The relay's answer is larger than ${max} bytes.`)
  if (Number(response.headers.get('content-length') ?? 0) > max) {
    await response.body?.cancel()
    throw tooLarge()
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ? chunksOf(response.body, undefined) : []) {
    size += chunk.length
    if (size > max) throw tooLarge()
    chunks.push(chunk)
  }
  return chunks.length === 1 ? chunks[0]! : concat(...chunks)
}

const MAX_ERROR = 8192

/** The relay's error with its code; anything that is no such error means that no relay of ours answered. */
async function errorOf(response: Response): Promise<KeepwellError> {
  try {
    return toError(decode(await bounded(response, MAX_ERROR))) ?? unreachable(`it answered with HTTP status ${response.status}`)
  } catch (cause) {
    return unreachable(`it answered with HTTP status ${response.status}`, cause)
  }
}

/** An error as the relay writes it, `{code, message}`; null for anything else. */
export function toError(value: unknown): KeepwellError | null {
  const { code, message } = (value ?? {}) as { code?: unknown; message?: unknown }
  if (typeof code !== 'string' || typeof message !== 'string' || !Object.hasOwn(ERRORS, code)) return null
  return new KeepwellError(code as ErrorCode, message.slice(0, 1000))
}
