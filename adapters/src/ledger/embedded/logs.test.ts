import { type Address, createPublicClient, custom, type Hex, pad, parseAbiItem, toEventSelector, toHex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EmbeddedChain, openChain } from './chain.ts'
import { accountOf, clientsOf, deploy, handClock, probeContract } from './fixture.ts'
import type { ProviderMessage } from './subscriptions.ts'

const { abi } = probeContract()
const KEPT = toEventSelector('Kept(address,bytes32,uint256,uint256)')
const PLAIN = toEventSelector('Plain(uint256)')
const slot = (n: number): Hex => pad(toHex(n))

type Rpc = { address: string; topics: string[]; blockNumber: string; logIndex: string; transactionHash: string; blockHash: string }

let chain: EmbeddedChain
const contracts: Address[] = []
const ask = <T>(method: string, ...params: unknown[]) => chain.request({ method, params }) as Promise<T>

beforeAll(async () => {
  chain = await openChain({ dir: null, chainId: 77, clock: handClock(), limits: { logResults: 500 } })
  for (let i = 0; i < 3; i++) contracts.push(await deploy(chain, probeContract()))
  const write = (i: number) => {
    const { wallet } = clientsOf(chain, accountOf(50 + (i % 5)))
    const address = contracts[i % 3]!
    const nonce = Math.floor(i / 5)
    if (i % 4 === 3)
      return wallet.writeContract({ abi, address, functionName: 'many', args: [0n, BigInt(i % 7)], nonce, gas: 1_000_000n } as never)
    return wallet.writeContract({ abi, address, functionName: 'keep', args: [slot(i % 6), BigInt(i)], nonce, gas: 1_000_000n } as never)
  }
  // Five at a time, so that some blocks hold several transactions.
  for (let i = 0; i < 60; i += 5) await Promise.all([0, 1, 2, 3, 4].map(j => write(i + j)))
})
afterAll(() => chain.close())

test('every combination of filters finds exactly what reading all receipts finds', async () => {
  const { reader } = clientsOf(chain)
  const head = Number(await reader.getBlockNumber())
  const all: Rpc[] = []
  for (let n = 0; n <= head; n++) {
    for (const receipt of await ask<{ logs: Rpc[] }[]>('eth_getBlockReceipts', toHex(n))) all.push(...receipt.logs)
  }
  expect(all.length).toBeGreaterThan(80)
  const accounts = Array.from({ length: 5 }, (_, i) => pad(accountOf(50 + i).address.toLowerCase() as Hex))
  const addresses = [undefined, contracts[0], contracts.slice(1), [], pad('0x1', { size: 20 })]
  const first = [undefined, null, KEPT, [KEPT, PLAIN], [PLAIN]]
  const second = [undefined, null, accounts[0], accounts.slice(2)]
  const third = [undefined, slot(3), [slot(0), slot(5), slot(99)]]
  const ranges = [
    [0, head],
    [3, Math.floor(head / 2)],
    [head, head],
    [head - 3, head + 100],
  ]
  let compared = 0
  for (const address of addresses) {
    for (const a of first) {
      for (const b of second) {
        for (const c of third) {
          const topics = c !== undefined ? [a ?? null, b ?? null, c] : b !== undefined ? [a ?? null, b] : a !== undefined ? [a] : undefined
          const [from, to] = ranges[compared++ % ranges.length] as [number, number]
          const wanted = all.filter(log => {
            const one = (alternatives: unknown, value: unknown) => {
              if (alternatives === undefined || alternatives === null || (Array.isArray(alternatives) && !alternatives.length)) return true
              return ([alternatives].flat() as unknown[]).includes(value)
            }
            const number = Number(log.blockNumber)
            return (
              number >= from &&
              number <= to &&
              one(address, log.address) &&
              (topics ?? []).every((t, i) => i < log.topics.length && one(t, log.topics[i]))
            )
          })
          const found = await ask<Rpc[]>('eth_getLogs', {
            fromBlock: toHex(from),
            toBlock: toHex(to),
            ...(address && { address }),
            ...(topics && { topics }),
          })
          expect(found).toEqual(wanted)
        }
      }
    }
  }
  expect(compared).toBe(300)
})

test('logs of one block by its hash, numbered through the block', async () => {
  const { reader } = clientsOf(chain)
  const head = await reader.getBlock()
  const logs = await ask<Rpc[]>('eth_getLogs', { blockHash: head.hash })
  expect(logs.map(log => Number(log.logIndex))).toEqual(logs.map((_, i) => i))
  expect(logs.every(log => log.blockHash === head.hash)).toBe(true)
  await expect(ask('eth_getLogs', { blockHash: slot(1) })).rejects.toMatchObject({ message: 'unknown block' })
  await expect(ask('eth_getLogs', { blockHash: head.hash, fromBlock: '0x1' })).rejects.toMatchObject({ code: -32602 })
})

test('too many results are refused with a narrower range, not cut in silence', async () => {
  const small = await openChain({ dir: null, chainId: 78, clock: handClock(), limits: { logResults: 10 } })
  try {
    const address = await deploy(small, probeContract())
    const { wallet } = clientsOf(small)
    for (let i = 0; i < 3; i++) await wallet.writeContract({ abi, address, functionName: 'many', args: [0n, 4n] } as never)
    const query = { fromBlock: '0x0', address }
    await expect(small.request({ method: 'eth_getLogs', params: [query] })).rejects.toMatchObject({
      code: -32005,
      message: expect.stringMatching(/more than 10 results.*blocks 0 to 3/),
    })
    expect(await small.request({ method: 'eth_getLogs', params: [{ ...query, toBlock: '0x3' }] })).toHaveLength(8)
  } finally {
    await small.close()
  }
})

