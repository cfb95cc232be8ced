import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Hex, pad, toHex } from 'viem'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openChain } from './chain.ts'
import { clientsOf, deploy, handClock, probeContract } from './fixture.ts'
import { levelStore } from './level-store.ts'
import { blockKey, CHECKED, decodePoint, FORMAT } from './rows.ts'

const ID = 90_210
const { abi } = probeContract()
const slot = (n: number): Hex => pad(toHex(n))
const open = (dir: string, chainId = ID) => openChain({ dir, chainId, clock: handClock() })

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ledger-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

/** A ledger of `blocks` blocks in `dir`, closed again; gives their hashes. */
async function fill(blocks: number): Promise<Hex[]> {
  const chain = await open(dir)
  const address = await deploy(chain, probeContract())
  const { wallet } = clientsOf(chain)
  for (let i = 2; i <= blocks; i++)
    await wallet.writeContract({ abi, address, functionName: 'keep', args: [slot(i), BigInt(i)], nonce: i - 1, gas: 200_000n } as never)
  const hashes = await hashesOf(chain)
  await chain.close()
  return hashes
}

async function hashesOf(chain: Awaited<ReturnType<typeof open>>): Promise<Hex[]> {
  const { reader } = clientsOf(chain)
  const count = Number(await reader.getBlockNumber())
  return Promise.all(Array.from({ length: count + 1 }, async (_, n) => (await reader.getBlock({ blockNumber: BigInt(n) })).hash))
}

/** LevelDB's current log: what was written since the last opening. */
async function logFile(of = dir): Promise<string> {
  const names = (await readdir(join(of, 'db'))).filter(name => name.endsWith('.log')).sort()
  return join(of, 'db', names.at(-1)!)
}

test('what was written is there after reopening, and the chain goes on', async () => {
  const before = await fill(8)
  const chain = await open(dir)
  expect(await hashesOf(chain)).toEqual(before)
  const { wallet, reader } = clientsOf(chain)
  const address = (await reader.getTransactionReceipt({ hash: (await reader.getBlock({ blockNumber: 1n })).transactions[0]! }))
    .contractAddress!
  await wallet.writeContract({ abi, address, functionName: 'keep', args: [slot(1), 99n] } as never)
  expect(await reader.readContract({ abi, address, functionName: 'values', args: [slot(8)] } as never)).toBe(8n)
  expect((await hashesOf(chain)).slice(0, -1)).toEqual(before)
  expect(await chain.verify()).toBe(9)
  await chain.close()
})

test('a second opener is told that the ledger is in use', async () => {
  const chain = await open(dir)
  await expect(open(dir)).rejects.toMatchObject({ code: 'LEDGER_LOCKED' })
  await chain.close()
  await (await open(dir)).close()
})

test('a ledger of another chain id is refused', async () => {
  await (await open(dir)).close()
  await expect(open(dir, ID + 1)).rejects.toMatchObject({ code: 'LEDGER_CHAIN_MISMATCH' })
  for (const id of [0, -1, 1.5, 2 ** 48])
    await expect(openChain({ dir: null, chainId: id, clock: handClock() })).rejects.toMatchObject({ code: 'BAD_INPUT' })
})

test('a ledger of a newer format is refused', async () => {
  await (await open(dir)).close()
  const store = await levelStore(dir)
  await store.write([{ key: FORMAT, value: Uint8Array.of(0, 0, 0, 9) }], true)
  await store.close()
  await expect(open(dir)).rejects.toMatchObject({ code: 'NOT_SUPPORTED' })
})

test('reopening checks only the blocks since the last opening', async () => {
  await fill(5)
  await (await open(dir)).close()
  const store = await levelStore(dir)
  expect(decodePoint(store.get(CHECKED)!).number).toBe(5)
  await store.close()
})

