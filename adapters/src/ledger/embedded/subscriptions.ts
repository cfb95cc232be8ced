import { randomBytes } from 'node:crypto'
import type { Mined } from './archive.ts'
import type { Limits } from './limits.ts'
import type { LogFilter } from './log-filter.ts'
import { logsOf } from './log-search.ts'
import { overLimit } from './rpc-error.ts'
import { formatHeader, hex } from './rpc-format.ts'

export type Subscription =
  | { readonly kind: 'newHeads' }
  | { readonly kind: 'logs'; readonly filter: LogFilter }
  | { readonly kind: 'newPendingTransactions' }

/** EIP-1193: what `message` listeners get. All subscriptions go to all listeners; the id tells them apart. */
export type ProviderMessage = {
  readonly type: 'eth_subscription'
  readonly data: { readonly subscription: string; readonly result: unknown }
}
export type Listener = (message: ProviderMessage) => void

export type Subscriptions = {
  add(subscription: Subscription): string
  remove(id: unknown): boolean
  on(listener: Listener): void
  off(listener: Listener): void
  published(mined: Mined): void
  arrived(transactionHash: string): void
}

export function openSubscriptions(limits: Limits): Subscriptions {
  const subscriptions = new Map<unknown, Subscription>()
  const listeners = new Set<Listener>()
  const emit = (subscription: unknown, result: unknown) => {
    for (const listener of listeners) listener({ type: 'eth_subscription', data: { subscription: String(subscription), result } })
  }
  return {
    add(subscription) {
      if (subscriptions.size >= limits.filters) throw overLimit(`too many subscriptions (${limits.filters})`)
      const id = hex(randomBytes(16))
      subscriptions.set(id, subscription)
      return id
    },
    remove: id => subscriptions.delete(id),
    on: listener => void listeners.add(listener),
    off: listener => void listeners.delete(listener),
    published(mined) {
      for (const [id, subscription] of subscriptions) {
        if (subscription.kind === 'newHeads') emit(id, formatHeader(mined.block.header))
        if (subscription.kind === 'logs') for (const log of logsOf(mined, subscription.filter)) emit(id, log)
      }
    },
    arrived(hash) {
      for (const [id, { kind }] of subscriptions) if (kind === 'newPendingTransactions') emit(id, hash)
    },
  }
}
