import type { Common } from '@ethereumjs/common'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Archive, Mined } from './archive.ts'
import { executeBlock } from './block-execution.ts'
import { keccakOf } from './common.ts'
import { openEngine } from './engine.ts'
import { genesisBlock } from './genesis.ts'
import { nodeCache, overlay, type ReadNode, storedNodes } from './overlay.ts'
import { encodeReceipts } from './receipts.ts'
import { stateKey } from './rows.ts'
import type { Store } from './store.ts'

export type Progress = (done: number, total: number) => void

type Ledger = {
  readonly common: Common
  readonly store: Store
  readonly archive: Archive
  readonly gasLimit: bigint
  readonly entries: number
}

/**
 * Executes every transaction since genesis again and compares each block hash (and with it state root, receipts and bloom), each
 * stored receipt and each stored trie node with what comes out. Nothing stored is trusted: nodes are read by their hash.
 * Returns the number of blocks checked. Throws LEDGER_CORRUPT naming the first block that differs, CANCELLED on `signal`.
 */
export async function verifyLedger(ledger: Ledger, signal?: AbortSignal, onProgress?: Progress): Promise<number> {
  const { common, store, archive } = ledger
  const total = Number(archive.head().number)
  const genesis = genesisBlock(common, ledger.gasLimit)
  let parent = genesis.header
  if (!equal(expect(archive, 0).block.hash(), genesis.hash())) throw differs(0, 'hash')
  // No shared cache of nodes: what is read is checked, and what is written must be in the store.
  const scratch = overlay(checkedNodes(common, store), nodeCache(0))
  const engine = await openEngine(common, scratch, parent.stateRoot, archive.hashOf)
  for (let number = 1; number <= total; number++) {
    if (signal?.aborted) throw new KeepwellError('CANCELLED', `Verification was cancelled after block ${number - 1}.`)
    const mined = expect(archive, number)
    const { transactions, header } = mined.block
    const { made } = await executeBlock(engine, { parent, transactions, timestamp: header.timestamp, empty: true })
    compare(number, mined, made)
    for (const [name, value] of scratch.pending) if (!same(store.get(stateKey(name)), value)) throw differs(number, 'stored state')
    scratch.discard()
    engine.state.bound(ledger.entries)
    parent = header
    onProgress?.(number, total)
    // Executing awaits nothing but itself; without this the process would answer nobody meanwhile.
    if (number % 16 === 0) await new Promise(setImmediate)
  }
  return total
}

function compare(number: number, stored: Mined, made: Mined | null): void {
  if (!made) throw differs(number, 'transactions')
  if (!equal(made.block.header.stateRoot, stored.block.header.stateRoot)) throw differs(number, 'state root')
  if (!equal(made.block.hash(), stored.block.hash())) throw differs(number, 'hash')
  if (!equal(encodeReceipts(made.receipts), encodeReceipts(stored.receipts))) throw differs(number, 'receipts')
}

function expect(archive: Archive, number: number): Mined {
  const mined = archive.mined(number)
  if (!mined) throw differs(number, 'presence')
  return mined
}

const same = (a: Uint8Array | undefined, b: Uint8Array) => a !== undefined && equal(a, b)

/** A node's name ends with the hash of its content. */
function checkedNodes(common: Common, store: Store): ReadNode {
  const read = storedNodes(store)
  return name => {
    const value = read(name)
    if (value && toHex(keccakOf(common)(value)) !== name.slice(-64)) {
      throw new KeepwellError('LEDGER_CORRUPT', 'A stored state node does not hash to its name; restore the ledger from an export.')
    }
    return value
  }
}

const differs = (number: number, what: string) =>
  new KeepwellError(
    'LEDGER_CORRUPT',
    `Block ${number} differs from what its transactions give (${what}); restore the ledger from an export.`,
  )
