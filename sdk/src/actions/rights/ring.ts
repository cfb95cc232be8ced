import { decodeAs } from '#base/shape'
import { type Limits, limitsMessage, limitsReceipt } from '#consent/limits'
import type { Keyring } from '#identity/keyring'
import { peek, signed } from '#identity/signed'

/** The limits this vault signed last; `confirmed` is when its relay put them in force, null while it has not said so. */
export type LimitsInForce = { readonly limits: Limits; readonly confirmed: number | null }

export function limitsOf(ring: Keyring): LimitsInForce | null {
  const kept = ring.rights?.limits
  if (!kept) return null
  const limits = peek(decodeAs(signed, kept.signed), limitsMessage)
  return { limits, confirmed: kept.receipt && peek(decodeAs(signed, kept.receipt), limitsReceipt).at }
}
