import { type Cid, parseCid } from '@keepwell/sdk/base/cid'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { BlockStore } from '@keepwell/sdk/ports/blocks'
import { readLimited } from './remote.ts'
import { sha256 } from './segment.ts'

export type GatewayInput = {
  /** The gateway's base, `https://…`, to which `/ipfs/<cid>?format=raw` is appended. */
  readonly url: string
  /** Milliseconds for one block. */
  readonly timeout?: number
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Reads blocks from a trustless IPFS gateway (specs.ipfs.tech/http-gateways/trustless-gateway): Kubo, a cluster, another relay's mirror. Every block is
 * checked against its CID, so the gateway is trusted with nothing; it learns which blocks are asked for, hence only gateways of one's own.
 * Read-only: `put` and `drop` throw NOT_SUPPORTED, `size` is zero. A gateway that fails or lies throws STORAGE_FAILED or STORAGE_CORRUPT.
 */
export function gatewayBlocks(input: GatewayInput): BlockStore {
  const { url, timeout = 10_000, headers = {} } = input
  const base = url.replace(/\/+$/, '')
  ensure(/^https?:\/\//.test(base), 'BAD_INPUT', 'A gateway URL begins with https:// or, at home, http://.')

  async function ask(cid: Cid, method: 'GET' | 'HEAD'): Promise<Response | null> {
    const request = {
      method,
      headers: { ...headers, accept: 'application/vnd.ipld.raw' },
      // A redirect could lead to a host that must not learn the CID.
      redirect: 'error',
      signal: AbortSignal.timeout(timeout),
    } as const
    const response = await fetch(`${base}/ipfs/${cid}?format=raw`, request).catch(cause => {
      throw new KeepwellError('STORAGE_FAILED', 'The block gateway does not answer.', { cause })
    })
    if (response.ok) return response
    await response.body?.cancel()
    if (response.status === 404 || response.status === 410) return null
    throw new KeepwellError('STORAGE_FAILED', `The block gateway answers with status ${response.status}.`)
  }

  const readOnly = async (): Promise<never> => {
    throw new KeepwellError('NOT_SUPPORTED', 'A block gateway is only read from.')
  }
  return {
    put: readOnly,
    drop: readOnly,
    async get(cid) {
      const { digest } = parseCid(cid)
      const response = await ask(cid, 'GET')
      if (!response) return null
      const bytes = await readLimited(response, 'gateway')
      ensure(sha256(bytes).equals(digest), 'STORAGE_CORRUPT', `The gateway gave other bytes for ${cid}.`)
      return bytes
    },
    async has(cid) {
      parseCid(cid)
      return (await ask(cid, 'HEAD')) !== null
    },
    async size() {
      return { blocks: 0, bytes: 0 }
    },
    async close() {},
  }
}
