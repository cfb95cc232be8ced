import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { budget } from './body.ts'
import { admitted, corsOf, type Exchange, exchange } from './exchange.ts'
import type { Observation } from './metrics.ts'
import type { ErrorForm, HttpMount, HttpUpgrade } from './mount.ts'
import { awaitBody, isHeldBack } from './patience.ts'
import { rateLimiter } from './rate.ts'
import { type HttpRoute, router } from './route.ts'
import { type HttpOptions, isLoopback, type Tls } from './settings.ts'

export type HttpServer = {
  /** `http(s)://host:port` as bound. */
  readonly url: string
  connections(): number
  /** Takes a renewed certificate for connections to come. */
  renew(tls: Tls): void
  /** Refuses new requests, lets running ones finish for the grace time, then closes. */
  close(): Promise<void>
}

/** What is served beside routes. */
export type Beside = {
  readonly mounts?: readonly HttpMount[]
  readonly upgrades?: readonly HttpUpgrade[]
  readonly errors?: readonly ErrorForm[] /** Pages of further origins that may call the server, asked at each request that names one. */
  readonly mayCall?: (origin: string) => Promise<boolean>
}

/**
 * Serves routes over HTTP/1.1. Beyond loopback only with TLS 1.3 (BAD_INPUT otherwise). Throws LOCKED when the port is taken.
 */
export async function serveHttp(
  routes: readonly HttpRoute[],
  options: HttpOptions,
  observe: (o: Observation) => void = () => {},
  { mounts = [], errors = [], upgrades = [], mayCall }: Beside = {},
): Promise<HttpServer> {
  const { host, limits, tls } = options
  ensure(
    tls || isLoopback(host),
    'BAD_INPUT',
    `Beyond this machine only TLS is served: give a certificate and its key, or bind to 127.0.0.1.`,
  )
  const stopping = new AbortController()
  const running = countOf()
  const shared: Exchange = {
    options,
    routes: router(routes),
    mounts,
    errors,
    mayCall,
    memory: budget(limits.bodyBytes),
    addresses: rateLimiter(limits.perAddress, options.now),
    observe,
    stopping: () => stopping.signal,
  }
  const server = create(options)
  server.on('request', (request, response) => {
    running.begin()
    void exchange(shared, request, response).finally(running.end)
  })
  configure(server, options)
  const upgraded = takeUpgrades(server, shared, upgrades)
  await listen(server, options)
  const { port } = server.address() as AddressInfo
  let closed: Promise<void> | null = null
  return {
    url: `${tls ? 'https' : 'http'}://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`,
    connections: running.now,
    renew: renewed => 'setSecureContext' in server && (server as TlsServer).setSecureContext({ ...renewed, minVersion: 'TLSv1.3' }),
    close: () => (closed ??= stop(server, { stopping, running, upgraded, seconds: limits.graceSeconds })),
  }
}

const create = ({ tls, limits }: HttpOptions): Server | TlsServer => {
  const common = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersSeconds * 1000,
    // By the speed of the body: see patience.ts.
    requestTimeout: 0,
    keepAliveTimeout: limits.idleSeconds * 1000,
    connectionsCheckingInterval: 2000,
    insecureHTTPParser: false,
    // Who only offers another protocol, as Java's client does HTTP/2, is answered in this one (RFC 9110 §7.8).
    shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket',
    requireHostHeader: true,
    noDelay: true,
  }
  return tls
    ? createTlsServer({ ...common, cert: tls.cert, key: tls.key, minVersion: 'TLSv1.3', handshakeTimeout: 10_000 })
    : createServer(common)
}

const MALFORMED = 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'
const HEADERS_TOO_LARGE = 'HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'
const TIMED_OUT = 'HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'

function configure(server: Server | TlsServer, { limits, now }: HttpOptions): void {
  server.maxConnections = limits.connections
  server.maxHeadersCount = 64
  const last = new WeakMap<Duplex, { readonly request: IncomingMessage; readonly response: ServerResponse }>()
  server.on('request', (request, response) => {
    const { socket } = request
    last.set(socket, { request, response })
    const late = (): void => {
      if (!response.headersSent) socket.write(TIMED_OUT)
      socket.destroySoon()
    }
    awaitBody(request, response, { limits, now, late })
  })
  // Silence while an answer is being made, or a body is held back, is ours and no reason to hang up; any other is the other side's.
  server.setTimeout(limits.idleSeconds * 1000, socket => {
    const { request, response } = last.get(socket) ?? {}
    if (!(request?.complete || (request && isHeldBack(request))) || response?.headersSent) socket.destroy()
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const timedOut = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
    socket.end(error.code === 'HPE_HEADER_OVERFLOW' ? HEADERS_TOO_LARGE : timedOut ? TIMED_OUT : MALFORMED)
  })
}

const FOREIGN = 'HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'
const NO_UPGRADE = 'HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'

/** A page opens a socket where it may call; a program that is no browser names no origin (RFC 6455 §10.2). */
async function mayOpen(shared: Exchange, { origin, host }: IncomingMessage['headers']): Promise<boolean> {
  if (origin === undefined) return true
  const own = URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
  return own || (await corsOf(shared, origin)) !== null
}

/** Connections that change their protocol; what is not asked for at a path of ours, or may not come in, is refused. Gives those that are open. */
function takeUpgrades(server: Server | TlsServer, shared: Exchange, upgrades: readonly HttpUpgrade[]): ReadonlySet<Duplex> {
  const open = new Set<Duplex>()
  const take = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const { pathname } = admitted(shared, request)
    const found = upgrades.find(u => u.path === pathname)
    if (!found) return void socket.end(NO_UPGRADE)
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    if (await mayOpen(shared, request.headers)) found.handle(request, socket, head)
    else socket.end(FOREIGN)
  }
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    take(request, socket, head).catch(() => socket.end(MALFORMED))
  })
  return open
}

function listen(server: Server | TlsServer, { host, port }: HttpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE'
      reject(
        taken
          ? new KeepwellError('LOCKED', `Port ${port} is taken; stop what uses it or choose another.`, { cause })
          : new KeepwellError('BAD_INPUT', `Cannot listen on ${host}, port ${port}.`, { cause }),
      )
    })
    server.listen(port, host.replace(/^\[|\]$/g, ''), () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

type Count = ReturnType<typeof countOf>

/** How many are running. They are not kept: a set of them would be built anew at every few requests. */
function countOf() {
  const none = Promise.withResolvers<void>()
  let [running, waiting] = [0, false]
  const tell = (): void => {
    if (waiting && running === 0) none.resolve()
  }
  return {
    now: () => running,
    begin(): void {
      running++
    },
    end(): void {
      running--
      tell()
    },
    /** Resolves when there is none any more. */
    none(): Promise<void> {
      waiting = true
      tell()
      return none.promise
    },
  }
}

type Stopping = {
  readonly stopping: AbortController
  readonly running: Count
  readonly upgraded: ReadonlySet<Duplex>
  readonly seconds: number
}

async function stop(server: Server | TlsServer, { stopping, running, upgraded, seconds }: Stopping): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  server.closeIdleConnections()
  const settled = running.none()
  stopping.abort()
  for (const socket of upgraded) socket.destroy()
  const patience = new AbortController()
  const late = sleep(seconds * 1000, undefined, { signal: patience.signal, ref: false }).catch(() => {})
  // Work that outlasts the grace time loses its connection; it is not waited for, since it may wait for something that never comes.
  await Promise.race([settled, late])
  patience.abort()
  server.closeAllConnections()
  await closed
}
