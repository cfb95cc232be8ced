import type { Common } from '@ethereumjs/common'
import type { Archive } from './archive.ts'
import type { Calls } from './calls.ts'
import type { Filters } from './filters.ts'
import type { Limits } from './limits.ts'
import type { Lru } from './lru.ts'
import type { Mempool } from './mempool.ts'
import type { Send } from './sending.ts'
import type { StateReader } from './state-reader.ts'
import type { Store } from './store.ts'
import type { Subscriptions } from './subscriptions.ts'

/** Everything the RPC methods read from or hand work to. */
export type Node = {
  readonly common: Common
  readonly store: Store
  readonly archive: Archive
  readonly mempool: Mempool
  readonly stateOf: StateReader
  readonly calls: Calls
  /** What calls came to, by block and message: a block is never another, so neither is its answer. */
  readonly answers: Lru<string>
  readonly send: Send
  readonly filters: Filters
  readonly subscriptions: Subscriptions
  readonly limits: Limits
  /** Unix seconds. */
  readonly clock: () => number
}

/** One method of the Ethereum JSON-RPC specification. Throws RPC errors. */
export type Method = (node: Node, parameters: readonly unknown[]) => unknown
export type Methods = Readonly<Record<string, Method>>
