import { KeepwellError } from '@keepwell/sdk/base/error'

/** JSON-RPC 2.0 and EIP-1474 codes, and 3, which geth and so every client uses for a revert. */
export const RPC = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  refused: -32000,
  unavailable: -32002,
  limit: -32005,
  reverted: 3,
} as const

/** The error of an Ethereum provider (EIP-1193): a number and, for a revert, the data a contract gave. */
export class RpcError extends Error {
  readonly code: number
  readonly data?: unknown
  constructor(code: number, message: string, data?: unknown, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'RpcError'
    this.code = code
    if (data !== undefined) this.data = data
  }
}

export const refused = (message: string): RpcError => new RpcError(RPC.refused, message)
export const invalid = (message: string): RpcError => new RpcError(RPC.invalidParams, message)
export const overLimit = (message: string): RpcError => new RpcError(RPC.limit, message)

/** What a client is told of any error; an unforeseen one keeps its text to itself. */
export function asRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error
  if (error instanceof KeepwellError) return new RpcError(RPC.unavailable, error.message, { code: error.code }, { cause: error })
  return new RpcError(RPC.internal, 'Internal error of the ledger.', undefined, { cause: error })
}
