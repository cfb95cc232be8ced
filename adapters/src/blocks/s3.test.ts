import { writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { rawCid } from '@keepwell/sdk/base/cid'
import { blockStoreSuite } from '@keepwell/sdk/ports/blocks.suite'
import { AwsClient } from 'aws4fetch'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { temporaryDirectory } from '#base/temporary.kit'
import { s3Blocks } from './s3.ts'
import { sha256 } from './segment.ts'

const KEYS = { accessKeyId: 'keepwell', secretAccessKey: 'a-secret-of-the-test' }

// tools/ belongs to the repository, not to this package, so no import line reaches it.
const tools = import.meta.glob<typeof import('../../../tools/versitygw.ts')>('/tools/versitygw.ts')
const { findVersitygw, startVersitygw } = await tools['/tools/versitygw.ts']!()
const installed = findVersitygw() !== null
if (!installed) console.warn('SKIPPED: no S3 server is installed (.ci/run builds one); only refusals of the S3 adapter are tested here.')

const bytes = Buffer.from('a block')
const cid = rawCid(sha256(bytes))

const folder = temporaryDirectory()
let peer: Awaited<ReturnType<typeof startVersitygw>> = null
let buckets = 0

beforeAll(async () => {
  peer = await startVersitygw(folder.path, KEYS)
  if (peer) await vi.waitFor(() => fetch(peer!.origin), { timeout: 60_000, interval: 50 })
})
afterAll(async () => {
  await peer?.stop()
  folder.remove()
})

async function bucket(): Promise<string> {
  const url = `${peer!.origin}/cold-${buckets++}`
  const made = await new AwsClient({ ...KEYS, region: 'us-east-1', service: 's3' }).fetch(url, { method: 'PUT' })
  expect(made.status).toBe(200)
  return url
}

describe.skipIf(!installed)('a bucket of the Versity gateway', () => {
  blockStoreSuite(async () => {
    const url = `${await bucket()}/vault/one`
    return { open: async () => s3Blocks({ url, ...KEYS }) }
  })

  test('is refused without its key, and when it is not there', async () => {
    const url = await bucket()
    const stranger = s3Blocks({ url, ...KEYS, secretAccessKey: 'guessed' })
    await expect(stranger.put([{ cid, bytes }])).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    expect(await s3Blocks({ url, ...KEYS }).has(cid)).toBe(false)
    const elsewhere = s3Blocks({ url: `${url}-elsewhere`, ...KEYS })
    await expect(elsewhere.put([{ cid, bytes }])).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    await expect(elsewhere.size()).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
  })

  test('counts beyond one page of its list, and in its own folder alone', async () => {
    const url = await bucket()
    const store = s3Blocks({ url: `${url}/mine`, ...KEYS })
    await s3Blocks({ url, ...KEYS }).put([{ cid, bytes }])
    const many = Array.from({ length: 1001 }, (_, i) => Buffer.from(`block ${i}`))
    await store.put(many.map(b => ({ cid: rawCid(sha256(b)), bytes: b })))
    expect(await store.size()).toEqual({ blocks: 1001, bytes: many.reduce((sum, b) => sum + b.length, 0) })
  })

  test('finds what somebody changed in its folder', async () => {
    const url = await bucket()
    const store = s3Blocks({ url, ...KEYS })
    await store.put([{ cid, bytes }])
    writeFileSync(join(folder.path, new URL(url).pathname, sha256(bytes).toString('hex')), 'A block')
    await expect(store.get(cid)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    await store.put([{ cid, bytes }])
    expect(await store.get(cid)).toEqual(new Uint8Array(bytes))
  })
})

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise(resolve => server.close(resolve).closeAllConnections())
})

async function lying(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/cold`
}

describe('a bucket that lies', () => {
  test('is found out: other bytes, endless bytes, another place, no answer', async () => {
    const at = async (answer: RequestListener) => s3Blocks({ url: await lying(answer), ...KEYS }).get(cid)
    await expect(at((_, r) => r.end('another'))).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    await expect(at((_, r) => r.end(Buffer.alloc(2 << 20)))).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    await expect(at((_, r) => r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end())).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
    })
    await expect(at((_, r) => r.destroy())).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    expect(() => s3Blocks({ url: 'http://example.org/cold', ...KEYS })).toThrow(/https/)
  })
})
