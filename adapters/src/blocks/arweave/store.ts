import { type Cid, parseCid, rawCid } from '@keepwell/sdk/base/cid'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Block, BlockStore } from '@keepwell/sdk/ports/blocks'
import { checkBlock, MAX_BLOCK_BYTES } from '@keepwell/sdk/ports/limits'
import { sha256 } from '#blocks/segment'
import { openSent } from './journal.ts'
import { type ArweaveNode, arweaveNode, type FoundTransaction } from './node.ts'
import { type ArweaveWallet, sameData, type Tag } from './wallet.ts'

export type ArweaveInput = {
  /** A gateway: `https://host`. */
  readonly url: string
  readonly wallet: ArweaveWallet
  /** Where it is kept what was sent and is not final: a database of its own for each wallet. */
  readonly file: string
  /** Winston for a GiB, at most. */
  readonly most: bigint
  /** Milliseconds for one request. */
  readonly timeout?: number
}

/** What is paid for: the network counts in these (256 KiB). */
const CHUNK = 1 << 18
const GIB = 1n << 30n
/** As deep in the chain nothing is taken back any more. */
const FINAL = 15
/** A transaction that was not mined within fifty blocks of its anchor never is; some more, for what a gateway has not heard of yet. */
const EXPIRED = 50 + FINAL
/** Tags have 2,048 bytes in all: so many addresses of 59 characters, their name, and as many lengths. */
const TOGETHER = 28
/** One for each block, in their order in the data; and their lengths. Nothing else is said: no name of a program, no kind. */
const BLOCK = 'Block'
const SIZES = 'Sizes'

/** Winston for a GiB, by what the gateway asks for one now. */
export const arweavePrice = ({ url, timeout }: Pick<ArweaveInput, 'url' | 'timeout'>): Promise<bigint> =>
  arweaveNode({ url, ...(timeout ? { timeout } : {}) }).price(Number(GIB))

/** Winston that the wallet has, as the gateway says. */
export const arweaveFunds = ({ url, timeout }: Pick<ArweaveInput, 'url' | 'timeout'>, address: string): Promise<bigint> =>
  arweaveNode({ url, ...(timeout ? { timeout } : {}) }).balance(address)

/**
 * Blocks on Arweave, several in one data transaction of format 2, found again by a tag of each block's address. Nothing is ever deleted there: `drop`
 * throws CANNOT_ERASE. Everybody can read the blocks, which are sealed, and sees that one wallet put them there, when, and how long they are.
 *
 * A `put` that sent something throws STORAGE_PENDING, until a later one of the same blocks finds them fifteen blocks deep and served; what is on its way, or
 * there already, is not sent again. What is there but not served is seeded again from the blocks of the call, for nothing where these are all of a
 * transaction's. Each price is asked first: PRICE_TOO_HIGH above `most`, FUNDS_TOO_LOW when the wallet lacks it; then nothing of the call is sent.
 * Every block that comes back is hashed. That something is final is the gateway's word.
 */
export function arweaveBlocks({ url, wallet, file, most, timeout }: ArweaveInput): BlockStore {
  const node = arweaveNode({ url, ...(timeout ? { timeout } : {}) })
  const there = reader(node, wallet.address)
  const sent = openSent(file)
  const { settle, missing, send } = sender({ node, wallet, most, there, sent })
  let queue: Promise<unknown> = Promise.resolve()

  async function put(blocks: readonly Block[]): Promise<void> {
    const all = new Map(blocks.map(block => [rawCid(checkBlock(block, sha256(block.bytes))), block.bytes]))
    if (all.size === 0) return
    there.forget()
    const concerned = new Set([...all.keys()].map(sent.holding).filter(id => id !== null))
    const promised = await settle([...concerned])
    const { fresh, waiting } = await missing(all)
    there.forget()
    if (fresh.length) {
      const others = sent.ids().filter(id => !concerned.has(id))
      await send(new Map(fresh.map(cid => [cid, all.get(cid)!])), promised + (await settle(others)))
    }
    ensure(!waiting && fresh.length === 0, 'STORAGE_PENDING', 'Arweave has taken the blocks; they are not final there yet.')
  }

  return {
    permanent: true,
    // One after the other: two that carry the same block would both pay for it.
    async put(blocks) {
      const mine = blocks.map(({ cid, bytes }) => ({ cid, bytes: new Uint8Array(bytes) }))
      const turn = queue.then(() => put(mine))
      queue = turn.catch(() => {})
      return turn
    },
    async get(cid) {
      const raw = rawCid(parseCid(cid).digest)
      return there.read((await there.find([raw])).get(raw)!, raw)
    },
    async has(cid) {
      const raw = rawCid(parseCid(cid).digest)
      return (await there.find([raw])).get(raw)!.length > 0
    },
    async drop(cids) {
      ensure(cids.length === 0, 'CANNOT_ERASE', 'Nothing can be taken out of Arweave again.')
    },
    async size() {
      const blocks = new Map<Cid, number>()
      for await (const transaction of node.find(wallet.address)) {
        const sizes = sizesOf(transaction)
        for (const [i, cid] of cidsOf(transaction).entries()) blocks.set(cid, sizes[i] ?? 0)
      }
      return { blocks: blocks.size, bytes: [...blocks.values()].reduce((sum, size) => sum + size, 0) }
    },
    async close() {
      await queue
      sent.close()
    },
  }
}

