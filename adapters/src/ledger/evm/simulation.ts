import type { Address } from '@keepwell/sdk/ports/ledger'
import type { Hex } from 'viem'
import { refusalOf } from './contracts.ts'
import { askNode, NodeError, type Request } from './request.ts'

/** A transaction to be: a call of a contract, or its creation when `to` is null. `name` is for errors. */
export type Wish = { readonly name: string; readonly to: Hex | null; readonly data: Hex }

const callOf = (from: Address, { to, data }: Wish) => ({ from, ...(to && { to }), data })

/**
 * Runs a transaction without sending it, so that what is refused costs nothing, and gives the gas to allow: more than it took, for the
 * state may change until it is mined. Throws LEDGER_REFUSED, RELAY_UNREACHABLE.
 */
export async function simulate(request: Request, from: Address, wish: Wish): Promise<bigint> {
  const call = callOf(from, wish)
  try {
    const gas = BigInt(await askNode<string>(request, 'eth_estimateGas', [call]))
    return gas + gas / 4n + 10_000n
  } catch (error) {
    // Some nodes estimate without giving the contract's reason; a plain call has it.
    const reason = error instanceof NodeError && !error.data ? await failureOf(request, call, 'latest') : null
    throw refusalOf(wish.name, reason ?? error)
  }
}

/** Why a mined transaction failed: asked of the state it left behind, where it fails still. */
export async function postMortem(request: Request, from: Address, wish: Wish, block: string): Promise<unknown> {
  const failure = await failureOf(request, callOf(from, wish), block)
  return refusalOf(wish.name, failure ?? new NodeError(3, 'execution reverted', undefined))
}

const failureOf = (request: Request, call: object, block: string): Promise<unknown> =>
  askNode(request, 'eth_call', [call, block]).then(
    () => null,
    (error: unknown) => error,
  )
