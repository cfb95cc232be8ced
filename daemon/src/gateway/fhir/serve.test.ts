import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { afterEach, expect, test } from 'vitest'
import { type HttpServer, serveHttp } from '#http/server'
import { HTTP_LIMITS, type LogLine } from '#http/settings'
import { httpRoutes } from './serve.ts'

// A Bundle that is larger than what sockets hold, of which it is counted how much was made and when.

const opened: HttpServer[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map(s => s.close()))
})

const PIECE = 64 << 10

/** `entries` resources of so many bytes each; `made` is told of each when it is written. */
async function serving({ entries, bytes, made }: { entries: number; bytes: number; made?: (n: number) => void }) {
  let count = 0
  const text = 'x'.repeat(bytes)
  const entry = Array.from({ length: entries }, (_, n) => ({
    fullUrl: `urn:${n}`,
    resource: {
      resourceType: 'Basic',
      get text() {
        count++
        made?.(n)
        return text
      },
    } as JsonObject,
  }))
  const over = new AbortController()
  const resource = { resourceType: 'Bundle', total: entries, entry } as JsonObject
  const rows = [
    { name: 'large', method: 'GET', path: '/large', open: true, handle: () => ({ resource, until: over.signal }) },
    { name: 'small', method: 'GET', path: '/small', open: true, handle: () => ({ resource: { resourceType: 'Basic' } }) },
  ] as const
  const logged: LogLine[] = []
  const nobody = async () => {
    throw new KeepwellError('UNAUTHENTICATED', 'nobody')
  }
  const reader = { xml: nobody }
  const server = await serveHttp(httpRoutes(rows, { base: 'http://x/fhir', authenticate: nobody, reader }), {
    ...{ host: '127.0.0.1', port: 0, tls: null, origins: [], hosts: [], proxies: 0, limits: HTTP_LIMITS },
    ...{ now: () => performance.now(), newId: () => 'id', log: line => void logged.push(line) },
  })
  opened.push(server)
  const large = async (): Promise<IncomingMessage> => {
    const [answer] = (await once(get(`${server.url}/fhir/large`, { agent: false }), 'response')) as [IncomingMessage]
    return answer
  }
  const small = async (): Promise<unknown> => (await fetch(`${server.url}/fhir/small`)).json()
  /** Until nothing more is made while others are answered; how much was. */
  const waiting = async (): Promise<number> => {
    for (let before = -1; ; ) {
      if (count === before) return count
      before = count
      for (let n = 0; n < 20; n++) expect(await small()).toEqual({ resourceType: 'Basic' })
    }
  }
  return { large, small, waiting, count: () => count, over, resource, logged }
}

const ENDED = new KeepwellError('GRANT_ENDED', 'The patient has ended their consent.')

test('while a large Bundle goes to a slow client others are answered, and only what is under way is made', async () => {
  const { large, waiting } = await serving({ entries: 320, bytes: 100_000 })
  const answer = await large()
  // What two sockets hold, and no more.
  expect(await waiting()).toBeLessThan(160)
  const bundle = JSON.parse(await text(answer))
  expect([answer.headers['content-type'], bundle.total, bundle.entry.length]).toEqual(['application/fhir+json; charset=utf-8', 320, 320])
  expect(bundle.entry.at(-1)).toEqual({ fullUrl: 'urn:319', resource: { resourceType: 'Basic', text: 'x'.repeat(100_000) } })
})

test('of a Bundle that a client takes at once no more than a piece is made before others have their turn', async () => {
  let turn = 0
  const next = (): void => {
    turn++
    turning = setImmediate(next)
  }
  let turning = setImmediate(next)
  const inTurn = new Map<number, number>()
  const { large, resource } = await serving({ entries: 2000, bytes: 1000, made: () => inTurn.set(turn, (inTurn.get(turn) ?? 0) + 1) })
  const body = await text(await large())
  clearImmediate(turning)
  expect(Math.max(...inTurn.values())).toBeLessThanOrEqual(PIECE / 1000)
  expect(body).toBe(JSON.stringify(resource))
})

test.each([
  ['is waiting for its client', null],
  ['is being made', 200],
])('a Bundle whose session ends while it %s is broken off', async (_, at) => {
  const { large, small, waiting, count, over, logged } = await serving({
    entries: 320,
    bytes: 100_000,
    made: n => n === at && over.abort(ENDED),
  })
  const answer = await large()
  if (at === null) {
    await waiting()
    over.abort(ENDED)
    // Not only when the client takes more.
    while (!logged.some(l => l.route === 'fhir-large')) await small()
  }
  const before = at ?? count()
  await expect(text(answer)).rejects.toThrow('aborted')
  expect(count()).toBeLessThanOrEqual(before + 1)
  expect(logged.find(l => l.route === 'fhir-large')?.code).toBe('GRANT_ENDED')
})
