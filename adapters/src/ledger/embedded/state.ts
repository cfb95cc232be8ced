import type { Common } from '@ethereumjs/common'
import { createMPT, type MerklePatriciaTrie } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import { Caches, CacheType, MerkleStateManager } from '@ethereumjs/statemanager'
import { type Account, type Address, unpadBytes, ValueEncoding } from '@ethereumjs/util'
import { toHex } from '@keepwell/sdk/base/bytes'
import { keccakOf } from './common.ts'
import type { Overlay } from './overlay.ts'

// biome-ignore lint/complexity/noBannedTypes: the type is EthereumJS's own.
type ModifyTrie = (trie: MerklePatriciaTrie, done: Function) => void | Promise<void>

/** Bytes of the account's hash that lead the names of its storage nodes. */
const PREFIX_BYTES = 16
/** More than a 60 M gas block can touch, so that a cache never drops a change before it is flushed. */
const CACHE_ROOM = 25_000

/**
 * The EthereumJS state manager with what a long-lived archive needs put right:
 * - a slot is written to the cache alone and reaches its trie when the block is done. Stock, it also goes to the trie at once, where
 *   pruning drops the nodes that a reverted inner call would have to return to;
 * - storage nodes are kept apart by 16 bytes of the account's hash. Stock it is 7, within reach of someone who makes two contracts
 *   collide and lets one prune the other's nodes;
 * - memory between blocks is bounded. Stock, every slot and storage trie ever touched stays.
 */
export class LedgerState extends MerkleStateManager {
  protected override _getStorageTrie(addressOrHash: Address | { bytes: Uint8Array } | Uint8Array, account?: Account): MerklePatriciaTrie {
    const hash = addressOrHash instanceof Uint8Array ? addressOrHash : keccakOf(this.common)(addressOrHash.bytes)
    const name = toHex(hash)
    const known = this._storageTries[name]
    if (known) return known
    const trie = this._trie.shallowCopy(false, { keyPrefix: hash.slice(0, PREFIX_BYTES) })
    trie.root(account?.storageRoot ?? trie.EMPTY_TRIE_ROOT)
    trie.flushCheckpoints()
    this._storageTries[name] = trie
    return trie
  }

  override async putStorage(address: Address, key: Uint8Array, value: Uint8Array): Promise<void> {
    const slots = this._caches?.storage
    if (!slots) return super.putStorage(address, key, value)
    if (!(await this.getAccount(address))) throw new Error('putStorage() called on non-existing account')
    slots.put(address, key, RLP.encode(unpadBytes(value)))
  }

  /** As stock, but a failing read rejects; the stock promise would never settle, and the rejection would end the process. */
  protected override async _modifyContractStorage(address: Address, account: Account, modify: ModifyTrie): Promise<void> {
    const trie = this._getStorageTrie(address, account)
    await new Promise<void>((done, fail) => {
      const running = async () => modify(trie, done)
      running().catch(fail)
    })
    account.storageRoot = trie.root()
    await this.putAccount(address, account)
  }

  /** Between blocks: forgets decoded values once more than `entries` were touched. */
  bound(entries: number): void {
    const caches = this._caches
    if (!caches) return
    this.#touched += caches.storage!.stats().writes + caches.account!.stats().writes + 50 * caches.code!.stats().writes
    if (this.#touched < entries) return
    this.#touched = 0
    caches.clear()
    this._storageTries = {}
  }

  /** Undoes every open checkpoint, whatever failed in between. */
  async unwind(): Promise<void> {
    while (this._checkpointCount > 0) await this.revert()
  }

  #touched = 0
}

/** The state under `root`. With `caches`, decoded values are kept, which long runs want and single reads do not. */
export async function openState(common: Common, db: Overlay, root: Uint8Array, caches: boolean): Promise<LedgerState> {
  const trie = await createMPT({
    // The trie types its database as string-valued; `valueEncoding` makes it hand bytes over as they are.
    db: db as never,
    root,
    common,
    useKeyHashing: true,
    useNodePruning: true,
    valueEncoding: ValueEncoding.Bytes,
  })
  const cache = (size: number) => ({ type: CacheType.LRU, size: size + CACHE_ROOM })
  return new LedgerState({
    common,
    trie,
    prefixStorageTrieKeys: true,
    ...(caches && { caches: new Caches({ account: cache(50_000), storage: cache(50_000), code: cache(1000) }) }),
  })
}
