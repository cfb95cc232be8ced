import type { Method, Methods, Node } from './node.ts'
import { blockMethods } from './rpc-blocks.ts'
import { callMethods } from './rpc-calls.ts'
import { chainMethods } from './rpc-chain.ts'
import { asRpcError, invalid, RPC, RpcError } from './rpc-error.ts'
import { logMethods } from './rpc-logs.ts'
import { stateMethods } from './rpc-state.ts'

const METHODS: Methods = { ...chainMethods, ...blockMethods, ...stateMethods, ...callMethods, ...logMethods }
const TABLE: ReadonlyMap<string, Method> = new Map(Object.entries(METHODS))

/** What EIP-1193 `request` takes. */
export type Request = { readonly method: string; readonly params?: unknown }

/** Answers one request. Throws only RPC errors. */
export async function answer(node: Node, { method, params }: Request): Promise<unknown> {
  const run = TABLE.get(method)
  if (!run) throw new RpcError(RPC.methodNotFound, `the method ${String(method).slice(0, 80)} does not exist/is not available`)
  if (params !== undefined && params !== null && !Array.isArray(params)) throw invalid('parameters are given as a list')
  try {
    return (await run(node, params ?? [])) ?? null
  } catch (error) {
    throw asRpcError(error)
  }
}
