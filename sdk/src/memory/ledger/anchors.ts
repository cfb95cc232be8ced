import { toHex } from '#base/bytes'
import type { Address, Anchors } from '#ports/ledger'
import { checkCount, checkHash, MAX_UINT32 } from '#ports/ledger-checks'
import type { MemoryChain } from './chain.ts'

export type Anchor = { readonly anchorer: Address; readonly time: number; readonly size: number }
/** By root in hex; HealthRecordNFT reads it too. */
export type AnchorTable = Map<string, Anchor>

/** What RecordAnchors does. */
export function memoryAnchors(chain: MemoryChain, table: AnchorTable, account: Address): Anchors {
  const contract = chain.contract('RecordAnchors@1')
  return {
    async add(root, size) {
      checkHash(root, 'root')
      checkCount(size, 'size', MAX_UINT32)
      return contract.write((time, emit) => {
        if (size === 0) throw contract.refuse('EmptyTree')
        const known = table.get(toHex(root))
        if (known?.size === size) return
        if (known) throw contract.refuse('SizeConflict')
        table.set(toHex(root), { anchorer: account, time, size })
        emit('Anchored', { anchorer: account, root: root.slice(), size })
      })
    },
    async of(root) {
      checkHash(root, 'root')
      return table.get(toHex(root)) ?? null
    },
  }
}
