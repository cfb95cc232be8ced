import { equal } from '#base/bytes'
import { verifyInclusion } from '#crypto/merkle'
import type { TypedData } from '#crypto/secp'
import {
  cancelTypedData,
  type GuardianPlan,
  guardianLeaf,
  planHash,
  setGuardiansTypedData,
  voteTypedData,
} from '#identity/recovery-typed-data'
import type { Address, Signature } from '#ports/ledger'
import { checkAddress, checkCount, checkHash, checkPlan, checkSignature, checkVotes } from '#ports/ledger-checks'
import type { GuardianVote, Recoveries, RecoveryRound } from '#ports/recoveries'
import { type Contract, type MemoryChain, signerOf } from './chain.ts'
import { ownerOf, type Registry, recoverOwner } from './identities.ts'

const DAY = 86_400
const CHANGE_DELAY = 14 * DAY
const NONE = new Uint8Array(32)

type Guardians = {
  readonly plan: Uint8Array
  readonly pending: { readonly plan: Uint8Array; readonly from: number } | null
  readonly nonce: number
  readonly cancelled: boolean
}
type Rounds = { readonly guardians: Map<Address, Guardians>; readonly rounds: Map<Address, RecoveryRound> }

export const emptyRecoveries = (): Rounds => ({ guardians: new Map(), rounds: new Map() })

function inTime(contract: Contract, time: number, deadline: number): void {
  if (time > deadline) throw contract.refuse('SignatureExpired')
}

function requirePlan(contract: Contract, p: GuardianPlan, expected: Uint8Array): void {
  if (!equal(planHash(p), expected)) throw contract.refuse('OtherGuardians')
  const numbers = p.threshold >= 2 && p.guardians > p.threshold && p.guardians <= 32
  if (!numbers || p.delay < DAY || p.delay > 4 * DAY) throw contract.refuse('InvalidPlan')
}

/** Ascending places of one tree are different guardians. */
function requireVotes(contract: Contract, p: GuardianPlan, votes: readonly GuardianVote[], data: TypedData): void {
  let least = 0
  for (const { guardian, index, path, signature } of votes) {
    const member = verifyInclusion({ leaf: guardianLeaf(guardian), index, size: p.guardians, path, root: p.root })
    if (!member || index < least) throw contract.refuse('NotAGuardian')
    if (signerOf(data, signature) !== guardian) throw contract.refuse('BadSignature')
    least = index + 1
  }
}

const orNull = (plan: Uint8Array): Uint8Array | null => (equal(plan, NONE) ? null : plan.slice())

