import { toHex, utf8 } from '#base/bytes'
import { signTypedData, type TypedData } from '#crypto/secp'

/** Where a message of PatientRegistry is good: this chain, this contract. */
export type RegistryDomain = { readonly chainId: number; readonly contract: string }

export type SetAttributeMessage = {
  readonly identity: string
  /** At most 31 ASCII characters. */
  readonly name: string
  readonly value: Uint8Array
  /** Seconds from the block that takes it. */
  readonly validity: number
  /** `Identities.nonce` of the controller in force. */
  readonly nonce: number
  /** Last Unix second at which it may be written. */
  readonly deadline: number
}

export type ChangeOwnerMessage = {
  readonly identity: string
  /** Zero gives the identity up for ever. */
  readonly newOwner: string
  readonly nonce: number
  readonly deadline: number
}

/** The contract counts from chain id × 2^128, so that even a message without a chain id is worth nothing elsewhere. */
const nonceOf = (d: RegistryDomain, nonce: number): bigint => (BigInt(d.chainId) << 128n) | BigInt(nonce)

const typedData = (d: RegistryDomain, primaryType: string, fields: [name: string, type: string, value: unknown][]): TypedData => ({
  domain: { name: 'Keepwell PatientRegistry', version: '1', chainId: d.chainId, verifyingContract: d.contract },
  types: { [primaryType]: fields.map(([name, type]) => ({ name, type })) },
  primaryType,
  message: Object.fromEntries(fields.map(([name, , value]) => [name, value])),
})

/** ERC-1056 names are ASCII in a 32-byte word, zeros behind. */
export const attributeWord = (name: string): string => `0x${toHex(utf8(name)).padEnd(64, '0')}`

export const setAttributeTypedData = (d: RegistryDomain, m: SetAttributeMessage): TypedData =>
  typedData(d, 'SetAttribute', [
    ['identity', 'address', m.identity],
    ['name', 'bytes32', attributeWord(m.name)],
    ['value', 'bytes', `0x${toHex(m.value)}`],
    ['validity', 'uint256', BigInt(m.validity)],
    ['nonce', 'uint256', nonceOf(d, m.nonce)],
    ['deadline', 'uint256', BigInt(m.deadline)],
  ])

export const changeOwnerTypedData = (d: RegistryDomain, m: ChangeOwnerMessage): TypedData =>
  typedData(d, 'ChangeOwner', [
    ['identity', 'address', m.identity],
    ['newOwner', 'address', m.newOwner],
    ['nonce', 'uint256', nonceOf(d, m.nonce)],
    ['deadline', 'uint256', BigInt(m.deadline)],
  ])

export type SetRecoveryModuleMessage = {
  readonly identity: string
  /** Zero for none. */
  readonly module: string
  readonly nonce: number
  readonly deadline: number
}

export const setRecoveryModuleTypedData = (d: RegistryDomain, m: SetRecoveryModuleMessage): TypedData =>
  typedData(d, 'SetRecoveryModule', [
    ['identity', 'address', m.identity],
    ['module', 'address', m.module],
    ['nonce', 'uint256', nonceOf(d, m.nonce)],
    ['deadline', 'uint256', BigInt(m.deadline)],
  ])

/** The controller's order to let a contract replace it, for `Identities.setRecoveryModule`. */
export const signSetRecoveryModule = (secret: Uint8Array, d: RegistryDomain, m: SetRecoveryModuleMessage): string =>
  signTypedData(secret, setRecoveryModuleTypedData(d, m))

/** The controller's order to announce an attribute, for `Identities.setAttribute`. */
export const signSetAttribute = (secret: Uint8Array, d: RegistryDomain, m: SetAttributeMessage): string =>
  signTypedData(secret, setAttributeTypedData(d, m))

/** The controller's order to hand the identity over, for `Identities.changeOwner`. */
export const signChangeOwner = (secret: Uint8Array, d: RegistryDomain, m: ChangeOwnerMessage): string =>
  signTypedData(secret, changeOwnerTypedData(d, m))
