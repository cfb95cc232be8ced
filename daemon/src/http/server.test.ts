import { request } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from './free-port.ts'
import { left } from './patience.ts'
import type { HttpRoute } from './route.ts'
import { type HttpServer, serveHttp } from './server.ts'
import { HTTP_LIMITS, type HttpLimits, type HttpOptions, type LogLine } from './settings.ts'

const open: HttpServer[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map(s => s.close()))
})

/** Until this the route `slow` is busy. */
let done = Promise.withResolvers<void>()
beforeEach(() => {
  done = Promise.withResolvers()
})

const ROUTES: HttpRoute[] = [
  { name: 'hello', method: 'GET', path: '/hello/{name}', handle: r => ({ type: 'text/plain', body: `hello ${r.params.name}` }) },
  { name: 'literal', method: 'GET', path: '/hello/literal', handle: () => ({ type: 'text/plain', body: 'literal' }) },
  {
    name: 'echo',
    method: 'POST',
    path: '/echo',
    accepts: 'application/octet-stream',
    handle: async r => ({ type: 'application/octet-stream', body: await r.body(1000) }),
  },
  {
    name: 'slow',
    method: 'GET',
    path: '/slow',
    handle: async () => {
      await done.promise
      return { type: 'text/plain', body: 'done' }
    },
  },
  {
    name: 'patient',
    method: 'POST',
    path: '/patient',
    // Takes a piece, is busy with it for longer than any limit of its test, and takes the rest.
    handle: async r => {
      let taken = 0
      for await (const chunk of r.flow(1e8)) {
        if (taken === 0) await new Promise(resolve => setTimeout(resolve, 2200))
        taken += chunk.length
      }
      return { type: 'text/plain', body: `${taken}` }
    },
  },
  { name: 'broken', method: 'GET', path: '/broken', handle: () => ({ type: 'text/plain', body: breaking() }) },
  { name: 'refuse', method: 'GET', path: '/refuse', handle: () => ({ type: 'text/plain', body: refusing() }) },
  {
    name: 'endless',
    method: 'GET',
    path: '/endless',
    handle: r => ({ type: 'text/event-stream', body: endless(AbortSignal.any([r.signal, r.stopping])) }),
  },
]

async function* breaking() {
  yield utf8('a part')
  throw new Error('disk gone')
}

// biome-ignore lint/correctness/useYield: it refuses before it yields
async function* refusing(): AsyncGenerator<Uint8Array> {
  throw new KeepwellError('DENIED', 'no')
}

async function* endless(signal: AbortSignal) {
  yield utf8(': begin\n\n')
  await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
}

async function serve(options: Partial<Omit<HttpOptions, 'limits'>> & { limits?: Partial<HttpLimits> } = {}): Promise<HttpServer> {
  const server = await serveHttp(ROUTES, {
    host: '127.0.0.1',
    port: 0,
    tls: null,
    origins: [],
    hosts: [],
    proxies: 0,
    now: () => performance.now(),
    newId: () => 'id',
    log: () => {},
    ...options,
    limits: { ...HTTP_LIMITS, ...options.limits },
  })
  open.push(server)
  return server
}

/** How a server with one door for sockets answers a page of that origin, and a program without one. */
async function opening(origin: string | null): Promise<number> {
  const door = { path: '/door', handle: (_: unknown, socket: Duplex) => void socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n') }
  const mayCall = async (o: string) => o === 'https://app.example'
  const options = { host: '127.0.0.1', port: 0, tls: null, origins: ['https://named.example'], hosts: [], proxies: 0, limits: HTTP_LIMITS }
  const server = await serveHttp(ROUTES, { ...options, now: () => 0, newId: () => 'id', log: () => {} }, () => {}, {
    upgrades: [door],
    mayCall,
  })
  open.push(server)
  const headers = { connection: 'upgrade', upgrade: 'websocket', ...(origin === null ? {} : { origin: origin || server.url }) }
  return new Promise((resolve, reject) => {
    const asked = request(`${server.url}/door`, { headers })
    asked.on('upgrade', r => resolve(r.statusCode!)).on('response', r => resolve(r.statusCode!))
    asked.on('error', reject).end()
  })
}

const codeOf = async (r: Response) => ((await r.json()) as { code: string }).code
const octets = (body: Uint8Array | string, headers = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/octet-stream', ...headers },
  body: body as BodyInit,
})

