import type { Ctx } from '#actions/context'
import { findParty } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { ensure } from '#base/error'
import { encodeBundle } from '#identity/bundle'
import type { Credential } from '#identity/credential'
import type { Did } from '#identity/did'
import { addContact, bundleOf } from './add-contact.ts'
import { checkCredential } from './check-credential.ts'
import { pinnedAt } from './confirm-contact.ts'
import { keepContactCredential } from './contact-credential.ts'

/**
 * Makes a verified contact of somebody whom an accredited issuer of this vault's own ledger vouches for now, under the name that the issuer
 * vouches for (protocol §5 first contact). The key bundle in force is pinned, as with a compared fingerprint. Throws UNVERIFIED.
 */
export async function trustVouched(
  ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>,
  { did, credential, relays }: { readonly did: Did; readonly credential: Credential; readonly relays: readonly string[] },
): Promise<void> {
  const state = await checkCredential(ctx, credential, did)
  ensure(state === 'live', 'UNVERIFIED', 'No accredited issuer of this ledger vouches for that identity now.')
  if (ctx.session.state.ring.contacts.some(c => c.did === did && c.verified)) return keepContactCredential(ctx, { did, credential })
  await addContact(ctx, { did, name: credential.name, relays })
  const party = await findParty(ctx, did, relays)
  ensure(party, 'UNKNOWN_PARTY', 'None of that party’s relays answers.')
  const pinned = { name: credential.name, bundle: encodeBundle(await bundleOf(ctx, party, relays)), verified: true, credential }
  // Somebody met before under a name of their own choice is known by the issuer's from now on.
  await changeRing(ctx, r => ({ ...r, contacts: r.contacts.map(c => (c.did === did ? pinnedAt(c, pinned) : c)) }))
}
