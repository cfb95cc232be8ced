import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { openChain } from './chain.ts'
import { clientsOf, handClock, probeContract } from './fixture.ts'

const ID = 2 ** 40 + 1
const CHILD = fileURLToPath(new URL('./kill.child.ts', import.meta.url))
const ROUNDS = process.env.KEEPWELL_DEEP === '1' ? 40 : 5

/** Runs the writer in a process of its own and kills it in the midst; gives what it was promised: transaction → block. */
async function writeAndKill(dir: string, afterAcknowledged: number): Promise<Map<Hex, Hex>> {
  const child = spawn(process.execPath, [CHILD, dir, String(ID)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const promised = new Map<Hex, Hex>()
  for await (const line of createInterface({ input: child.stdout })) {
    const [transaction, block] = line.split(' ')
    promised.set(transaction as Hex, block as Hex)
    if (promised.size === afterAcknowledged) child.kill('SIGKILL')
  }
  return promised
}

test(
  `nothing acknowledged is lost in ${ROUNDS} kills with eight clients writing`,
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ledger-'))
    const promised = new Map<Hex, Hex>()
    for (let round = 0; round < ROUNDS; round++) {
      for (const [transaction, block] of await writeAndKill(dir, 20 + ((round * 37) % 90))) promised.set(transaction, block)
      const chain = await openChain({ dir, chainId: ID, clock: handClock(0) })
      for (const [transaction, block] of promised) {
        const receipt = (await chain.request({ method: 'eth_getTransactionReceipt', params: [transaction] })) as {
          blockHash: Hex
          status: Hex
        } | null
        expect(receipt).toMatchObject({ blockHash: block, status: '0x1' })
      }
      await chain.close()
    }
    const chain = await openChain({ dir, chainId: ID, clock: handClock(0) })
    const { reader } = clientsOf(chain)
    const { contractAddress } = await reader.getTransactionReceipt({ hash: (await reader.getBlock({ blockNumber: 1n })).transactions[0]! })
    const count = Number(await reader.readContract({ abi: probeContract().abi, address: contractAddress!, functionName: 'count' }))
    expect(count).toBeGreaterThanOrEqual(promised.size)
    console.info(
      `kill -9: ${ROUNDS} rounds, ${promised.size} acknowledged, 0 lost; ${count - promised.size} more were mined but not yet acknowledged`,
    )
    expect(await chain.verify()).toBe(Number(await reader.getBlockNumber()))
    await chain.close()
    await rm(dir, { recursive: true })
  },
  ROUNDS * 60_000,
)
