import { toHex } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'
import type { Party } from '#identity/bundle'
import { type Call, verifyCall } from '#identity/call'
import type { RelayContext } from './context.ts'
import { NONCE_LIFE } from './nonces.ts'
import { partyOf } from './parties.ts'

/** Requests may be five minutes off (protocol §6). */
export const MAX_SKEW = 300
const MAX_NONCES = 200_000

/**
 * Who is calling: the call must be for this relay and method, fresh, unused, and signed by the request key of the caller's
 * bundle in force. Throws CLOCK_SKEW, REPLAYED, UNKNOWN_PARTY or BAD_SIGNATURE.
 */
export async function authenticate(ctx: RelayContext, method: string, call: Call, known?: Party): Promise<Party> {
  const now = ctx.clock()
  ensure(call.relay === ctx.keys.did && call.method === method, 'BAD_SIGNATURE', 'The request was signed for another relay or method.')
  if (Math.abs(now - call.time) > MAX_SKEW)
    throw new KeepwellError('CLOCK_SKEW', `The request is ${Math.abs(now - call.time)} seconds off; set the clock and sign it again.`)
  const party = known ?? (await partyOf(ctx, call.from))
  // Keys were replaced, or the party moved, and this relay has not been told yet.
  ensure(call.version <= party.version, 'UNKNOWN_PARTY', `This relay has an older key bundle of ${call.from}; enroll the newer one first.`)
  ensure(call.version === party.version, 'BAD_SIGNATURE', 'The request is signed under a key bundle that is not in force.')
  verifyCall(call, party.request)
  remember(ctx, `${call.from}/${toHex(call.nonce)}`, now)
  return party
}

function remember(ctx: RelayContext, key: string, now: number): void {
  const { nonces } = ctx.memory
  ensure(!nonces.has(key), 'REPLAYED', 'This signed request was used before.')
  nonces.set(key, now)
  for (const [k, seen] of nonces) {
    if (seen > now - NONCE_LIFE && nonces.size <= MAX_NONCES) break
    nonces.delete(k)
  }
}
