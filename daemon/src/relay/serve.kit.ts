import { randomBytes } from 'node:crypto'
import type { RandomBytes } from '@keepwell/sdk/base/bytes'
import { decode, encode } from '@keepwell/sdk/base/cbor'
import { memoryRelay } from '@keepwell/sdk/memory/relay'
import type { Clock } from '@keepwell/sdk/ports/clock'
import type { RelayContext } from '@keepwell/sdk/relay/context'
import { freePort } from '#http/free-port'
import type { HttpServer } from '#http/server'
import { HTTP_LIMITS, type LogLine } from '#http/settings'
import { type RelayServerOptions, serveRelayHttp } from './server.ts'
import type { RelayService } from './service.ts'

export type TestServer = {
  readonly url: string
  readonly server: HttpServer
  readonly context: RelayContext
  readonly lines: LogLine[]
  readonly service: RelayService
  anchor(): Promise<unknown>
  close(): Promise<void>
}

const realClock: Clock = () => Math.floor(Date.now() / 1000)

/** A relay over memory ports behind a real socket. */
export async function serveMemoryRelay(
  options: Partial<RelayServerOptions> & {
    readonly clock?: Clock
    readonly random?: RandomBytes
    readonly wrap?: (s: RelayService) => RelayService
  } = {},
): Promise<TestServer> {
  const { clock = realClock, random = (length: number) => new Uint8Array(randomBytes(length)), wrap = s => s } = options
  const port = options.port ?? (await freePort())
  const { relay, links, context } = await memoryRelay({ clock, random, url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}` })
  const service = wrap({
    relay,
    links,
    rpc: async text => JSON.stringify({ jsonrpc: '2.0', id: 1, result: text.length }),
    status: async () => ({
      did: context.keys.did,
      url: relay.url,
      version: '0.0.0-test',
      chainId: context.ledger.chainId,
      block: (await context.ledger.head()).block,
      blockTime: (await context.ledger.head()).time,
      log: await context.log.size(),
      ...(await context.blocks.size()),
      waiting: (await context.envelopes.vaults('unanchored')).length,
      startedAt: clock() - 3700,
    }),
    probe: async () => ({ ledger: true, log: true, envelopes: true, blocks: true }),
    clock,
  })
  const lines: LogLine[] = []
  let id = 0
  const server = await serveRelayHttp(service, {
    host: '127.0.0.1',
    tls: null,
    origins: [],
    hosts: [],
    proxies: 0,
    limits: HTTP_LIMITS,
    now: () => performance.now(),
    newId: () => `id-${++id}`,
    log: line => void lines.push(line),
    ...options,
    port,
  })
  return { url: relay.url, server, context, lines, service, anchor: () => relay.anchor(), close: () => server.close() }
}

/** What `fetch` got, decoded. */
export async function told(response: Response): Promise<{ code: string; message: string }> {
  const bytes = new Uint8Array(await response.arrayBuffer())
  const cbor = response.headers.get('content-type') === 'application/cbor'
  return (cbor ? decode(bytes) : JSON.parse(new TextDecoder().decode(bytes))) as { code: string; message: string }
}

export const cborBody = (value: unknown) => ({
  method: 'POST',
  headers: { 'content-type': 'application/cbor' },
  body: encode(value) as BodyInit,
})
