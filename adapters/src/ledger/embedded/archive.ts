import { type Block, type BlockHeader, createBlockFromRLP } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { lru } from './lru.ts'
import { decodeReceipts, type Receipt } from './receipts.ts'
import { blockKey, decodePlace, decodePoint, HEAD, hashKey, numberAt, receiptsKey, transactionKey } from './rows.ts'
import type { Store } from './store.ts'

/** A block with what its execution gave. */
export type Mined = { readonly block: Block; readonly receipts: readonly Receipt[] }

/** Reads what is durable. Null means: not on this ledger. */
export type Archive = {
  /** Header of the newest durable block. */
  head(): BlockHeader
  mined(number: number): Mined | null
  numberOf(blockHash: Uint8Array): number | null
  place(transactionHash: Uint8Array): { number: number; index: number } | null
  hashOf(number: number): Uint8Array | undefined
  /** To be told of a block right after it became durable. */
  advance(mined: Mined): void
  /** Reads the head again from the store. */
  reload(): void
}

/** Kept decoded: this many transactions and blocks together, a few kilobytes each. */
const KEPT = 5000

export function openArchive(store: Store, common: Common): Archive {
  const kept = lru<Mined>(KEPT, (_, { block }) => 1 + block.transactions.length)
  const load = (number: number): Mined | null => {
    const block = store.get(blockKey(number))
    const receipts = store.get(receiptsKey(number))
    if (!block || !receipts) return null
    return { block: createBlockFromRLP(block, { common }), receipts: decodeReceipts(receipts) }
  }
  const mined = (number: number): Mined | null => {
    const known = kept.get(String(number))
    if (known) return known
    const found = load(number)
    if (found) kept.set(String(number), found)
    return found
  }
  const readHead = () => {
    const row = store.get(HEAD)
    const found = row && mined(decodePoint(row).number)
    if (!found) throw new KeepwellError('LEDGER_CORRUPT', 'The newest block of the ledger is missing; restore the ledger from an export.')
    return found.block.header
  }
  let head = readHead()
  return {
    head: () => head,
    mined: number => (number > Number(head.number) ? null : mined(number)),
    numberOf(blockHash) {
      const row = store.get(hashKey(blockHash))
      return row ? numberAt(row, 0) : null
    },
    place(transactionHash) {
      const row = store.get(transactionKey(transactionHash))
      return row ? decodePlace(row) : null
    },
    hashOf: number => mined(number)?.block.hash(),
    advance(next) {
      kept.set(String(next.block.header.number), next)
      head = next.block.header
    },
    reload() {
      kept.clear()
      head = readHead()
    },
  }
}
