import { toBase64Url } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { METHODS } from '@keepwell/sdk/wire/methods'
import { pathOf, ROUTES, type RouteName, type RouteSpec } from '@keepwell/sdk/wire/routes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cborBody, serveMemoryRelay, type TestServer, told } from './serve.kit.ts'

let at: TestServer
beforeAll(async () => {
  at = await serveMemoryRelay()
})
afterAll(() => at.close())

const get = (path: string, init?: RequestInit) => fetch(at.url + path, init)

type OpenApi = {
  openapi: string
  paths: Record<string, Record<string, { operationId: string; parameters: { in: string; name: string }[] }>>
}

describe('routes and their description', () => {
  test('every described operation is served, and nothing else is', async () => {
    const described = (await (await get('/openapi.json')).json()) as OpenApi
    expect(described.openapi).toBe('3.1.0')
    const operations = Object.entries(described.paths).flatMap(([path, ops]) =>
      Object.keys(ops).map(method => `${method.toUpperCase()} ${path}`),
    )

    const expected = (Object.entries(ROUTES) as [RouteName, RouteSpec][]).flatMap(([name, r]) =>
      name === 'call' ? Object.keys(METHODS).map(m => `POST /v1/call/${m}`) : [`${r.method} ${r.path}`],
    )
    expect(operations.sort()).toEqual(expected.sort())

    for (const operation of operations) {
      const [method = '', path = ''] = operation.split(' ')
      const response = await get(path.replace(/\{\w+\}/g, 'x'), {
        method,
        ...(path === '/v1/events' ? { signal: AbortSignal.timeout(60_000) } : {}),
      })
      const missing = response.status === 404 || response.status === 405
      const code = missing ? (await told(response)).code : ''
      if (!missing) await response.body?.cancel()
      // A file of nobody is not found; a path of nothing would be no route.
      expect({ operation, served: code !== 'NO_ROUTE' && code !== 'BAD_METHOD' }).toEqual({ operation, served: true })
      const other = await get(path.replace(/\{\w+\}/g, 'x'), { method: 'PUT' })
      expect((await told(other)).code).toBe('BAD_METHOD')
    }
    expect(await told(await get('/v1/call/nothing', cborBody({})))).toMatchObject({ code: 'NO_ROUTE' })
    expect(await told(await get('/v2/info'))).toMatchObject({ code: 'NO_ROUTE' })
  })

  test('every path parameter is described', async () => {
    const { paths } = (await (await get('/openapi.json')).json()) as OpenApi
    for (const [path, ops] of Object.entries(paths)) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(m => m[1])
      for (const op of Object.values(ops)) expect(op.parameters.filter(p => p.in === 'path').map(p => p.name)).toEqual(names)
    }
  })

  test('paths are filled in with escapes', () => {
    expect(pathOf('bundle', { did: 'did:ethr:0x1:0xab/..' })).toBe('/v1/bundles/did%3Aethr%3A0x1%3A0xab%2F..')
  })
})

describe('pages', () => {
  test('the status page runs nothing, takes nothing from elsewhere and names nobody but the relay', async () => {
    const response = await get('/')
    const page = await response.text()
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(response.status).toBe(200)
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe|https?:/)
    expect(page).not.toMatch(/<script|<link|<img|javascript:|@import|url\(/i)
    expect(page).toContain(at.context.keys.did)
    expect(page.match(/did:ethr:[^<\s]+/g)).toEqual([at.context.keys.did])
    expect(page).toContain('1 h 1 min')
  })

  test('metrics count without naming anybody', async () => {
    await get('/v1/bundles/did:ethr:0x1:0x00000000000000000000000000000000000000aa')
    const text = await (await get('/metrics')).text()
    expect(text).toContain('keepwell_http_requests_total{route="bundle",status="404"}')
    expect(text).toMatch(/keepwell_log_entries \d+/)
    expect(text).not.toMatch(/did:|0x[0-9a-f]{8}/)
    for (const line of text.trim().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{[^}]*\})? [-+.\de]+)$/)
  })

  test('health tells whether each part answers', async () => {
    expect(await (await get('/health/live')).json()).toEqual({ live: true })
    const healthy = await get('/health')
    expect([healthy.status, await healthy.json()]).toEqual([
      200,
      { live: true, ready: true, parts: { ledger: true, log: true, envelopes: true, blocks: true } },
    ])
    const sick = await serveMemoryRelay({
      wrap: s => ({ ...s, probe: async () => ({ ledger: false, log: true, envelopes: true, blocks: true }) }),
    })
    try {
      expect((await fetch(`${sick.url}/health`)).status).toBe(503)
      expect((await fetch(`${sick.url}/health/live`)).status).toBe(200)
    } finally {
      await sick.close()
    }
  })
})

