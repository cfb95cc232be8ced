import { fromHex, toHex } from '#base/bytes'
import { wordsDigest } from '#crypto/eip712'
import { leafHash } from '#crypto/merkle'
import { signTypedData, type TypedData } from '#crypto/secp'
import type { RegistryDomain } from './typed-data.ts'

/** What a patient's hash on the ledger hides (IGuardianRecovery.Plan): opened when a round begins. */
export type GuardianPlan = {
  /** RFC 9162 root over the guardians' addresses. */
  readonly root: Uint8Array
  /** Votes of a first round; a second takes one more. */
  readonly threshold: number
  readonly guardians: number
  /** Seconds of the time lock. */
  readonly delay: number
  readonly salt: Uint8Array
}

/** The tree's leaf of one guardian's address. */
export const guardianLeaf = (address: string): Uint8Array => leafHash(fromHex(address))

function word(value: number): Uint8Array {
  const out = new Uint8Array(32)
  new DataView(out.buffer).setBigUint64(24, BigInt(value))
  return out
}

/** keccak256(abi.encode(plan)): the one thing that the ledger keeps. */
export const planHash = (p: GuardianPlan): Uint8Array => wordsDigest(p.root, word(p.threshold), word(p.guardians), word(p.delay), p.salt)

const typedData = (d: RegistryDomain, primaryType: string, fields: [name: string, type: string, value: unknown][]): TypedData => ({
  domain: { name: 'Keepwell GuardianRecovery', version: '1', chainId: d.chainId, verifyingContract: d.contract },
  types: { [primaryType]: fields.map(([name, type]) => ({ name, type })) },
  primaryType,
  message: Object.fromEntries(fields.map(([name, , value]) => [name, value])),
})

const hex = (b: Uint8Array): string => `0x${toHex(b)}`

export type SetGuardiansMessage = {
  readonly identity: string
  /** 32 zero bytes for none. */
  readonly plan: Uint8Array
  /** `Recoveries.state` tells it. */
  readonly nonce: number
  readonly deadline: number
}

export const setGuardiansTypedData = (d: RegistryDomain, m: SetGuardiansMessage): TypedData =>
  typedData(d, 'SetGuardians', [
    ['identity', 'address', m.identity],
    ['plan', 'bytes32', hex(m.plan)],
    ['nonce', 'uint256', BigInt(m.nonce)],
    ['deadline', 'uint256', BigInt(m.deadline)],
  ])

export type VoteMessage = {
  readonly identity: string
  readonly plan: Uint8Array
  readonly newOwner: string
  readonly round: number
  readonly deadline: number
}

export const voteTypedData = (d: RegistryDomain, m: VoteMessage): TypedData =>
  typedData(d, 'Vote', [
    ['identity', 'address', m.identity],
    ['plan', 'bytes32', hex(m.plan)],
    ['newOwner', 'address', m.newOwner],
    ['round', 'uint256', BigInt(m.round)],
    ['deadline', 'uint256', BigInt(m.deadline)],
  ])

export type CancelMessage = { readonly identity: string; readonly round: number; readonly deadline: number }

export const cancelTypedData = (d: RegistryDomain, m: CancelMessage): TypedData =>
  typedData(d, 'Cancel', [
    ['identity', 'address', m.identity],
    ['round', 'uint256', BigInt(m.round)],
    ['deadline', 'uint256', BigInt(m.deadline)],
  ])

export const signSetGuardians = (secret: Uint8Array, d: RegistryDomain, m: SetGuardiansMessage): string =>
  signTypedData(secret, setGuardiansTypedData(d, m))
export const signVote = (secret: Uint8Array, d: RegistryDomain, m: VoteMessage): string => signTypedData(secret, voteTypedData(d, m))
export const signCancel = (secret: Uint8Array, d: RegistryDomain, m: CancelMessage): string => signTypedData(secret, cancelTypedData(d, m))
