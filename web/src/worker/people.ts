import { addContact } from '@keepwell/sdk/actions/access/add-contact'
import { confirmContact } from '@keepwell/sdk/actions/access/confirm-contact'
import { contactCredential } from '@keepwell/sdk/actions/access/contact-credential'
import { forgetContact } from '@keepwell/sdk/actions/access/forget-contact'
import { trustVouched } from '@keepwell/sdk/actions/access/trust-vouched'
import { waitingRequests } from '@keepwell/sdk/actions/access/waiting-requests'
import { contactRelays, findParty, ownBundle } from '@keepwell/sdk/actions/vault/calls'
import { changeRing } from '@keepwell/sdk/actions/vault/change-ring'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { bundleMessage, decodeBundle, fingerprint } from '@keepwell/sdk/identity/bundle'
import type { Contact } from '@keepwell/sdk/identity/keyring'
import { peek } from '@keepwell/sdk/identity/signed'
import type { PersonView, VouchedView } from '#rpc/sharing.ts'
import type { ContactView } from '#rpc/views.ts'
import type { OpenVault } from './vault.ts'

const viewOf = (c: Contact): ContactView => ({
  did: c.did,
  name: c.name,
  verified: c.verified,
  fingerprint: fingerprint(peek(decodeBundle(c.bundle).signed, bundleMessage)),
  since: c.at,
})

export const contacts = ({ ctx }: OpenVault): ContactView[] =>
  ctx.session.state.ring.contacts.map(viewOf).sort((a, b) => a.name.localeCompare(b.name))

/** A contact with the code that its owner's screen shows now. */
export async function person({ ctx }: OpenVault, did: string): Promise<PersonView> {
  const { ring } = ctx.session.state
  const found = ring.contacts.find(c => c.did === did)
  ensure(found, 'UNKNOWN_PARTY', 'There is no such contact.')
  const contact = viewOf(found)
  const party = await findParty(ctx, did, contactRelays(ctx, did)).catch(() => null)
  const code = party && fingerprint(party)
  const ownCode = fingerprint(peek(ownBundle(ring).signed, bundleMessage))
  return { contact, code, ownCode, changed: code !== null && code !== contact.fingerprint }
}

/** Who vouches for a contact, by the credential that they showed last; null when they never showed one that counted. */
export async function vouchedFor({ ctx }: OpenVault, did: string): Promise<VouchedView | null> {
  const kept = ctx.session.state.ring.contacts.find(c => c.did === did)?.credential
  if (!kept) return null
  const { name, role, issuer, expiry: until } = kept
  const state = await contactCredential(ctx, did).then(
    found => (found.state === 'live' ? 'live' : 'ended'),
    () => 'unknown' as const,
  )
  return { name, role, issuer, until, state }
}

/** Takes an identity as people paste it, with spaces and line ends. */
const plainDid = (text: string): string => {
  const did = text.replace(/\s+/g, '')
  ensure(/^did:ethr:0x[0-9a-f]+:0x[0-9a-f]{40}$/i.test(did), 'BAD_INPUT', 'This is not a Keepwell identity.')
  return did.toLowerCase()
}

export type AddPerson = { readonly did: string; readonly name: string; readonly relay: string }

export const addPerson = (vault: OpenVault, { did, name, relay }: AddPerson): Promise<string> =>
  vault.run(async ctx => {
    const plain = plainDid(did)
    await addContact(ctx, { did: plain, name: name.trim(), relays: relay.trim() ? [relay.trim().replace(/\/+$/, '')] : [] })
    return plain
  })

/** Makes a contact of someone who asked for access: verified on the word of an issuer that vouches for them, else to compare codes with. */
export const meetAsker = (vault: OpenVault, request: string): Promise<string> =>
  vault.run(async ctx => {
    const found = (await waitingRequests(ctx)).find(r => toHex(r.id) === request)
    ensure(found, 'NOT_FOUND', 'That request was answered already.')
    const { did, name, relays = [] } = found
    const { credential } = found.request
    if (found.vouched === 'live' && credential) await trustVouched(ctx, { did, credential, relays })
    else await addContact(ctx, { did, name, relays })
    return did
  })

export const confirmPerson = (vault: OpenVault, input: { readonly did: string; readonly fingerprint: string }): Promise<void> =>
  vault.run(ctx => confirmContact(ctx, input))

export const renamePerson = (vault: OpenVault, { did, name }: { readonly did: string; readonly name: string }): Promise<void> =>
  vault.run(async ctx => {
    const given = name.trim()
    ensure(given, 'BAD_INPUT', 'A name has at least one letter.')
    await changeRing(ctx, r => ({ ...r, contacts: r.contacts.map(c => (c.did === did ? { ...c, name: given } : c)) }))
  })

export const forgetPerson = (vault: OpenVault, did: string): Promise<void> => vault.run(ctx => forgetContact(ctx, did))
