import { ask, type Request } from './request.ts'

/** Fee fields of a transaction: none at all on an engine without fees, EIP-1559 where blocks have a base fee. */
export type Fees =
  | { readonly type: 'eip1559'; readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint }
  | { readonly type: 'legacy'; readonly gasPrice: bigint }

/** What the node asks at this moment. The base fee may double before the transaction is too cheap: six full blocks. */
export async function currentFees(request: Request): Promise<Fees> {
  const [block, price] = await Promise.all([
    ask<{ baseFeePerGas?: string } | null>(request, 'eth_getBlockByNumber', ['latest', false]),
    ask<string>(request, 'eth_gasPrice').then(BigInt),
  ])
  if (!block?.baseFeePerGas) return { type: 'legacy', gasPrice: price }
  const base = BigInt(block.baseFeePerGas)
  if (price === 0n) return { type: 'eip1559', maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }
  // eth_gasPrice is base fee and tip together, on every engine; eth_maxPriorityFeePerGas is not on every engine.
  const tip = price > base ? price - base : 0n
  return { type: 'eip1559', maxFeePerGas: 2n * base + tip, maxPriorityFeePerGas: tip }
}

/** Lets everybody who asks while an answer is under way have that answer. */
export function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null
  return () => {
    running ??= work().finally(() => {
      running = null
    })
    return running
  }
}
