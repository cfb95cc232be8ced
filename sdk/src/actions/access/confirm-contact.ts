import type { Ctx } from '#actions/context'
import { contactRelays, findParty } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { ensure, KeepwellError } from '#base/error'
import { encodeBundle, fingerprint } from '#identity/bundle'
import type { Did } from '#identity/did'
import type { Contact } from '#identity/keyring'
import { bundleOf } from './add-contact.ts'

/**
 * Marks a contact as verified: its owner read this very fingerprint out, on another way (protocol §5 first contact). The key bundle in
 * force is pinned, so that a contact with new keys is compared anew. Throws UNVERIFIED when the fingerprint in force is another.
 */
export async function confirmContact(
  ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>,
  input: { readonly did: Did; readonly fingerprint: string },
): Promise<void> {
  const known = ctx.session.state.ring.contacts.some(c => c.did === input.did)
  const party = known ? await findParty(ctx, input.did, contactRelays(ctx, input.did)) : null
  if (!party) throw new KeepwellError('UNKNOWN_PARTY', 'There is no such contact, or its relay does not answer.')
  const same = plain(input.fingerprint) === plain(fingerprint(party))
  ensure(same, 'UNVERIFIED', 'The fingerprint is another one than that of the contact’s keys.')
  const bundle = encodeBundle(await bundleOf(ctx, party, []))
  await changeRing(ctx, r => ({
    ...r,
    contacts: r.contacts.map(c => (c.did === input.did ? pinnedAt(c, { bundle, verified: true }) : c)),
  }))
}

/** A contact with another bundle pinned; what was seen of its keys before that is past. */
export const pinnedAt = ({ newest: _before, ...contact }: Contact, pin: Partial<Contact>): Contact => ({ ...contact, ...pin })

/** A fingerprint as typed: groups, capitals and spaces do not count. */
const plain = (text: string): string => text.toLowerCase().replace(/[^0-9a-f]/g, '')
