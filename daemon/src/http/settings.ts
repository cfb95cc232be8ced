import type { Rate } from './rate.ts'

export type HttpLimits = {
  readonly connections: number
  /** Bytes of request line and headers; a signed call with terms travels in one. */
  readonly headerBytes: number
  readonly headersSeconds: number
  /** For a whole request, with a body as large as comes in that time at any speed. */
  readonly requestSeconds: number
  /** Of a larger body: a second more for as many bytes as came. */
  readonly bytesPerSecond: number
  readonly idleSeconds: number
  /** Given to running requests when the server stops. */
  readonly graceSeconds: number
  /** Bytes of request bodies held by all requests together. */
  readonly bodyBytes: number
  readonly perAddress: Rate
}

export const HTTP_LIMITS: HttpLimits = {
  connections: 1024,
  headerBytes: 128 * 1024,
  headersSeconds: 15,
  requestSeconds: 180,
  bytesPerSecond: 64 * 1024,
  idleSeconds: 75,
  graceSeconds: 10,
  bodyBytes: 256 * 1024 * 1024,
  perAddress: { perSecond: 300, burst: 3000 },
}

export type Tls = { readonly cert: string; readonly key: string }

export type LogLine = Readonly<Record<string, string | number>>

export type HttpOptions = {
  readonly host: string
  readonly port: number
  /** PEM texts. Required for any host but loopback. */
  readonly tls: Tls | null
  /** Origins beside the server's own whose pages may call it. */
  readonly origins: readonly string[]
  /** Names by which the server may be called; null takes any. On loopback the loopback names are always taken, and only those else. */
  readonly hosts: readonly string[] | null
  /** Trusted reverse proxies in front: that many last entries of X-Forwarded-For are theirs. */
  readonly proxies: number
  readonly limits: HttpLimits
  /** Milliseconds, only ever subtracted. */
  readonly now: () => number
  /** Opaque ids for requests and incidents. */
  readonly newId: () => string
  readonly log: (line: LogLine) => void
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1', '[::1]'])
export const isLoopback = (host: string): boolean => LOOPBACK.has(host) || /^127\.\d+\.\d+\.\d+$/.test(host)
