import { openEvmLedger } from '@keepwell/adapters/ledger/evm/ledger'
import { readHome } from '@keepwell/daemon/bin/home'
import { readSecrets } from '@keepwell/daemon/config/secrets'
import { homeLedger } from '@keepwell/sdk/actions/vault/calls'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { hkdf } from '@keepwell/sdk/crypto/hash'
import { secpAddress } from '@keepwell/sdk/crypto/secp'
import type { Address, Ledger } from '@keepwell/sdk/ports/ledger'
import { type Home, inHome } from '#home'
import type { Io } from '#io'

type Work<T> = (ledger: Ledger) => Promise<T>
type Account = Pick<Ledger, 'chainId' | 'manifest'> & { readonly secret: Uint8Array }

/** With the ledger as an account writes to it through the door that the relay has for signed transactions, or the operator's own node. */
async function through<T>(io: Io, { config, url }: Home, account: Account, work: Work<T>): Promise<T> {
  const { ledgerUrl } = readSecrets(io.env, config)
  const ledger = await openEvmLedger({ url: ledgerUrl ?? `${url}/rpc`, ...account })
  try {
    return await work(ledger)
  } finally {
    await ledger.close()
  }
}

/** With the ledger as the account writes to it that runs it, also while `keepwell start` serves it. Throws NOT_SUPPORTED at other homes. */
export async function withOwnLedger<T>(io: Io, home: Home, work: Work<T>): Promise<T> {
  const found = home.embedded ? await readHome(inHome(home.dir).relay) : null
  ensure(found, 'NOT_SUPPORTED', 'This home runs no ledger; whoever runs it does that.')
  const here = await homeLedger(home.ctx)
  if (!/^0x0{40}$/.test(here.account)) return work(here)
  return through(io, home, { chainId: found.home.chainId, manifest: found.manifest, secret: found.secrets.request }, work)
}

/** By which a home without a ledger of its own vouches, and does nothing else: no entry of the ledger says whose it is. */
const vouchingSecret = ({ ctx }: Home): Uint8Array =>
  hkdf(ctx.session.state.ring.catalog, new Uint8Array(32), utf8('keepwell/v1/vouching'), 32)

export const vouchingAccount = (home: Home): Address => secpAddress(vouchingSecret(home))

/** With the ledger as this home vouches on it: by the account that runs it, or by one that its administrator accredits. */
export async function withVouchingLedger<T>(io: Io, home: Home, work: Work<T>): Promise<T> {
  if (home.embedded) return withOwnLedger(io, home, work)
  const { chainId, manifest } = await homeLedger(home.ctx)
  return through(io, home, { chainId, manifest, secret: vouchingSecret(home) }, work)
}
