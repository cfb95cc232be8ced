import { toHex } from '#base/bytes'
import { signTypedData, type TypedData } from '#crypto/secp'
import type { EmergencyRules } from '#ports/ledger'

/** Where a message of EmergencyAccess is good: this chain, this contract. */
export type EmergencyDomain = { readonly chainId: number; readonly contract: string }

const hex = (b: Uint8Array): string => `0x${toHex(b)}`

const typedData = (d: EmergencyDomain, primaryType: string, fields: [name: string, type: string, value: unknown][]): TypedData => ({
  domain: { name: 'Keepwell EmergencyAccess', version: '1', chainId: d.chainId, verifyingContract: d.contract },
  types: { [primaryType]: fields.map(([name, type]) => ({ name, type })) },
  primaryType,
  message: Object.fromEntries(fields.map(([name, , value]) => [name, value])),
})

export type RequestMessage = {
  readonly tag: Uint8Array
  readonly reasonHash: Uint8Array
  readonly credential: Uint8Array
  readonly rules: EmergencyRules
  readonly deadline: number
}

/** A professional's request, signed by the responder's key. */
export const requestTypedData = (d: EmergencyDomain, m: RequestMessage): TypedData =>
  typedData(d, 'Request', [
    ['tag', 'bytes32', hex(m.tag)],
    ['reasonHash', 'bytes32', hex(m.reasonHash)],
    ['credential', 'bytes32', hex(m.credential)],
    ['veto', 'address', m.rules.veto],
    ['delay', 'uint64', BigInt(m.rules.delay)],
    ['window', 'uint64', BigInt(m.rules.window)],
    ['persons', 'uint8', BigInt(m.rules.persons)],
    ['deadline', 'uint256', BigInt(m.deadline)],
  ])

export type PreauthoriseMessage = { readonly credential: Uint8Array; readonly until: number }

/** A patient's word for one professional, signed by the card's veto key. */
export const preauthoriseTypedData = (d: EmergencyDomain, m: PreauthoriseMessage): TypedData =>
  typedData(d, 'Preauthorise', [
    ['credential', 'bytes32', hex(m.credential)],
    ['until', 'uint64', BigInt(m.until)],
  ])

export type ApproveMessage = { readonly tag: Uint8Array; readonly credential: Uint8Array; readonly deadline: number }

export const approveTypedData = (d: EmergencyDomain, m: ApproveMessage): TypedData =>
  typedData(d, 'Approve', [
    ['tag', 'bytes32', hex(m.tag)],
    ['credential', 'bytes32', hex(m.credential)],
    ['deadline', 'uint256', BigInt(m.deadline)],
  ])

export type VetoMessage = { readonly tag: Uint8Array; readonly deadline: number }

export const vetoTypedData = (d: EmergencyDomain, m: VetoMessage): TypedData =>
  typedData(d, 'Veto', [
    ['tag', 'bytes32', hex(m.tag)],
    ['deadline', 'uint256', BigInt(m.deadline)],
  ])

export type ReviewMessage = { readonly tag: Uint8Array; readonly reviewHash: Uint8Array; readonly deadline: number }

export const reviewTypedData = (d: EmergencyDomain, m: ReviewMessage): TypedData =>
  typedData(d, 'Review', [
    ['tag', 'bytes32', hex(m.tag)],
    ['reviewHash', 'bytes32', hex(m.reviewHash)],
    ['deadline', 'uint256', BigInt(m.deadline)],
  ])

export const signEmergency = (secret: Uint8Array, data: TypedData): string => signTypedData(secret, data)
