import { openEvmLedger } from '@keepwell/adapters/ledger/evm/ledger'
import { readHome } from '@keepwell/daemon/bin/home'
import { readSecrets } from '@keepwell/daemon/config/secrets'
import { homeLedger } from '@keepwell/sdk/actions/vault/calls'
import { ensure } from '@keepwell/sdk/base/error'
import type { Ledger } from '@keepwell/sdk/ports/ledger'
import { type Home, inHome } from '#home'
import type { Io } from '#io'

/** With the ledger as the account writes to it that runs it, also while `keepwell start` serves it. Throws NOT_SUPPORTED at other homes. */
export async function withOwnLedger<T>(io: Io, home: Home, work: (ledger: Ledger) => Promise<T>): Promise<T> {
  const { dir, config, embedded, url, ctx } = home
  const found = embedded ? await readHome(inHome(dir).relay) : null
  ensure(found, 'NOT_SUPPORTED', 'This home runs no ledger; whoever runs it does that.')
  const here = await homeLedger(ctx)
  if (!/^0x0{40}$/.test(here.account)) return work(here)
  const { ledgerUrl } = readSecrets(io.env, config)
  const { home: made, manifest, secrets } = found
  const ledger = await openEvmLedger({ url: ledgerUrl ?? `${url}/rpc`, chainId: made.chainId, manifest, secret: secrets.request })
  try {
    return await work(ledger)
  } finally {
    await ledger.close()
  }
}
