import type { Ctx } from '#actions/context'
import { toHex } from '#base/bytes'
import { decodeTerms, readTerms } from '#consent/terms'
import { receivedGrants } from './grants.ts'
import type { Arrival } from './receive-messages.ts'
import { renewPassed } from './renew-passed.ts'
import { tellEnded } from './revoke.ts'

/**
 * What a proxy owes those to whom it passed consents on, after each look at its messages: the keys of what the patient renewed, and word
 * of what the patient ended. A share that was renewed and ended in one breath is gone already.
 */
export async function passOnward(ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>, arrivals: readonly Arrival[]): Promise<void> {
  const here = new Set(receivedGrants(ctx).map(g => toHex(g.grant.commitment)))
  for (const a of arrivals) {
    if (a.kind === 'grant' && a.renewed && here.has(a.commitment)) await renewPassed(ctx, a.commitment)
    if (a.kind !== 'revoked') continue
    const ended = ctx.session.state.ring.given.find(g => toHex(g.commitment) === a.commitment)
    // Who cannot be reached is refused by the patient's relay all the same.
    if (ended && readTerms(decodeTerms(ended.terms).signed).patient === a.did) await tellEnded(ctx, ended).catch(() => {})
  }
}
