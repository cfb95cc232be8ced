import { bytes, type Infer, int, list, object, oneOf, optional, string, union } from '#base/shape'
import { address, did } from '#identity/did'
import { guardianPlan, guardianship, MAX_GUARDIANS } from '#identity/guardians'

const evmSignature = string(4096, /^0x[0-9a-f]+$/)

/** Between a vault and its guardians, sealed as messages of kind `guardian`. `id` names one asking. */
export const guardianMessage = union('t', {
  ask: object({ t: oneOf('ask'), id: bytes(16), name: string(200) }),
  accept: object({ t: oneOf('accept'), id: bytes(16), address }),
  hold: object({ t: oneOf('hold'), id: bytes(16), guardianship }),
  drill: object({ t: oneOf('drill'), index: int(0, MAX_GUARDIANS), nonce: bytes(32) }),
  proof: object({ t: oneOf('proof'), index: int(0, MAX_GUARDIANS), nonce: bytes(32), mac: bytes(32) }),
  dismiss: object({ t: oneOf('dismiss') }),
})
export type GuardianMessage = Infer<typeof guardianMessage>

/** What somebody without keys shows to a guardian: a party made for this alone, whose first controller is to be the vault's new owner. */
export const plea = object({
  v: int(1, 1),
  did,
  name: string(80),
  bundle: bytes(32),
  relay: string(300),
  secret: bytes(32),
  /** Until when votes count, and the plea is answered (Unix seconds). */
  expiry: int(),
})
export type Plea = Infer<typeof plea>

/** A guardian's help, sealed to that party's inbox: its share, and its vote of this round. */
export const help = object({
  v: int(1, 1),
  secret: bytes(32),
  vault: did,
  held: guardianship,
  round: int(1),
  guardian: address,
  signature: evmSignature,
})
export type Help = Infer<typeof help>

const vote = object({
  guardian: address,
  index: int(0, MAX_GUARDIANS),
  path: list(bytes(32), 8),
  signature: evmSignature,
})

/** Whose seat `identity` is, where its name does not say it. */
const vault = optional(did)

/** What a relay sends to the ledger for guardians and those whom they guard. */
export const recoveryStep = union('step', {
  module: object({ step: oneOf('module'), vault, identity: address, module: address, deadline: int(), signature: evmSignature }),
  guardians: object({ step: oneOf('guardians'), vault, identity: address, plan: bytes(32), deadline: int(), signature: evmSignature }),
  begin: object({
    step: oneOf('begin'),
    vault,
    identity: address,
    newOwner: address,
    plan: guardianPlan,
    deadline: int(),
    votes: list(vote, MAX_GUARDIANS),
  }),
  cancel: object({ step: oneOf('cancel'), vault, identity: address, round: int(1), deadline: int(), signature: evmSignature }),
  finish: object({ step: oneOf('finish'), vault, identity: address, round: int(1) }),
})
export type RecoveryStep = Infer<typeof recoveryStep>
