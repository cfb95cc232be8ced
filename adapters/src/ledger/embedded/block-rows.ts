import type { Block } from '@ethereumjs/block'
import { postingRows } from './log-index.ts'
import { encodeReceipts, type Receipt } from './receipts.ts'
import { blockKey, encodePlace, encodePoint, HEAD, hashKey, receiptsKey, transactionKey } from './rows.ts'
import type { Row } from './store.ts'

/** Every row a block brings besides its state nodes; written with them in one atomic batch. */
export function blockRows(block: Block, receipts: readonly Receipt[]): Row[] {
  const number = Number(block.header.number)
  const point = encodePoint({ number, hash: block.hash() })
  return [
    { key: blockKey(number), value: block.serialize() },
    { key: receiptsKey(number), value: encodeReceipts(receipts) },
    { key: hashKey(block.hash()), value: point },
    ...block.transactions.map((tx, index) => ({ key: transactionKey(tx.hash()), value: encodePlace(number, index) })),
    ...postingRows(number, receipts),
    { key: HEAD, value: point },
  ]
}
