import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EmbeddedChain, openChain } from './chain.ts'
import { accountOf, handClock, probeContract } from './fixture.ts'
import { rpcHandler } from './rpc-handler.ts'

let chain: EmbeddedChain
let handle: (text: string) => Promise<string>
beforeAll(async () => {
  chain = await openChain({ dir: null, chainId: 4242, clock: handClock() })
  handle = rpcHandler(chain, { batch: 40, characters: 400_000 })
})
afterAll(() => chain.close())

const call = async (message: unknown) => JSON.parse(await handle(JSON.stringify(message)))

test('answers one request and a batch, each with its id', async () => {
  expect(await call({ jsonrpc: '2.0', id: 7, method: 'eth_chainId' })).toEqual({ jsonrpc: '2.0', id: 7, result: '0x1092' })
  const batch = await call([
    { jsonrpc: '2.0', id: 'a', method: 'eth_blockNumber', params: [] },
    { jsonrpc: '2.0', method: 'eth_chainId' },
    { jsonrpc: '2.0', id: null, method: 'net_version' },
    'nonsense',
  ])
  expect(batch).toEqual([
    { jsonrpc: '2.0', id: 'a', result: expect.stringMatching(/^0x[0-9a-f]+$/) },
    { jsonrpc: '2.0', id: null, result: '4242' },
    { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'Invalid Request' } },
  ])
})

test('notifications are not answered', async () => {
  expect(await handle('{"jsonrpc":"2.0","method":"eth_chainId"}')).toBe('')
  expect(await handle('[{"jsonrpc":"2.0","method":"eth_nonsense"}]')).toBe('')
})

test('every fault has its code', async () => {
  const code = async (text: string) => JSON.parse(await handle(text)).error.code
  expect(await code('{"jsonrpc":')).toBe(-32700)
  expect(await code('[]')).toBe(-32600)
  expect(await code('7')).toBe(-32600)
  expect(await code('{"id":1,"method":"eth_chainId"}')).toBe(-32600)
  expect(await code('{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}')).toBe(-32600)
  expect(await code('{"jsonrpc":"2.0","id":1,"method":"toString"}')).toBe(-32601)
  expect(await code('{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}')).toBe(-32601)
  expect(await code('{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":{}}')).toBe(-32602)
  expect(await code('{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x12"]}')).toBe(-32602)
  expect(await code('{"jsonrpc":"2.0","id":1,"method":"eth_getBalance"}')).toBe(-32602)
  expect(await code(`{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["${accountOf(0).address}","0x99"]}`)).toBe(-32000)
  expect(await code(JSON.stringify(Array.from({ length: 41 }, () => 1)))).toBe(-32005)
  expect(await code(`"${'x'.repeat(400_000)}"`)).toBe(-32005)
})

test('a revert keeps its data on the way through JSON', async () => {
  const data = `0x${'60'.repeat(1)}205f526020601cfd`
  const { error } = await call({ jsonrpc: '2.0', id: 1, method: 'eth_call', params: [{ data }, 'latest'] })
  expect(error).toEqual({ code: 3, message: 'execution reverted', data: `0x${'0'.repeat(6)}20${'0'.repeat(56)}` })
})

test('a batch of transactions in any order shares blocks', async () => {
  const { bytecode } = probeContract()
  const raws = await Promise.all(
    Array.from({ length: 30 }, (_, nonce) =>
      accountOf(0).signTransaction({ chainId: 4242, type: 'eip1559', nonce: 29 - nonce, gas: 3_000_000n, data: bytecode }),
    ),
  )
  const replies = (await call(raws.map((raw, id) => ({ jsonrpc: '2.0', id, method: 'eth_sendRawTransaction', params: [raw] })))) as {
    result: string
  }[]
  expect(replies.every(reply => reply.result.length === 66)).toBe(true)
  expect(Number((await call({ jsonrpc: '2.0', id: 1, method: 'eth_blockNumber' })).result)).toBeLessThan(6)
})

test('garbage never throws', async () => {
  const texts = [
    '',
    'null',
    'true',
    '[[[]]]',
    '{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[[[]]]}',
    '{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[null]}',
  ]
  const words = [
    '0x',
    '0x0',
    null,
    {},
    [],
    1,
    -1,
    'latest',
    '0xzz',
    `0x${'f'.repeat(65)}`,
    { blockHash: 3 },
    { address: {} },
    { topics: {} },
    true,
  ]
  const methods = [
    'eth_call',
    'eth_estimateGas',
    'eth_getLogs',
    'eth_getProof',
    'eth_getBlockByNumber',
    'eth_getBlockByHash',
    'eth_getStorageAt',
    'eth_feeHistory',
    'eth_newFilter',
    'eth_getFilterChanges',
    'eth_sendRawTransaction',
    'eth_getTransactionByHash',
  ]
  for (const method of methods)
    for (const a of words) for (const b of words.slice(0, 6)) texts.push(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [a, b] }))
  for (const text of texts) {
    const reply = JSON.parse(await handle(text))
    expect(reply.error?.code, text).not.toBe(-32603)
  }
})
