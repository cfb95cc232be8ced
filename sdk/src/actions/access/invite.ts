import type { Ctx } from '#actions/context'
import { callRelay, descends, ownBundle, trustBundle } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { equal, fromBase64Url, toBase64Url } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, KeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import { bundleMessage, encodeBundle, fingerprint, type Party } from '#identity/bundle'
import type { Did } from '#identity/did'
import type { Contact, Keyring } from '#identity/keyring'
import { peek, signedHash } from '#identity/signed'
import { type Invitation, invitation } from '#wire/messages'
import { post } from './post.ts'

type Inviting = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

const PREFIX = 'keepwell:invite#'
const LIFE = 7 * 86_400

/** A single-use link for first contact; whoever holds it is verified by having it (protocol §5). */
export async function invite(ctx: Inviting, input: { readonly name?: string; readonly seconds?: number } = {}): Promise<string> {
  const secret = ctx.random(32)
  const expiry = ctx.clock() + (input.seconds ?? LIFE)
  const ring = await changeRing(ctx, r => ({
    ...r,
    invitations: [...live(r.invitations, ctx.clock()), { secret, expiry, used: false, ...(input.name ? { name: input.name } : {}) }],
  }))
  const bundle = ownBundle(ring)
  const link: Invitation = {
    v: 1,
    did: ring.did,
    name: ring.name,
    bundle: signedHash(bundle.signed),
    relays: peek(bundle.signed, bundleMessage).relays,
    secret,
    expiry,
  }
  return PREFIX + toBase64Url(encode(link))
}

const live = <T extends { expiry: number; used: boolean }>(list: readonly T[], now: number): T[] =>
  list.filter(i => !i.used && i.expiry > now)

export function readInvitation(link: string): Invitation {
  const at = link.indexOf('#')
  ensure(link.startsWith(PREFIX.slice(0, -1)) && at > 0, 'BAD_INPUT', 'This is not a Keepwell invitation link.')
  return decodeAs(invitation, fromBase64Url(link.slice(at + 1).trim()))
}

/** Accepts an invitation: checks the bundle against the link, remembers the contact, and answers with our own bundle. */
export async function join(ctx: Inviting, link: string): Promise<{ party: Party; name: string; fingerprint: string }> {
  const invited = readInvitation(link)
  ensure(invited.expiry > ctx.clock(), 'INVITATION_USED', 'The invitation has expired; ask for a new one.')
  ensure(invited.did !== ctx.session.state.ring.did, 'BAD_INPUT', 'This is your own invitation; send it to the other person.')
  const party = await invitedParty(ctx, invited)
  await remember(ctx, party, invited.name)
  await post(ctx, party, 'invitation', { secret: invited.secret, name: ctx.session.state.ring.name }, { introduce: true })
  return { party, name: invited.name, fingerprint: fingerprint(party) }
}

async function invitedParty(ctx: Inviting, invited: Invitation): Promise<Party> {
  let failure: unknown
  for (const url of invited.relays) {
    try {
      const found = await (await ctx.network.relay(url)).bundle(invited.did)
      if (!found) continue
      const party = await trustBundle(ctx, found, invited.relays)
      ensure(
        await descends(ctx, party, invited.bundle, invited.relays),
        'BAD_SIGNATURE',
        'The relay shows another key bundle than the invitation names.',
      )
      ensure(party.did === invited.did, 'BAD_SIGNATURE', 'The relay shows another party than the invitation names.')
      await callRelay(ctx, await ctx.network.relay(url), 'enroll', { bundle: ownBundle(ctx.session.state.ring) })
      return party
    } catch (e) {
      failure = e
    }
  }
  throw failure ?? new KeepwellError('UNKNOWN_PARTY', 'None of the relays in the invitation knows its sender.')
}

/** Remembers a party as verified: it came by a link that was handed over, or answered one. */
export async function remember(ctx: Inviting, party: Party, name: string, done?: Uint8Array): Promise<void> {
  const found = await foundBundle(ctx, party)
  await changeRing(ctx, ring => ({
    ...ring,
    contacts: [
      ...ring.contacts.filter(c => c.did !== party.did),
      { did: party.did, name, bundle: found, verified: true, at: ctx.clock(), ...bellOf(ring, party.did) },
    ],
    invitations: ring.invitations.map(i => (done && equal(i.secret, done) ? { ...i, used: true } : i)),
  }))
}

/** What wakes somebody's devices stays when they are met anew. */
const bellOf = ({ contacts }: Pick<Keyring, 'contacts'>, did: Did): Pick<Contact, 'bell'> => {
  const bell = contacts.find(c => c.did === did)?.bell
  return bell ? { bell } : {}
}

async function foundBundle(ctx: Inviting, party: Party): Promise<Uint8Array> {
  for (const url of party.relays) {
    const b = await (await ctx.network.relay(url)).bundle(party.did)
    if (b && equal(signedHash(b.signed), party.hash)) return encodeBundle(b)
  }
  throw new KeepwellError('UNKNOWN_PARTY', 'None of the party’s relays shows its key bundle.')
}
