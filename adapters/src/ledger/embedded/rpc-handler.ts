import { asRpcError, RPC, RpcError } from './rpc-error.ts'
import type { Request } from './rpc-request.ts'

export type RpcLimits = {
  /** Characters of one message. */
  readonly characters: number
  /** Requests in one batch. */
  readonly batch: number
  /** False where nothing can be pushed, as over plain HTTP. */
  readonly subscriptions: boolean
}

const DEFAULTS: RpcLimits = { characters: 4 * 1024 * 1024, batch: 256, subscriptions: false }
const PUSHED = new Set(['eth_subscribe', 'eth_unsubscribe'])

type Provider = { request(request: Request): Promise<unknown> }
type Reply = { readonly jsonrpc: '2.0'; readonly id: unknown } & ({ readonly result: unknown } | { readonly error: unknown })

/**
 * A JSON-RPC 2.0 endpoint over the chain: text in, text out; it never throws. A message of notifications only is answered with
 * the empty text. The members of a batch run side by side, so that its transactions can share a block.
 */
export function rpcHandler(chain: Provider, options: Partial<RpcLimits> = {}): (text: string) => Promise<string> {
  const limits = { ...DEFAULTS, ...options }
  const one = (message: unknown) => reply(chain, limits, message)
  return async text => {
    if (text.length > limits.characters)
      return write(failure(null, new RpcError(RPC.limit, `request of ${text.length} characters, limit ${limits.characters}`)))
    const message = parse(text)
    if (message === undefined) return write(failure(null, new RpcError(RPC.parse, 'Parse error')))
    if (!Array.isArray(message)) return write(await one(message))
    if (!message.length) return write(failure(null, new RpcError(RPC.invalidRequest, 'empty batch')))
    if (message.length > limits.batch)
      return write(failure(null, new RpcError(RPC.limit, `batch of ${message.length} requests, limit ${limits.batch}`)))
    const replies = (await Promise.all(message.map(one))).filter(found => found !== null)
    return replies.length ? JSON.stringify(replies) : ''
  }
}

async function reply(chain: Provider, limits: RpcLimits, message: unknown): Promise<Reply | null> {
  if (typeof message !== 'object' || message === null || Array.isArray(message))
    return failure(null, new RpcError(RPC.invalidRequest, 'Invalid Request'))
  const { jsonrpc, id, method, params } = message as Record<string, unknown>
  const known = id === null || typeof id === 'string' || typeof id === 'number'
  if (jsonrpc !== '2.0' || typeof method !== 'string' || (id !== undefined && !known)) {
    return failure(known ? id : null, new RpcError(RPC.invalidRequest, 'Invalid Request'))
  }
  try {
    if (!limits.subscriptions && PUSHED.has(method))
      throw new RpcError(RPC.methodNotFound, 'notifications not supported over this connection')
    const result = await chain.request({ method, params })
    return id === undefined ? null : { jsonrpc: '2.0', id, result }
  } catch (error) {
    return id === undefined ? null : failure(id, asRpcError(error))
  }
}

const failure = (id: unknown, { code, message, data }: RpcError): Reply => ({
  jsonrpc: '2.0',
  id,
  error: { code, message, ...(data !== undefined && { data }) },
})

const write = (found: Reply | null) => (found ? JSON.stringify(found) : '')

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
