import { equal } from '#base/bytes'
import { encode } from '#base/cbor'
import { bytes, type Infer, int, list, nullable, object, optional, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import type { ShareCommitment } from '#crypto/shamir'
import { address, did } from './did.ts'
import { shareCommitment } from './emergency.ts'
import { planHash } from './recovery-typed-data.ts'

export const MAX_GUARDIANS = 32

/** What the hash on the ledger hides; its salt is the hash of the shares' commitment, so the ledger vouches for every share as well. */
export const guardianPlan = object({
  root: bytes(32),
  threshold: int(2, MAX_GUARDIANS),
  guardians: int(3, MAX_GUARDIANS),
  delay: int(86_400, 4 * 86_400),
  salt: bytes(32),
})

export const guardianShare = object({ index: int(0, MAX_GUARDIANS - 1), bytes: bytes(33) })

/** The commitment's own salt is random, so this is as hiding as it is binding. */
export const planSalt = (commitment: ShareCommitment): Uint8Array => sha256(encode({ ...commitment, shares: [...commitment.shares] }))

/** What one guardian holds for one vault (protocol §7): a share of its recovery key, and a place among those who may vote. */
export const guardianship = object({
  v: int(1, 1),
  relay: string(300),
  plan: guardianPlan,
  commitment: shareCommitment,
  share: guardianShare,
  path: list(bytes(32), 8),
})
export type Guardianship = Infer<typeof guardianship>

/** Whether plan, shares' commitment and the ledger's hash belong together. */
export const planHolds = (g: Pick<Guardianship, 'plan' | 'commitment'>, onLedger: Uint8Array): boolean =>
  equal(planHash(g.plan), onLedger) && equal(g.plan.salt, planSalt(g.commitment)) && g.commitment.threshold === g.plan.threshold

/** Somebody who was asked to be a guardian; `address` once they agreed. */
const asked = object({ id: bytes(16), did, name: string(200), address: nullable(address), at: int() })

/** A guardian of a circle, with the vault's own copy of the share, by which a drill checks it. */
const seat = object({
  did,
  name: string(200),
  address,
  share: guardianShare,
  drill: nullable(bytes(32)),
  drilledAt: nullable(int()),
})
export type Seat = Infer<typeof seat>

/** Guardians who share one recovery key; the keyring is sealed to `public` as well. `index` of a share is its place in the plan. */
const circle = object({
  public: bytes(1216),
  plan: guardianPlan,
  commitment: shareCommitment,
  seats: list(seat, MAX_GUARDIANS),
  at: int(),
})
export type Circle = Infer<typeof circle>

/** What a vault keeps of its guardians: whom it asked, those in force and those to come, oldest first. */
export const guardianState = object({ asked: list(asked, MAX_GUARDIANS), circles: list(circle, 4) })
export type GuardianState = Infer<typeof guardianState>

/** Shares kept for one vault: thieves who change guardians again and again push none out that is in force. */
export const MAX_SHARES = 4

/**
 * For whom this party is a guardian, or was asked to be: `key` votes for this vault alone. `held` is the share that came last; until a
 * change of guardians is in force, one of the `earlier` ones counts.
 */
export const guarding = object({
  vault: did,
  name: string(200),
  id: bytes(16),
  key: nullable(bytes(32)),
  held: optional(guardianship),
  earlier: optional(list(guardianship, MAX_SHARES)),
  at: int(),
})
export type Guarding = Infer<typeof guarding>

/** All shares kept for a vault, the newest first. */
export const sharesFor = ({ held, earlier = [] }: Guarding): readonly Guardianship[] => (held ? [held, ...earlier] : [])
