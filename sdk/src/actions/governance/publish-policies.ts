import type { Ctx } from '#actions/context'
import { homeRelay, makeCall } from '#actions/vault/calls'
import { policyCid, policyHash } from '#consent/policy'

/** Leaves a bundle of policies at the home's relay, which gives it to everybody once the ledger names it. Gives its hash. */
export async function publishPolicies(ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>, bytes: Uint8Array): Promise<Uint8Array> {
  const relay = await homeRelay(ctx)
  const hash = policyHash(bytes)
  const auth = await makeCall(ctx, relay, 'put-blocks', { vault: ctx.session.state.ring.did })
  await relay.putBlocks(auth, [{ cid: policyCid(hash), bytes }])
  return hash
}