test('bad filters are named, not guessed at', async () => {
  const bad = [
    { fromBlock: '0x5', toBlock: '0x4' },
    { address: '0x12' },
    { topics: ['0x12'] },
    { topics: [1, 2, 3, 4, 5] },
    { fromBlock: 'soon' },
    'x',
    null,
  ]
  for (const filter of bad) await expect(ask('eth_getLogs', filter)).rejects.toMatchObject({ code: -32602 })
  await expect(ask('eth_getLogs', { address: Array.from({ length: 2000 }, () => contracts[0]) })).rejects.toMatchObject({ code: -32005 })
})

test('a polled filter tells each log, block and transaction once', async () => {
  const { wallet, reader } = clientsOf(chain)
  const event = parseAbiItem('event Plain(uint256 value)')
  const logs = await reader.createEventFilter({ address: contracts[0], event })
  const blocks = await reader.createBlockFilter()
  const pending = await reader.createPendingTransactionFilter()
  const hash = await wallet.writeContract({ abi, address: contracts[0], functionName: 'many', args: [0n, 2n] } as never)
  await wallet.writeContract({ abi, address: contracts[1], functionName: 'many', args: [0n, 2n] } as never)
  expect((await reader.getFilterChanges({ filter: logs })).map(log => log.transactionHash)).toEqual([hash, hash])
  expect(await reader.getFilterChanges({ filter: logs })).toEqual([])
  const head = await reader.getBlock()
  expect((await reader.getFilterChanges({ filter: blocks })).at(-1)).toBe(head.hash)
  expect(await reader.getFilterChanges({ filter: blocks })).toEqual([])
  expect(await reader.getFilterChanges({ filter: pending })).toHaveLength(2)
  expect(await reader.uninstallFilter({ filter: logs })).toBe(true)
  expect(await reader.uninstallFilter({ filter: logs })).toBe(false)
  await expect(reader.getFilterChanges({ filter: logs })).rejects.toThrow(/filter not found/)
})

test('eth_getFilterLogs gives the whole range again', async () => {
  const id = await ask('eth_newFilter', { fromBlock: '0x0', address: contracts[2], topics: [KEPT] })
  const direct = await ask<Rpc[]>('eth_getLogs', { fromBlock: '0x0', address: contracts[2], topics: [KEPT] })
  expect(direct.length).toBeGreaterThan(3)
  expect(await ask('eth_getFilterLogs', id)).toEqual(direct)
})

test('a filter nobody polls is dropped, and their number is bounded', async () => {
  const clock = handClock()
  const small = await openChain({ dir: null, chainId: 79, clock, limits: { filters: 2 } })
  const make = () => small.request({ method: 'eth_newBlockFilter' })
  const first = await make()
  await make()
  await expect(make()).rejects.toMatchObject({ code: -32005 })
  clock.now += 301
  expect(await make()).toMatch(/^0x/)
  await expect(small.request({ method: 'eth_getFilterChanges', params: [first] })).rejects.toMatchObject({ message: 'filter not found' })
  await small.close()
})

test('subscriptions push heads and matching logs before the sender is answered', async () => {
  const messages: ProviderMessage[] = []
  const listen = (message: ProviderMessage) => void messages.push(message)
  chain.on('message', listen)
  const heads = await ask('eth_subscribe', 'newHeads')
  const logs = await ask('eth_subscribe', 'logs', { address: contracts[0], topics: [PLAIN] })
  const hashes = await ask('eth_subscribe', 'newPendingTransactions')
  const { wallet, reader } = clientsOf(chain)
  const hash = await wallet.writeContract({ abi, address: contracts[0], functionName: 'many', args: [0n, 1n] } as never)
  const of = (id: unknown) => messages.filter(message => message.data.subscription === id).map(message => message.data.result)
  expect(of(hashes)).toEqual([hash])
  expect(of(heads)).toMatchObject([{ hash: (await reader.getBlock()).hash }])
  expect(of(logs)).toMatchObject([{ transactionHash: hash, address: contracts[0] }])
  expect(await ask('eth_unsubscribe', heads)).toBe(true)
  expect(await ask('eth_unsubscribe', logs)).toBe(true)
  expect(await ask('eth_unsubscribe', hashes)).toBe(true)
  await wallet.writeContract({ abi, address: contracts[0], functionName: 'many', args: [0n, 1n] } as never)
  expect(messages).toHaveLength(3)
  chain.off('message', listen)
  await expect(ask('eth_subscribe', 'syncing')).rejects.toMatchObject({ code: -32602 })
})

test('viem watches events by polling', async () => {
  const { wallet } = clientsOf(chain)
  const looked = Promise.withResolvers<void>()
  const request = async (call: { method: string; params?: unknown[] }) => {
    const answer = await chain.request(call)
    if (call.method === 'eth_getFilterChanges') looked.resolve()
    return answer
  }
  const client = createPublicClient({ transport: custom({ request } as never), pollingInterval: 20 })
  const seen = new Promise(resolve => {
    const stop = client.watchContractEvent({
      abi,
      address: contracts[1]!,
      eventName: 'Plain',
      onLogs: found => {
        stop()
        resolve(found.length)
      },
    })
  })
  // What was written before it looked the first time would not be news.
  await looked.promise
  await wallet.writeContract({ abi, address: contracts[1], functionName: 'many', args: [0n, 3n] } as never)
  expect(await seen).toBe(3)
})
