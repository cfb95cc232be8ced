import { generateKeyPairSync } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { rawCid } from '@keepwell/sdk/base/cid'
import type { Block, BlockStore } from '@keepwell/sdk/ports/blocks'
import { blockStoreSuite } from '@keepwell/sdk/ports/blocks.suite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { temporaryDirectory } from '#base/temporary.kit'
import { sha256 } from '#blocks/segment'
import { type ArweaveInput, arweaveBlocks, arweavePrice } from './store.ts'
import { type ArweaveWallet, arweaveWallet } from './wallet.ts'

// tools/ belongs to the repository, not to this package, so no import line reaches it.
const tools = import.meta.glob<typeof import('../../../../tools/arlocal.ts')>('/tools/arlocal.ts')
const { hasArlocal, startArlocal } = await tools['/tools/arlocal.ts']!()
const installed = hasArlocal()
if (!installed) console.warn('SKIPPED: arlocal is not here (.ci/run installs it); of the Arweave adapter only refusals are tested.')

const place = temporaryDirectory()
const RICH = 10n ** 15n
let wallet: ArweaveWallet
let peer: Awaited<ReturnType<typeof startArlocal>> = null
let files = 0

beforeAll(async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 })
  wallet = await arweaveWallet(Buffer.from(JSON.stringify(privateKey.export({ format: 'jwk' }))))
  peer = await startArlocal(place.path)
  if (peer) await vi.waitFor(() => fetch(`${peer!.origin}/info`), { timeout: 60_000, interval: 50 })
})
afterAll(async () => {
  await peer?.stop()
  place.remove()
})

const asked = async (path: string): Promise<string> => (await fetch(`${peer!.origin}/${path}`)).text()
const mine = (blocks: number): Promise<string> => asked(`mine/${blocks}`)
const balance = async (): Promise<bigint> => BigInt(await asked(`wallet/${wallet.address}/balance`))
const input = (more: Partial<ArweaveInput> = {}): ArweaveInput => ({
  url: peer!.origin,
  wallet,
  file: join(place.path, `sent-${files++}`),
  most: 10n ** 14n,
  ...more,
})

/** As whoever has time: puts again, while blocks are mined, until it is final. */
const patient = (store: BlockStore): BlockStore => ({
  ...store,
  async put(blocks) {
    for (let tries = 0; ; tries++)
      try {
        return await store.put(blocks)
      } catch (e) {
        if ((e as { code?: string }).code !== 'STORAGE_PENDING' || tries > 9) throw e
        await mine(16)
      }
  },
})

const block = (name: string, length = 200): Block => {
  const bytes = new Uint8Array(length).map((_, i) => i ^ (i >> 8) ^ (i >> 16))
  bytes.set(Buffer.from(name).subarray(0, length))
  return { cid: rawCid(sha256(bytes)), bytes }
}

async function fresh(): Promise<void> {
  await asked('reset')
  await asked(`mint/${wallet.address}/${RICH}`)
}

