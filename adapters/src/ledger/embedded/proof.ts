import { getMerkleStateProof } from '@ethereumjs/statemanager'
import type { Address } from '@ethereumjs/util'
import type { LedgerState } from './state.ts'

type Slot = { readonly key: string; readonly slot: Uint8Array }

/** EIP-1186: the Merkle path from the state root to an account, and from its storage root to each slot; absence is proved too. */
export async function proofOf(state: LedgerState, address: Address, slots: readonly Slot[]) {
  const proof = await getMerkleStateProof(
    state,
    address,
    slots.map(({ slot }) => slot),
  )
  return {
    ...proof,
    accountProof: stored(proof.accountProof),
    storageProof: slots.map(({ key }, i) => {
      const found = proof.storageProof[i]
      // An account that does not exist has no storage to prove anything about.
      return { key, value: minimal(found?.value), proof: found ? stored(found.proof) : [] }
    }),
  }
}

/** A node shorter than a hash stands inside its parent and is no element of its own. */
const stored = (nodes: readonly string[]) => nodes.filter((node, i) => i === 0 || node.length >= 2 + 64)
const minimal = (value = '0x0') => `0x${BigInt(value === '0x' ? 0 : value).toString(16)}`
