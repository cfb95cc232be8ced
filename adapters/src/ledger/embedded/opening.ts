import { createBlockHeaderFromBytesArray } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { RLP } from '@ethereumjs/rlp'
import { KECCAK256_RLP } from '@ethereumjs/util'
import { equal, toHex, u64be } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { blockRows } from './block-rows.ts'
import { checkedRow } from './checkpoints.ts'
import { keccakOf } from './common.ts'
import { genesisBlock } from './genesis.ts'
import { blockKey, CHAIN, CHECKED, decodePoint, FORMAT, FORMAT_VERSION, HEAD, numberAt, type Point, receiptsKey, stateKey } from './rows.ts'
import { after, type Store } from './store.ts'

const BATCH = 512
const PARENT_HASH = 0
const NUMBER = 8

export type Opened = { readonly head: Point; readonly checked: number }

/**
 * Makes a new store a ledger, or checks that an existing one is whole: same chain, no block row missing or out of line since the
 * last check, newest state there. Throws LEDGER_CHAIN_MISMATCH, LEDGER_CORRUPT or NOT_SUPPORTED; never repairs, for a ledger that
 * loses blocks in silence is worse than one that stops.
 */
export async function openLedger(store: Store, common: Common, gasLimit: bigint): Promise<Opened> {
  const format = store.get(FORMAT)
  if (!format) return create(store, common, gasLimit)
  ensure(equal(format, FORMAT_VERSION), 'NOT_SUPPORTED', 'The ledger files were written by a newer version of Keepwell.')
  checkChain(store, common)
  const head = pointAt(store, HEAD, 'newest block')
  const checked = store.get(CHECKED) ? pointAt(store, CHECKED, 'last checked block') : null
  await checkBlocks(store, common, head, checked)
  await store.write([checkedRow(head)], false)
  return { head, checked: head.number - (checked?.number ?? 0) }
}

async function create(store: Store, common: Common, gasLimit: bigint): Promise<Opened> {
  const [row] = await store.range(new Uint8Array([0]), after(new Uint8Array([254])), 1)
  if (row) throw corrupt('its first rows are missing')
  const block = genesisBlock(common, gasLimit)
  const head = { number: 0, hash: block.hash() }
  const rows = [{ key: FORMAT, value: FORMAT_VERSION }, { key: CHAIN, value: u64be(common.chainId()) }, checkedRow(head)]
  await store.write([...rows, ...blockRows(block, [])], true)
  return { head, checked: 0 }
}

function checkChain(store: Store, common: Common): void {
  const row = store.get(CHAIN)
  if (!row) throw corrupt('its chain id is missing')
  const found = numberAt(row, 0)
  if (BigInt(found) !== common.chainId()) {
    throw new KeepwellError('LEDGER_CHAIN_MISMATCH', `The ledger is of chain ${found}, but chain ${common.chainId()} is configured.`)
  }
}

function pointAt(store: Store, key: Uint8Array, what: string): Point {
  const row = store.get(key)
  if (row?.length !== 40) throw corrupt(`the row of its ${what} is missing`)
  return decodePoint(row)
}

/** Walks the block rows from the last checked one to the head: each must be there, with receipts, and name the one before it. */
async function checkBlocks(store: Store, common: Common, head: Point, checked: Point | null): Promise<void> {
  const start = checked ?? { number: 0, hash: genesisBlock(common, 0n).hash() }
  let expected = start.number
  let previous: Uint8Array | null = null
  let stateRoot: Uint8Array = KECCAK256_RLP
  while (expected <= head.number) {
    const rows = await store.range(blockKey(expected), blockKey(head.number + 1), BATCH)
    if (!rows.length) throw hole(expected)
    for (const { key, value } of rows) {
      if (numberAt(key, 1) !== expected || !store.get(receiptsKey(expected))) throw hole(expected)
      const header = headerOf(value, expected)
      if (previous && !equal(header[PARENT_HASH]!, previous)) throw corrupt(`block ${expected} does not follow the one before it`)
      previous = keccakOf(common)(RLP.encode(header))
      if (checked && expected === checked.number && !equal(previous, checked.hash)) throw corrupt(`block ${expected} was altered`)
      stateRoot = createBlockHeaderFromBytesArray(header, { common }).stateRoot
      expected++
    }
  }
  if (!previous || !equal(previous, head.hash)) throw corrupt(`block ${head.number} was altered`)
  if (!equal(stateRoot, KECCAK256_RLP) && !store.get(stateKey(toHex(stateRoot))))
    throw corrupt(`the state of block ${head.number} is missing`)
}

function headerOf(block: Uint8Array, number: number): Uint8Array[] {
  try {
    const [header] = RLP.decode(block) as unknown as [Uint8Array[]]
    if (numberOf(header[NUMBER]!) === number) return header
  } catch {}
  throw corrupt(`block ${number} is unreadable`)
}

const numberOf = (bytes: Uint8Array) => bytes.reduce((sum, byte) => sum * 256 + byte, 0)

/** Refuses a ledger that lacks blocks which an earlier run acknowledged; see `witness`. */
export function checkWitness(store: Store, seen: Point | null, head: Point, path: string): void {
  if (!seen) return
  const row = store.get(blockKey(seen.number))
  if (head.number < seen.number) {
    throw corrupt(
      `blocks ${head.number + 1} to ${seen.number} were acknowledged and are gone. To go on without them, knowingly, delete the file ${path}`,
    )
  }
  if (!row) throw hole(seen.number)
}

const hole = (number: number) => corrupt(`block ${number} is missing`)
const corrupt = (what: string) =>
  new KeepwellError('LEDGER_CORRUPT', `The ledger files are damaged: ${what}. Restore the ledger from an export or a backup.`)
