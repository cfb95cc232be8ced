import { text } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { bool, type Infer, int, jsonAs, list, object, string } from '@keepwell/sdk/base/shape'
import { placeUrl, readLimited } from '#blocks/remote'
import type { SignedTransaction } from './wallet.ts'

const ID = /^[\w-]{43}$/
const PAGE = 100

const tag = object({ name: string(2048), value: string(2048) })
const node = object({ id: string(43, ID), tags: list(tag, 128) })
const found = object({
  data: object({
    transactions: object({
      pageInfo: object({ hasNextPage: bool }),
      edges: list(object({ cursor: string(400), node }), PAGE),
    }),
  }),
})
export type FoundTransaction = Infer<typeof node>

const QUERY = `query ($owners: [String!], $tags: [TagFilter!], $after: String) {
  transactions(owners: $owners, tags: $tags, first: ${PAGE}, after: $after, sort: HEIGHT_DESC) {
    pageInfo { hasNextPage } edges { cursor node { id tags { name value } } }
  }
}`

type Ask = { readonly json?: unknown; readonly followed?: false }

/**
 * The HTTP API of an Arweave gateway, which is a node's (docs.arweave.org/developers/arweave-node-server/http-api) with the search of GraphQL beside it.
 * Amounts are in winston, 10⁻¹² AR. Whatever does not answer, or makes no sense, throws STORAGE_FAILED.
 */
export function arweaveNode({ url, timeout = 30_000 }: { readonly url: string; readonly timeout?: number }) {
  const base = placeUrl(url, 'An Arweave gateway')

  async function ask(path: string, { json }: Ask = {}): Promise<Response | null> {
    const sent = json === undefined ? {} : { method: 'POST', body: JSON.stringify(json), headers: { 'content-type': 'application/json' } }
    // No redirect is followed: what is asked for is nobody else's business.
    const asking = fetch(new URL(path, base), { ...sent, redirect: 'manual', signal: AbortSignal.timeout(timeout) })
    const response = await asking.catch(cause => {
      throw new KeepwellError('STORAGE_FAILED', 'The Arweave gateway does not answer.', { cause })
    })
    if (response.ok) return response
    await response.body?.cancel()
    if (response.status === 404 || (response.status >= 300 && response.status < 400)) return null
    // A node says 208 to what it has already, which is a success, and 429 to who asks too often.
    throw new KeepwellError('STORAGE_FAILED', `The Arweave gateway answers with status ${response.status}.`)
  }
  const bytesOf = async (path: string, more?: Ask): Promise<Uint8Array | null> => {
    const response = await ask(path, more)
    return response && readLimited(response, 'Arweave gateway')
  }
  async function sensible<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (cause) {
      if (cause instanceof KeepwellError && !['BAD_INPUT', 'STORAGE_CORRUPT'].includes(cause.code)) throw cause
      throw new KeepwellError('STORAGE_FAILED', 'The Arweave gateway gave an answer that makes no sense.', { cause })
    }
  }
  const matching = (path: string, pattern: RegExp): Promise<string> =>
    sensible(async () => {
      const answer = text((await bytesOf(path)) ?? new Uint8Array(0)).trim()
      ensure(pattern.test(answer), 'BAD_INPUT', 'It does not match.')
      return answer
    })
  const winston = async (path: string): Promise<bigint> => BigInt(await matching(path, /^\d{1,30}$/))
  const sent = async (path: string, json: unknown): Promise<void> => {
    const answer = await ask(path, { json })
    ensure(answer, 'STORAGE_FAILED', 'The Arweave gateway does not take transactions.')
    await answer.body?.cancel()
  }

  /** The data alone: the network takes it at any time, and only for a transaction that was paid for. */
  async function seed(transaction: SignedTransaction): Promise<void> {
    for (const chunk of await transaction.chunks()) await sent('chunk', chunk)
  }

  return {
    /** What a transaction names so that it is mined in the next fifty blocks or never. */
    anchor: () => matching('tx_anchor', /^[\w-]{43,64}$/),
    /** Of the chain, in blocks. */
    height: () =>
      sensible(async () => {
        const info: unknown = JSON.parse(text((await bytesOf('info')) ?? new Uint8Array(0)))
        return int().check((info as { height?: unknown } | null)?.height, 'height')
      }),
    price: (bytes: number) => winston(`price/${bytes}`),
    balance: (address: string) => winston(`wallet/${address}/balance`),
    /** Null: it knows no such transaction. 0: it waits to be mined. */
    confirmations: (id: string) =>
      sensible(async () => {
        const response = await ask(`tx/${id}/status`)
        if (!response) return null
        const answer = text(await readLimited(response, 'Arweave gateway'))
        if (!answer.startsWith('{')) return 0
        return int().check((JSON.parse(answer) as { number_of_confirmations?: unknown }).number_of_confirmations, 'confirmations')
      }),
    /** Null when it is not served. A gateway has it under /raw; a node has no such path. Throws STORAGE_CORRUPT when it is longer than a block. */
    async data(id: string): Promise<Uint8Array | null> {
      const data = (await bytesOf(`raw/${id}`)) ?? (await bytesOf(id))
      return data?.length ? data : null
    },
    async post(transaction: SignedTransaction): Promise<void> {
      const { header, inside } = await transaction.posted()
      await sent('tx', header)
      if (!inside) await seed(transaction)
    },
    seed,
    /** The wallet's transactions that bear a tag with one of these values, all of the wallet's without a tag; the newest first. */
    async *find(owner: string, tag?: { readonly name: string; readonly values: readonly string[] }): AsyncGenerator<FoundTransaction> {
      for (let after: string | undefined; ; ) {
        const variables = { owners: [owner], tags: tag ? [tag] : [], after: after ?? null }
        const page: Infer<typeof found> = await sensible(async () =>
          jsonAs(found, (await bytesOf('graphql', { json: { query: QUERY, variables } })) ?? new Uint8Array(0), 'transactions'),
        )
        const { edges, pageInfo } = page.data.transactions
        for (const edge of edges) yield edge.node
        after = edges.at(-1)?.cursor
        if (!pageInfo.hasNextPage || after === undefined) return
      }
    },
  }
}

export type ArweaveNode = ReturnType<typeof arweaveNode>
