import { readU64, toBase64Url } from '#base/bytes'
import { decodeAs } from '#base/shape'
import { type Limits, limitsMessage, limitsReceipt } from '#consent/limits'
import type { Keyring } from '#identity/keyring'
import { peek, signed } from '#identity/signed'

/** The mark of when a freeze began. */
export const FROZEN = 'frozen'

/** The limits this vault signed last; `confirmed` is when its relay put them in force, null while it has not said so; `since` when a freeze began. */
export type LimitsInForce = { readonly limits: Limits; readonly confirmed: number | null; readonly since: number | null }

export function limitsOf(ring: Keyring): LimitsInForce | null {
  const kept = ring.rights?.limits
  if (!kept) return null
  const limits = peek(decodeAs(signed, kept.signed), limitsMessage)
  const mark = ring.marks[FROZEN]
  const since = limits.frozen ? (mark ? readU64(mark) : limits.at) : null
  return { limits, confirmed: kept.receipt && peek(decodeAs(signed, kept.receipt), limitsReceipt).at, since }
}

/** The limits and the relay's word on them as a person keeps them: JSON, both signed things in it. Null without that word. */
export function limitsProof(ring: Keyring): string | null {
  const kept = ring.rights?.limits
  if (!kept?.receipt) return null
  const word = peek(decodeAs(signed, kept.receipt), limitsReceipt)
  const { v: _v, ...limits } = peek(decodeAs(signed, kept.signed), limitsMessage)
  return JSON.stringify(
    {
      ...limits,
      relay: word.relay,
      inForceSince: word.at,
      signed: { limits: toBase64Url(kept.signed), receipt: toBase64Url(kept.receipt) },
    },
    null,
    1,
  )
}
