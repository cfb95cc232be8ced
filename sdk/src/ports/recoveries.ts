import type { GuardianPlan } from '#identity/recovery-typed-data'
import type { Address, Signature, Written } from './ledger.ts'

/** A guardian's vote: its place in the plan's tree with the proof, and its signature of the round. */
export type GuardianVote = {
  readonly guardian: Address
  readonly index: number
  readonly path: readonly Uint8Array[]
  readonly signature: Signature
}

export type RecoveryRound = {
  readonly number: number
  readonly newOwner: Address
  /** Unix seconds from which it can be finished. */
  readonly readyAt: number
  /** A second round, which the owner cannot cancel. */
  readonly final: boolean
  readonly state: 'running' | 'cancelled' | 'finished'
}

export type RecoveryState = {
  /** Hash of the guardians in force; null for none. */
  readonly plan: Uint8Array | null
  /** Other guardians to come, null among them for none, and when (Unix seconds). */
  readonly pending: { readonly plan: Uint8Array | null; readonly from: number } | null
  /** For the next SetGuardians message. */
  readonly nonce: number
  /** The owner's one cancellation is used up. */
  readonly cancelled: boolean
  /** The last round; null before the first. */
  readonly round: RecoveryRound | null
}

/** Guardians bring a DID back (protocol §7). Anyone may relay; a write that changes nothing is a no-op. */
export interface Recoveries {
  state(identity: Address): Promise<RecoveryState>
  /** `plan`: the hash, 32 zero bytes for none. Signed by the controller in force. */
  setGuardians(input: { identity: Address; plan: Uint8Array; deadline: number; signature: Signature }): Promise<Written>
  begin(input: {
    identity: Address
    newOwner: Address
    plan: GuardianPlan
    deadline: number
    votes: readonly GuardianVote[]
  }): Promise<Written>
  cancel(input: { identity: Address; round: number; deadline: number; signature: Signature }): Promise<Written>
  finish(input: { identity: Address; round: number }): Promise<Written>
}
