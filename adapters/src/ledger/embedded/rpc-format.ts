import type { BlockHeader } from '@ethereumjs/block'
import type { TypedTransaction } from '@ethereumjs/tx'
import { generateAddress } from '@ethereumjs/util'
import { Bloom } from '@ethereumjs/vm'
import { toHex } from '@keepwell/sdk/base/bytes'
import type { Mined } from './archive.ts'
import { smaller } from './bigint.ts'
import type { Log } from './receipts.ts'

type Hex = `0x${string}`

export const hex = (bytes: Uint8Array): Hex => `0x${toHex(bytes)}`
export const quantity = (value: bigint | number): Hex => `0x${value.toString(16)}`

export const formatHeader = (header: BlockHeader) => ({
  number: quantity(header.number),
  hash: hex(header.hash()),
  parentHash: hex(header.parentHash),
  nonce: hex(header.nonce),
  mixHash: hex(header.mixHash),
  sha3Uncles: hex(header.uncleHash),
  logsBloom: hex(header.logsBloom),
  transactionsRoot: hex(header.transactionsTrie),
  stateRoot: hex(header.stateRoot),
  receiptsRoot: hex(header.receiptTrie),
  miner: header.coinbase.toString(),
  difficulty: quantity(header.difficulty),
  totalDifficulty: '0x0',
  extraData: hex(header.extraData),
  gasLimit: quantity(header.gasLimit),
  gasUsed: quantity(header.gasUsed),
  timestamp: quantity(header.timestamp),
  baseFeePerGas: quantity(header.baseFeePerGas ?? 0n),
  withdrawalsRoot: hex(header.withdrawalsRoot!),
  blobGasUsed: quantity(header.blobGasUsed ?? 0n),
  excessBlobGas: quantity(header.excessBlobGas ?? 0n),
  parentBeaconBlockRoot: hex(header.parentBeaconBlockRoot!),
  requestsHash: hex(header.requestsHash!),
})

export function formatBlock(mined: Mined, full: boolean) {
  const { block } = mined
  return {
    ...formatHeader(block.header),
    size: quantity(block.serialize().length),
    uncles: [],
    withdrawals: [],
    transactions: block.transactions.map((tx, index) => (full ? formatMinedTransaction(mined, index) : hex(tx.hash()))),
  }
}

export function formatMinedTransaction({ block, receipts }: Mined, index: number) {
  return {
    ...formatTransaction(block.transactions[index]!, hex(receipts[index]!.sender)),
    blockHash: hex(block.hash()),
    blockNumber: quantity(block.header.number),
    transactionIndex: quantity(index),
  }
}

/** A transaction not in a block yet. */
export const formatPendingTransaction = (tx: TypedTransaction, sender: string) => ({
  ...formatTransaction(tx, sender),
  blockHash: null,
  blockNumber: null,
  transactionIndex: null,
})

function formatTransaction(tx: TypedTransaction, sender: string) {
  const common = {
    hash: hex(tx.hash()),
    type: quantity(tx.type),
    nonce: quantity(tx.nonce),
    from: sender,
    to: tx.to?.toString() ?? null,
    value: quantity(tx.value),
    gas: quantity(tx.gasLimit),
    gasPrice: quantity(gasPrice(tx)),
    input: hex(tx.data),
    v: quantity(tx.v ?? 0n),
    r: quantity(tx.r ?? 0n),
    s: quantity(tx.s ?? 0n),
  }
  // toJSON has the nested lists of typed transactions in RPC form.
  const { chainId, accessList, authorizationList } = tx.toJSON()
  if (tx.type === 0) return { ...common, chainId: quantity(tx.common.chainId()) }
  return {
    ...common,
    chainId,
    accessList: accessList ?? [],
    yParity: quantity(tx.v ?? 0n),
    ...('maxFeePerGas' in tx && { maxFeePerGas: quantity(tx.maxFeePerGas), maxPriorityFeePerGas: quantity(tx.maxPriorityFeePerGas) }),
    ...(authorizationList && { authorizationList }),
  }
}

/** What one gas cost, the base fee being zero. */
const gasPrice = (tx: TypedTransaction): bigint => {
  if (!('maxFeePerGas' in tx)) return tx.gasPrice
  return smaller(tx.maxPriorityFeePerGas, tx.maxFeePerGas)
}

export function formatReceipt(mined: Mined, index: number) {
  const { block, receipts } = mined
  const tx = block.transactions[index]!
  const receipt = receipts[index]!
  const cumulative = receipts.slice(0, index + 1).reduce((sum, { gasUsed }) => sum + gasUsed, 0n)
  return {
    transactionHash: hex(tx.hash()),
    transactionIndex: quantity(index),
    blockHash: hex(block.hash()),
    blockNumber: quantity(block.header.number),
    from: hex(receipt.sender),
    to: tx.to?.toString() ?? null,
    type: quantity(tx.type),
    status: quantity(receipt.status),
    gasUsed: quantity(receipt.gasUsed),
    cumulativeGasUsed: quantity(cumulative),
    effectiveGasPrice: quantity(gasPrice(tx)),
    contractAddress: tx.to ? null : hex(generateAddress(receipt.sender, minimal(tx.nonce))),
    logs: formatLogs(mined, index),
    logsBloom: hex(bloomOf(receipt.logs)),
  }
}

const minimal = (nonce: bigint) => (nonce === 0n ? new Uint8Array(0) : Uint8Array.from(Buffer.from(evenHex(nonce), 'hex')))
const evenHex = (n: bigint) => n.toString(16).padStart(2 * Math.ceil(n.toString(16).length / 2), '0')

function bloomOf(logs: readonly Log[]): Uint8Array {
  const bloom = new Bloom()
  for (const [address, topics] of logs) for (const value of [address, ...topics]) bloom.add(value)
  return bloom.bitvector
}

export type FormattedLog = ReturnType<typeof formatLogs>[number]

/** The logs of one transaction; a log's index counts through its whole block. */
export function formatLogs({ block, receipts }: Mined, index: number, wanted: (log: Log) => boolean = () => true) {
  const before = receipts.slice(0, index).reduce((sum, { logs }) => sum + logs.length, 0)
  const place = {
    blockHash: hex(block.hash()),
    blockNumber: quantity(block.header.number),
    blockTimestamp: quantity(block.header.timestamp),
    transactionHash: hex(block.transactions[index]!.hash()),
    transactionIndex: quantity(index),
    removed: false,
  }
  return receipts[index]!.logs.flatMap((log, i) => {
    const [address, topics, data] = log
    return wanted(log)
      ? [{ address: hex(address), topics: topics.map(hex), data: hex(data), logIndex: quantity(before + i), ...place }]
      : []
  })
}
