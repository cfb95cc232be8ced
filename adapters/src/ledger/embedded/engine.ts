import type { Common } from '@ethereumjs/common'
import { createVM, type VM } from '@ethereumjs/vm'
import type { Overlay } from './overlay.ts'
import { type LedgerState, openState } from './state.ts'

/** The hash of a block by number, for the BLOCKHASH opcode; undefined when there is none. */
export type HashOf = (number: number) => Uint8Array | undefined

/** An EVM over one state. After anything throws unexpectedly it is not reused: EthereumJS leaves locks held. */
export type Engine = { readonly vm: VM; readonly state: LedgerState; readonly overlay: Overlay }

export async function openEngine(common: Common, overlay: Overlay, root: Uint8Array, hashOf: HashOf): Promise<Engine> {
  const state = await openState(common, overlay, root, true)
  const blockchain = {
    async getBlock(number: number) {
      const hash = hashOf(number)
      return { hash: () => hash ?? new Uint8Array(32) }
    },
    async putBlock() {},
    shallowCopy: () => blockchain,
  }
  // Its own copy of the rules: every EVM listens to them for ever, so a shared one would keep all EVMs alive.
  const vm = await createVM({ common: common.copy(), stateManager: state, blockchain })
  return { vm, state, overlay }
}
