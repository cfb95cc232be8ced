import { type GrantInput, grant } from '@keepwell/sdk/actions/access/grant'
import { grantAsProxy } from '@keepwell/sdk/actions/access/grant-as-proxy'
import { receivedGrant } from '@keepwell/sdk/actions/access/grants'
import { invite, join, readInvitation } from '@keepwell/sdk/actions/access/invite'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { revokePassed } from '@keepwell/sdk/actions/access/revoke-passed'
import { sendNotice } from '@keepwell/sdk/actions/access/send-notice'
import { dropRequests, waitingRequests } from '@keepwell/sdk/actions/access/waiting-requests'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { compartmentNamed } from '@keepwell/sdk/actions/records/secrets'
import { fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { ensure } from '@keepwell/sdk/base/error'
import { epochEnd, epochOf } from '@keepwell/sdk/base/time'
import { beginsAt, decodeTerms, type Level, PURPOSES, type Purpose, readTerms } from '@keepwell/sdk/consent/terms'
import type { NewShare, PassOn, Preview } from '#rpc/sharing.ts'
import type { Ended, Invitation, RequestView, ShareView } from '#rpc/views.ts'
import { choose } from './choosing.ts'
import type { Entries } from './entries.ts'
import { clock } from './platform.ts'
import { givenShares, passedShares } from './shares.ts'
import type { OpenVault } from './vault.ts'

export async function requests({ ctx }: Pick<OpenVault, 'ctx'>): Promise<RequestView[]> {
  const known = ctx.session.state.ring.contacts
  return (await waitingRequests(ctx)).map(({ id, did, name, verified, at, request, vouched }) => ({
    id: toHex(id),
    did,
    // What an unverified contact called itself is not what an issuer vouches for.
    name: known.find(c => c.did === did && (c.verified || vouched !== 'live'))?.name ?? name,
    // Someone may have become a contact since the request came.
    verified: verified || known.some(c => c.did === did && c.verified),
    known: known.some(c => c.did === did),
    at,
    purpose: request.purpose,
    level: request.level,
    compartments: request.compartments,
    seconds: request.seconds,
    text: request.text,
    ...(vouched === 'live' && request.credential ? { role: request.credential.role, vouchedName: request.credential.name } : {}),
  }))
}

/** Forgets a request; with a text, the one who asked is told. */
export const decline = (vault: OpenVault, { id, text }: { readonly id: string; readonly text: string }): Promise<void> =>
  vault.run(async ctx => {
    const found = (await waitingRequests(ctx)).find(r => toHex(r.id) === id)
    if (found && text.trim()) await sendNotice(ctx, { to: found.did, text: text.trim(), relays: found.relays ?? [] })
    await dropRequests(ctx, r => toHex(r.id) === id)
  })

export const purposeOf = (code: string): Purpose => {
  const found = PURPOSES.find(p => p === code)
  ensure(found, 'BAD_INPUT', 'There is no such purpose.')
  return found
}

/** Ids of the records a share names; null where it covers whole parts. */
function namedBy(entries: Entries, { records, since, compartments }: NewShare): readonly string[] | null {
  if (records) return choose(entries, { ids: records }).ids
  return since ? choose(entries, { compartments, since }).ids : null
}

/** What a share would be, before it is one. */
export function previewShare(vault: OpenVault, input: NewShare): Preview {
  const named = namedBy(vault.entries, input)
  const holds = (s: ShareView): boolean =>
    s.state === 'live' &&
    s.of === null &&
    s.did === input.to &&
    s.level === input.level &&
    s.id !== input.replaces &&
    input.purposes.every(p => s.purposes.includes(p)) &&
    named === null &&
    s.records === 0 &&
    input.compartments.every(c => s.compartments.includes(c))
  const now = clock()
  const begins = beginsAt(input.purposes.map(purposeOf), now)
  // What they may read already needs no day to sleep on it.
  const goesOn = givenShares(vault).some(
    s =>
      s.state === 'live' &&
      s.from <= now &&
      s.of === null &&
      s.did === input.to &&
      s.level === input.level &&
      input.purposes.every(p => s.purposes.includes(p)) &&
      (named
        ? named.every(id => recordsOf(vault, s).includes(id))
        : s.records === 0 && input.compartments.every(c => s.compartments.includes(c))),
  )
  return {
    begins: begins > now && !goesOn ? begins : null,
    choice: named && choose(vault.entries, { ids: named }),
    keysUntil: named || input.level === 'write' ? input.until : epochEnd(epochOf(input.until)),
    already: input.compartments.length ? givenShares(vault).filter(holds) : [],
  }
}

/** Bytes of cards in one consent; its keys must travel as one message (protocol §5). */
const CARDS = 180_000
const NAMED = 1000

/** Records in as few consents as their keys fit in. */
export function consentsFor(ids: readonly string[], sizeOf: (id: string) => number): string[][] {
  const out: string[][] = []
  let room = 0
  for (const id of ids) {
    const size = sizeOf(id) + 100
    if (out.length === 0 || room < size || out.at(-1)!.length >= NAMED) {
      out.push([])
      room = CARDS
    }
    out.at(-1)!.push(id)
    room -= size
  }
  return out
}

/** Gives every consent of a share, or none: what was given before one failed is ended again. */
export const share = (vault: OpenVault, input: NewShare): Promise<string> =>
  vault.run(async ctx => {
    const { ring } = ctx.session.state
    const named = namedBy(vault.entries, input)
    ensure(!named || (named.length > 0 && input.level === 'read'), 'BAD_INPUT', 'Named records are for reading, and at least one.')
    const { to, until, whileVouched = false } = input
    const base = { to, purposes: input.purposes.map(purposeOf), notBefore: clock(), expiry: until, whileVouched }
    const compartments = input.compartments.map(name => compartmentNamed(ring, name).id)
    const levels: readonly Level[] = input.level === 'admin' ? ['admin', 'write'] : [input.level]
    const sizeOf = (id: string): number => encode(vault.entries.get(id)?.entry.card ?? null).length
    const all: readonly GrantInput[] = named
      ? consentsFor(named, sizeOf).map(ids => ({ ...base, level: 'read', records: ids.map(fromHex) }))
      : levels.map(level => ({ ...base, level, compartments }))
    const given: Uint8Array[] = []
    try {
      for (const one of all) given.push((await grant(ctx, one)).commitment)
    } catch (e) {
      for (const id of given) await revoke(ctx, id).catch(() => {})
      throw e
    }
    if (input.request) await dropRequests(ctx, r => toHex(r.id) === input.request)
    if (input.replaces) await endAll(vault, ctx, input.replaces)
    return toHex(given[0]!)
  })

/** The same terms for longer: a new share, and the one before ends. Records erased since are left out. */
export async function extendShare(vault: OpenVault, { id, until }: { readonly id: string; readonly until: number }): Promise<string> {
  const found = givenShares(vault).find(s => s.id === id && s.of === null)
  ensure(found, 'NO_GRANT', 'There is no such share.')
  const { did: to, level, compartments, purposes, whileVouched } = found
  const records = recordsOf(vault, found)
  return share(vault, { to, level, compartments, purposes, until, whileVouched, replaces: id, ...(records.length ? { records } : {}) })
}

/** Ids of the records that a share names. */
export const recordsOf = ({ ctx }: OpenVault, { consents }: Pick<ShareView, 'consents'>): string[] => [
  ...new Set(
    ctx.session.state.ring.given
      .filter(g => consents.includes(toHex(g.commitment)))
      .flatMap(g => readTerms(decodeTerms(g.terms).signed).records.map(toHex)),
  ),
]

/** Passes on part of a record that one looks after. */
export const passOn = (vault: OpenVault, input: PassOn): Promise<boolean> =>
  vault.run(async ctx => {
    const { package: own } = receivedGrant(ctx, input.under)
    const { told } = await grantAsProxy(ctx, input.under, {
      to: input.to,
      level: input.level,
      purposes: input.purposes.map(purposeOf),
      compartments: own.compartments.filter(c => input.compartments.includes(c.name)).map(c => c.id),
      expiry: input.until,
    })
    return told
  })

async function endAll(vault: OpenVault, ctx: Ctx, id: string): Promise<Ended> {
  const passed = passedShares(vault).find(s => s.id === id)
  const share = passed ?? givenShares(vault).find(s => s.id === id)
  ensure(share, 'NO_GRANT', 'There is no such share.')
  const end = passed ? revokePassed : revoke
  const out = { compartments: 0, rekeyed: 0, unreached: [] as string[] }
  for (const consent of share.consents) {
    const { compartments, rekeyed, unreached } = await end(ctx, fromHex(consent))
    out.compartments += compartments
    out.rekeyed += rekeyed
    out.unreached.push(...unreached)
  }
  return { ...out, unreached: [...new Set(out.unreached)] }
}

/** Ends a share of one's own, one passed on from a record that one looks after, or one that a caregiver passed on. */
export const endShare = (vault: OpenVault, id: string): Promise<Ended> => vault.run(ctx => endAll(vault, ctx, id))

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
