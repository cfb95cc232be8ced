import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { encodeDeployData, encodeFunctionData, type Hex, pad, toHex } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EmbeddedChain, openChain } from './chain.ts'
import { accountOf, handClock, probeContract } from './fixture.ts'

const ID = 31_337
type Provider = { request(request: { method: string; params?: unknown[] }): Promise<unknown> }

/** Hardhat's EVM (revm, written by others in another language), or null where its native part is not installed. */
async function edr(): Promise<(Provider & { close(): Promise<void> }) | null> {
  try {
    const native = fileURLToPath(new URL('../../../../contracts/engine/node_modules/@nomicfoundation/edr-linux-x64-gnu', import.meta.url))
    try {
      createRequire(import.meta.url)('@nomicfoundation/edr')
    } catch {
      process.env.NAPI_RS_NATIVE_LIBRARY_PATH = native
    }
    const { createHardhatRuntimeEnvironment } = await import('hardhat/hre')
    const network = {
      type: 'edr-simulated',
      chainType: 'l1',
      hardfork: 'osaka',
      chainId: ID,
      initialBaseFeePerGas: 0,
    } as const
    const runtime = await createHardhatRuntimeEnvironment({
      networks: { other: { ...network, blockGasLimit: 60_000_000n, allowBlocksWithSameTimestamp: true } },
    })
    const connection = await runtime.network.create('other')
    return { request: request => connection.provider.request(request), close: () => connection.close() }
  } catch (error) {
    console.warn(`SKIPPED: no independent EVM to compare with (${String(error).slice(0, 120)})`)
    return null
  }
}

const other = await edr()

describe.skipIf(!other)('an independent EVM agrees', () => {
  const { abi, bytecode } = probeContract()
  let chain: EmbeddedChain
  let address: Hex
  let nonce = 0
  beforeAll(async () => {
    chain = await openChain({ dir: null, chainId: ID, clock: handClock() })
    const [deployed] = await both([await sign(encodeDeployData({ abi, bytecode }), null, 5_000_000n)])
    address = deployed!.contractAddress as Hex
  })
  afterAll(async () => {
    await chain.close()
    await other!.close()
  })

  const slot = (n: number | bigint): Hex => pad(toHex(n))
  const comparable = (receipt: Record<string, unknown>) => {
    const { status, gasUsed, contractAddress, logsBloom, logs } = receipt
    return {
      status,
      gasUsed,
      contractAddress,
      logsBloom,
      logs: (logs as Record<string, unknown>[]).map(({ address: at, topics, data }) => ({ at, topics, data })),
    }
  }
  async function on(provider: Provider, raw: Hex) {
    const hash = await provider.request({ method: 'eth_sendRawTransaction', params: [raw] }).catch(error => {
      // Hardhat reports a revert as an error although it mined the transaction.
      const hashOf = (error.data as { transactionHash?: string })?.transactionHash ?? error.transactionHash
      if (!hashOf) throw error
      return hashOf
    })
    return (await provider.request({ method: 'eth_getTransactionReceipt', params: [hash] })) as Record<string, unknown>
  }
  const sign = (data: Hex, to: Hex | null, gas: bigint) =>
    accountOf(0).signTransaction({ chainId: ID, type: 'eip1559', nonce: nonce++, gas, data, ...(to && { to }) })
  /** Mines the same bytes on both, here together and there one by one, and compares what they did. */
  async function both(raws: readonly Hex[]) {
    const ours = (await Promise.all(raws.map(raw => on(chain, raw)))).map(comparable)
    const theirs: unknown[] = []
    for (const raw of raws) theirs.push(comparable(await on(other!, raw)))
    expect(ours).toEqual(theirs)
    return ours
  }

  test('in status, gas, logs and bloom of hundreds of transactions', async () => {
    let seed = 42
    const draw = (n: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return (seed >>> 8) % n
    }
    const statuses = new Map<unknown, number>()
    const note = ({ status }: { status: unknown }) => statuses.set(status, (statuses.get(status) ?? 0) + 1)
    let group: Hex[] = []
    for (let i = 0; i < 400; i++) {
      const gas = draw(6) === 0 ? BigInt(24_000 + draw(60_000)) : 3_000_000n
      const key = slot(draw(12))
      const choices: [string, unknown[]][] = [
        ['keep', [key, BigInt(draw(3))]],
        ['forget', [key]],
        ['many', [BigInt(draw(8)), BigInt(8 + draw(20))]],
        ['refuse', [BigInt(i)]],
        ['nested', [key]],
        ['fleeting', [slot(draw(4))]],
        ['lasting', [slot(100 + draw(200))]],
        ['transient', []],
      ]
      const [name, args] = choices[draw(choices.length)]!
      group.push(await sign(encodeFunctionData({ abi, functionName: name, args } as never), address, gas))
      if (draw(8)) continue
      for (const outcome of await both(group)) note(outcome)
      group = []
    }
    expect(statuses.get('0x1')).toBeGreaterThan(100)
    expect(statuses.get('0x0')).toBeGreaterThan(20)
    console.info(`compared with EDR: ${[...statuses].map(([status, count]) => `${count} with status ${status}`).join(', ')}`)
  })

  test('in what every slot holds and what calls return', async () => {
    const calls: [string, unknown[]][] = [
      ['count', []],
      ...Array.from({ length: 30 }, (_, i): [string, unknown[]] => ['values', [slot(i)]]),
    ]
    for (const [functionName, args] of calls) {
      const params = [{ to: address, data: encodeFunctionData({ abi, functionName, args } as never) }, 'latest']
      expect(await chain.request({ method: 'eth_call', params })).toBe(await other!.request({ method: 'eth_call', params }))
    }
    for (let i = 0; i < 5; i++) {
      const params = [address, slot(i), 'latest']
      expect(await chain.request({ method: 'eth_getStorageAt', params })).toBe(await other!.request({ method: 'eth_getStorageAt', params }))
    }
    const proof = (provider: Provider) =>
      provider.request({ method: 'eth_getProof', params: [address, [], 'latest'] }) as Promise<{ storageHash: Hex }>
    const [ours, theirs] = [await proof(chain), await proof(other!).catch(() => null)]
    if (theirs) expect(ours.storageHash).toBe(theirs.storageHash)
  })

  test('in every precompile it shares', async () => {
    for (let n = 1; n <= 17; n++) {
      if (n === 10) continue // The point evaluation of EIP-4844, which needs a trusted setup this ledger has no use for.
      for (const input of ['0x', slot(n), `0x${'01'.repeat(128)}`, `0x${'00'.repeat(192)}`, `0x${'00'.repeat(213)}`] as Hex[]) {
        const params = [
          {
            to: address,
            data: encodeFunctionData({ abi, functionName: 'precompile', args: [pad(toHex(n), { size: 20 }), input] }),
            gas: toHex(8_000_000),
          },
          'latest',
        ]
        const answer = (provider: Provider) => provider.request({ method: 'eth_call', params }).catch(() => 'failed')
        expect([n, await answer(chain)]).toEqual([n, await answer(other!)])
      }
    }
  })
})
