import type { Ctx } from '#actions/context'
import { findParty } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { equal } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'
import { type Bundle, encodeBundle, fingerprint, type Party } from '#identity/bundle'
import type { Did } from '#identity/did'
import { signedHash } from '#identity/signed'

type Adding = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/**
 * Remembers a party by its DID alone, as unverified: nothing can be granted to it before its fingerprint was compared
 * (`confirmContact`, protocol §5 first contact). A contact that is known already stays as it is. Throws UNKNOWN_PARTY.
 */
export async function addContact(
  ctx: Adding,
  input: { readonly did: Did; readonly name: string; readonly relays?: readonly string[] },
): Promise<{ readonly fingerprint: string }> {
  ensure(input.did !== ctx.session.state.ring.did, 'BAD_INPUT', 'This is your own identity.')
  const party = await findParty(ctx, input.did, input.relays ?? [])
  if (!party) throw new KeepwellError('UNKNOWN_PARTY', 'No relay that was asked knows that identity.')
  const bundle = encodeBundle(await bundleOf(ctx, party, input.relays ?? []))
  await changeRing(ctx, r => {
    if (r.contacts.some(c => c.did === input.did)) return r
    return { ...r, contacts: [...r.contacts, { did: input.did, name: input.name, bundle, verified: false, at: ctx.clock() }] }
  })
  return { fingerprint: fingerprint(party) }
}

/** The bundle whose checked content is `party`, as it travels. */
export async function bundleOf(ctx: Adding, party: Party, relays: readonly string[]): Promise<Bundle> {
  for (const url of [...relays, ...party.relays]) {
    const found = await ctx.network
      .relay(url)
      .then(r => r.bundle(party.did))
      .catch(() => null)
    if (found && equal(signedHash(found.signed), party.hash)) return found
  }
  throw new KeepwellError('UNKNOWN_PARTY', 'None of the party’s relays shows its key bundle.')
}
