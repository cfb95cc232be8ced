import { randomBytes } from 'node:crypto'
import type { Limits } from './limits.ts'
import type { LogFilter } from './log-filter.ts'
import { overLimit } from './rpc-error.ts'
import { hex } from './rpc-format.ts'

/** What a polling client waits for; `next` is the first block it has not been told of, `hashes` the transactions it has not. */
export type Filter =
  | { readonly kind: 'logs'; readonly filter: LogFilter; readonly from: number; readonly to: number; next: number; polled: number }
  | { readonly kind: 'blocks'; next: number; polled: number }
  | { readonly kind: 'transactions'; hashes: string[]; polled: number }

/** Filters by id. One that nobody polls is dropped after a while, and ids are unguessable, for clients share the endpoint. */
export type Filters = {
  install(filter: Filter): string
  /** The filter, its life prolonged; undefined when there is none. */
  poll(id: unknown): Filter | undefined
  remove(id: unknown): boolean
  arrived(transactionHash: string): void
}

const HASHES = 4096

export function openFilters(limits: Limits, clock: () => number): Filters {
  const filters = new Map<unknown, Filter>()
  const expire = () => {
    for (const [id, filter] of filters) if (clock() - filter.polled > limits.filterSeconds) filters.delete(id)
  }
  return {
    install(filter) {
      expire()
      if (filters.size >= limits.filters) throw overLimit(`too many filters (${limits.filters})`)
      const id = hex(randomBytes(16))
      filters.set(id, filter)
      return id
    },
    poll(id) {
      expire()
      const filter = filters.get(id)
      if (filter) filter.polled = clock()
      return filter
    },
    remove: id => filters.delete(id),
    arrived(hash) {
      for (const filter of filters.values()) if (filter.kind === 'transactions' && filter.hashes.length < HASHES) filter.hashes.push(hash)
    },
  }
}
