import { KeepwellError } from '#base/error'
import { string } from '#base/shape'

/** `did:ethr:0x<chain id hex>:0x<address>`, lower case. The address is the first controller and never changes. */
export type Did = string

const PATTERN = /^did:ethr:0x([0-9a-f]{1,12}):(0x[0-9a-f]{40})$/

/** Shape of a DID in decoded messages. */
export const did = string(80, PATTERN)

/** Shape of an account address. */
export const address = string(42, /^0x[0-9a-f]{40}$/)

export const makeDid = (chainId: number, address: string): Did => `did:ethr:0x${chainId.toString(16)}:${address.toLowerCase()}`

/** Throws BAD_INPUT when it is not a DID of this method. */
export function parseDid(value: string): { chainId: number; address: string } {
  const match = PATTERN.exec(value)
  if (!match) throw new KeepwellError('BAD_INPUT', 'Not a DID of the form did:ethr:0x<chain>:0x<address>.')
  return { chainId: Number.parseInt(match[1]!, 16), address: match[2]! }
}