describe('limits and refusals', () => {
  test('keyrings cannot be fished for; those who share an address come back all the same', async () => {
    const asked = async () => told(await get('/v1/restore', cborBody({ tag: new Uint8Array(32) })))
    let passed = 0
    let last = await asked()
    for (; last.code === 'NOT_FOUND'; last = await asked()) passed++
    expect(passed).toBeGreaterThanOrEqual(60)
    expect(last.code).toBe('RATE_LIMITED')
  })

  test('a bell is answered alike whether there is one or not, and before anybody is woken; nobody can try without end', async () => {
    const [to, bell] = [`did:ethr:0x1:0x${'1'.repeat(40)}`, new Uint8Array(32).fill(7)]
    let waking = () => {}
    const rung = new Promise<void>(done => {
      waking = done
    })
    const never = () => {
      waking()
      return new Promise<void>(() => {})
    }
    const slow = await serveMemoryRelay({ wrap: s => ({ ...s, relay: { ...s.relay, ring: never } }) })
    const sick = await serveMemoryRelay({ wrap: s => ({ ...s, relay: { ...s.relay, ring: () => Promise.reject(new Error('x')) } }) })
    try {
      const asked = async (url: string) => {
        const response = await fetch(`${url}/v1/ring`, cborBody({ to, bell }))
        return [response.status, [...new Uint8Array(await response.arrayBuffer())]]
      }
      const answers = [await asked(at.url), await asked(slow.url), await asked(sick.url)]
      expect(answers).toEqual([0, 1, 2].map(() => [200, [0xa0]]))
      await rung
      let passed = 1
      for (; passed < 1000 && (await asked(at.url))[0] === 200; passed++);
      expect(passed).toBeGreaterThanOrEqual(60)
      expect(passed).toBeLessThan(1000)
    } finally {
      await slow.close()
      await sick.close()
    }
  })

  test('a body of the wrong type, of garbage, or far too large is refused', async () => {
    const path = '/v1/call/get-state'
    expect(await told(await get(path, { method: 'POST', body: '{}' }))).toMatchObject({ code: 'BAD_TYPE' })
    const garbage = { method: 'POST', headers: { 'content-type': 'application/cbor' }, body: 'not cbor' }
    expect(await told(await get(path, garbage))).toMatchObject({ code: 'BAD_CBOR' })
    expect(await told(await get(path, cborBody({ v: 1 })))).toMatchObject({ code: 'BAD_INPUT' })
    expect(await told(await get('/v1/messages', cborBody({ sealed: new Uint8Array(300_000) })))).toMatchObject({ code: 'TOO_LARGE' })
  })

  test('a large body is not taken in before its sender is known', async () => {
    const body = { method: 'POST', headers: { 'content-type': 'application/vnd.ipld.car' }, body: new Uint8Array(2 << 20) }
    expect(await told(await get('/v1/blocks', body))).toMatchObject({ code: 'BAD_INPUT' })
    const call = { v: 1, relay: at.context.keys.did, from: at.context.keys.did, version: 1, method: 'put-blocks' }
    const unsigned = { ...call, body: encode({}), nonce: new Uint8Array(16), time: 1, signature: `0x${'11'.repeat(65)}` }
    const authorization = `Keepwell ${toBase64Url(encode(unsigned))}`
    const refused = await get('/v1/blocks', { ...body, headers: { ...body.headers, authorization } })
    expect(await told(refused)).toMatchObject({ code: 'UNKNOWN_PARTY' })
  })

  test('who asks for CBOR is refused in CBOR', async () => {
    const response = await get('/v1/nothing', { headers: { accept: 'application/cbor' } })
    expect(response.headers.get('content-type')).toBe('application/cbor')
    expect(await told(response)).toMatchObject({ code: 'NO_ROUTE' })
  })

  test('what fails inside is told as an incident, and its detail only to the log', async () => {
    const broken = await serveMemoryRelay({
      wrap: s => ({ ...s, relay: { ...s.relay, head: async () => Promise.reject(new Error('/secret/path of did:ethr:0x1:0x22')) } }),
    })
    try {
      const response = await fetch(`${broken.url}/v1/log/head`)
      expect(response.status).toBe(500)
      const { code, message } = await told(response)
      expect(code).toBe('DEFECT')
      expect(message).toMatch(/Incident id-\d+\./)
      expect(message).not.toContain('secret')
      expect(broken.lines.find(l => l.level === 'error')?.detail).toContain('/secret/path')
    } finally {
      await broken.close()
    }
  })

  test('the log has a line for each request and no identifier in it', async () => {
    at.lines.length = 0
    await get('/v1/bundles/did:ethr:0x1:0x00000000000000000000000000000000000000aa?x=secret')
    await get('/v1/secret/path')
    await expect.poll(() => at.lines.length).toBe(2)
    expect(at.lines.map(l => [l.route, l.status])).toEqual([
      ['bundle', 404],
      ['none', 404],
    ])
    expect(JSON.stringify(at.lines)).not.toMatch(/did:|secret|127\.0/)
  })
})