/** What the gateway finds and serves of a wallet's blocks. */
function reader(node: ArweaveNode, owner: string) {
  /** The newest that was read: its neighbours are asked for next. */
  let last: { readonly id: string; readonly data: Uint8Array | null } | null = null

  async function dataOf(id: string): Promise<Uint8Array | null> {
    if (last?.id !== id) last = { id, data: await node.data(id) }
    return last.data
  }

  return {
    forget(): void {
      last = null
    },
    /** The transactions that say they hold each, the newest first. */
    async find(cids: readonly Cid[]): Promise<Map<Cid, FoundTransaction[]>> {
      const out = new Map<Cid, FoundTransaction[]>(cids.map(cid => [cid, []]))
      for (let at = 0; at < cids.length; at += TOGETHER)
        for await (const transaction of node.find(owner, { name: BLOCK, values: cids.slice(at, at + TOGETHER) }))
          for (const cid of cidsOf(transaction)) {
            const known = out.get(cid)
            if (known && !known.some(t => t.id === transaction.id)) known.push(transaction)
          }
      return out
    },
    /** Null when none of them is served; throws STORAGE_CORRUPT when other bytes are. */
    async read(found: readonly FoundTransaction[], cid: Cid): Promise<Uint8Array | null> {
      const { digest } = parseCid(cid)
      let damaged = false
      for (const transaction of found) {
        const data = await dataOf(transaction.id)
        if (!data && sizesOf(transaction).some(size => size > 0)) continue
        const block = partOf(transaction, cid, data ?? new Uint8Array(0))
        if (sha256(block).equals(digest)) return block.slice()
        damaged = true
      }
      ensure(!damaged, 'STORAGE_CORRUPT', `The gateway gave other bytes for ${cid}.`)
      return null
    },
  }
}

type Sending = Pick<ArweaveInput, 'wallet' | 'most'> & {
  readonly node: ArweaveNode
  readonly there: ReturnType<typeof reader>
  readonly sent: ReturnType<typeof openSent>
}