/** Headers that fetch does not let one set. */
const raw = (url: string, headers: Record<string, string>, path = '/hello/x') =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    request(url + path, { headers }, async r => resolve({ status: r.statusCode!, body: await text(r) }))
      .on('error', reject)
      .end()
  })

describe('requests', () => {
  test('parameters are decoded, literal paths come first, HEAD has no body', async () => {
    const { url } = await serve()
    expect(await (await fetch(`${url}/hello/a%2Fb%20c`)).text()).toBe('hello a/b c')
    expect(await (await fetch(`${url}/hello/literal`)).text()).toBe('literal')
    const head = await fetch(`${url}/hello/x`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '7', ''])
    expect(await codeOf(await fetch(`${url}/hello/%E0%A4%A`))).toBe('BAD_INPUT')
  })

  test('every answer forbids guessing, framing, referring and caching', async () => {
    const { url } = await serve()
    for (const path of ['/hello/x', '/nothing', '/broken']) {
      const response = await fetch(url + path)
      await response.body?.cancel().catch(() => {})
      const { headers } = response
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-powered-by')).toBeNull()
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test('an answer that takes longer than the other side may be silent comes all the same; who says nothing is cut off', async () => {
    const server = await serve({ limits: { idleSeconds: 1 } })
    const { url } = server
    const slow = fetch(`${url}/slow`)
    await expect.poll(() => server.connections()).toBe(1)
    const silent = connect({ port: Number(new URL(url).port), host: '127.0.0.1' })
    silent.write('POST /echo HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/octet-stream\r\ncontent-length: 9\r\n\r\nhalf')
    silent.on('error', () => {})
    await new Promise(resolve => silent.once('close', resolve))
    // Asked for before, it has been silent for as long.
    done.resolve()
    expect(await (await slow).text()).toBe('done')
    const unread = await fetch(`${url}/endless`)
    await expect(unread.text()).rejects.toThrow()
  })

  test('a page opens a socket only where it may call, whatever it would show there; programs name no origin', async () => {
    expect(await Promise.all([null, '', 'https://named.example', 'https://app.example'].map(opening))).toEqual([101, 101, 101, 101])
    const others = ['https://evil.example', 'null', 'https://named.example.evil', 'http://named.example']
    expect(await Promise.all(others.map(opening))).toEqual([403, 403, 403, 403])
  })

  test('bodies are limited whether or not their length is stated', async () => {
    const { url } = await serve()
    expect((await (await fetch(`${url}/echo`, octets(new Uint8Array(1000)))).arrayBuffer()).byteLength).toBe(1000)
    expect(await codeOf(await fetch(`${url}/echo`, octets(new Uint8Array(1001))))).toBe('TOO_LARGE')
    const stream = new ReadableStream({
      start(c) {
        for (let i = 0; i < 20; i++) c.enqueue(new Uint8Array(100))
        c.close()
      },
    })
    const unstated = { ...octets(''), body: stream, duplex: 'half' } as RequestInit
    expect(await codeOf(await fetch(`${url}/echo`, unstated))).toBe('TOO_LARGE')
    expect(await codeOf(await fetch(`${url}/echo`, octets('x', { 'content-encoding': 'gzip' })))).toBe('BAD_TYPE')
  })

  test('all bodies together are limited too', async () => {
    const { url } = await serve({ limits: { bodyBytes: 500 } })
    expect((await fetch(`${url}/echo`, octets(new Uint8Array(400)))).status).toBe(200)
    expect(await codeOf(await fetch(`${url}/echo`, octets(new Uint8Array(600))))).toBe('RATE_LIMITED')
    expect((await fetch(`${url}/echo`, octets(new Uint8Array(400)))).status).toBe(200)
  })

  test('a stream that fails midway is cut, never ended as if whole; one that fails at once is refused', async () => {
    const { url } = await serve()
    const broken = await fetch(`${url}/broken`)
    expect(broken.status).toBe(200)
    await expect(broken.text()).rejects.toThrow()
    const refused = await fetch(`${url}/refuse`)
    expect([refused.status, await codeOf(refused)]).toEqual([403, 'DENIED'])
  })
})

describe('strangers', () => {
  test('a flood from one address is held back and told when to return', async () => {
    const { url } = await serve({ now: () => 0, limits: { perAddress: { perSecond: 1, burst: 3 } } })
    const statuses: number[] = []
    let last: Response | null = null
    for (let i = 0; i < 5; i++) {
      last = await fetch(`${url}/hello/x`)
      statuses.push(last.status)
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429])
    expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  test('behind a trusted proxy each forwarded address has its own allowance; without one the header counts for nothing', async () => {
    const limits = { perAddress: { perSecond: 0.01, burst: 1 } }
    const behind = await serve({ limits, proxies: 1 })
    const from = (url: string, address: string) => raw(url, { 'x-forwarded-for': address })
    expect((await from(behind.url, '198.51.100.1')).status).toBe(200)
    expect((await from(behind.url, '198.51.100.2')).status).toBe(200)
    expect((await from(behind.url, '203.0.113.9, 198.51.100.1')).status).toBe(429)
    const direct = await serve({ limits })
    expect((await from(direct.url, '198.51.100.1')).status).toBe(200)
    expect((await from(direct.url, '198.51.100.2')).status).toBe(429)
  })

  test('on loopback only loopback names and the configured one are answered', async () => {
    const { url } = await serve({ hosts: ['relay.example'] })
    expect((await raw(url, { host: 'evil.example:80' })).body).toContain('MISDIRECTED')
    expect((await raw(url, { host: 'relay.example' })).status).toBe(200)
    expect((await raw(url, { host: 'localhost:1234' })).status).toBe(200)
  })

  test('other origins need the operator’s permission', async () => {
    const { url } = await serve({ origins: ['https://app.example'] })
    const ask = (origin: string, method = 'GET') => fetch(`${url}/hello/x`, { method, headers: { origin } })
    expect((await ask('https://app.example')).headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect((await ask('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull()
    const preflight = await ask('https://app.example', 'OPTIONS')
    expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([204, 'GET, HEAD'])
    const refused = await ask('https://evil.example', 'OPTIONS')
    expect(refused.headers.get('access-control-allow-methods')).toBeNull()
    expect(refused.headers.get('vary')).toContain('Origin')
  })

  test('who offers another protocol, as Java’s own client does, is answered in this one', async () => {
    const { url } = await serve()
    const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA' }
    expect(await raw(url, headers)).toEqual({ status: 200, body: 'hello x' })
  })

  test('what is not HTTP, or HTTP with oversized headers, is refused without a word of ours', async () => {
    const { url } = await serve({ limits: { headerBytes: 2000 } })
    const send = (bytes: string) =>
      new Promise<string>((resolve, reject) => {
        const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes))
        socket.on('error', reject)
        text(socket).then(resolve, reject)
      })
    expect(await send('hello\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
    expect(await send(`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(4000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /)
    expect(await send('GET / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
  })

  test('whoever sends a header byte by byte is cut off', async () => {
    const { url } = await serve({ limits: { headersSeconds: 1, requestSeconds: 2 } })
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: lo'))
      socket.on('error', reject)
      text(socket).then(resolve, reject)
    })
    expect(answer).toMatch(/^HTTP\/1.1 408 /)
  })
})

describe('the time a request may take', () => {
  /** Head and beginning go in one piece: between two a limit of fractions of a second may pass. */
  const upload = (url: string, length: number, begun: string) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write(
      `POST /echo HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/octet-stream\r\ncontent-length: ${length}\r\n\r\n${begun}`,
    )
    const answered = new Promise<string>((resolve, reject) => {
      socket.on('error', reject)
      text(socket).then(resolve, reject)
    })
    return { socket, answered }
  }

  test('whoever breaks a body off is told of as that, and no defect of ours is reported', async () => {
    const lines: LogLine[] = []
    const { url } = await serve({ log: line => void lines.push(line) })
    const { socket, answered } = upload(url, 1000, 'x'.repeat(800))
    answered.catch(() => {})
    socket.write('x'.repeat(100), () => socket.destroy())
    await expect.poll(() => lines).toMatchObject([{ level: 'info', route: 'echo', code: 'CANCELLED', received: expect.any(Number) }])
  })

  test('whoever sends a body more slowly than it may come is cut off', async () => {
    const { url } = await serve({ limits: { requestSeconds: 0.2, bytesPerSecond: 1e6 } })
    const { answered } = upload(url, 1000, 'x'.repeat(900))
    expect(await answered).toMatch(/^HTTP\/1.1 408 /)
  })

  test('whoever sends much, and steadily, is heard to the end however long it takes', async () => {
    const { url } = await serve({ limits: { requestSeconds: 0.2, bytesPerSecond: 1 } })
    const { socket, answered } = upload(url, 1000, 'x'.repeat(900))
    await new Promise(resolve => setTimeout(resolve, 600))
    socket.write('x'.repeat(100))
    expect(await answered).toMatch(/^HTTP\/1.1 200 /)
  })

  test.each([
    ['silence', { idleSeconds: 1 }],
    ['a body’s time', { requestSeconds: 1, bytesPerSecond: 1e9 }],
  ])('while we hold a body back, %s is ours', async (_, limits) => {
    const { url } = await serve({ limits })
    const answer = await fetch(`${url}/patient`, { method: 'POST', body: new Uint8Array(1e6) })
    expect(await answer.text()).toBe('1000000')
  })

  test('a body of 2 GB at 2 MB/s, and one of a megabyte from a poor line, are in time; a byte a minute is not', () => {
    expect(left(HTTP_LIMITS, { elapsed: 1000_000, bytes: 2e9 })).toBeGreaterThan(0)
    expect(left(HTTP_LIMITS, { elapsed: 179_000, bytes: 1e6 })).toBeGreaterThan(0)
    expect(left(HTTP_LIMITS, { elapsed: 181_000, bytes: 3 })).toBeLessThan(0)
  })
})

describe('life of a server', () => {
  test('stopping lets running requests finish, ends endless ones, and refuses new ones', async () => {
    const server = await serve()
    const endlessBody = await fetch(`${server.url}/endless`).then(r => r.text.bind(r))
    const slow = fetch(`${server.url}/slow`)
    await expect.poll(() => server.connections()).toBe(2)
    const closing = server.close()
    done.resolve()
    expect(await (await slow).text()).toBe('done')
    expect(await endlessBody()).toBe(': begin\n\n')
    await closing
    await expect(fetch(`${server.url}/hello/x`)).rejects.toThrow()
  })

  test('a request that does not end in the grace time is cut', async () => {
    const server = await serve({ limits: { graceSeconds: 0.05 } })
    const slow = fetch(`${server.url}/slow`).then(
      () => 'answered',
      () => 'cut',
    )
    await expect.poll(() => server.connections()).toBe(1)
    await server.close()
    expect(await slow).toBe('cut')
  })

  test('beyond loopback nothing is served without TLS', async () => {
    await expect(serve({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await expect(serve({ host: '::' })).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })

  test('a taken port is told as such', async () => {
    const port = await freePort()
    await serve({ port })
    await expect(serve({ port })).rejects.toMatchObject({ code: 'LOCKED' })
  })
})
