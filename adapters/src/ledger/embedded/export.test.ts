import { type Hex, pad, toHex } from 'viem'
import { expect, test } from 'vitest'
import { type EmbeddedChain, openChain } from './chain.ts'
import { clientsOf, deploy, handClock, probeContract } from './fixture.ts'

const { abi } = probeContract()
const slot = (n: number): Hex => pad(toHex(n))
const open = (chainId = 12) => openChain({ dir: null, chainId, clock: handClock() })

async function write(chain: EmbeddedChain, address: Hex, from: number, to: number) {
  const { wallet } = clientsOf(chain)
  for (let i = from; i < to; i++) await wallet.writeContract({ abi, address, functionName: 'keep', args: [slot(i), BigInt(i)] } as never)
}

async function collect(chain: EmbeddedChain): Promise<Uint8Array[]> {
  const blocks: Uint8Array[] = []
  for await (const block of chain.exportBlocks()) blocks.push(block)
  return blocks
}
const head = async (chain: EmbeddedChain) => (await clientsOf(chain).reader.getBlock()).hash

test('an export replayed elsewhere is the same ledger, and replaying it again adds nothing', async () => {
  const [origin, copy] = [await open(), await open()]
  const address = await deploy(origin, probeContract())
  await write(origin, address, 0, 10)
  await origin.beat()
  const blocks = await collect(origin)
  expect(blocks).toHaveLength(13)
  expect(await copy.importBlocks(blocks.slice(0, 5))).toBe(4)
  expect(await copy.importBlocks(blocks)).toBe(8)
  expect(await copy.importBlocks(blocks)).toBe(0)
  expect(await head(copy)).toBe(await head(origin))
  expect(await copy.verify()).toBe(12)
  expect(await collect(copy)).toEqual(blocks)
  await write(copy, address, 10, 12)
  expect(await clientsOf(copy).reader.readContract({ abi, address, functionName: 'count' } as never)).toBe(12n)
})

test('another history, another chain, or an altered block is refused at the block where it differs', async () => {
  const [origin, other] = [await open(), await open()]
  const address = await deploy(origin, probeContract())
  await write(origin, address, 0, 3)
  await deploy(other, probeContract())
  await write(other, address, 5, 6)
  const blocks = await collect(origin)
  await expect(other.importBlocks(blocks)).rejects.toMatchObject({
    code: 'LEDGER_CHAIN_MISMATCH',
    message: expect.stringMatching(/Block 2/),
  })
  await expect((await open(13)).importBlocks(blocks)).rejects.toMatchObject({ code: 'LEDGER_CHAIN_MISMATCH' })
  const fresh = await open()
  await expect(fresh.importBlocks([...blocks.slice(0, 3), Uint8Array.of(1, 2, 3)])).rejects.toMatchObject({ code: 'UNREADABLE' })
  await expect(fresh.importBlocks([blocks[0]!, ...blocks.slice(3)])).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
  expect(await fresh.importBlocks(blocks)).toBeGreaterThan(0)
  expect(await head(fresh)).toBe(await head(origin))
})
