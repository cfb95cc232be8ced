import { type BlockHeader, createBlockHeader } from '@ethereumjs/block'
import { Address } from '@ethereumjs/util'
import { fromHex } from '@keepwell/sdk/base/bytes'
import { larger } from './bigint.ts'
import type { Node } from './node.ts'
import { invalid, refused } from './rpc-error.ts'

/** A hexadecimal quantity, `0x`-prefixed, up to 256 bits. */
export function quantity(value: unknown, name: string): bigint {
  if (typeof value === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(value)) return BigInt(value)
  throw invalid(`${name}: a hexadecimal quantity like 0x1 is needed`)
}

/** A quantity that is a number of ours (block, index, count). */
export function integer(value: unknown, name: string): number {
  const found = Number(quantity(value, name))
  if (!Number.isSafeInteger(found)) throw invalid(`${name}: the number is out of range`)
  return found
}

/** Hexadecimal bytes, of `length` when given. */
export function bytes(value: unknown, name: string, length?: number): Uint8Array {
  if (typeof value === 'string' && /^0x(?:[0-9a-fA-F]{2})*$/.test(value)) {
    const found = fromHex(value)
    if (length === undefined || found.length === length) return found
  }
  throw invalid(`${name}: ${length === undefined ? 'hexadecimal bytes' : `${length} hexadecimal bytes`} are needed`)
}

export const address = (value: unknown, name: string): Address => new Address(bytes(value, name, 20))
export const hash = (value: unknown, name: string): Uint8Array => bytes(value, name, 32)

/** A storage slot: 32 bytes, or a shorter quantity as geth accepts it. */
export function slot(value: unknown, name: string): Uint8Array {
  return fromHex(quantity(value, name).toString(16).padStart(64, '0'))
}

export function record(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw invalid(`${name}: an object is needed`)
}

export function flag(value: unknown, name: string): boolean {
  if (value === undefined || value === null) return false
  if (typeof value === 'boolean') return value
  throw invalid(`${name}: true or false is needed`)
}

/** Number of the block a tag or quantity names; it may not exist. Every durable block of this ledger is final. */
export function blockNumber(node: Node, value: unknown, name = 'block'): number {
  switch (value ?? 'latest') {
    case 'latest':
    case 'pending':
    case 'safe':
    case 'finalized':
      return Number(node.archive.head().number)
    case 'earliest':
      return 0
    default:
      return integer(value, name)
  }
}

/** The header a state query refers to (EIP-1898 included). Throws when this ledger has no such block. */
export function header(node: Node, value: unknown): BlockHeader {
  const number = headerNumber(node, value)
  const found = number === null ? null : node.archive.mined(number)
  if (!found) throw refused('header not found')
  return found.block.header
}

function headerNumber(node: Node, value: unknown): number | null {
  if (typeof value !== 'object' || value === null) return blockNumber(node, value)
  const { blockHash, blockNumber: number } = record(value, 'block')
  return blockHash === undefined ? blockNumber(node, number) : node.archive.numberOf(hash(blockHash, 'blockHash'))
}

/**
 * The block a message is executed in. For `pending` that is the one a transaction sent now would be mined in, with the present
 * time; for all others the named block itself, so that the answer never changes.
 */
export function environment(node: Node, value: unknown): { state: BlockHeader; block: BlockHeader } {
  const state = header(node, value)
  if (value !== 'pending') return { state, block: state }
  const now = BigInt(node.clock())
  const timestamp = larger(now, state.timestamp)
  const parentHash = state.hash()
  const data = { parentHash, number: state.number + 1n, timestamp, gasLimit: state.gasLimit, baseFeePerGas: 0n, mixHash: parentHash }
  return { state, block: createBlockHeader(data, { common: node.common }) }
}
