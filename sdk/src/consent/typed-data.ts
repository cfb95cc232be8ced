import { toHex } from '#base/bytes'
import { signTypedData } from '#crypto/secp'

/** EIP-712 messages of our contracts; the domain binds chain and contract (threat T14). Names and order are the contracts'. */
export type Domain = { readonly chainId: number; readonly contract: string }

type Field = readonly [name: string, type: string]

const sign = (
  secret: Uint8Array,
  name: string,
  d: Domain,
  primaryType: string,
  fields: readonly Field[],
  message: Record<string, unknown>,
): string =>
  signTypedData(secret, {
    domain: { name, version: '1', chainId: d.chainId, verifyingContract: d.contract },
    types: { [primaryType]: fields.map(([n, type]) => ({ name: n, type })) },
    primaryType,
    message,
  })

const hex = (b: Uint8Array): string => `0x${toHex(b)}`

export const signConsentGrant = (
  secret: Uint8Array,
  d: Domain,
  m: { commitment: Uint8Array; notBefore: number; expiry: number; level: number; deadline: number },
): string =>
  sign(
    secret,
    'Keepwell ConsentRegistry',
    d,
    'Grant',
    [
      ['commitment', 'bytes32'],
      ['notBefore', 'uint64'],
      ['expiry', 'uint64'],
      ['level', 'uint8'],
      ['deadline', 'uint256'],
    ],
    {
      commitment: hex(m.commitment),
      notBefore: BigInt(m.notBefore),
      expiry: BigInt(m.expiry),
      level: BigInt(m.level),
      deadline: BigInt(m.deadline),
    },
  )

export const signConsentRevoke = (secret: Uint8Array, d: Domain, m: { commitment: Uint8Array; deadline: number }): string =>
  sign(
    secret,
    'Keepwell ConsentRegistry',
    d,
    'Revoke',
    [
      ['commitment', 'bytes32'],
      ['deadline', 'uint256'],
    ],
    { commitment: hex(m.commitment), deadline: BigInt(m.deadline) },
  )
