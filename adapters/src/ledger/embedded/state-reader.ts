import type { BlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { type NodeCache, overlay, storedNodes } from './overlay.ts'
import { type LedgerState, openState } from './state.ts'
import type { Store } from './store.ts'

/** The state after a block, to read from: any block, as all states are kept. Independent of the block being made. */
export type StateReader = (header: BlockHeader) => Promise<LedgerState>

export const stateReader =
  (common: Common, store: Store, cache: NodeCache): StateReader =>
  header =>
    openState(common, overlay(storedNodes(store), cache), header.stateRoot, false)