function sender({ node, wallet, most, there, sent }: Sending) {
  /** In parcels, each with what is asked for it. */
  async function priced(blocks: ReadonlyMap<Cid, Uint8Array>) {
    const out: { readonly cids: Cid[]; readonly data: Uint8Array; readonly reward: bigint }[] = []
    for (const cids of parcelsOf(blocks)) {
      const data = together(cids, blocks)
      const reward = await node.price(data.length)
      const counted = BigInt(Math.max(1, Math.ceil(data.length / CHUNK)) * CHUNK)
      ensure(reward * GIB <= most * counted, 'PRICE_TOO_HIGH', 'Copies on Arweave cost more than was agreed to; nothing was sent.')
      out.push({ cids, data, reward })
    }
    return out
  }

  return {
    /**
     * Sees to what was sent before: final is forgotten here, what nobody knows is sent once more, what is not served is seeded. Gives what the
     * wallet will pay for it yet.
     */
    async settle(ids: readonly string[]): Promise<bigint> {
      const height = ids.length ? await node.height() : 0
      let promised = 0n
      for (const id of ids) {
        const { transaction, height: since } = sent.get(id)
        const confirmations = await node.confirmations(id)
        const over = confirmations === null && height > since + EXPIRED
        if (!confirmations && !over) promised += transaction.reward
        if (over) sent.forget(id)
        else if (confirmations === null) await node.post(transaction)
        else if (confirmations >= FINAL) {
          const data = (await node.data(id)) ?? new Uint8Array(0)
          if (sha256(data).equals(sha256(transaction.data))) sent.forget(id)
          else await node.seed(transaction)
        }
      }
      return promised
    },

    /** Those that have to be sent and paid for; and whether some are still on their way. */
    async missing(blocks: ReadonlyMap<Cid, Uint8Array>): Promise<{ fresh: Cid[]; waiting: boolean }> {
      const asked = [...blocks.keys()].filter(cid => sent.holding(cid) === null)
      const fresh: Cid[] = []
      const served = new Set<string>()
      const lost = new Map<string, FoundTransaction>()
      for (const [cid, found] of await there.find(asked)) {
        const [newest] = found
        if (!newest) fresh.push(cid)
        else if (await there.read(found, cid).catch(damagedIsNull)) served.add(newest.id)
        else if (cidsOf(newest).every(c => blocks.has(c))) lost.set(newest.id, newest)
        else fresh.push(cid)
      }
      for (const transaction of lost.values()) await node.seed(sameData(transaction.id, together(cidsOf(transaction), blocks)))
      let waiting = asked.length < blocks.size || lost.size > 0
      for (const id of served) waiting ||= ((await node.confirmations(id)) ?? 0) < FINAL
      return { fresh, waiting }
    },

    async send(blocks: ReadonlyMap<Cid, Uint8Array>, promised: bigint): Promise<void> {
      const parcels = await priced(blocks)
      const needed = parcels.reduce((sum, { reward }) => sum + reward, promised)
      ensure((await node.balance(wallet.address)) >= needed, 'FUNDS_TOO_LOW', 'The Arweave wallet has not enough; nothing was sent.')
      const [anchor, height] = [await node.anchor(), await node.height()]
      for (const { cids, data, reward } of parcels) {
        const sizes = cids.map(c => blocks.get(c)!.length).join()
        const tags: Tag[] = [...cids.map(value => ({ name: BLOCK, value })), { name: SIZES, value: sizes }]
        const transaction = await wallet.sign({ data, tags, anchor, reward })
        sent.keep({ transaction, height }, cids)
        await node.post(transaction)
      }
    },
  }
}

const together = (cids: readonly Cid[], blocks: ReadonlyMap<Cid, Uint8Array>): Uint8Array =>
  new Uint8Array(Buffer.concat(cids.map(cid => blocks.get(cid)!)))

const damagedIsNull = (e: unknown): null => {
  if (e instanceof KeepwellError && e.code === 'STORAGE_CORRUPT') return null
  throw e
}

const valuesOf = ({ tags }: FoundTransaction, name: string): string[] => tags.filter(t => t.name === name).map(t => t.value)
const cidsOf = (transaction: FoundTransaction): Cid[] => valuesOf(transaction, BLOCK)
const sizesOf = (transaction: FoundTransaction): number[] => (valuesOf(transaction, SIZES)[0] ?? '').split(',').map(Number)

/** The block’s bytes within the data, as the tags place it. */
function partOf(transaction: FoundTransaction, cid: Cid, data: Uint8Array): Uint8Array {
  const at = cidsOf(transaction).indexOf(cid)
  const sizes = sizesOf(transaction)
  const start = sizes.slice(0, at).reduce((sum, size) => sum + size, 0)
  return data.subarray(start, start + (sizes[at] ?? 0))
}

/** Which blocks travel together: as many as the tags can name, and no more bytes than the largest block has. */
function parcelsOf(blocks: ReadonlyMap<Cid, Uint8Array>): Cid[][] {
  const out: Cid[][] = []
  let room = 0
  for (const [cid, { length }] of blocks) {
    if (!out.length || length > room || out.at(-1)!.length >= TOGETHER) {
      out.push([])
      room = MAX_BLOCK_BYTES
    }
    out.at(-1)!.push(cid)
    room -= length
  }
  return out
}