describe.skipIf(!installed)('Arweave, by arlocal', () => {
  blockStoreSuite(
    async () => {
      await fresh()
      const where = input()
      return { open: async () => patient(arweaveBlocks(where)) }
    },
    { permanent: true },
  )

  beforeEach(fresh)

  test('several blocks travel in one transaction, at the price that was asked, and whoever reads the chain finds each by its address', async () => {
    const store = arweaveBlocks(input())
    const blocks = Array.from({ length: 30 }, (_, i) => block(`b${i}`))
    await expect(store.put(blocks)).rejects.toMatchObject({ code: 'STORAGE_PENDING' })
    const spent = RICH - (await balance())
    expect(spent).toBe(BigInt(await asked('price/5600')) + BigInt(await asked('price/400')))
    expect(await store.size()).toEqual({ blocks: 30, bytes: 6000 })
    await store.close()
    // A machine that knows the wallet alone.
    const other = arweaveBlocks(input())
    for (const { cid, bytes } of blocks) expect(await other.get(cid)).toEqual(bytes)
    await other.close()
  })

  test('a put that is repeated is paid once: by the same machine, after a crash, by another machine', async () => {
    const where = input()
    const blocks = [block('one'), block('large', 600_000)]
    const pending = { code: 'STORAGE_PENDING' }
    const first = arweaveBlocks(where)
    await expect(first.put(blocks)).rejects.toMatchObject(pending)
    const left = await balance()
    await expect(first.put(blocks)).rejects.toMatchObject(pending)
    await first.close()
    const again = arweaveBlocks(where)
    await expect(again.put(blocks)).rejects.toMatchObject(pending)
    await mine(8)
    await expect(again.put(blocks)).rejects.toMatchObject(pending)
    const elsewhere = arweaveBlocks(input())
    await expect(elsewhere.put(blocks)).rejects.toMatchObject(pending)
    await mine(8)
    for (const store of [again, elsewhere]) {
      await store.put(blocks)
      await store.put(blocks)
      await store.close()
    }
    expect(await balance()).toBe(left)
  })

  test('one that a node forgot before it was mined is sent again as it was, and signed anew when its time is over', async () => {
    let forgetful = true
    const between = await proxy((method, path) => (forgetful && method === 'POST' && path === '/tx' ? 'swallow' : 'pass'))
    const store = arweaveBlocks(input({ url: between.url }))
    const one = [block('forgotten')]
    const putting = () => expect(store.put(one)).rejects.toMatchObject({ code: 'STORAGE_PENDING' })
    await putting()
    await mine(60)
    await putting()
    expect(between.posted).toEqual([between.posted[0], between.posted[0]])
    await mine(10)
    await putting()
    expect(new Set(between.posted).size).toBe(2)
    expect(await balance()).toBe(RICH)
    forgetful = false
    await putting()
    await mine(16)
    await store.put(one)
    expect(new Set(between.posted).size).toBe(2)
    expect(await balance()).toBe(RICH - BigInt(await asked('price/200')))
    await store.close()
  })

  test('a wallet that is short, and a price above what was agreed, send nothing and say so', async () => {
    const blocks = [block('one'), block('two', 1 << 20)]
    const price = await arweavePrice({ url: peer!.origin })
    const dear = arweaveBlocks(input({ most: price / 2n }))
    await expect(dear.put(blocks)).rejects.toMatchObject({ code: 'PRICE_TOO_HIGH' })
    await dear.close()
    await asked('reset')
    await asked(`mint/${wallet.address}/${BigInt(await asked(`price/${1 << 20}`))}`)
    const poor = arweaveBlocks(input({ most: price * 2n }))
    await expect(poor.put(blocks)).rejects.toMatchObject({ code: 'FUNDS_TOO_LOW' })
    expect(JSON.parse(await asked('tx/pending'))).toEqual([])
    // What was promised and is not mined is spent already.
    await expect(poor.put(blocks.slice(1))).rejects.toMatchObject({ code: 'STORAGE_PENDING' })
    await expect(poor.put(blocks)).rejects.toMatchObject({ code: 'FUNDS_TOO_LOW' })
    await poor.close()
  })

  test('chunks that were mined and lost are missing; putting their blocks again seeds them and pays nothing', async () => {
    const between = await proxy((method, path) => (method === 'POST' && path === '/chunk' ? 'swallow' : 'pass'))
    const blocks = [block('small'), block('half', 500_000), block('half too', 500_000)]
    const store = arweaveBlocks(input({ url: between.url }))
    await expect(store.put(blocks)).rejects.toMatchObject({ code: 'STORAGE_PENDING' })
    await mine(20)
    const left = await balance()
    expect(await store.get(blocks[0]!.cid)).toBeNull()
    expect(await store.has(blocks[0]!.cid)).toBe(true)
    // Another machine, which did not send them.
    const other = arweaveBlocks(input())
    await expect(other.put(blocks)).rejects.toMatchObject({ code: 'STORAGE_PENDING' })
    await other.put(blocks)
    for (const { cid, bytes } of blocks) expect(await other.get(cid)).toEqual(bytes)
    await store.put(blocks)
    expect(await balance()).toBe(left)
    for (const s of [store, other]) await s.close()
  })

  test('a gateway that gives other bytes is found out', async () => {
    const one = block('one')
    const store = patient(arweaveBlocks(input()))
    await store.put([one])
    await store.close()
    const between = await proxy((method, path) => (method === 'GET' && /^\/[\w-]{43}$/.test(path) ? 'bend' : 'pass'))
    const lied = arweaveBlocks(input({ url: between.url }))
    await expect(lied.get(one.cid)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    await lied.close()
  })
})

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise(resolve => server.close(resolve).closeAllConnections())
})

async function served(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Between the store and the peer. */
async function proxy(
  rule: (method: string, path: string) => 'pass' | 'swallow' | 'bend',
): Promise<{ readonly url: string; readonly posted: string[] }> {
  const posted: string[] = []
  const url = await served(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const { method = 'GET', url: path = '/' } = request
    const what = rule(method, path)
    if (method === 'POST' && path === '/tx') posted.push(JSON.parse(`${Buffer.concat(parts)}`).id)
    if (what === 'swallow') return response.end('{}')
    const sent = method === 'POST' ? { method, body: Buffer.concat(parts), headers: { 'content-type': 'application/json' } } : {}
    const answer = await fetch(`${peer!.origin}${path}`, sent)
    const body = Buffer.from(await answer.arrayBuffer())
    if (what === 'bend') body[0]! ^= 1
    return response.writeHead(answer.status).end(body)
  })
  return { url, posted }
}

describe('an Arweave gateway and a wallet that are none', () => {
  const { cid } = block('any')
  const at = async (answer: Parameters<typeof createServer>[1]) => {
    const store = arweaveBlocks({ url: await served(answer), wallet, file: join(place.path, `sent-${files++}`), most: 1n, timeout: 5000 })
    await expect(store.get(cid)).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    await store.close()
  }

  test('are found out: no sense, no end, another place, no answer, no https', async () => {
    await at((_, r) => r.end('<html>'))
    await at((_, r) => r.end('{"data":{"transactions":{"edges":7}}}'))
    await at((_, r) => r.end(Buffer.alloc(2 << 20)))
    await at((_, r) => r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end())
    await at((_, r) => r.destroy())
    expect(() => arweaveBlocks({ url: 'http://example.org', wallet, file: '', most: 1n })).toThrow(/https/)
  })

  test('a file that is no wallet is refused, and no word of it is said', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const small = JSON.stringify(privateKey.export({ format: 'jwk' }))
    for (const text of ['', 'a secret', '{"kty":"RSA"}', small])
      await expect(arweaveWallet(Buffer.from(text))).rejects.toMatchObject({
        code: 'BAD_INPUT',
        message: expect.not.stringMatching(/secret|"n"/),
      })
  })
})
