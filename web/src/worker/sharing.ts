import { grant } from '@keepwell/sdk/actions/access/grant'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { invite, join, readInvitation } from '@keepwell/sdk/actions/access/invite'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { compartmentNamed } from '@keepwell/sdk/actions/records/secrets'
import { equal, fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { decodeTerms, PURPOSES, type Purpose, readTerms, type Terms } from '@keepwell/sdk/consent/terms'
import { bundleMessage, decodeBundle, fingerprint } from '@keepwell/sdk/identity/bundle'
import { peek } from '@keepwell/sdk/identity/signed'
import type { ContactView, Ended, Invitation, NewShare, RequestView, ShareView } from '#rpc/views.ts'
import { clock } from './platform.ts'
import { dropRequest, waitingRequests } from './requests.ts'
import type { OpenVault } from './vault.ts'

type Named = readonly { readonly id: Uint8Array; readonly name: string }[]

function shareOf(t: Terms, who: { id: Uint8Array; did: string; name: string; ended: boolean }, names: Named): ShareView {
  return {
    id: toHex(who.id),
    did: who.did,
    name: who.name,
    level: t.level,
    compartments: t.compartments.map(id => names.find(n => equal(n.id, id))?.name ?? toHex(id)),
    records: t.records.length,
    purposes: t.purposes,
    from: t.notBefore,
    until: t.expiry,
    state: who.ended ? 'revoked' : t.expiry <= clock() ? 'expired' : 'live',
  }
}

export function givenShares({ ctx }: OpenVault): ShareView[] {
  const { ring } = ctx.session.state
  return ring.given
    .map(g => {
      const terms = readTerms(decodeTerms(g.terms).signed)
      return shareOf(terms, { id: g.commitment, did: g.grantee, name: g.name, ended: g.state === 'revoked' }, ring.compartments)
    })
    .reverse()
}

export const receivedShares = ({ ctx }: Pick<OpenVault, 'ctx'>): ShareView[] =>
  receivedGrants(ctx).map(g =>
    shareOf(g.terms, { id: g.grant.commitment, did: g.terms.patient, name: g.grant.name, ended: false }, g.package.compartments),
  )

export const contacts = ({ ctx }: OpenVault): ContactView[] =>
  ctx.session.state.ring.contacts
    .map(c => ({
      did: c.did,
      name: c.name,
      verified: c.verified,
      fingerprint: fingerprint(peek(decodeBundle(c.bundle).signed, bundleMessage)),
      since: c.at,
    }))
    .sort((a, b) => a.name.localeCompare(b.name))

export async function requests({ ctx }: OpenVault): Promise<RequestView[]> {
  const known = ctx.session.state.ring.contacts
  return (await waitingRequests(ctx)).map(({ id, did, name, verified, at, request }) => ({
    id: toHex(id),
    did,
    name,
    // Someone may have become a contact since the request came.
    verified: verified || known.some(c => c.did === did && c.verified),
    at,
    purpose: request.purpose,
    level: request.level,
    compartments: request.compartments,
    seconds: request.seconds,
    text: request.text,
  }))
}

export const purposeOf = (code: string): Purpose => {
  const found = PURPOSES.find(p => p === code)
  ensure(found, 'BAD_INPUT', 'There is no such purpose.')
  return found
}

export const share = (vault: OpenVault, input: NewShare): Promise<void> =>
  vault.run(async ctx => {
    const { ring } = ctx.session.state
    await grant(ctx, {
      to: input.to,
      level: input.level,
      purposes: [purposeOf(input.purpose)],
      compartments: input.compartments.map(name => compartmentNamed(ring, name).id),
      expiry: input.until,
    })
    if (input.request) await dropRequest(ctx, input.request)
  })

export const endShare = (vault: OpenVault, id: string): Promise<Ended> => vault.run(ctx => revoke(ctx, fromHex(id)))

/** What a link to this page carries behind `#`, and what the command line takes. */
const CODE = 'keepwell:invite#'

export const makeInvitation = (vault: OpenVault, name: string): Promise<Invitation> =>
  vault.run(async ctx => {
    const link = await invite(ctx, name.trim() ? { name: name.trim() } : {})
    return { link, until: readInvitation(link).expiry }
  })

/** Takes a link of any page of ours, or the bare code. */
export function invitationIn(text: string): string {
  const found = /(?:#\/join\/|invite#)([A-Za-z0-9_-]{40,})\s*$/.exec(text.trim())
  ensure(found?.[1], 'BAD_INPUT', 'This is not a Keepwell invitation link.')
  return CODE + found[1]
}

export const acceptInvitation = (vault: OpenVault, text: string): Promise<{ did: string; name: string; fingerprint: string }> =>
  vault.run(async ctx => {
    const { party, name, fingerprint: print } = await join(ctx, invitationIn(text))
    return { did: party.did, name, fingerprint: print }
  })
