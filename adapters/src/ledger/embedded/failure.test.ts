import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { type Hex, keccak256, pad, toHex } from 'viem'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type EmbeddedChain, openChainOver } from './chain.ts'
import { accountOf, clientsOf, deploy, handClock, probeContract } from './fixture.ts'
import { levelStore } from './level-store.ts'
import type { Store } from './store.ts'

const ID = 555
const { abi } = probeContract()
const slot = (n: number): Hex => pad(toHex(n))

/** A real store whose medium can be made to fail: nothing, the write alone, or the write after it took effect. */
function failing(store: Store) {
  let broken = false
  const medium = {
    state: 'sound' as 'sound' | 'full' | 'lying',
    store: {
      ...store,
      async write(rows, sync) {
        if (broken) throw new KeepwellError('STORAGE_FAILED', 'not revived')
        if (medium.state === 'sound') return store.write(rows, sync)
        broken = true
        if (medium.state === 'lying') await store.write(rows, sync)
        throw new KeepwellError('STORAGE_FULL', 'No space is left on the device.')
      },
      async revive() {
        if (medium.state !== 'sound') throw new KeepwellError('STORAGE_FULL', 'No space is left on the device.')
        await store.revive()
        broken = false
      },
    } satisfies Store as Store,
  }
  return medium
}

describe('when the disk is full', () => {
  let dir: string
  let chain: EmbeddedChain
  let medium: ReturnType<typeof failing>
  let address: Hex
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ledger-'))
    medium = failing(await levelStore(dir))
    chain = await openChainOver(medium.store, { dir, chainId: ID, clock: handClock() })
    address = await deploy(chain, probeContract())
  })
  afterEach(async () => {
    await chain.close()
    await rm(dir, { recursive: true })
  })

  const keep = (key: number, value: bigint, account = accountOf(0)) =>
    clientsOf(chain, account).wallet.writeContract({ abi, address, functionName: 'keep', args: [slot(key), value], gas: 200_000n } as never)
  const value = (key: number) => clientsOf(chain).reader.readContract({ abi, address, functionName: 'values', args: [slot(key)] } as never)

  test('writers are told, readers are served from the last durable block, and writing resumes', async () => {
    await keep(1, 1n)
    medium.state = 'full'
    await expect(keep(1, 2n)).rejects.toThrow(/No space is left.*by its hash before sending it again/s)
    await expect(Promise.all([keep(2, 1n, accountOf(1)), keep(3, 1n, accountOf(2))])).rejects.toThrow(/No space/)
    expect(await value(1)).toBe(1n)
    expect(await clientsOf(chain).reader.getBlockNumber()).toBe(2n)
    expect(await clientsOf(chain).reader.getTransactionCount({ address: accountOf(0).address })).toBe(2)
    medium.state = 'sound'
    await keep(1, 3n)
    expect(await value(1)).toBe(3n)
    expect(await clientsOf(chain).reader.getBlockNumber()).toBe(3n)
    expect(await chain.verify()).toBe(3)
  })

  test('a write that failed but reached the disk is found there, and sending it again does it no second time', async () => {
    medium.state = 'lying'
    const raw = await accountOf(0).signTransaction({ chainId: ID, type: 'eip1559', nonce: 1, gas: 30_000n, to: pad('0x77', { size: 20 }) })
    const send = () => chain.request({ method: 'eth_sendRawTransaction', params: [raw] })
    await expect(send()).rejects.toMatchObject({ data: { code: 'STORAGE_FULL' } })
    medium.state = 'sound'
    await keep(5, 5n, accountOf(3))
    expect(await send()).toBe(keccak256(raw))
    expect(await clientsOf(chain).reader.getBlockNumber()).toBe(3n)
    expect(await chain.verify()).toBe(3)
  })

  test('after the failure the ledger reopens whole', async () => {
    medium.state = 'full'
    await expect(keep(1, 2n)).rejects.toThrow()
    await chain.close()
    medium = failing(await levelStore(dir))
    chain = await openChainOver(medium.store, { dir, chainId: ID, clock: handClock() })
    await keep(1, 9n)
    expect(await value(1)).toBe(9n)
    expect(await chain.verify()).toBe(2)
  })
})
