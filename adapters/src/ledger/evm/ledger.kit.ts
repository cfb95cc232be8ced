import { utf8 } from '@keepwell/sdk/base/bytes'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import type { LedgerFixture } from '@keepwell/sdk/ports/ledger.suite'
import { deployContracts } from './deploy.ts'
import { openEvmLedger } from './ledger.ts'
import type { Request } from './request.ts'

export const OPERATOR = sha256(utf8('ledger test operator'))
export const STRANGER = sha256(utf8('ledger test stranger'))

type Chain = { readonly request: Request; readonly chainId: number; readonly poll: number }

/** Our contracts on a new chain, seen by two accounts. */
export async function twoAccounts({ request, chainId, poll }: Chain): Promise<Pick<LedgerFixture, 'operator' | 'stranger'>> {
  const manifest = await deployContracts({ request, chainId, secret: OPERATOR, poll })
  const [operator, stranger] = await Promise.all(
    [OPERATOR, STRANGER].map(secret => openEvmLedger({ request, chainId, manifest, secret, poll })),
  )
  return { operator: operator!, stranger: stranger! }
}
