import { Block, type BlockHeader, createBlockHeader, genTransactionsTrieRoot, type HeaderData } from '@ethereumjs/block'
import { MerklePatriciaTrie } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import type { TypedTransaction } from '@ethereumjs/tx'
import { bigIntToUnpaddedBytes, KECCAK256_RLP } from '@ethereumjs/util'
import { Bloom, encodeReceipt, type RunTxResult, runTx } from '@ethereumjs/vm'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { Engine } from './engine.ts'
import type { Receipt } from './receipts.ts'

export type Refusal = { readonly tx: TypedTransaction; readonly reason: string }

/** What became of the transactions offered for a block; those neither included nor refused wait for the next. */
export type Execution = {
  /** Null when nothing could be included. */
  readonly made: { readonly block: Block; readonly receipts: readonly Receipt[] } | null
  readonly refused: readonly Refusal[]
}

type Included = { readonly tx: TypedTransaction; readonly result: RunTxResult }
type Input = {
  readonly parent: BlockHeader
  readonly transactions: readonly TypedTransaction[]
  readonly timestamp: bigint
  /** Make a block even without transactions. */
  readonly empty?: boolean
}

/**
 * Executes transactions in the given order on the parent's state and makes the block of those that are valid. Afterwards the
 * engine stands at the new state, whose nodes wait in its overlay. The same input gives the same block, byte for byte.
 */
export async function executeBlock(engine: Engine, input: Input): Promise<Execution> {
  const { vm, state } = engine
  const header = openHeader(input)
  const environment = new Block(createBlockHeader(header, { common: vm.common }), [], [], [], { common: vm.common })
  // One checkpoint around the block keeps changes in the caches, so that each trie node is hashed once a block.
  await state.checkpoint()
  const { included, refused, gasUsed } = await runAll(engine, environment, input.transactions)
  if (!included.length && !input.empty) {
    await state.revert()
    return { made: null, refused }
  }
  await state.commit()
  const transactions = included.map(({ tx }) => tx)
  const sealed = {
    ...header,
    gasUsed,
    stateRoot: await state.getStateRoot(),
    transactionsTrie: await genTransactionsTrieRoot(transactions, new MerklePatriciaTrie({ common: vm.common })),
    receiptTrie: await receiptRoot(engine, included),
    logsBloom: bloomOf(engine, included),
  }
  const block = new Block(createBlockHeader(sealed, { common: vm.common }), transactions, [], [], { common: vm.common })
  return { made: { block, receipts: included.map(receiptOf) }, refused }
}

function openHeader({ parent, timestamp }: Input): HeaderData {
  const parentHash = parent.hash()
  return {
    parentHash,
    number: parent.number + 1n,
    timestamp,
    gasLimit: parent.gasLimit,
    baseFeePerGas: 0n,
    difficulty: 0n,
    // There is no beacon chain to draw from: PREVRANDAO is the parent's hash, known beforehand, and no source of randomness.
    mixHash: parentHash,
  }
}

async function runAll({ vm }: Engine, block: Block, transactions: readonly TypedTransaction[]) {
  const included: Included[] = []
  const refused: Refusal[] = []
  const waiting = new Set<string>()
  let gasUsed = 0n
  for (const tx of transactions) {
    const sender = tx.getSenderAddress().toString()
    // A later nonce of a sender whose earlier one is not in this block cannot be either.
    if (waiting.has(sender)) continue
    if (tx.gasLimit > block.header.gasLimit - gasUsed) {
      waiting.add(sender)
      continue
    }
    try {
      const result = await runTx(vm, { tx, block, blockGasUsed: gasUsed, skipHardForkValidation: true })
      gasUsed += result.blockGasSpent
      included.push({ tx, result })
    } catch (error) {
      // Ours come from the store, and say nothing about the transaction.
      if (isKeepwellError(error)) throw error
      refused.push({ tx, reason: reasonOf(error) })
      waiting.add(sender)
    }
  }
  return { included, refused, gasUsed }
}

/** EthereumJS appends its own state in brackets to every message. */
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error)).replace(/ \(vm hf=.*$/s, '')

async function receiptRoot({ vm }: Engine, included: readonly Included[]): Promise<Uint8Array> {
  if (!included.length) return KECCAK256_RLP
  const trie = new MerklePatriciaTrie({ common: vm.common })
  for (const [index, { tx, result }] of included.entries()) {
    await trie.put(RLP.encode(bigIntToUnpaddedBytes(BigInt(index))), encodeReceipt(result.receipt, tx.type))
  }
  return trie.root()
}

function bloomOf({ vm }: Engine, included: readonly Included[]): Uint8Array {
  const bloom = new Bloom(undefined, vm.common)
  for (const { result } of included) bloom.or(result.bloom)
  return bloom.bitvector
}

const receiptOf = ({ tx, result }: Included): Receipt => ({
  status: result.execResult.exceptionError ? 0 : 1,
  gasUsed: result.totalGasSpent,
  sender: tx.getSenderAddress().bytes,
  logs: result.receipt.logs,
})
