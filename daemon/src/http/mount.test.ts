import { KeepwellError } from '@keepwell/sdk/base/error'
import { afterEach, describe, expect, test } from 'vitest'
import type { ErrorForm, HttpMount } from './mount.ts'
import type { HttpRoute } from './route.ts'
import { type HttpServer, serveHttp } from './server.ts'
import { HTTP_LIMITS, type LogLine } from './settings.ts'

const open: HttpServer[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map(s => s.close()))
})

const MOUNT: HttpMount = {
  name: 'library',
  prefix: '/library',
  maxBody: 8,
  handle(request, response) {
    if (request.url === '/throws') throw new KeepwellError('DENIED', 'no')
    response.setHeader('content-type', 'text/plain')
    response.setHeader('cache-control', 'private')
    response.end(`${request.method} ${request.url} ${request.originalUrl}`)
  },
}
const FORM: ErrorForm = {
  prefix: '/fhir',
  answer: told => ({ status: told.status, type: 'application/fhir+json', body: `outcome ${told.code}` }),
}
const METHODS: HttpRoute[] = (['PUT', 'PATCH', 'DELETE'] as const).map(method => ({
  name: method,
  method,
  path: '/fhir/{type}/{id}',
  accepts: ['application/fhir+json', 'application/json'],
  handle: async r => ({ type: 'text/plain', body: `${r.method} ${r.target} ${(await r.body(100)).length}` }),
}))

async function serve() {
  const lines: LogLine[] = []
  const server = await serveHttp(
    METHODS,
    {
      host: '127.0.0.1',
      port: 0,
      tls: null,
      origins: [],
      hosts: null,
      proxies: 0,
      limits: { ...HTTP_LIMITS, perAddress: { perSecond: 1000, burst: 1000 } },
      now: () => performance.now(),
      newId: () => 'incident',
      log: line => void lines.push(line),
    },
    undefined,
    { mounts: [MOUNT], errors: [FORM] },
  )
  open.push(server)
  return { url: server.url, lines }
}

describe('a mount', () => {
  test('sees the path below its prefix, and answers under the server’s security headers, which it may replace', async () => {
    const { url, lines } = await serve()
    const answer = await fetch(`${url}/library/token?x=1`)
    expect(await answer.text()).toBe('GET /token?x=1 /library/token?x=1')
    expect([answer.headers.get('x-content-type-options'), answer.headers.get('cache-control')]).toEqual(['nosniff', 'private'])
    expect(await (await fetch(`${url}/library`)).text()).toBe('GET / /library')
    expect(lines.every(l => l.route === 'library')).toBe(true)
    expect((await fetch(`${url}/libraryx`)).status).toBe(404)
  })

  test('gets no body that is too large, and none of unstated length', async () => {
    const { url } = await serve()
    expect((await fetch(`${url}/library/token`, { method: 'POST', body: '12345678' })).status).toBe(200)
    expect((await fetch(`${url}/library/token`, { method: 'POST', body: '123456789' })).status).toBe(413)
    const unstated = new ReadableStream({
      start(c) {
        c.enqueue(new Uint8Array(4))
        c.close()
      },
    })
    expect((await fetch(`${url}/library/token`, { method: 'POST', body: unstated, duplex: 'half' } as RequestInit)).status).toBe(400)
  })

  test('that throws is answered as any route', async () => {
    const { url } = await serve()
    expect((await fetch(`${url}/library/throws`)).status).toBe(403)
  })
})

describe('a prefix with a form of its own', () => {
  test('tells every refusal in it: no route, wrong method, wrong type', async () => {
    const { url } = await serve()
    const told = async (path: string, init?: RequestInit) => {
      const answer = await fetch(url + path, init)
      return [answer.status, await answer.text()]
    }
    expect(await told('/fhir/a/b/c/d')).toEqual([404, 'outcome NO_ROUTE'])
    expect(await told('/fhir/a/b', { method: 'POST' })).toEqual([405, 'outcome BAD_METHOD'])
    expect(await told('/fhir/a/b', { method: 'PUT', body: 'x', headers: { 'content-type': 'text/plain' } })).toEqual([
      415,
      'outcome BAD_TYPE',
    ])
    expect((await told('/other'))[1]).toContain('"NO_ROUTE"')
  })

  test('PUT, PATCH and DELETE are served, with any of the types a route takes', async () => {
    const { url } = await serve()
    for (const method of ['PUT', 'PATCH', 'DELETE'])
      for (const type of ['application/json', 'application/fhir+json; charset=utf-8']) {
        const answer = await fetch(`${url}/fhir/Patient/1?x=2`, { method, body: '{}', headers: { 'content-type': type } })
        expect(await answer.text()).toBe(`${method} /fhir/Patient/1?x=2 2`)
      }
  })
})
