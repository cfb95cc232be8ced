import type { BatchDBOp, DB } from '@ethereumjs/util'
import { type Lru, lru } from './lru.ts'
import { stateKey } from './rows.ts'
import type { Row, Store } from './store.ts'

export type NodeCache = Lru<Uint8Array>

/** Reads one stored node by its hex name; undefined when there is none. */
export type ReadNode = (name: string) => Uint8Array | undefined

/** Nodes known to be durable. An entry costs its bytes, two per character of its name, and about 100 of bookkeeping. */
export const nodeCache = (bytes: number): NodeCache => lru(bytes, (name, value) => value.length + 2 * name.length + 100)

/**
 * The EthereumJS `DB` of a block in the making: reads fall through to what is stored, writes stay in memory until the block is
 * made durable (`fresh`, then `settle`) or thrown away (`discard`).
 *
 * Nodes are named by their content, so a delete only drops a node that this same block wrote (garbage of its intermediate
 * states); what is stored stays, which is what makes every old state readable.
 */
export type Overlay = DB<string, Uint8Array> & {
  fresh(): Row[]
  settle(): void
  discard(): void
  /** Nodes written and not yet settled, by hex name. */
  readonly pending: ReadonlyMap<string, Uint8Array>
}

export function overlay(read: ReadNode, durable: NodeCache): Overlay {
  const pending = new Map<string, Uint8Array>()
  const put = (name: string, value: Uint8Array) => {
    // EthereumJS writes back what it only read within a checkpoint.
    if (!durable.has(name)) pending.set(name, value)
  }
  const self: Overlay = {
    pending,
    async get(name) {
      const known = pending.get(name) ?? durable.get(name)
      if (known) return known
      const value = read(name)
      if (value) durable.set(name, value)
      return value
    },
    async put(name, value) {
      put(name, value)
    },
    async del(name) {
      pending.delete(name)
    },
    async batch(operations: BatchDBOp<string, Uint8Array>[]) {
      for (const operation of operations) {
        if (operation.type === 'put') put(operation.key, operation.value)
        else pending.delete(operation.key)
      }
    },
    // Storage tries are copies of the account trie: they must see and add to the same block.
    shallowCopy: () => self,
    async open() {},
    fresh: () => [...pending].map(([name, value]) => ({ key: stateKey(name), value })),
    settle() {
      for (const [name, value] of pending) durable.set(name, value)
      pending.clear()
    },
    discard: () => pending.clear(),
  }
  return self
}

export const storedNodes =
  (store: Store): ReadNode =>
  name =>
    store.get(stateKey(name))
