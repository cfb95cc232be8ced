import type { BlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { equal } from '@keepwell/sdk/base/bytes'
import { type Engine, type HashOf, openEngine } from './engine.ts'
import { type NodeCache, overlay, storedNodes } from './overlay.ts'
import { RpcError } from './rpc-error.ts'
import type { Store } from './store.ts'

/** Runs `work` on the state after `header`, one call at a time, and throws away whatever it changed. */
export type Calls = <T>(header: BlockHeader, work: (engine: Engine) => Promise<T>) => Promise<T>

type Parts = {
  readonly common: Common
  readonly store: Store
  readonly cache: NodeCache
  readonly hashOf: HashOf
  readonly entries: number
}

/** One engine serves all calls, as setting one up costs more than most calls; calls of the same block find its caches warm. */
export function openCalls({ common, store, cache, hashOf, entries }: Parts): Calls {
  let engine: Engine | null = null
  let root: Uint8Array | null = null
  let queue: Promise<unknown> = Promise.resolve()

  const standAt = async (wanted: Uint8Array): Promise<Engine> => {
    engine ??= await openEngine(common, overlay(storedNodes(store), cache), wanted, hashOf)
    if (root && !equal(root, wanted)) await engine.state.setStateRoot(wanted)
    root = wanted
    engine.state.bound(entries)
    return engine
  }
  const run = async <T>(header: BlockHeader, work: (engine: Engine) => Promise<T>): Promise<T> => {
    try {
      const ready = await standAt(header.stateRoot)
      const result = await work(ready)
      await ready.state.unwind()
      return result
    } catch (error) {
      // A refusal is thrown at a known point; after anything else EthereumJS may hold locks, so start afresh.
      if (error instanceof RpcError && engine) await engine.state.unwind()
      else engine = root = null
      throw error
    } finally {
      engine?.overlay.discard()
    }
  }
  return (header, work) => {
    const result = queue.then(() => run(header, work))
    queue = result.catch(() => {})
    return result
  }
}
