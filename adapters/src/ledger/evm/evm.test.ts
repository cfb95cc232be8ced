import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LedgerFixture, ledgerSuite } from '@keepwell/sdk/ports/ledger.suite'
import { openChain } from '#ledger/embedded/chain'
import { twoAccounts } from './ledger.kit.ts'

async function embedded(dir: string | null): Promise<LedgerFixture> {
  let time = 1_790_000_000
  const chain = await openChain({ dir, chainId: 0xbeef, clock: () => time })
  return {
    ...(await twoAccounts({ request: call => chain.request(call), chainId: 0xbeef, poll: 5 })),
    async wait(seconds) {
      time += seconds
    },
    async dispose() {
      await chain.close()
      if (dir) await rm(dir, { recursive: true, force: true })
    },
  }
}

ledgerSuite('embedded chain in memory', () => embedded(null))
ledgerSuite('embedded chain on disk', async () => embedded(await mkdtemp(join(tmpdir(), 'keepwell-ledger-'))))
