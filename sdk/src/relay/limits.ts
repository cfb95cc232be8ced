import { equal } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure } from '#base/error'
import { decodeAs } from '#base/shape'
import { type Limits, type LimitsReceipt, limitsMessage } from '#consent/limits'
import type { Party } from '#identity/bundle'
import { peek, sign, signed, signedHash, verifySigned } from '#identity/signed'
import type { Rows } from '#ports/envelopes'
import type { Answer, Body } from '#wire/methods'
import type { RelayContext } from './context.ts'
import { at } from './schema.ts'

/** The limits a vault set (protocol §5), or null before the first. They are looked at anew for every listing, opening and block. */
export async function readLimits(rows: Pick<Rows, 'get'>): Promise<Limits | null> {
  const value = await rows.get('state', at('limits'))
  return value ? peek(decodeAs(signed, value), limitsMessage) : null
}

/**
 * Puts limits in force; only the vault's own, and only later ones, or ones of later keys: whoever stole keys could have signed limits of a
 * time to come, and a rotation ends those too. The answer is the relay's signed word.
 */
export async function putLimits(ctx: RelayContext, caller: Party, { limits }: Body<'put-limits'>): Promise<Answer<'put-limits'>> {
  const message = await verifySigned(limits, 'limits', limitsMessage, caller.keys)
  ensure(message.vault === caller.did && limits.signer === caller.did, 'BAD_SIGNATURE', 'A vault limits its own record only.')
  await ctx.envelopes.transact(caller.did, async rows => {
    const before = await rows.get('state', at('limits'))
    const known = before ? decodeAs(signed, before) : null
    if (known && equal(signedHash(known), signedHash(limits))) return
    const later = !known || limits.version > known.version || message.at > peek(known, limitsMessage).at
    ensure(later, 'HEAD_CONFLICT', 'Later limits are in force; look again and repeat.')
    await rows.put('state', [{ key: at('limits'), value: encode(limits) }])
  })
  const { did: relay, version, signing } = ctx.keys
  const word: LimitsReceipt = { v: 1, vault: caller.did, relay, at: ctx.clock(), limits: signedHash(limits) }
  return { receipt: await sign({ did: relay, version, signing }, 'limits', word) }
}
