import { toHex } from '@keepwell/sdk/base/bytes'
import { type Cid, parseCid } from '@keepwell/sdk/base/cid'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Block, BlockStore } from '@keepwell/sdk/ports/blocks'
import { checkBlock } from '@keepwell/sdk/ports/limits'
import { AwsClient } from 'aws4fetch'
import { placeUrl, readLimited } from './remote.ts'
import { sha256 } from './segment.ts'

export type S3Input = {
  /** The bucket by path, `https://host/bucket`, optionally with a folder behind it. */
  readonly url: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region?: string
  /** Milliseconds for one request. */
  readonly timeout?: number
}

const AT_ONCE = 8

type Ask = { readonly method: string; readonly body?: Uint8Array<ArrayBuffer> }

/**
 * Blocks in a bucket of an S3-compatible service, one object each, named by the digest. Every block that comes back is hashed, so the service
 * is trusted to keep, not to tell the truth; it learns sizes and when they are asked for. Requests are signed (AWS Signature 4) by an access
 * key that should be good for this bucket alone. Versioning and object lock must be off, or `drop` leaves what was erased.
 */
export function s3Blocks(input: S3Input): BlockStore {
  const { accessKeyId, secretAccessKey, region = 'us-east-1', timeout = 30_000 } = input
  const base = placeUrl(input.url, 'A bucket')
  const [bucket = '', ...folder] = base.pathname.split('/').filter(p => p)
  ensure(bucket, 'BAD_INPUT', 'The address of a bucket ends with its name.')
  const prefix = folder.map(p => `${p}/`).join('')
  const signer = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 0 })

  async function ask(path: string, { method, body }: Ask): Promise<Response | null> {
    const request = await signer.sign(`${base.origin}/${path}`, { method, ...(body ? { body } : {}) })
    const response = await fetch(request, { redirect: 'error', signal: AbortSignal.timeout(timeout) }).catch(cause => {
      throw new KeepwellError('STORAGE_FAILED', 'The bucket does not answer.', { cause })
    })
    if (response.ok) return response
    await response.body?.cancel()
    if (response.status === 404) return null
    throw new KeepwellError('STORAGE_FAILED', `The bucket answers with status ${response.status}.`)
  }
  const place = (digest: Uint8Array): string => `${bucket}/${prefix}${toHex(digest)}`

  async function putOne({ bytes }: Block, digest: Uint8Array): Promise<void> {
    const answer = await ask(place(digest), { method: 'PUT', body: new Uint8Array(bytes) })
    ensure(answer, 'STORAGE_FAILED', 'There is no such bucket.')
    await answer.arrayBuffer()
  }

  async function* listed(): AsyncGenerator<{ bytes: number }> {
    for (let token = ''; ; ) {
      const query = new URLSearchParams({ 'list-type': '2', prefix, ...(token ? { 'continuation-token': token } : {}) })
      const answer = await ask(`${bucket}?${query}`, { method: 'GET' })
      ensure(answer, 'STORAGE_FAILED', 'There is no such bucket.')
      const xml = await answer.text()
      for (const [, size] of xml.matchAll(/<Contents>.*?<Size>(\d+)<\/Size>.*?<\/Contents>/gs)) yield { bytes: Number(size) }
      const next = /<NextContinuationToken>([^<]+)<\/NextContinuationToken>/.exec(xml)?.[1]
      if (!next) return
      token = unescaped(next)
    }
  }

  return {
    async put(blocks) {
      const checked = new Map(
        blocks.map(block => [toHex(checkBlock(block, sha256(block.bytes))), { ...block, bytes: block.bytes.slice() }]),
      )
      await each([...checked], ([digest, block]) => putOne(block, Buffer.from(digest, 'hex')))
    },
    async get(cid) {
      const { digest } = parseCid(cid)
      const answer = await ask(place(digest), { method: 'GET' })
      if (!answer) return null
      const bytes = await readLimited(answer, 'bucket')
      ensure(sha256(bytes).equals(digest), 'STORAGE_CORRUPT', `The bucket gave other bytes for ${cid}.`)
      return bytes
    },
    has: async cid => (await ask(place(parseCid(cid).digest), { method: 'HEAD' })) !== null,
    async drop(cids: readonly Cid[]) {
      await each(
        cids.map(cid => parseCid(cid).digest),
        async digest => void (await ask(place(digest), { method: 'DELETE' }))?.arrayBuffer(),
      )
    },
    async size() {
      const held = { blocks: 0, bytes: 0 }
      for await (const { bytes } of listed()) {
        held.blocks++
        held.bytes += bytes
      }
      return held
    },
    async close() {},
  }
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const unescaped = (text: string): string => text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ENTITIES[name]!)

/** Several at once; the first failure is thrown when those under way have ended. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values()
  const lanes = Array.from({ length: Math.min(AT_ONCE, items.length) }, async () => {
    for (const item of waiting) await work(item)
  })
  const failed = (await Promise.allSettled(lanes)).find(r => r.status === 'rejected')
  if (failed) throw failed.reason
}
