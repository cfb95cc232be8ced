import { ask, type Request } from './request.ts'

/** Fee fields of a transaction: none at all on an engine without fees, EIP-1559 where blocks have a base fee. */
export type Fees =
  | { readonly type: 'eip1559'; readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint }
  | { readonly type: 'legacy'; readonly gasPrice: bigint }

/** What the node asks at this moment. The base fee may double before the transaction is too cheap: six full blocks. */
export async function currentFees(request: Request): Promise<Fees> {
  const before = await baseFee(request)
  const price = BigInt(await ask<string>(request, 'eth_gasPrice'))
  if (before === null) return { type: 'legacy', gasPrice: price }
  if (price === 0n) return { type: 'eip1559', maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }
  // A block may come between two questions: less the higher of two base fees the price would leave no tip, and nodes take none without.
  const after = (await baseFee(request)) ?? before
  const [low, high] = before < after ? [before, after] : [after, before]
  // eth_gasPrice is base fee and tip together, on every engine; eth_maxPriorityFeePerGas is not on every engine.
  const tip = price > low ? price - low : 0n
  return { type: 'eip1559', maxFeePerGas: 2n * high + tip, maxPriorityFeePerGas: tip }
}

/** Of the newest block; null where blocks have none. */
async function baseFee(request: Request): Promise<bigint | null> {
  const block = await ask<{ baseFeePerGas?: string } | null>(request, 'eth_getBlockByNumber', ['latest', false])
  return block?.baseFeePerGas ? BigInt(block.baseFeePerGas) : null
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
