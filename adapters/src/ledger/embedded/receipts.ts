import { RLP } from '@ethereumjs/rlp'
import { bigIntToUnpaddedBytes, bytesToBigInt } from '@ethereumjs/util'

/** What one EVM log is: emitting address, topics, data. */
export type Log = [address: Uint8Array, topics: Uint8Array[], data: Uint8Array]

/** What is kept of an executed transaction; everything else follows from it and the block. */
export type Receipt = {
  readonly status: 0 | 1
  readonly gasUsed: bigint
  /** Kept because recovering it from the signature costs more than reading it. */
  readonly sender: Uint8Array
  readonly logs: readonly Log[]
}

export const encodeReceipts = (receipts: readonly Receipt[]): Uint8Array =>
  RLP.encode(
    receipts.map(({ status, gasUsed, sender, logs }) => [Uint8Array.of(status), bigIntToUnpaddedBytes(gasUsed), sender, logs as Log[]]),
  )

type Encoded = [status: Uint8Array, gasUsed: Uint8Array, sender: Uint8Array, logs: Log[]]

export function decodeReceipts(bytes: Uint8Array): Receipt[] {
  const list = RLP.decode(bytes) as unknown as Encoded[]
  return list.map(([status, gasUsed, sender, logs]) => ({ status: status[0] === 1 ? 1 : 0, gasUsed: bytesToBigInt(gasUsed), sender, logs }))
}
