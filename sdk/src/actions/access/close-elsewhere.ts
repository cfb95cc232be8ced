import type { Ctx } from '#actions/context'
import { callRelay } from '#actions/vault/calls'
import { ensure } from '#base/error'
import { decodeTerms, readTerms } from '#consent/terms'
import { signConsentRevoke } from '#consent/typed-data'
import type { GivenGrant } from '#identity/keyring'

type Closing = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

const DEADLINE = 3600

/**
 * Ends a consent on the ledger through another relay of that ledger, whatever the home relay does (threat T17): the holder's signature is enough
 * anywhere, and whether it arrived is asked of the ledger as that other relay shows it. Gives whether it was not there yet. That relay learns which
 * slot is of this vault. Throws BAD_INPUT when the relay serves another ledger.
 */
export async function closeElsewhere(ctx: Closing, { commitment, holderKey, terms: encoded }: GivenGrant, via: string): Promise<boolean> {
  const { chainId, contract, holder } = readTerms(decodeTerms(encoded).signed)
  const ledger = await ctx.network.ledger(via)
  const same = ledger.chainId === chainId && ledger.manifest['ConsentRegistry@1'] === contract
  ensure(same, 'BAD_INPUT', 'That relay serves another ledger than the one the consent is on.')
  const shown = async () => (await ledger.consents.slot(holder, commitment))?.state === 'revoked'
  if (await shown()) return false
  const deadline = ctx.clock() + DEADLINE
  const signature = signConsentRevoke(holderKey, { chainId, contract }, { commitment, deadline })
  await callRelay(ctx, await ctx.network.relay(via), 'meta', { kind: 'consent-revoke', holder, commitment, deadline, signature })
  ensure(await shown(), 'PEER_FAILED', 'That relay took the end of the consent, and the ledger does not show it; send it through another.')
  return true
}

/** Looks whether the ledger shows the end of every consent that was ended here and would still run, and sends what is missing; gives how many. */
export async function closeWithheld(ctx: Closing, via: string): Promise<number> {
  const now = ctx.clock()
  let sent = 0
  for (const given of ctx.session.state.ring.given) {
    const ended = given.state === 'revoked' && readTerms(decodeTerms(given.terms).signed).expiry > now
    if (ended && (await closeElsewhere(ctx, given, via))) sent++
  }
  return sent
}