describe('damage', () => {
  test('a write cut short by a power loss costs only that write, which nobody was promised', async () => {
    const hashes = await fill(6)
    const log = await logFile()
    const full = await stat(log)
    // One more block, then its record is cut at many places; the witness is that of before, as it is written after the fsync.
    const witness = await readFile(join(dir, 'acknowledged'))
    const chain = await open(dir)
    await chain.close()
    const start = (await stat(await logFile())).size
    const again = await open(dir)
    const { wallet } = clientsOf(again)
    await wallet.sendTransaction({ data: '0x00', nonce: 6, gas: 100_000n })
    await again.close()
    const current = await logFile()
    const size = (await stat(current)).size
    expect(size).toBeGreaterThan(start)
    expect(full.size).toBeGreaterThan(0)
    for (let i = 0; i < 12; i++) {
      const copy = `${dir}-${i}`
      await cp(dir, copy, { recursive: true })
      await truncate(await logFile(copy), Math.floor((size * i) / 12))
      await writeFile(join(copy, 'acknowledged'), witness)
      const torn = await open(copy)
      expect(await hashesOf(torn)).toEqual(hashes)
      await torn.verify()
      await torn.close()
      await rm(copy, { recursive: true })
    }
  })

  test('acknowledged blocks that vanished are reported, and going on without them takes a deliberate act', async () => {
    const hashes = await fill(12)
    const log = await logFile()
    await truncate(log, Math.floor((await stat(log)).size / 2))
    await expect(open(dir)).rejects.toMatchObject({
      code: 'LEDGER_CORRUPT',
      message: expect.stringMatching(/to 12 were acknowledged and are gone/),
    })
    await rm(join(dir, 'acknowledged'))
    const chain = await open(dir)
    const left = await hashesOf(chain)
    expect(left.length).toBeLessThan(hashes.length)
    expect(left).toEqual(hashes.slice(0, left.length))
    await chain.verify()
    await chain.close()
  })

  test('bytes scribbled anywhere into the log never open as a ledger with a hole', async () => {
    const hashes = await fill(120)
    const log = await logFile()
    const bytes = await readFile(log)
    const outcomes = { refused: 0, whole: 0 }
    for (let i = 0; i < 16; i++) {
      const copy = `${dir}-${i}`
      await cp(dir, copy, { recursive: true })
      const damaged = Buffer.from(bytes)
      const at = Math.floor(((bytes.length - 64) * (i + 0.5)) / 16)
      for (let j = 0; j < 64; j++) damaged[at + j]! ^= 0xa5
      await writeFile(await logFile(copy), damaged)
      const chain = await open(copy).catch((error: { code: string }) => {
        expect(error.code).toBe('LEDGER_CORRUPT')
        return null
      })
      outcomes[chain ? 'whole' : 'refused']++
      if (chain) {
        expect(await hashesOf(chain)).toEqual(hashes)
        await chain.close()
      }
      await rm(copy, { recursive: true })
    }
    expect(outcomes.refused).toBeGreaterThan(12)
  })

  test('a block row that is missing or altered is found', async () => {
    await fill(9)
    const store = await levelStore(dir)
    const row = store.get(blockKey(4))!
    const six = store.get(blockKey(6))!
    await store.write([{ key: CHECKED, value: new Uint8Array([...new Uint8Array(8), ...store.get(CHECKED)!.slice(8)]) }], true)
    await store.write([{ key: blockKey(6), value: row }], true)
    await store.close()
    await expect(open(dir)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
    const again = await levelStore(dir)
    await again.write([{ key: blockKey(6), value: six.map((byte, i) => (i === 100 ? byte ^ 1 : byte)) }], true)
    await again.close()
    await expect(open(dir)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
  })

  test('a folder whose first rows are gone is not taken for a new ledger', async () => {
    const store = await levelStore(dir)
    await store.write([{ key: blockKey(3), value: Uint8Array.of(1) }], true)
    await store.close()
    await expect(open(dir)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
  })

  test('an altered state node or receipt is found by verification', async () => {
    await fill(4)
    const store = await levelStore(dir)
    const [node] = await store.range(Uint8Array.of(0x73), Uint8Array.of(0x74), 1)
    await store.write([{ key: node!.key, value: node!.value.map(byte => byte ^ 1) }], true)
    await store.close()
    const chain = await open(dir)
    await expect(chain.verify()).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
    await chain.close()
  })
})
