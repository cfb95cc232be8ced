import { toHex } from '#base/bytes'
import { signTypedData, type TypedData } from '#crypto/secp'

/** Where a message of HealthRecordNFT is good: this chain, this contract. */
export type TokenDomain = { readonly chainId: number; readonly contract: string }

export type MintMessage = {
  /** The record's leaf hash (protocol §3). */
  readonly tokenId: Uint8Array
  /** SHA-256 of the sealed metadata. */
  readonly metadataDigest: Uint8Array
  /** Last Unix second at which it may be written. */
  readonly deadline: number
}

export type BurnMessage = { readonly tokenId: Uint8Array; readonly deadline: number }

const typedData = (d: TokenDomain, primaryType: string, fields: [name: string, type: string, value: unknown][]): TypedData => ({
  domain: { name: 'Keepwell HealthRecordNFT', version: '1', chainId: d.chainId, verifyingContract: d.contract },
  types: { [primaryType]: fields.map(([name, type]) => ({ name, type })) },
  primaryType,
  message: Object.fromEntries(fields.map(([name, , value]) => [name, value])),
})

export const mintTypedData = (d: TokenDomain, m: MintMessage): TypedData =>
  typedData(d, 'Mint', [
    ['tokenId', 'uint256', BigInt(`0x${toHex(m.tokenId)}`)],
    ['metadataDigest', 'bytes32', `0x${toHex(m.metadataDigest)}`],
    ['deadline', 'uint256', BigInt(m.deadline)],
  ])

export const burnTypedData = (d: TokenDomain, m: BurnMessage): TypedData =>
  typedData(d, 'Burn', [
    ['tokenId', 'uint256', BigInt(`0x${toHex(m.tokenId)}`)],
    ['deadline', 'uint256', BigInt(m.deadline)],
  ])

/** The token holder's order to make the token of its record, for `Tokens.mint`. */
export const signMint = (secret: Uint8Array, d: TokenDomain, m: MintMessage): string => signTypedData(secret, mintTypedData(d, m))

/** The token holder's order to destroy the token, for `Tokens.burn`. */
export const signBurn = (secret: Uint8Array, d: TokenDomain, m: BurnMessage): string => signTypedData(secret, burnTypedData(d, m))
