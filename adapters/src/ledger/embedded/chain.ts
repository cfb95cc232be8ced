import { mkdir } from 'node:fs/promises'
import { createAddressFromString } from '@ethereumjs/util'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { type Mined, openArchive } from './archive.ts'
import { openCalls } from './calls.ts'
import { checkpoints } from './checkpoints.ts'
import { chainRules } from './common.ts'
import { exportBlocks, importBlocks } from './export.ts'
import { openFilters } from './filters.ts'
import { levelStore } from './level-store.ts'
import { LIMITS, type Limits } from './limits.ts'
import { lru } from './lru.ts'
import { memoryStore } from './memory-store.ts'
import { openMempool, type Pending } from './mempool.ts'
import type { Node } from './node.ts'
import { checkWitness, openLedger } from './opening.ts'
import { nodeCache } from './overlay.ts'
import { openPump } from './pump.ts'
import { RPC, RpcError } from './rpc-error.ts'
import { answer, type Request } from './rpc-request.ts'
import { sender } from './sending.ts'
import { stateReader } from './state-reader.ts'
import type { Store } from './store.ts'
import { type Listener, openSubscriptions } from './subscriptions.ts'
import { type Progress, verifyLedger } from './verify.ts'
import { openWitness, readWitness, type Witness, witnessPath } from './witness.ts'
import { openWriter } from './writer.ts'

/** An Ethereum chain of one node in this process, without fees, keys or peers. Also an EIP-1193 provider. */
export type EmbeddedChain = {
  readonly chainId: number
  /** EIP-1193. `eth_sendRawTransaction` answers once the transaction is mined and fsynced. Throws RPC errors (`code`, `data`). */
  request(request: Request): Promise<unknown>
  /** What `eth_subscribe` asked for. */
  on(event: 'message', listener: Listener): void
  off(event: 'message', listener: Listener): void
  /** Makes an empty block, so that the newest block bears the present time: for hosts whose ledger must not look stale when idle. */
  beat(): Promise<void>
  /** Re-executes all blocks and compares everything stored; returns how many. Throws LEDGER_CORRUPT, CANCELLED. */
  verify(signal?: AbortSignal, onProgress?: Progress): Promise<number>
  /** All blocks as RLP, genesis first. */
  exportBlocks(): AsyncIterable<Uint8Array>
  /** Executes exported blocks, checking each; returns how many were new. Throws LEDGER_CHAIN_MISMATCH, LEDGER_CORRUPT, UNREADABLE. */
  importBlocks(blocks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number>
  /** Finishes the block in the making, then closes the files. Transactions still waiting are refused. */
  close(): Promise<void>
}

export type ChainOptions = {
  /** Folder of the ledger files, made if missing; null keeps everything in memory. */
  readonly dir: string | null
  /** Up to 48 bits. */
  readonly chainId: number
  /** Unix seconds. Blocks bear it, never less than their parent. */
  readonly clock: () => number
  readonly limits?: Partial<Limits>
}

/**
 * Opens or creates a ledger. Throws LEDGER_LOCKED when another process has it, LEDGER_CHAIN_MISMATCH when it is of another chain,
 * LEDGER_CORRUPT when blocks are missing or altered, STORAGE_FAILED when the files cannot be read.
 */
export async function openChain(options: ChainOptions): Promise<EmbeddedChain> {
  const { dir } = options
  if (dir === null) return openChainOver(memoryStore(), options)
  await mkdir(dir, { recursive: true })
  const store = await levelStore(dir)
  try {
    return await openChainOver(store, options)
  } catch (error) {
    await store.close()
    throw error
  }
}

/** As `openChain`, over a store that is open already and that closing the chain closes. */
export async function openChainOver(store: Store, { dir, chainId, clock, limits: given }: ChainOptions): Promise<EmbeddedChain> {
  if (!Number.isSafeInteger(chainId) || chainId < 1 || chainId >= 2 ** 48) {
    throw new KeepwellError('BAD_INPUT', 'The chain id has to be a whole number from 1 to 2^48 - 1.')
  }
  const limits = { ...LIMITS, ...given }
  const common = await chainRules(chainId)
  const { head } = await openLedger(store, common, limits.blockGas)
  const witness = dir === null ? null : witnessOf(store, dir, head)
  const archive = openArchive(store, common)
  const cache = nodeCache(limits.nodeCacheBytes)
  const stateOf = stateReader(common, store, cache)
  const filters = openFilters(limits, clock)
  const subscriptions = openSubscriptions(limits)
  const mempool = openMempool(limits, async who => {
    const state = await stateOf(archive.head())
    return Number((await state.getAccount(createAddressFromString(who)))?.nonce ?? 0n)
  })
  const writer = openWriter({ common, store, cache, archive, checkpoints: checkpoints(), witness, limits })
  const pump = openPump({ writer, mempool, limits, clock, published: (mined: Mined) => subscriptions.published(mined) })
  const arrived = ({ tx }: Pending) => {
    const hash = `0x${Buffer.from(tx.hash()).toString('hex')}`
    filters.arrived(hash)
    subscriptions.arrived(hash)
  }
  const send = sender({ common, archive, mempool, pump, stateOf, limits, arrived })
  const calls = openCalls({ common, store, cache, hashOf: archive.hashOf, entries: limits.stateCacheEntries })
  const answers = lru<string>(limits.callCache, (question, answer) => question.length + answer.length)
  const node: Node = { common, store, archive, mempool, stateOf, calls, answers, send, filters, subscriptions, limits, clock }
  let closed: Promise<void> | null = null
  const close = async () => {
    await pump.stop()
    writer.close()
    await store.close()
  }
  return {
    chainId,
    async request(request) {
      if (closed) throw new RpcError(RPC.unavailable, 'The ledger is closed.')
      return answer(node, request)
    },
    on: (_, listener) => subscriptions.on(listener),
    off: (_, listener) => subscriptions.off(listener),
    beat: () =>
      pump.exclusive(async () => {
        const { made } = await writer.beat(BigInt(clock()))
        if (made) subscriptions.published(made)
      }),
    verify: (signal, onProgress) =>
      verifyLedger({ common, store, archive, gasLimit: limits.blockGas, entries: limits.stateCacheEntries }, signal, onProgress),
    exportBlocks: () => exportBlocks(archive),
    importBlocks: blocks => pump.exclusive(() => importBlocks({ common, archive, writer }, blocks)),
    close: () => (closed ??= close()),
  }
}

function witnessOf(store: Store, dir: string, head: { number: number; hash: Uint8Array }): Witness {
  checkWitness(store, readWitness(dir), head, witnessPath(dir))
  const witness = openWitness(dir)
  witness.note(head)
  return witness
}
