import { toHex } from '@keepwell/sdk/base/bytes'
import type { Mined } from './archive.ts'
import type { Methods, Node } from './node.ts'
import { formatBlock, formatMinedTransaction, formatPendingTransaction, formatReceipt, hex, quantity } from './rpc-format.ts'
import { blockNumber, bytes, flag, hash, integer } from './rpc-params.ts'

const byNumber = (node: Node, value: unknown) => node.archive.mined(blockNumber(node, value))

function byHash(node: Node, value: unknown): Mined | null {
  const number = node.archive.numberOf(hash(value, 'block hash'))
  return number === null ? null : node.archive.mined(number)
}

/** A mined transaction with its place, or null. */
function locate(node: Node, value: unknown): { mined: Mined; index: number } | null {
  const place = node.archive.place(hash(value, 'transaction hash'))
  const mined = place && node.archive.mined(place.number)
  return place && mined ? { mined, index: place.index } : null
}

const count = (mined: Mined | null) => mined && quantity(mined.block.transactions.length)

function transactionAt(mined: Mined | null, index: unknown) {
  const at = integer(index, 'index')
  return mined && at < mined.block.transactions.length ? formatMinedTransaction(mined, at) : null
}

/** Blocks, transactions, receipts: what is on the ledger, and sending to it. */
export const blockMethods: Methods = {
  eth_blockNumber: node => quantity(node.archive.head().number),
  eth_getBlockByNumber: (node, [block, full]) => {
    const mined = byNumber(node, block)
    return mined && formatBlock(mined, flag(full, 'full transactions'))
  },
  eth_getBlockByHash: (node, [block, full]) => {
    const mined = byHash(node, block)
    return mined && formatBlock(mined, flag(full, 'full transactions'))
  },
  eth_getBlockReceipts: (node, [block]) => {
    const mined = typeof block === 'string' && block.length === 66 ? byHash(node, block) : byNumber(node, block)
    return mined?.receipts.map((_, index) => formatReceipt(mined, index))
  },
  eth_getBlockTransactionCountByNumber: (node, [block]) => count(byNumber(node, block)),
  eth_getBlockTransactionCountByHash: (node, [block]) => count(byHash(node, block)),
  eth_getTransactionByBlockNumberAndIndex: (node, [block, index]) => transactionAt(byNumber(node, block), index),
  eth_getTransactionByBlockHashAndIndex: (node, [block, index]) => transactionAt(byHash(node, block), index),
  eth_getTransactionByHash: (node, [value]) => {
    const found = locate(node, value)
    if (found) return formatMinedTransaction(found.mined, found.index)
    const pending = node.mempool.find(toHex(hash(value, 'transaction hash')))
    return pending ? formatPendingTransaction(pending.tx, pending.sender) : null
  },
  eth_getTransactionReceipt: (node, [value]) => {
    const found = locate(node, value)
    return found && formatReceipt(found.mined, found.index)
  },
  eth_sendRawTransaction: async (node, [raw]) => hex(await node.send(bytes(raw, 'transaction'))),
}
