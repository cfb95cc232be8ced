import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ensure } from '@keepwell/sdk/base/error'
import type { Told } from './errors.ts'
import type { HttpAnswer } from './route.ts'

/**
 * A library's own `(request, response)` handler under a path prefix. Host, rate, security headers and log are the server's, as on any
 * route; the library may replace a header. It sees the path below the prefix as `url` and the whole one as `originalUrl`, as Express and
 * Koa hand it on. Bodies state their length, so that the limit counts before a byte is read.
 */
export type HttpMount = {
  /** Short and fixed: what logs and metrics hold. */
  readonly name: string
  /** `/oidc`: everything at or below it. */
  readonly prefix: string
  /** Largest body, bytes. */
  readonly maxBody: number
  handle(request: IncomingMessage & { originalUrl?: string }, response: ServerResponse): Promise<void> | void
}

/**
 * A connection that becomes another protocol's (RFC 9110 §7.8) at one path. Host and rate are the server's to check before; from then on the
 * socket is the handler's, until the server stops and cuts it.
 */
export type HttpUpgrade = {
  readonly path: string
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** How refusals look below a prefix: `/fhir` speaks OperationOutcome. */
export type ErrorForm = { readonly prefix: string; answer(told: Told, accept: string | undefined): HttpAnswer }

const below = (prefix: string, path: string): boolean => path === prefix || path.startsWith(`${prefix}/`) || path.startsWith(`${prefix}?`)

export const mountFor = (mounts: readonly HttpMount[], path: string): HttpMount | undefined => mounts.find(m => below(m.prefix, path))
export const formFor = (forms: readonly ErrorForm[], target: string): ErrorForm | undefined => forms.find(f => below(f.prefix, target))

/** Hands the exchange to the library and waits until the answer is out; returns the bytes it said it sent. */
export async function runMount(mount: HttpMount, request: IncomingMessage, response: ServerResponse): Promise<number> {
  const { 'transfer-encoding': chunked, 'content-length': length } = request.headers
  ensure(chunked === undefined, 'BAD_INPUT', 'Bodies here state their length.')
  ensure(Number(length ?? 0) <= mount.maxBody, 'TOO_LARGE', `The body is larger than ${mount.maxBody} bytes.`)
  const whole = request.url!
  const rest = whole.slice(mount.prefix.length)
  const done = finished(response).catch(() => {})
  await mount.handle(Object.assign(request, { originalUrl: whole, url: rest.startsWith('/') ? rest : `/${rest}` }), response)
  await done
  return Number(response.getHeader('content-length') ?? 0)
}
