import { mkdir } from 'node:fs/promises'
import { openFileBlocks } from '@keepwell/adapters/blocks/file'
import type { BlockIo } from '@keepwell/adapters/blocks/io'
import { openSqliteEnvelopes } from '@keepwell/adapters/envelopes/sqlite'
import { openShredKeys } from '@keepwell/adapters/keys/shred-file'
import { openChain } from '@keepwell/adapters/ledger/embedded/chain'
import { rpcHandler } from '@keepwell/adapters/ledger/embedded/rpc-handler'
import { openEvmLedger } from '@keepwell/adapters/ledger/evm/ledger'
import { openSqliteLog } from '@keepwell/adapters/log/sqlite'
import { inHome, readHome, requestOf } from '@keepwell/daemon/bin/home'
import { type OpenOptions, type RelayHome, urlOf, VERSION } from '@keepwell/daemon/bin/relay'
import { lockRelay } from '@keepwell/daemon/bin/relay-lock'
import { publicProvider } from '@keepwell/daemon/relay/rpc'
import { ensure } from '@keepwell/sdk/base/error'
import type { BlockStore } from '@keepwell/sdk/ports/blocks'
import { type RelayContext, relayMemory } from '@keepwell/sdk/relay/context'
import { relayKeys } from '@keepwell/sdk/relay/keys'
import { createRelay } from '@keepwell/sdk/relay/relay'

/** The ports of a relay that a test may wrap. */
export type Ports = Pick<RelayContext, 'ledger' | 'blocks' | 'envelopes' | 'shred' | 'log'>

export type Composition = {
  /** The disk under the block store. */
  readonly io?: BlockIo
  /** The block store itself, made from the embedded one. */
  readonly blocks?: (local: BlockStore) => Promise<BlockStore>
  readonly wrap?: (ports: Ports) => Ports
}

/** What tests use of an open home. */
export type OpenHome = Pick<RelayHome, 'relay' | 'ledger' | 'chain' | 'service' | 'close'>

type Opening = Required<Pick<OpenOptions, 'dir' | 'config' | 'clock' | 'random'>> & { readonly compose: Composition }

/**
 * An embedded home like the product's own composition root opens, except that ports can be wrapped and no upkeep runs: what a test must be
 * able to do and a product must not.
 */
export async function openComposedHome({ dir, config, clock, random, compose }: Opening): Promise<OpenHome> {
  const found = await readHome(dir)
  ensure(found, 'NO_HOME', 'There is no relay in that folder.')
  const at = inHome(dir)
  const url = urlOf(config)
  const opened = new AsyncDisposableStack()
  try {
    const lock = lockRelay(dir)
    opened.defer(() => lock.release())
    const { chainId } = found.secrets
    const chain = await openChain({ dir: at.ledger, chainId, clock })
    opened.defer(() => chain.close())
    const request = requestOf(chain)
    const ledger = await openEvmLedger({ request, manifest: found.manifest, chainId, secret: found.secrets.request, poll: 5 })
    await mkdir(at.shred, { recursive: true, mode: 0o700 })
    const local = await openFileBlocks({ dir: at.blocks, ...(compose.io ? { io: compose.io } : {}) })
    const blocks = compose.blocks ? await compose.blocks(local) : local
    opened.defer(() => blocks.close())
    const envelopes = await openSqliteEnvelopes({ file: at.envelopes })
    opened.defer(() => envelopes.close())
    const log = await openSqliteLog({ file: at.log })
    opened.defer(() => log.close())
    const ports: Ports = { ledger, blocks, envelopes, log, shred: await openShredKeys({ dir: at.shred }) }
    const { ledgerPace, maxVaults, maxMessages } = config
    const context: RelayContext = {
      keys: relayKeys(found.secrets),
      settings: { url, version: VERSION, ledgerPace, maxVaults, maxMessages },
      ...(compose.wrap ? compose.wrap(ports) : ports),
      wake: async () => 'gone',
      clock,
      random,
      memory: relayMemory(),
    }
    const relay = createRelay(context)
    await relay.recover()
    const provider = publicProvider({ request: call => chain.request(call as Parameters<typeof chain.request>[0]) }, { sending: true })
    const rpc = rpcHandler(provider, { batch: 50 })
    const head = await ledger.head()
    const status = async () => ({
      ...{ did: context.keys.did, url, version: VERSION, chainId, block: head.block, blockTime: head.time, log: await log.size() },
      ...{ blocks: 0, bytes: 0, waiting: 0, startedAt: clock() },
    })
    const probe = async () => ({ ledger: true, log: true, envelopes: true, blocks: true })
    const all = opened.move()
    return { relay, ledger, chain, service: { relay, links: relay, rpc, clock, status, probe }, close: () => all.disposeAsync() }
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}
