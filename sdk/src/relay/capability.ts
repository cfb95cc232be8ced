import { concat, equal } from '#base/bytes'
import { encode } from '#base/cbor'
import { type Cid, cidFromBytes } from '#base/cid'
import { KeepwellError } from '#base/error'
import { bool, bytes, decodeAs, int, nullable, object } from '#base/shape'
import { hmacSha256 } from '#crypto/hash'
import { type Did, did } from '#identity/did'
import type { RelayContext } from './context.ts'

/** Ten minutes (protocol §6). A capability limits load and metadata; confidentiality rests on the DEK alone. */
const LIFE = 600

const shape = object({ reader: did, expiry: int(), cids: bytes({ max: 1 << 18 }), vault: nullable(did), urgent: bool })

/** Whose freeze ends a capability at once, null for the owner's own; and whether it comes of a consent for emergencies alone. */
export type Freezing = { readonly vault: Did | null; readonly urgent: boolean }

type Reaching = { readonly reader: Did; readonly cids: readonly Uint8Array[] } & Freezing

/** CBOR{reader, expiry, cids, vault, urgent} ‖ HMAC-SHA-256 under the relay's own key. */
export function makeCapability(ctx: Pick<RelayContext, 'keys' | 'clock'>, { reader, cids, vault, urgent }: Reaching): Uint8Array {
  const claim = encode({ reader, expiry: ctx.clock() + LIFE, cids: concat(...cids), vault, urgent })
  return concat(claim, hmacSha256(ctx.keys.mac, claim))
}

export type Reached = Freezing & { readonly cids: Set<Cid> }

/** The addresses a capability opens; throws DENIED when it is not ours or too old. */
export function readCapability(ctx: Pick<RelayContext, 'keys' | 'clock'>, capability: Uint8Array): Reached {
  const claim = capability.subarray(0, Math.max(0, capability.length - 32))
  if (!equal(capability.subarray(claim.length), hmacSha256(ctx.keys.mac, claim)))
    throw new KeepwellError('DENIED', 'The capability was not made by this relay.')
  const { expiry, cids, vault, urgent } = decodeAs(shape, claim)
  if (expiry < ctx.clock()) throw new KeepwellError('DENIED', 'The capability has expired; ask for access again.')
  const out = new Set<Cid>()
  for (let i = 0; i + 36 <= cids.length; i += 36) out.add(cidFromBytes(cids.subarray(i, i + 36)))
  return { cids: out, vault, urgent }
}
