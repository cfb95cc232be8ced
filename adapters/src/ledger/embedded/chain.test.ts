import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  custom,
  encodeFunctionData,
  type Hex,
  keccak256,
  pad,
  parseEther,
  toHex,
} from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EmbeddedChain, openChain } from './chain.ts'
import { accountOf, clientsOf, deploy, handClock, probeContract } from './fixture.ts'

const ID = 2 ** 48 - 59
const slot = (n: number): Hex => pad(toHex(n))

describe.each(['files', 'memory'] as const)('a chain kept in %s serves viem', where => {
  const { abi } = probeContract()
  const clock = handClock()
  let dir: string | null
  let chain: EmbeddedChain
  let address: Hex

  beforeAll(async () => {
    dir = where === 'files' ? await mkdtemp(join(tmpdir(), 'ledger-')) : null
    chain = await openChain({ dir, chainId: ID, clock })
    address = await deploy(chain, probeContract())
  })
  afterAll(async () => {
    await chain.close()
    if (dir) await rm(dir, { recursive: true })
  })

  test('an account without any balance writes, reads and finds its events', async () => {
    const { wallet, reader, account } = clientsOf(chain)
    expect(await reader.getBalance({ address: account.address })).toBe(0n)
    const { request } = await reader.simulateContract({ abi, address, functionName: 'keep', args: [slot(1), 10n], account })
    const hash = await wallet.writeContract(request)
    const receipt = await reader.waitForTransactionReceipt({ hash })
    expect(receipt.status).toBe('success')
    expect(receipt.effectiveGasPrice).toBe(0n)
    expect(await reader.readContract({ abi, address, functionName: 'values', args: [slot(1)] })).toBe(10n)
    const events = await reader.getContractEvents({ abi, address, eventName: 'Kept', fromBlock: 0n, strict: true })
    expect(events.map(event => event.args)).toEqual([{ who: account.address, what: slot(1), n: 1n, value: 10n }])
  })

  test('the 48-bit chain id is the same in every form and is bound into signatures', async () => {
    const { wallet, reader } = clientsOf(chain)
    expect(await reader.getChainId()).toBe(ID)
    expect(await chain.request({ method: 'net_version' })).toBe(String(ID))
    const [, , seen] = (await reader.readContract({ abi, address, functionName: 'moment' })) as bigint[]
    expect(seen).toBe(BigInt(ID))
    for (const type of ['legacy', 'eip2930', 'eip1559'] as const) {
      const hash = await wallet.sendTransaction({
        to: address,
        data: encodeFunctionData({ abi, functionName: 'keep', args: [slot(2), 1n] }),
        type,
      } as never)
      const tx = await reader.getTransaction({ hash })
      expect([tx.type, tx.chainId]).toEqual([type, ID])
      expect(tx.from.toLowerCase()).toBe(accountOf(0).address.toLowerCase())
    }
  })

  test('a custom error, a plain reason and a panic reach the caller by name', async () => {
    const { reader } = clientsOf(chain)
    const failure = async (functionName: string, args: unknown[]) => {
      const error = await reader.simulateContract({ abi, address, functionName, args } as never).catch((e: BaseError) => e)
      return (error as BaseError).walk(e => e instanceof ContractFunctionRevertedError) as ContractFunctionRevertedError
    }
    expect((await failure('refuse', [7n])).data).toMatchObject({ errorName: 'Refused', args: [7n, 'not today'] })
    expect((await failure('text', [])).reason).toBe('plain reason')
    expect((await failure('panic', [0n])).data).toMatchObject({ errorName: 'Panic', args: [0x12n] })
    await expect(
      chain.request({
        method: 'eth_estimateGas',
        params: [{ to: address, data: encodeFunctionData({ abi, functionName: 'refuse', args: [1n] }) }],
      }),
    ).rejects.toMatchObject({
      code: 3,
      message: 'execution reverted',
    })
  })

  test('a reverting transaction is mined with status 0 and leaves no trace but its nonce', async () => {
    const { wallet, reader, account } = clientsOf(chain, accountOf(1))
    const before = await reader.readContract({ abi, address, functionName: 'count' })
    const hash = await wallet.writeContract({ abi, address, functionName: 'refuse', args: [1n], gas: 100_000n })
    expect((await reader.getTransactionReceipt({ hash })).status).toBe('reverted')
    expect(await reader.readContract({ abi, address, functionName: 'count' })).toBe(before)
    expect(await reader.getTransactionCount({ address: account.address })).toBe(1)
  })

  test('a loop without end stops at the gas limit of a call', async () => {
    const { reader } = clientsOf(chain)
    await expect(reader.readContract({ abi, address, functionName: 'spin', gas: 200_000n } as never)).rejects.toThrow(/out of gas/)
  })

  test('what an estimate says suffices, and is close to what is used', async () => {
    const { wallet, reader, account } = clientsOf(chain, accountOf(2))
    for (const [functionName, args] of [
      ['many', [0n, 20n]],
      ['nested', [slot(77)]],
      ['lasting', [slot(5)]],
      ['fleeting', [slot(6)]],
      ['forget', [slot(77)]],
      ['forget', [slot(3)]],
    ] as const) {
      const gas = await reader.estimateContractGas({ abi, address, functionName, args, account } as never)
      const hash = await wallet.writeContract({ abi, address, functionName, args, gas } as never)
      const { status, gasUsed } = await reader.getTransactionReceipt({ hash })
      expect([functionName, status]).toEqual([functionName, 'success'])
      expect(Number(gas) / Number(gasUsed)).toBeLessThan(1.5)
    }
  })

  test('every old state can still be called and read', async () => {
    const { wallet, reader } = clientsOf(chain)
    const blocks: bigint[] = []
    for (let value = 1n; value <= 5n; value++) {
      const hash = await wallet.writeContract({ abi, address, functionName: 'keep', args: [slot(9), value] })
      blocks.push((await reader.getTransactionReceipt({ hash })).blockNumber)
    }
    for (const [i, blockNumber] of blocks.entries()) {
      expect(await reader.readContract({ abi, address, functionName: 'values', args: [slot(9)], blockNumber })).toBe(BigInt(i + 1))
    }
    expect(await reader.getCode({ address, blockNumber: 0n })).toBeUndefined()
    expect(await reader.getTransactionCount({ address: accountOf(0).address, blockNumber: 0n })).toBe(0)
  })

  test('many senders at once share blocks, and every acknowledged transaction is there', async () => {
    const height = async () => Number(await clientsOf(chain).reader.getBlockNumber())
    const before = await height()
    const sent = await Promise.all(
      Array.from({ length: 24 }, async (_, i) => {
        const { wallet, reader } = clientsOf(chain, accountOf(100 + i))
        const hashes: Hex[] = []
        for (let nonce = 0; nonce < 4; nonce++) {
          hashes.push(
            await wallet.writeContract({ abi, address, functionName: 'keep', args: [slot(i), BigInt(nonce)], nonce, gas: 200_000n }),
          )
        }
        return Promise.all(hashes.map(hash => reader.getTransactionReceipt({ hash })))
      }),
    )
    expect(sent.flat().every(receipt => receipt.status === 'success')).toBe(true)
    expect((await height()) - before).toBeLessThan(96 / 2)
  })

  test('block time is the clock, and never runs backwards', async () => {
    const { wallet, reader } = clientsOf(chain)
    const write = async () => {
      const hash = await wallet.writeContract({ abi, address, functionName: 'keep', args: [slot(1), 1n] })
      const { blockNumber } = await reader.getTransactionReceipt({ hash })
      return Number((await reader.getBlock({ blockNumber })).timestamp)
    }
    clock.now += 100
    expect(await write()).toBe(clock.now)
    clock.now -= 50
    expect(await write()).toBe(clock.now + 50)
    clock.now += 100
    expect(await write()).toBe(clock.now)
  })

  test('a pending call sees the present time, a latest call that of its block', async () => {
    const { reader } = clientsOf(chain)
    clock.now += 3600
    const moment = async (blockTag: 'latest' | 'pending') =>
      (await reader.readContract({ abi, address, functionName: 'moment', blockTag })) as bigint[]
    const [latest, pending] = [await moment('latest'), await moment('pending')]
    expect(pending[1]).toBe(BigInt(clock.now))
    expect(latest[1]).toBe(BigInt(clock.now - 3600))
    expect(pending[0]).toBe(latest[0]! + 1n)
    await chain.beat()
    expect((await moment('latest'))[1]).toBe(BigInt(clock.now))
  })

  test('an answer given before is given again to the same message of the same block alone', async () => {
    const { wallet, reader } = clientsOf(chain)
    const values = encodeFunctionData({ abi, functionName: 'values', args: [slot(808)] })
    const call = async (message: object, block: unknown = 'latest', overrides?: object) =>
      (await chain.request({ method: 'eth_call', params: [message, block, ...(overrides ? [overrides] : [])] })) as Hex
    const twice = async (...asked: Parameters<typeof call>) => {
      const [first, again] = [await call(...asked), await call(...asked)]
      expect(again).toBe(first)
      return first
    }
    const asked = { to: address, data: values }
    const { hash: blockHash } = await reader.getBlock()
    expect(BigInt(await twice(asked))).toBe(0n)
    const count = { to: address, data: encodeFunctionData({ abi, functionName: 'count' }) }
    await twice(count)
    expect(BigInt(await call(count, 'latest', { [address]: { stateDiff: { [slot(1)]: slot(4711) } } }))).toBe(4711n)
    await wallet.writeContract({ abi, address, functionName: 'keep', args: [slot(808), 5n] })
    expect(BigInt(await twice(asked))).toBe(5n)
    expect(BigInt(await twice(asked, { blockHash }))).toBe(0n)
    // CALLER PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
    const who = '0x335f5260205ff3'
    for (const i of [1, 2])
      expect(await twice({ from: accountOf(i).address, data: who })).toBe(pad(accountOf(i).address.toLowerCase() as Hex))
    await expect(call({ ...asked, gas: toHex(100) })).rejects.toThrow('intrinsic gas too low')
  })

  test('BLOCKHASH gives the last 256 blocks and PREVRANDAO is the parent', async () => {
    const { reader } = clientsOf(chain)
    const head = await reader.getBlock()
    const hashOf = (n: bigint) => reader.readContract({ abi, address, functionName: 'hashOf', args: [n] })
    expect(await hashOf(head.number - 1n)).toBe(head.parentHash)
    expect(await hashOf(head.number)).toBe(pad('0x'))
    expect(head.mixHash).toBe(head.parentHash)
  })

  test('the P-256 precompile of Osaka verifies a signature', async () => {
    const { reader } = clientsOf(chain)
    const { publicKey, privateKey } = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
      'verify',
    ])) as CryptoKeyPair
    const message = new TextEncoder().encode('hello')
    const signature = new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, message))
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', message))
    const key = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey)).slice(1)
    const verify = (d: Uint8Array) =>
      reader.readContract({
        abi,
        address,
        functionName: 'precompile',
        args: [pad('0x0100', { size: 20 }), toHex(Buffer.concat([d, signature, key]))],
      })
    expect(await verify(digest)).toBe(slot(1))
    expect(await verify(digest.map(byte => byte ^ 1))).toBe('0x')
  })

  test('SHA-256 and ecrecover precompiles agree with viem', async () => {
    const { reader } = clientsOf(chain)
    const account = accountOf(3)
    const digest = keccak256('0x1234')
    const signature = await account.sign({ hash: digest })
    const [r, s, v] = [signature.slice(2, 66), signature.slice(66, 130), signature.slice(130)]
    const input = `${digest}${v.padStart(64, '0')}${r}${s}` as Hex
    const found = await reader.readContract({ abi, address, functionName: 'precompile', args: [pad('0x01', { size: 20 }), input] })
    expect(found).toBe(pad(account.address.toLowerCase() as Hex))
  })

  test('transient storage and self-destruction within a transaction end with it', async () => {
    const { wallet, reader } = clientsOf(chain, accountOf(4))
    for (let i = 0; i < 2; i++) {
      const hash = await wallet.writeContract({ abi, address, functionName: 'transient' })
      expect((await reader.getTransactionReceipt({ hash })).logs[0]!.data).toBe(slot(0))
    }
    for (let i = 0; i < 2; i++) {
      const hash = await wallet.writeContract({ abi, address, functionName: 'fleeting', args: [slot(99)] })
      expect((await reader.getTransactionReceipt({ hash })).status).toBe('success')
    }
  })

  test('state overrides answer what-if questions and change nothing', async () => {
    const { reader } = clientsOf(chain)
    const stateOverride = [{ address, stateDiff: [{ slot: slot(1), value: slot(4711) }] }]
    expect(await reader.readContract({ abi, address, functionName: 'count', stateOverride })).toBe(4711n)
    expect(await reader.readContract({ abi, address, functionName: 'count' })).not.toBe(4711n)
  })

  test('nobody has money, so nobody can send any', async () => {
    const { wallet } = clientsOf(chain)
    await expect(wallet.sendTransaction({ to: accountOf(1).address, value: parseEther('1'), gas: 21_000n })).rejects.toThrow(
      /insufficient funds|exceeds the balance/,
    )
  })

  test('fees are zero whoever asks', async () => {
    const { reader } = clientsOf(chain)
    expect(await reader.getGasPrice()).toBe(0n)
    expect(await reader.estimateFeesPerGas()).toEqual({ maxFeePerGas: 0n, maxPriorityFeePerGas: 0n })
    const history = await reader.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] })
    expect(history.baseFeePerGas).toHaveLength(5)
    expect(history.reward).toHaveLength(4)
  })

  test('blocks, transactions and receipts are consistent in every form', async () => {
    const { reader } = clientsOf(chain)
    const head = await reader.getBlock({ includeTransactions: true, blockNumber: 3n })
    const byHash = await reader.getBlock({ includeTransactions: true, blockHash: head.hash })
    expect(byHash).toEqual(head)
    for (const tx of head.transactions) {
      expect(await reader.getTransaction({ hash: tx.hash })).toEqual(tx)
      expect(await reader.getTransaction({ blockHash: head.hash, index: tx.transactionIndex })).toEqual(tx)
    }
    expect(await chain.request({ method: 'eth_getBlockByNumber', params: ['0xffffff', false] })).toBeNull()
    expect(await chain.request({ method: 'eth_getTransactionReceipt', params: [slot(1)] })).toBeNull()
    expect((await reader.getBlock({ blockTag: 'finalized' })).number).toBe(await reader.getBlockNumber())
  })

  test('re-executing everything gives the same blocks', async () => {
    const seen: number[] = []
    const count = await chain.verify(undefined, done => seen.push(done))
    expect(count).toBe(Number(await clientsOf(chain).reader.getBlockNumber()))
    expect(seen.at(-1)).toBe(count)
    await expect(chain.verify(AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('keys, mining and debugging are nobody’s business here', async () => {
    for (const method of [
      'eth_sendTransaction',
      'eth_sign',
      'evm_mine',
      'hardhat_setBalance',
      'debug_traceTransaction',
      'admin_peers',
      'personal_unlockAccount',
      'constructor',
      '__proto__',
    ]) {
      await expect(chain.request({ method, params: [] })).rejects.toMatchObject({ code: -32601 })
    }
    expect(await chain.request({ method: 'eth_accounts' })).toEqual([])
    const client = createPublicClient({ transport: custom(chain as never) })
    expect(await client.getChainId()).toBe(ID)
  })
})
