import type { Clock } from '#ports/clock'
import type { Address, Ledger } from '#ports/ledger'
import { checkAddress, checkCount } from '#ports/ledger-checks'
import { type AnchorTable, memoryAnchors } from './ledger/anchors.ts'
import { memoryChain } from './ledger/chain.ts'
import { memoryConsents } from './ledger/consents.ts'
import { type CredentialTable, memoryCredentials } from './ledger/credentials.ts'
import { emptyEmergencies, memoryEmergencies } from './ledger/emergencies.ts'
import { emptyRegistry, memoryIdentities } from './ledger/identities.ts'
import { emptyPolicies, memoryPolicies } from './ledger/policies.ts'
import { emptyRecoveries, memoryRecoveries } from './ledger/recoveries.ts'
import { memoryTokens, type TokenTable } from './ledger/tokens.ts'
import { emptyTrail, memoryTrail } from './ledger/trail.ts'

/** A ledger in memory, and the same one as other accounts see it. */
export type MemoryLedger = Ledger & { as(account: Address): Ledger }

/**
 * What the contracts do, written a second time and without a chain: the reference of the port and the test double of every verb. It
 * verifies the same signatures over the same messages. Every write is a block; the newest block bears the clock's time.
 * `account` anchors, reports, and is the one accredited issuer and the administrator of policies.
 */
export function memoryLedger(options: { chainId: number; clock: Clock; account?: Address }): MemoryLedger {
  const account = options.account ?? `0x${'a0'.repeat(20)}`
  checkAddress(account, 'account')
  const chain = memoryChain(options.chainId, options.clock)
  const anchors: AnchorTable = new Map()
  const tokens: TokenTable = new Map()
  const credentials: CredentialTable = {
    administrator: account,
    issuers: new Map([[account, 'accredited']]),
    credentials: new Map(),
  }
  const trail = emptyTrail()
  const emergencies = emptyEmergencies()
  const policies = emptyPolicies(account)
  const registry = emptyRegistry()
  const identities = memoryIdentities(chain, registry)
  const recoveries = memoryRecoveries(chain, emptyRecoveries(), registry)
  const consents = memoryConsents(chain, new Map())

  const as = (who: Address): Ledger => {
    checkAddress(who, 'account')
    return {
      chainId: chain.chainId,
      manifest: chain.manifest,
      account: who,
      identities,
      consents,
      anchors: memoryAnchors(chain, anchors, who),
      trail: memoryTrail(chain, trail, who),
      tokens: memoryTokens(chain, tokens, anchors),
      credentials: memoryCredentials(chain, credentials, who),
      emergencies: memoryEmergencies(chain, emergencies, { credentials, account: who }),
      recoveries,
      policies: memoryPolicies(chain, policies, who),
      async head() {
        return chain.head()
      },
      async since(block) {
        checkCount(block, 'block')
        return chain.since(block)
      },
      async close() {},
    }
  }
  return { ...as(account), as }
}
