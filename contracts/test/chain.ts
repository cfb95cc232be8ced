import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import {
  type Abi,
  type Address,
  createPublicClient,
  createWalletClient,
  custom,
  defineChain,
  type Hex,
  type PublicClient,
  type TransactionReceipt,
  type WalletClient,
} from 'viem'
import config from '#hardhat.config'

type Request = (request: { method: string; params?: unknown }) => Promise<unknown>

/** A chain of this test's own, in this process, with funded accounts that it signs for. */
export type Chain = {
  readonly request: Request
  readonly reader: PublicClient
  readonly accounts: readonly Address[]
  readonly id: number
  /** Accounts[0] pays. */
  deploy(code: { abi: Abi; bytecode: Hex }, args?: readonly unknown[]): Promise<Address>
  send(from: Address, to: Address, data: Hex): Promise<TransactionReceipt>
  wallet(from: Address): WalletClient
  close(): Promise<void>
}

export const hardhat = () => createHardhatRuntimeEnvironment(config, {}, new URL('..', import.meta.url).pathname)

export async function openChain(override: object = {}): Promise<Chain> {
  const connection = await (await hardhat()).network.create({ override })
  const request = connection.provider.request.bind(connection.provider) as Request
  const transport = custom({ request }, { retryCount: 0 })
  const id = Number(await request({ method: 'eth_chainId' }))
  const chain = defineChain({
    id,
    name: 'test',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [] } },
  })
  const reader = createPublicClient({ chain, transport, pollingInterval: 1, cacheTime: 0 })
  const accounts = (await request({ method: 'eth_accounts' })) as Address[]
  const wallet = (account: Address) => createWalletClient({ account, chain, transport })
  const receipt = (hash: Hex) => reader.waitForTransactionReceipt({ hash })
  return {
    request,
    reader,
    accounts,
    id,
    wallet,
    send: async (from, to, data) => receipt(await wallet(from).sendTransaction({ to, data })),
    deploy: async ({ abi, bytecode }, args = []) => {
      const { contractAddress } = await receipt(await wallet(accounts[0] as Address).deployContract({ abi, bytecode, args }))
      if (!contractAddress) throw new Error('nothing was deployed')
      return contractAddress
    },
    close: () => connection.close(),
  }
}

/** The chain as any node offers it, JSON-RPC over HTTP on loopback, for clients that take only a URL. */
export async function serve(request: Request): Promise<{ url: string; close(): Promise<void> }> {
  const answer = async (call: { id: number; method: string; params?: unknown }) => {
    try {
      return { jsonrpc: '2.0', id: call.id, result: await request(call) }
    } catch (cause) {
      return { jsonrpc: '2.0', id: call.id, error: { code: -32000, message: String(cause) } }
    }
  }
  const server = createServer(async (incoming, response) => {
    const body = JSON.parse(Buffer.concat(await incoming.toArray()).toString('utf8'))
    const result = Array.isArray(body) ? await Promise.all(body.map(answer)) : await answer(body)
    response.setHeader('content-type', 'application/json').end(JSON.stringify(result))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { url: `http://127.0.0.1:${port}`, close }
}
