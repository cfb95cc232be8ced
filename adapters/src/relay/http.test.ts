import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { concat } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { rawCid } from '@keepwell/sdk/base/cid'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import type { Call } from '@keepwell/sdk/identity/call'
import type { Block } from '@keepwell/sdk/ports/blocks'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { carParts } from '#blocks/car'
import { openDoor } from '#hooks/door'
import { readEvents } from './event-stream.ts'
import { openHttpRelay } from './http.ts'

const open: Server[] = []
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

let way: { fetch?: typeof fetch } = {}

/** A relay's door with somebody else behind it. */
async function hostile(handle: RequestListener, timeout = 2000) {
  const server = createServer(handle)
  open.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return openHttpRelay({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, timeout, ...way })
}

const answer =
  (status: number, type: string, body: string | Uint8Array): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-type': type }).end(body)
  }

const refused = (work: Promise<unknown>, code: string) => expect(work).rejects.toMatchObject({ name: 'KeepwellError', code })

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = []
  for await (const item of items) out.push(item)
  return out
}

const block = (fill: number, length = 100): Block => {
  const bytes = new Uint8Array(length).fill(fill)
  return { cid: rawCid(sha256(bytes)), bytes }
}
const [a, b, c] = [block(1), block(2), block(3)]
const CALL = {
  v: 1,
  relay: 'x',
  from: 'x',
  version: 1,
  method: 'm',
  body: new Uint8Array(0),
  nonce: new Uint8Array(16),
  time: 1,
  signature: '0x',
} as Call
const CAPABILITY = new Uint8Array(40)

const WAYS = [
  ['asked as everybody asks', {}],
  ['asked through the door to what others named', { fetch: openDoor({ allow: ['127.0.0.1'] }).fetch }],
] as const