/** What GuardianRecovery does, over what PatientRegistry keeps; its owners here are keys, never contracts. */
export function memoryRecoveries(chain: MemoryChain, { guardians, rounds }: Rounds, registry: Registry): Recoveries {
  const contract = chain.contract('GuardianRecovery@1')
  const { domain } = contract

  /** A change whose time has come counts as made, and wipes the cancellation before it. */
  const settled = (identity: Address, time: number): Guardians => {
    const known = guardians.get(identity) ?? { plan: NONE, pending: null, nonce: 0, cancelled: false }
    const due = known.pending && time >= known.pending.from
    return due ? { plan: known.pending!.plan, pending: null, nonce: known.nonce, cancelled: false } : known
  }
  const byOwner = (identity: Address, data: TypedData, signature: Signature): void => {
    if (signerOf(data, signature) !== ownerOf(registry, identity)) throw contract.refuse('NotSignedByOwner')
  }
  const named = (identity: Address, number: number): RecoveryRound => {
    const last = rounds.get(identity)
    if (last?.number !== number) throw contract.refuse('NoSuchRound')
    return last
  }

  return {
    async state(identity) {
      checkAddress(identity, 'identity')
      const { plan, pending, nonce, cancelled } = settled(identity, chain.time())
      const coming = pending && { plan: orNull(pending.plan), from: pending.from }
      return { plan: orNull(plan), pending: coming, nonce, cancelled, round: rounds.get(identity) ?? null }
    },
    async setGuardians({ identity, plan, deadline, signature }) {
      checkAddress(identity, 'identity')
      checkHash(plan, 'plan')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      return contract.write((time, emit) => {
        const now = settled(identity, time)
        if (equal(plan, now.pending?.plan ?? now.plan)) return
        if (rounds.get(identity)?.state === 'running') throw contract.refuse('RoundRuns')
        inTime(contract, time, deadline)
        byOwner(identity, setGuardiansTypedData(domain, { identity, plan, nonce: now.nonce, deadline }), signature)
        const atOnce = equal(now.plan, NONE) || equal(plan, now.plan)
        const pending = atOnce ? null : { plan: plan.slice(), from: time + CHANGE_DELAY }
        guardians.set(identity, { ...now, nonce: now.nonce + 1, pending, plan: atOnce ? plan.slice() : now.plan })
        const said = { pending: pending?.plan ?? NONE, effectiveAt: pending?.from ?? 0 }
        emit('GuardiansChanged', { identity, plan: atOnce ? plan.slice() : now.plan, ...said })
      })
    },
    async begin({ identity, newOwner, plan, deadline, votes }) {
      checkAddress(identity, 'identity')
      checkAddress(newOwner, 'new owner')
      checkPlan(plan)
      checkCount(deadline, 'deadline')
      checkVotes(votes)
      return contract.write((time, emit) => {
        const last = rounds.get(identity)
        if (last?.state === 'running') {
          if (last.newOwner === newOwner) return
          throw contract.refuse('RoundRuns')
        }
        if (/^0x0{40}$/.test(newOwner)) throw contract.refuse('NoNewOwner')
        const now = settled(identity, time)
        requirePlan(contract, plan, now.plan)
        const number = (last?.number ?? 0) + 1
        if (votes.length < plan.threshold + (now.cancelled ? 1 : 0)) throw contract.refuse('TooFewVotes')
        inTime(contract, time, deadline)
        requireVotes(contract, plan, votes, voteTypedData(domain, { identity, plan: now.plan, newOwner, round: number, deadline }))
        const readyAt = time + plan.delay * (now.cancelled ? 2 : 1)
        rounds.set(identity, { number, newOwner, readyAt, final: now.cancelled, state: 'running' })
        guardians.set(identity, { ...now, pending: null })
        emit('RecoveryBegun', { identity, round: number, newOwner, readyAt, isFinal: now.cancelled })
      })
    },
    async cancel({ identity, round, deadline, signature }) {
      checkAddress(identity, 'identity')
      checkCount(round, 'round')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      return contract.write((time, emit) => {
        const last = named(identity, round)
        if (last.state === 'cancelled') return
        if (last.state !== 'running') throw contract.refuse('NoSuchRound')
        if (last.final) throw contract.refuse('RoundIsFinal')
        inTime(contract, time, deadline)
        byOwner(identity, cancelTypedData(domain, { identity, round, deadline }), signature)
        rounds.set(identity, { ...last, state: 'cancelled' })
        guardians.set(identity, { ...settled(identity, time), cancelled: true })
        emit('RecoveryCancelled', { identity, round })
      })
    },
    async finish({ identity, round }) {
      checkAddress(identity, 'identity')
      checkCount(round, 'round')
      const last = named(identity, round)
      const written = contract.write((time, emit) => {
        if (last.state === 'finished') return
        if (last.state !== 'running') throw contract.refuse('NoSuchRound')
        if (time < last.readyAt) throw contract.refuse('TooEarly')
        if (registry.modules.get(identity) !== contract.address) throw chain.contract('PatientRegistry@1').refuse('NotRecoveryModule')
        rounds.set(identity, { ...last, state: 'finished' })
        guardians.set(identity, { ...settled(identity, time), cancelled: false })
        emit('RecoveryFinished', { identity, round, newOwner: last.newOwner })
      })
      return last.state === 'finished' ? written : recoverOwner(chain, registry, identity, last.newOwner)
    },
  }
}
