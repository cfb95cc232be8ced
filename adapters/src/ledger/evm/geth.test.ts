import { secpAddress } from '@keepwell/sdk/crypto/secp'
import { type LedgerFixture, ledgerSuite } from '@keepwell/sdk/ports/ledger.suite'
import { test } from 'vitest'
import { OPERATOR, STRANGER, twoAccounts } from './ledger.kit.ts'
import { httpRequest } from './request.ts'
import { sleep } from './values.ts'

type Geth = { url: string; chainId: number; fund(address: string, wei: bigint): Promise<void>; stop(): Promise<void> }
type Tools = { findGeth(): string | null; startGeth(): Promise<Geth | null> }

// tools/ belongs to the repository, not to this package, so no import line reaches it.
const tools = import.meta.glob<Tools>('/tools/geth.ts')
const { findGeth, startGeth } = await tools['/tools/geth.ts']!()

const ETHER = 10n ** 18n

async function onGeth(): Promise<LedgerFixture> {
  const geth = await startGeth()
  if (!geth) throw new Error('geth was found, then was gone')
  for (const secret of [OPERATOR, STRANGER]) await geth.fund(secpAddress(secret), 100n * ETHER)
  return {
    ...(await twoAccounts({ request: httpRequest(geth.url), chainId: geth.chainId, poll: 100 })),
    wait: seconds => sleep(1000 * seconds),
    realTime: true,
    dispose: geth.stop,
  }
}

if (findGeth() || process.env.CI) ledgerSuite('geth', onGeth)
else
  test.skip('geth is not installed here: the suite ran on the embedded chain only (go install github.com/ethereum/go-ethereum/cmd/geth)', () => {})
