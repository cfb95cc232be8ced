import type { lookup } from 'node:dns'
import { createServer as createPage } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { encode } from '@keepwell/sdk/base/cbor'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openDoor } from '#hooks/door'
import { LOOPBACK } from '#hooks/guard'
import { openNetwork } from './network.ts'

/** Somebody inside, who notes each connection and says nothing. */
let inside: Server
let seen = 0
beforeAll(async () => {
  inside = createServer(socket => {
    seen++
    socket.destroy()
  })
  await new Promise<void>(done => inside.listen(0, '127.0.0.1', done))
})
afterAll(() => void inside.close())
beforeEach(() => {
  seen = 0
})
const portOf = (of: Server): number => (of.address() as AddressInfo).port
const port = () => portOf(inside)

/** Names lead where the test says: each time to the next of these, and the last time on to the last. */
function names(leading: Readonly<Record<string, readonly (readonly string[])[]>>) {
  const asked: string[] = []
  const resolve = ((name: string, _: unknown, done: (e: null, found: unknown) => void) => {
    const ways = leading[name] ?? [['127.0.0.1']]
    const now = ways[Math.min(asked.filter(a => a === name).length, ways.length - 1)]!
    asked.push(name)
    done(
      null,
      now.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }) as unknown as typeof lookup
  return { asked, resolve }
}

/** As whoever calls sees it: the relay, and the ledger behind it. */
async function asked(options: Parameters<typeof openNetwork>[0], url: string) {
  const network = openNetwork(options)
  return [await codeOf(async () => (await network.relay(url)).info()), await codeOf(() => network.ledger(url))]
}

const REFUSED = ['RELAY_NOT_FOLLOWED', 'RELAY_NOT_FOLLOWED']
const ASKED = ['RELAY_UNREACHABLE', 'RELAY_UNREACHABLE']

test('a relay that others name inside a network is not connected to, however it is named', async () => {
  const others = openDoor()
  const at = [`http://127.0.0.1:${port()}`, `https://127.0.0.1:${port()}`, `http://localhost:${port()}`, `https://localhost:${port()}`]
  const spelt = [`https://2130706433:${port()}`, `https://[::ffff:127.0.0.1]:${port()}`, `https://user@localhost:${port()}`]
  const elsewhere = ['http://10.0.0.1', 'https://10.0.0.1', 'https://[fd00::1]', 'https://169.254.169.254', 'http://relay.example']
  for (const url of [...at, ...spelt, ...elsewhere]) expect(await asked({ others }, url), url).toEqual(REFUSED)
  expect(seen).toBe(0)
})

test('neither is a name that leads inside, alone or beside an address of the internet, or that changes its mind', async () => {
  const { resolve, asked: resolved } = names({
    'ten.example': [['10.1.2.3']],
    'local.example': [['fd00::7']],
    'link.example': [['169.254.169.254']],
    'both.example': [['1.1.1.1', '127.0.0.1']],
    // Twice what the operator opened, for relay and ledger; then the machine itself.
    'turning.example': [['127.0.0.2'], ['127.0.0.1']],
  })
  const others = openDoor({ resolve })
  for (const name of ['inside.example', 'ten.example', 'local.example', 'link.example', 'both.example'])
    expect(await asked({ others }, `https://${name}:${port()}`), name).toEqual(REFUSED)
  expect(resolved.length).toBeGreaterThan(0)

  const opened = openDoor({ resolve, allow: ['127.0.0.2'] })
  const network = openNetwork({ others: opened })
  const relay = await network.relay(`https://turning.example:${port()}`)
  // Nobody is at the first: what was judged is what is connected to, and it is asked for once.
  expect(await codeOf(() => relay.info())).toBe('RELAY_UNREACHABLE')
  expect(resolved.filter(name => name === 'turning.example')).toHaveLength(1)
  expect(await codeOf(() => relay.info())).toBe('RELAY_NOT_FOLLOWED')
  expect(seen).toBe(0)
})

test('what the operator opened is asked, and what they chose wherever it lies', async () => {
  const { resolve } = names({})
  const url = `https://relay-b.hospital.example:${port()}`
  expect(await asked({ others: openDoor({ resolve, allow: ['127.0.0.1'] }) }, url)).toEqual(ASKED)
  expect(seen).toBe(2)
  const here = `http://127.0.0.1:${port()}`
  expect(await asked({ chosen: [`${here}/`], others: openDoor() }, here)).toEqual(ASKED)
  expect(seen).toBe(4)
  // A home on this machine knows others that are.
  for (const at of [here, `http://localhost:${port()}`]) expect(await asked({ others: openDoor({ allow: LOOPBACK }) }, at)).toEqual(ASKED)
  expect(seen).toBe(8)
})

test('a connection is kept: many questions cost one connection, and one resolution at most', async () => {
  let connections = 0
  const page = createPage((_, response) => response.writeHead(200, { 'content-type': 'application/cbor' }).end(INFO))
  page.on('connection', () => connections++)
  await new Promise<void>(done => page.listen(0, '127.0.0.1', done))
  try {
    const { resolve, asked: resolved } = names({})
    const relay = await openNetwork({ others: openDoor({ resolve, allow: ['127.0.0.1'] }) }).relay(`http://localhost:${portOf(page)}`)
    for (let i = 0; i < 20; i++) expect((await relay.info()).chainId).toBe(7)
    expect([connections, resolved.length]).toEqual([1, 1])
  } finally {
    page.closeAllConnections()
    page.close()
  }
})

test('where the operator names hosts, no other is asked, and none of them is that leads inside', async () => {
  const { resolve, asked: resolved } = names({ 'away.partner.example': [['10.0.0.1']] })
  const only = ['*.partner.example']
  const closed = openDoor({ resolve, only, allow: ['127.0.0.1'] })
  expect(await asked({ others: closed }, `https://partner.example.evil.example:${port()}`)).toEqual(REFUSED)
  expect(resolved).toEqual([])
  expect(await asked({ others: closed }, `https://away.partner.example:${port()}`)).toEqual(REFUSED)
  expect(seen).toBe(0)
  expect(await asked({ others: closed }, `https://a.partner.example:${port()}`)).toEqual(ASKED)
  const own = `http://127.0.0.1:${port()}`
  expect(await asked({ others: openDoor({ only }), chosen: [own] }, own)).toEqual(ASKED)
})

const DID = 'did:ethr:0x7:0x0000000000000000000000000000000000000001'
const [none, pair] = [new Uint8Array(0), { ed25519: new Uint8Array(64), mldsa65: new Uint8Array(3309) }]
/** What a relay says of itself, whatever it is worth. */
const INFO = encode({
  did: DID,
  bundle: { signed: { type: 'bundle', signer: DID, version: 1, message: none, ...pair }, controller: `0x${'0'.repeat(130)}` },
  chainId: 7,
  manifest: encode({}),
  time: 1,
  version: '1',
})

test('a relay that may be asked cannot send us inside by a redirect, neither itself nor its ledger', async () => {
  const away = createPage((request, response) => {
    if (request.url === '/v1/info') response.writeHead(200, { 'content-type': 'application/cbor' }).end(INFO)
    else response.writeHead(307, { location: `http://127.0.0.1:${port()}/inside` }).end()
  })
  await new Promise<void>(done => away.listen(0, '127.0.0.2', done))
  try {
    const url = `http://127.0.0.2:${portOf(away)}`
    for (const options of [{ others: openDoor({ allow: ['127.0.0.2'] }) }, { chosen: [url] }, {}]) {
      const network = openNetwork(options)
      const relay = await network.relay(url)
      expect((await relay.info()).chainId).toBe(7)
      expect(await codeOf(() => relay.head())).toBe('RELAY_UNREACHABLE')
      expect(await codeOf(() => network.ledger(url))).toBe('RELAY_UNREACHABLE')
    }
    await expect(openDoor({ allow: ['127.0.0.2'] }).fetch(url)).rejects.toThrow('redirect')
    expect(seen).toBe(0)
  } finally {
    away.closeAllConnections()
    away.close()
  }
})

test('a relay that turned inside once it had said who it is cannot have the ledger asked for there', async () => {
  const asked: (string | undefined)[] = []
  const page = createPage((request, response) => {
    asked.push(request.url)
    response.writeHead(200, { 'content-type': 'application/cbor', connection: 'close' }).end(INFO)
  })
  await new Promise<void>(done => page.listen(0, '127.0.0.1', done))
  try {
    const { resolve } = names({ localhost: [['127.0.0.1'], ['10.0.0.1']] })
    const network = openNetwork({ others: openDoor({ resolve, allow: ['127.0.0.1'] }) })
    expect(await codeOf(() => network.ledger(`http://localhost:${portOf(page)}`))).toBe('RELAY_NOT_FOLLOWED')
    expect(asked).toEqual(['/v1/info'])
  } finally {
    page.closeAllConnections()
    page.close()
  }
})