describe.each(WAYS)('what a relay behind HTTP may not do, %s', (_, taken) => {
  beforeEach(() => {
    way = taken
  })

  test('nobody there, or somebody who is no relay, is an unreachable relay', async () => {
    await refused(openHttpRelay({ url: 'http://127.0.0.1:9' }).info(), 'RELAY_UNREACHABLE')
    await refused((await hostile(answer(200, 'text/html', '<html>'))).info(), 'RELAY_UNREACHABLE')
    await refused((await hostile(answer(404, 'text/html', '<html>'))).bundle('did:ethr:0x1:0x00'), 'RELAY_UNREACHABLE')
    await refused((await hostile(answer(502, 'text/html', 'bad gateway'))).head(), 'RELAY_UNREACHABLE')
    await refused((await hostile(answer(200, 'application/cbor', encode({ did: 1 })))).info(), 'RELAY_UNREACHABLE')
    await refused((await hostile(answer(999, 'application/cbor', 'no status'))).info(), 'RELAY_UNREACHABLE')
    await refused((await hostile((_, r) => void r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end())).info(), 'RELAY_UNREACHABLE')
  })

  test('the relay’s own refusals keep their code, and only codes there are', async () => {
    const say = (code: string) => answer(403, 'application/cbor', encode({ code, message: 'because' }))
    await refused((await hostile(say('DENIED'))).head(), 'DENIED')
    await refused((await hostile(say('toString'))).head(), 'RELAY_UNREACHABLE')
    await refused((await hostile(say('NO_SUCH_CODE'))).head(), 'RELAY_UNREACHABLE')
    expect(await (await hostile(say('NOT_FOUND'))).calendar('did:ethr:0x1:0x00')).toBeNull()
    await refused((await hostile(say('NOT_FOUND'))).head(), 'NOT_FOUND')
    await refused((await hostile(say('NO_ROUTE'))).calendar('did:ethr:0x1:0x00'), 'NO_ROUTE')
  })

  test('blocks go out as one CAR of stated length, whatever their sizes and order', async () => {
    const came: { length: string | undefined; body: Buffer }[] = []
    const relay = await hostile(async (request, response) => {
      const body = Buffer.concat(await all<Buffer>(request))
      came.push({ length: request.headers['content-length'], body })
      response.writeHead(204).end()
    })
    for (const lengths of [
      [100],
      [262_144, 74, 262_144, 3000],
      [0, 16_383, 16_384, 1, 1, 20_000],
      Array.from({ length: 300 }, () => 1000),
    ]) {
      const blocks = lengths.map((length, i) => block(i, length))
      const sent = Buffer.from(concat(...carParts(blocks)))
      await relay.putBlocks(CALL, blocks)
      const { length, body } = came.pop()!
      expect(length).toBe(String(sent.length))
      expect(body.equals(sent)).toBe(true)
    }
  })

  test('an answer without end is not taken in', async () => {
    const relay = await hostile((_, response) => {
      response.writeHead(200, { 'content-type': 'application/cbor' })
      const more = () => {
        while (response.writable && response.write(new Uint8Array(65_536)));
      }
      response.on('drain', more)
      more()
    })
    await refused(relay.head(), 'TOO_LARGE')
    const stated = await hostile((_, response) => void response.writeHead(200, { 'content-length': 2 ** 40 }).write('x'))
    await refused(stated.head(), 'TOO_LARGE')
  })

  test('silence is waited for no longer than allowed, at the beginning and in the middle', async () => {
    await refused((await hostile(() => {}, 200)).head(), 'RELAY_UNREACHABLE')
    await refused((await hostile((_, r) => void r.writeHead(200).write('x'), 200)).head(), 'RELAY_UNREACHABLE')
  })

  test('blocks that were not asked for, are out of order, twice, or not what their address says are refused', async () => {
    const giving = (...blocks: Block[]) => hostile(answer(200, 'application/vnd.ipld.car', concat(...carParts(blocks))))
    const asked = [a.cid, b.cid]
    expect(await all((await giving(a, b)).getBlocks(CAPABILITY, asked))).toEqual([a, b])
    expect(await all((await giving(b)).getBlocks(CAPABILITY, asked))).toEqual([b])
    await refused(all((await giving(a, c)).getBlocks(CAPABILITY, asked)), 'RELAY_UNREACHABLE')
    await refused(all((await giving(b, a)).getBlocks(CAPABILITY, asked)), 'RELAY_UNREACHABLE')
    await refused(all((await giving(a, a)).getBlocks(CAPABILITY, asked)), 'RELAY_UNREACHABLE')
    await refused(all((await giving({ cid: a.cid, bytes: b.bytes })).getBlocks(CAPABILITY, asked)), 'BAD_CID')
  })

  test('a stream of blocks that breaks off is no end', async () => {
    const car = concat(...carParts([a, b]))
    const whole = await hostile(answer(200, 'application/vnd.ipld.car', car.subarray(0, car.length - 10)))
    await refused(all(whole.getBlocks(CAPABILITY, [a.cid, b.cid])), 'TRUNCATED')
    const cut = await hostile((_, response) => {
      response.writeHead(200)
      response.write(concat(...carParts([a])), () => response.destroy())
    })
    await refused(all(cut.getBlocks(CAPABILITY, [a.cid, b.cid])), 'RELAY_UNREACHABLE')
  })

  test('whoever gives up a request is told so, and the relay sees it go', async () => {
    let gone = () => {}
    const left = new Promise<void>(resolve => {
      gone = resolve
    })
    const relay = await hostile((request, response) => {
      request.on('close', gone)
      response.writeHead(200).write(concat(...carParts([a])))
    })
    const end = new AbortController()
    const blocks = relay.getBlocks(CAPABILITY, [a.cid, b.cid], end.signal)[Symbol.asyncIterator]()
    expect((await blocks.next()).value).toEqual(a)
    const next = blocks.next()
    end.abort()
    await refused(next as Promise<unknown>, 'CANCELLED')
    await left
  })

  test('events end with the signal, with the relay’s refusal, or with an error', async () => {
    const saying = (text: string) => answer(200, 'text/event-stream', text)
    const words = async (text: string) => all((await hostile(saying(text))).events(CALL, new AbortController().signal))
    expect(await words(': hello\n\ndata: messages\n\ndata: records\r\n\r\n')).toEqual(['messages', 'records'])
    await refused(words('event: error\ndata: {"code":"REPLAYED","message":"again"}\n\n'), 'REPLAYED')
    await refused(words('event: error\ndata: {{{\n\n'), 'RELAY_UNREACHABLE')
    const end = new AbortController()
    const quiet = await hostile((_, response) => void response.writeHead(200).write(': hello\n\n'))
    setTimeout(() => end.abort(), 100)
    expect(await all(quiet.events(CALL, end.signal))).toEqual([])
  })

  test('more blocks than one request takes are refused before anything is sent', async () => {
    const big = Array.from({ length: 65 }, (_, i) => block(i, 1 << 20))
    await refused(openHttpRelay({ url: 'http://127.0.0.1:9' }).putBlocks(CALL, big), 'TOO_LARGE')
  })

  test('a relay beyond this machine is never spoken to in the clear', () => {
    for (const url of [
      'http://relay.example',
      'http://127.0.0.1.evil.example',
      'http://localhost.evil.example:80',
      'ftp://127.0.0.1',
      'http://0.0.0.0',
    ])
      expect(() => openHttpRelay({ url })).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
    for (const url of ['https://relay.example/?x=', 'https://relay.example/#', 'http://localhost/admin?x='])
      expect(() => openHttpRelay({ url })).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
    for (const url of ['https://relay.example', 'http://localhost:8787', 'http://[::1]:1', 'http://127.0.0.1']) openHttpRelay({ url })
  })
})

describe('event streams', () => {
  const read = (...chunks: string[]) =>
    all(
      readEvents(
        (async function* () {
          for (const c of chunks) yield new TextEncoder().encode(c)
        })(),
      ),
    )

  test('events are found however the stream is cut', async () => {
    const expected = [
      { event: 'message', data: 'one' },
      { event: 'error', data: 'two\nthree' },
    ]
    const stream = ': c\r\n\r\ndata: one\r\n\r\nevent: error\r\ndata: two\r\ndata: three\r\n\r\n'
    expect(await read(stream)).toEqual(expected)
    expect(await read(...stream)).toEqual(expected)
    expect(await read(...stream.replaceAll('\r\n', '\n'))).toEqual(expected)
  })

  test('a line without end is not taken in', async () => {
    await refused(read('x'.repeat(5000)), 'TOO_LARGE')
    await refused(read(...Array.from({ length: 70 }, () => 'data: y\n')), 'TOO_LARGE')
  })
})
