import { RPC, RpcError } from '@keepwell/adapters/ledger/embedded/rpc-error'

/** What a stranger may ask of the ledger: reading. Filters and subscriptions keep state for the asker, so they are not among these. */
const READING = new Set([
  'eth_blockNumber',
  'eth_call',
  'eth_chainId',
  'eth_estimateGas',
  'eth_feeHistory',
  'eth_gasPrice',
  'eth_getBalance',
  'eth_getBlockByHash',
  'eth_getBlockByNumber',
  'eth_getBlockReceipts',
  'eth_getBlockTransactionCountByHash',
  'eth_getBlockTransactionCountByNumber',
  'eth_getCode',
  'eth_getLogs',
  'eth_getProof',
  'eth_getStorageAt',
  'eth_getTransactionByBlockHashAndIndex',
  'eth_getTransactionByBlockNumberAndIndex',
  'eth_getTransactionByHash',
  'eth_getTransactionCount',
  'eth_getTransactionReceipt',
  'eth_maxPriorityFeePerGas',
  'eth_syncing',
  'net_version',
  'web3_clientVersion',
])

/** Signed by its sender, so anybody may bring it; only where the ledger is our own and has no other door. */
const SENDING = 'eth_sendRawTransaction'

type Provider = { request(call: { readonly method: string; readonly params?: unknown }): Promise<unknown> }

/** The same provider for strangers. Other methods are unknown here (JSON-RPC code −32601). */
export function publicProvider(provider: Provider, options: { readonly sending: boolean }): Provider {
  return {
    async request(call) {
      const open = READING.has(call.method) || (options.sending && call.method === SENDING)
      if (!open) throw new RpcError(RPC.methodNotFound, 'the method is not available here')
      return provider.request(call).catch(passOn)
    },
  }
}

/** A remote node's own refusal keeps its code and data; anything else stays what it is. */
function passOn(error: unknown): never {
  const { code, message, data } = error as { code?: unknown; message?: unknown; data?: unknown }
  if (error instanceof RpcError || typeof code !== 'number') throw error
  throw new RpcError(code, String(message), data)
}
