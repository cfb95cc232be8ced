import { equal } from '#base/bytes'
import type { Address } from '#ports/ledger'
import { checkHash } from '#ports/ledger-checks'
import type { Policies } from '#ports/policies'
import type { MemoryChain } from './chain.ts'

const DELAY = 86_400
const NONE = new Uint8Array(32)

type Pending = { readonly policy: Uint8Array; readonly readyAt: number }
export type PolicyTable = { current: Uint8Array; since: number; pending: Pending | null; readonly administrator: Address }

export const emptyPolicies = (administrator: Address): PolicyTable => ({ current: NONE, since: 0, pending: null, administrator })

const orNull = (policy: Uint8Array): Uint8Array | null => (equal(policy, NONE) ? null : policy.slice())

/** What PolicyRegistry does, with a day's delay. */
export function memoryPolicies(chain: MemoryChain, table: PolicyTable, account: Address): Policies {
  const contract = chain.contract('PolicyRegistry@1')
  const byAdministrator = () => {
    if (account !== table.administrator) throw contract.refuse('OwnableUnauthorizedAccount')
  }
  const announced = (policy: Uint8Array): boolean => table.pending !== null && equal(table.pending.policy, policy)
  return {
    async state() {
      const { current, since, pending, administrator } = table
      const next = pending && { policy: orNull(pending.policy), readyAt: pending.readyAt }
      return { policy: orNull(current), since, pending: next, delay: DELAY, administrator }
    },
    async schedule(policy) {
      checkHash(policy, 'policy')
      return contract.write((time, emit) => {
        byAdministrator()
        if (announced(policy)) return
        if (equal(table.current, policy)) throw contract.refuse('AlreadyInForce')
        table.pending = { policy: policy.slice(), readyAt: time + DELAY }
        emit('PolicyScheduled', { policy: policy.slice(), readyAt: time + DELAY })
      })
    },
    async cancel(policy) {
      checkHash(policy, 'policy')
      return contract.write((_, emit) => {
        byAdministrator()
        if (!announced(policy)) return
        table.pending = null
        emit('PolicyCancelled', { policy: policy.slice() })
      })
    },
    async enact(policy) {
      checkHash(policy, 'policy')
      return contract.write((time, emit) => {
        if (!table.pending && equal(table.current, policy)) return
        if (!table.pending || !announced(policy)) throw contract.refuse('NotScheduled')
        if (time < table.pending.readyAt) throw contract.refuse('TooEarly')
        table.current = policy.slice()
        table.since = time
        table.pending = null
        emit('PolicyEnacted', { policy: policy.slice() })
      })
    },
  }
}
