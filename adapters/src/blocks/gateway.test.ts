import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { rawCid } from '@keepwell/sdk/base/cid'
import { memoryBlocks } from '@keepwell/sdk/memory/blocks'
import type { Block, BlockStore } from '@keepwell/sdk/ports/blocks'
import { blockStoreSuite } from '@keepwell/sdk/ports/blocks.suite'
import { afterEach, describe, expect, test } from 'vitest'
import { inDirectory, temporaryDirectory } from '#base/temporary.kit'
import { withFallback } from './fallback.ts'
import { openFileBlocks } from './file.ts'
import { gatewayBlocks } from './gateway.ts'
import { sha256 } from './segment.ts'

const block = (name: string, length = 300): Block => {
  const bytes = new Uint8Array(length)
  bytes.set(Buffer.from(name))
  return { cid: rawCid(sha256(bytes)), bytes }
}

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
})

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A trustless gateway over a store. */
const gatewayOver =
  (store: BlockStore): RequestListener =>
  async (request, response) => {
    const cid = /^\/ipfs\/([a-z2-7]+)\?format=raw$/.exec(request.url ?? '')?.[1]
    const found = cid && request.headers.accept === 'application/vnd.ipld.raw' ? await store.get(cid) : null
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/vnd.ipld.raw' }).end(found)
  }

describe('a trustless gateway', () => {
  test('a block is given, one that is not there is null', async () => {
    const far = memoryBlocks()
    const blocks = [block('a'), block('empty', 0x00 + 5), block('large', 1 << 20)]
    await far.put(blocks)
    const near = gatewayBlocks({ url: `${await serve(gatewayOver(far))}/` })
    for (const { cid, bytes } of blocks) {
      expect(Buffer.compare((await near.get(cid))!, bytes)).toBe(0)
      expect(await near.has(cid)).toBe(true)
    }
    expect(await near.get(block('nowhere').cid)).toBeNull()
    expect(await near.has(block('nowhere').cid)).toBe(false)
    await expect(near.put(blocks)).rejects.toMatchObject({ code: 'NOT_SUPPORTED' })
  })

  test('bytes that do not hash to the CID, or are too many, are never given', async () => {
    const wrong = gatewayBlocks({ url: await serve((_, response) => response.end('something else')) })
    await expect(wrong.get(block('a').cid)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    const endless = gatewayBlocks({
      url: await serve((_, response) => {
        const pump = () => response.write(Buffer.alloc(1 << 18)) || response.once('drain', pump)
        const timer = setInterval(pump, 1)
        response.on('close', () => clearInterval(timer))
      }),
    })
    await expect(endless.get(block('a').cid)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  })

  test('a gateway that fails, hangs, breaks off or sends elsewhere is a storage failure', async () => {
    const answers: RequestListener[] = [
      (_, response) => response.writeHead(500).end('no'),
      () => {},
      (_, response) => {
        response.writeHead(200, { 'content-length': '300' }).write('half')
        setTimeout(() => response.destroy(), 20)
      },
      (_, response) => response.writeHead(301, { location: 'http://127.0.0.1:1/' }).end(),
    ]
    for (const answer of answers) {
      const near = gatewayBlocks({ url: await serve(answer), timeout: 400 })
      await expect(near.get(block('a').cid)).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    }
    await expect(gatewayBlocks({ url: 'http://127.0.0.1:1' }).get(block('a').cid)).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    expect(() => gatewayBlocks({ url: 'file:///etc' })).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  })
})

describe('a store with a fallback', () => {
  blockStoreSuite(
    inDirectory(async dir => withFallback({ local: await openFileBlocks({ dir: join(dir, 'blocks') }), remotes: [memoryBlocks()] })),
  )

  test('what is missing or damaged here comes from elsewhere and is kept', async () => {
    const home = temporaryDirectory()
    const far = memoryBlocks()
    await far.put([block('missing'), block('damaged')])
    const dead = gatewayBlocks({ url: 'http://127.0.0.1:1' })
    const open = async (remotes: BlockStore[]) => withFallback({ local: await openFileBlocks({ dir: home.path }), remotes })
    let store = await open([dead, far])
    await store.put([block('damaged'), block('lost')])
    await store.close()
    for (const name of readdirSync(home.path).filter(n => n.endsWith('.seg'))) {
      const bytes = readFileSync(join(home.path, name))
      for (const words of ['damaged', 'lost']) bytes[bytes.indexOf(words)]! ^= 1
      writeFileSync(join(home.path, name), bytes)
    }
    store = await open([dead, far])
    expect(await store.get(block('missing').cid)).toEqual(block('missing').bytes)
    expect(await store.get(block('damaged').cid)).toEqual(block('damaged').bytes)
    await expect(store.get(block('lost').cid)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    expect(await store.get(block('nowhere').cid)).toBeNull()
    await store.close()
    store = await open([])
    for (const name of ['missing', 'damaged']) expect(await store.get(block(name).cid)).toEqual(block(name).bytes)
    await store.close()
    home.remove()
  })
})
