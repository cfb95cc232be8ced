import { createHmac } from 'node:crypto'
import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight } from '@helia/libp2p'
import { type Cid, cidBytes, rawCid } from '@keepwell/sdk/base/cid'
import { ensure, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import type { BlockStore } from '@keepwell/sdk/ports/blocks'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createHeliaLight } from 'helia'
import { CID } from 'multiformats/cid'

export type HeliaInput = {
  /** Where blocks are kept here; closed with this store. */
  readonly local: BlockStore
  /** 32 random bytes: the node's Ed25519 identity. */
  readonly seed: Uint8Array
  /** 32 random bytes that all nodes of the swarm know. */
  readonly swarmKey: Uint8Array
  /** Multiaddresses to listen on, none to dial out only. Private ones: nothing here is for the open Internet. */
  readonly listen: readonly string[]
  /** The other nodes, `/ip4/…/tcp/…/p2p/<id>`, or `/p2p/<id>` for one that dials us. Nobody else may connect. */
  readonly peers: readonly string[]
  /** How long a block is asked for, in milliseconds. */
  readonly timeout?: number
}

/** Blocks asked for at once: unbounded, the first of many comes ten times later. */
const CONCURRENCY = 8

/**
 * A node of a private IPFS swarm: what is not here is asked of the configured peers over Bitswap, kept, and given back; null after the timeout.
 * It announces nothing, asks no public node and no DHT, and speaks only to peers on its list that know the swarm key.
 *
 * Every peer on the list can fetch any block whose CID it knows, and dropping here drops nothing there: a block fetched again after a drop comes back
 * as long as a peer has it.
 */
export async function openHeliaBlocks(input: HeliaInput): Promise<BlockStore & { addresses(): string[] }> {
  const { local, timeout = 5000 } = input
  const helia = await startNode(input)
  const providers = input.peers.filter(peer => !peer.startsWith('/p2p/')).map(peer => multiaddr(peer))
  const limit = limiter(CONCURRENCY)

  async function ask(cid: Cid): Promise<Uint8Array | null> {
    try {
      const signal = AbortSignal.timeout(timeout)
      const parts: Uint8Array[] = []
      for await (const part of helia.blockstore.get(CID.decode(cidBytes(cid)), { signal, providers })) parts.push(part)
      return Uint8Array.from(Buffer.concat(parts))
    } catch (e) {
      if (isKeepwellError(e)) throw e
      return null
    }
  }

  return {
    put: blocks => local.put(blocks),
    async get(cid) {
      return (await local.get(cid)) ?? (input.peers.length ? limit(() => ask(cid)) : null)
    },
    has: cid => local.has(cid),
    drop: cids => local.drop(cids),
    size: () => local.size(),
    async close() {
      await helia.stop()
      await local.close()
    },
    addresses: () => helia.libp2p.getMultiaddrs().map(String),
  }
}

/** The `/p2p/…` address of the node with this seed, for the lists of its peers. */
export async function heliaPeer(seed: Uint8Array): Promise<string> {
  return `/p2p/${peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed))}`
}

async function startNode(input: HeliaInput) {
  const { local, seed, swarmKey, listen } = input
  ensure(seed.length === 32 && swarmKey.length === 32, 'BAD_INPUT', 'The seed and the swarm key of an IPFS node have 32 bytes each.')
  const allowed = new Set(input.peers.map(idOf))
  const refuse = (peer: { toString(): string }) => !allowed.has(peer.toString())
  // Noise mixes the prologue into every handshake: who does not know the key can finish none.
  const prologueBytes = createHmac('sha256', swarmKey).update('keepwell/v1/swarm').digest()
  const node = withBitswap(
    withLibp2pLight(createHeliaLight({ blockstore: blockstoreOver(local) }), {
      privateKey: await generateKeyPairFromSeed('Ed25519', seed),
      addresses: { listen: [...listen] },
      transports: [tcp()],
      connectionEncrypters: [noise({ prologueBytes })],
      streamMuxers: [yamux()],
      services: { identify: identify() },
      connectionGater: {
        denyDialPeer: refuse,
        denyInboundEncryptedConnection: refuse,
        denyOutboundEncryptedConnection: refuse,
      },
    }),
  )
  try {
    await node.start()
  } catch (cause) {
    throw new KeepwellError('STORAGE_FAILED', 'The IPFS node could not start; check its listen addresses.', { cause })
  }
  return node
}

function idOf(peer: string): string {
  const id = /\/p2p\/([A-Za-z0-9]+)$/.exec(peer)?.[1]
  ensure(id, 'BAD_INPUT', 'The address of an IPFS peer ends in /p2p/<its id>.')
  return id
}

type Blockstore = NonNullable<NonNullable<Parameters<typeof createHeliaLight>[0]>['blockstore']>

/** Our store as Helia's. Helia names blocks by any CID; only SHA-256 ones are ours. */
function blockstoreOver(local: BlockStore): Blockstore {
  const ours = (cid: CID): Cid => rawCid(cid.multihash.digest)
  const one = async (cid: CID): Promise<Uint8Array> => {
    const bytes = await local.get(ours(cid))
    if (!bytes) throw Object.assign(new Error('Not here.'), { name: 'NotFoundError' })
    return bytes
  }
  const gather = async (bytes: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
    if (bytes instanceof Uint8Array) return bytes
    const parts: Uint8Array[] = []
    for await (const part of bytes) parts.push(part)
    return Buffer.concat(parts)
  }
  const put: Blockstore['put'] = async (cid, bytes) => {
    await local.put([{ cid: ours(cid), bytes: await gather(bytes) }])
    return cid
  }
  return {
    put,
    has: cid => local.has(ours(cid)),
    delete: cid => local.drop([ours(cid)]),
    async *get(cid) {
      yield await one(cid)
    },
    async *putMany(source) {
      for await (const { cid, bytes } of source) yield await put(cid, bytes)
    },
    async *getMany(source) {
      for await (const cid of source) yield { cid, bytes: only(one(cid)) }
    },
    async *deleteMany(source) {
      for await (const cid of source) {
        await local.drop([ours(cid)])
        yield cid
      }
    },
    // biome-ignore lint/correctness/useYield: a store that cannot be listed, for nothing here collects garbage through Helia.
    async *getAll() {
      throw new KeepwellError('NOT_SUPPORTED', 'The block store is not listed through Helia.')
    },
  }
}

async function* only(bytes: Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await bytes
}

/** Lets at most `max` pieces of work run at once. */
function limiter(max: number) {
  const waiting: (() => void)[] = []
  let running = 0
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= max) await new Promise<void>(resolve => waiting.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
