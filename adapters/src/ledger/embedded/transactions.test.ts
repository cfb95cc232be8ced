import { type Hex, keccak256, pad, serializeTransaction, toHex } from 'viem'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type EmbeddedChain, openChain } from './chain.ts'
import { accountOf, clientsOf, handClock } from './fixture.ts'
import type { Limits } from './limits.ts'

const ID = 271_828_182_845

describe('the pool of waiting transactions', () => {
  let chain: EmbeddedChain
  const open = async (limits: Partial<Limits> = {}) => {
    chain = await openChain({ dir: null, chainId: ID, clock: handClock(), limits })
  }
  beforeEach(() => open())
  afterEach(() => chain.close())

  const sign = (i: number, nonce: number, more: object = {}) =>
    accountOf(i).signTransaction({
      chainId: ID,
      type: 'eip1559',
      nonce,
      gas: 30_000n,
      maxFeePerGas: 0n,
      maxPriorityFeePerGas: 0n,
      to: pad('0x99', { size: 20 }),
      ...more,
    } as never)
  const send = (raw: Hex) => chain.request({ method: 'eth_sendRawTransaction', params: [raw] }) as Promise<Hex>
  const count = (i: number, tag: string) => chain.request({ method: 'eth_getTransactionCount', params: [accountOf(i).address, tag] })
  const soon = () => new Promise(resolve => setTimeout(resolve, 30))

  test('nonces sent in the wrong order are mined in the right one', async () => {
    const raws = await Promise.all([3, 1, 4, 0, 2].map(nonce => sign(0, nonce)))
    const hashes = await Promise.all(raws.map(send))
    expect(hashes).toEqual(raws.map(raw => keccak256(raw)))
    expect(await count(0, 'latest')).toBe('0x5')
  })

  test('a transaction ahead of its nonce waits, unacknowledged, until the gap is filled', async () => {
    let answered = false
    const later = send(await sign(0, 1)).then(hash => {
      answered = true
      return hash
    })
    await soon()
    expect(answered).toBe(false)
    expect(await count(0, 'pending')).toBe('0x0')
    await send(await sign(0, 0))
    expect(await later).toMatch(/^0x/)
    expect(await count(0, 'pending')).toBe('0x2')
  })

  test('a gap that nobody fills ends in a refusal that names it', async () => {
    await chain.close()
    await open({ gapMilliseconds: 50 })
    await expect(send(await sign(0, 2))).rejects.toMatchObject({
      code: -32000,
      message: expect.stringMatching(/nonce too high.*next nonce is 0/),
    })
    expect(await send(await sign(0, 0))).toMatch(/^0x/)
  })

  test('the same transaction again gives the same hash, waiting or mined', async () => {
    const raw = await sign(0, 0)
    const [first, second] = await Promise.all([send(raw), send(raw)])
    expect(second).toBe(first)
    expect(await send(raw)).toBe(first)
    expect(await chain.request({ method: 'eth_blockNumber' })).toBe('0x1')
  })

  test('another transaction with a nonce that is waiting or used is refused', async () => {
    const waiting = send(await sign(0, 1))
    await soon()
    await expect(send(await sign(0, 1, { gas: 40_000n }))).rejects.toMatchObject({
      message: expect.stringMatching(/replacement transaction underpriced/),
    })
    await send(await sign(0, 0))
    await waiting
    await expect(send(await sign(0, 0, { gas: 40_000n }))).rejects.toMatchObject({
      message: expect.stringMatching(/nonce too low: next nonce 2/),
    })
  })

  test('a transaction of another chain is refused in every form', async () => {
    for (const type of ['legacy', 'eip2930', 'eip1559']) {
      const raw = await sign(0, 0, {
        chainId: 1,
        type,
        ...(type !== 'eip1559' && { gasPrice: 0n, maxFeePerGas: undefined, maxPriorityFeePerGas: undefined }),
      })
      await expect(send(raw)).rejects.toMatchObject({ code: -32000, message: expect.stringMatching(/chain/) })
    }
  })

  test('a legacy transaction without replay protection is refused', async () => {
    const raw = await sign(0, 0, {
      chainId: undefined,
      type: 'legacy',
      gasPrice: 0n,
      maxFeePerGas: undefined,
      maxPriorityFeePerGas: undefined,
    })
    await expect(send(raw)).rejects.toMatchObject({ message: expect.stringMatching(/replay-protected/) })
  })

  test('what can never be mined is refused at once, with the reason', async () => {
    const faults: [Promise<Hex>, RegExp][] = [
      [sign(0, 0, { gas: 20_000n }), /intrinsic gas too low/],
      [sign(0, 0, { gas: 2n ** 24n + 1n }), /EIP-7825/],
      [sign(0, 0, { value: 1n }), /insufficient funds/],
      [sign(0, 0, { maxFeePerGas: 1n }), /insufficient funds.*Gas is free/],
      [sign(0, 5000), /nonce too high/],
      [sign(0, 0, { to: undefined, data: `0x${'00'.repeat(49_153)}`, gas: 10_000_000n }), /initcode/],
      [sign(0, 0, { data: `0x${'00'.repeat(140_000)}`, gas: 10_000_000n }), /oversized/],
      [Promise.resolve('0x'), /too short/],
      [Promise.resolve('0x03c0'), /blobs/],
      [Promise.resolve('0x02c0'), /invalid transaction/],
      [Promise.resolve('0xdeadbeef'), /invalid transaction/],
      [Promise.resolve('0x7fc0'), /invalid transaction/],
    ]
    for (const [raw, reason] of faults)
      await expect(send(await raw)).rejects.toMatchObject({ code: -32000, message: expect.stringMatching(reason) })
    await expect(send('0xabc' as Hex)).rejects.toMatchObject({ code: -32602 })
    const unsigned = serializeTransaction({ chainId: ID, type: 'eip1559', nonce: 0, gas: 30_000n, to: pad('0x99', { size: 20 }) })
    await expect(send(unsigned)).rejects.toMatchObject({ code: -32000 })
  })

  test('one sender cannot fill the pool, and a full pool says so', async () => {
    await chain.close()
    await open({ senderPending: 4, totalPending: 6 })
    const swallow = (promise: Promise<unknown>) => void promise.catch(() => {})
    for (let nonce = 1; nonce <= 4; nonce++) swallow(send(await sign(0, nonce)))
    await soon()
    await expect(send(await sign(0, 5))).rejects.toMatchObject({ message: expect.stringMatching(/nonce too high/) })
    swallow(send(await sign(1, 1)))
    swallow(send(await sign(1, 2)))
    await soon()
    await expect(send(await sign(2, 0))).rejects.toMatchObject({ message: expect.stringMatching(/pool is full/) })
  })

  test('a block holds no more than its limit, and a busy sender does not keep the others out', async () => {
    await chain.close()
    await open({ blockTransactions: 4 })
    const raws = [...(await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(nonce => sign(0, nonce)))), await sign(1, 0), await sign(2, 0)]
    const hashes = await Promise.all(raws.map(send))
    const { reader } = clientsOf(chain)
    const receipts = await Promise.all(hashes.map(hash => reader.getTransactionReceipt({ hash })))
    const sizes = Map.groupBy(receipts, receipt => receipt.blockNumber)
    expect([...sizes.values()].every(list => list.length <= 4)).toBe(true)
    expect(receipts.at(-1)!.blockNumber).toBeLessThanOrEqual(2n)
  })

  test('a transaction whose gas does not fit any more waits for the next block', async () => {
    await chain.close()
    await open({ blockGas: 100_000n })
    const hashes = await Promise.all((await Promise.all([0, 1, 2, 3, 4].map(nonce => sign(0, nonce, { gas: 40_000n })))).map(send))
    const { reader } = clientsOf(chain)
    const blocks = await Promise.all(hashes.map(async hash => (await reader.getTransactionReceipt({ hash })).blockNumber))
    expect(blocks).toEqual([1n, 1n, 1n, 2n, 2n])
  })

  test('an EIP-7702 authorization makes an account run code, and it can still send', async () => {
    const { wallet, reader } = clientsOf(chain)
    const deployed = await wallet.sendTransaction({ data: '0x60018060095f395ff300' })
    const { contractAddress } = await reader.getTransactionReceipt({ hash: deployed })
    const authorization = await wallet.signAuthorization({ contractAddress: contractAddress!, executor: 'self' })
    const hash = await wallet.sendTransaction({ authorizationList: [authorization], to: accountOf(0).address, gas: 100_000n })
    expect((await reader.getTransactionReceipt({ hash })).type).toBe('eip7702')
    expect(await reader.getCode({ address: accountOf(0).address })).toBe(`0xef0100${contractAddress!.slice(2)}`)
    expect((await reader.getTransaction({ hash })).authorizationList).toHaveLength(1)
    await wallet.sendTransaction({ to: accountOf(1).address, gas: 50_000n })
  })

  test('closing refuses what waits instead of leaving it hanging', async () => {
    const waiting = send(await sign(0, 1))
    await soon()
    await Promise.all([expect(waiting).rejects.toMatchObject({ message: expect.stringMatching(/closing/) }), chain.close()])
    await expect(chain.request({ method: 'eth_chainId' })).rejects.toMatchObject({ message: expect.stringMatching(/closed/) })
  })

  test('a waiting transaction is found by its hash, without a block', async () => {
    const raw = await sign(0, 1)
    void send(raw).catch(() => {})
    await soon()
    expect(await chain.request({ method: 'eth_getTransactionByHash', params: [keccak256(raw)] })).toMatchObject({
      blockHash: null,
      nonce: toHex(1),
      from: accountOf(0).address.toLowerCase(),
    })
  })
})
