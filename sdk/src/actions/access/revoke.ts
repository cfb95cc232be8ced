import type { Ctx } from '#actions/context'
import { callRelay, contactRelays, findParty, homeRelay, signerOf } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { publishCalendar } from '#actions/vault/publish-calendar'
import { equal, toHex, u64be } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, isKeepwellError, KeepwellError } from '#base/error'
import { epochOf } from '#base/time'
import { decodeTerms, encodeTerms, readTerms, type Terms } from '#consent/terms'
import { signConsentRevoke } from '#consent/typed-data'
import type { GivenGrant, Keyring } from '#identity/keyring'
import { sign } from '#identity/signed'
import { makePackage } from './grant.ts'
import { receivedGrant } from './grants.ts'
import { post } from './post.ts'

type Revoking = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

const DEADLINE = 3600

export type Revoked = { readonly compartments: number; readonly rekeyed: number; readonly unreached: readonly string[] }

/**
 * Ends a consent (protocol §5): the relay refuses at once, the ledger follows, each compartment concerned begins a new
 * generation, and the remaining grantees get its nodes. Done when the relay has acknowledged the new calendar. A proxy ends what it
 * granted; the new generations are the patient's to begin.
 */
export async function revoke(ctx: Revoking, commitment: Uint8Array): Promise<Revoked> {
  const found = ctx.session.state.ring.given.find(g => equal(g.commitment, commitment))
  if (!found) throw new KeepwellError('NO_GRANT', 'You gave no such consent.')
  const terms = await endConsent(ctx, found)
  const own = terms.patient === ctx.session.state.ring.did
  const concerned = own && terms.level !== 'write' ? terms.compartments : []
  await newGenerations(ctx, concerned, r => ({
    ...r,
    given: r.given.map(g => (equal(g.commitment, commitment) ? { ...g, state: 'revoked' } : g)),
  }))
  const unreached = await rekeyGrantees(ctx, concerned)
  await tellEnded(ctx, found).catch(() => unreached.push(found.name))
  // The patient, whom a proxy told of the consent, hears of its end; the receipt says it as well.
  if (!own) await tellEnded(ctx, { grantee: terms.patient, commitment }, receivedGrant(ctx, terms.under!).package.relays).catch(() => {})
  return { compartments: concerned.length, rekeyed: remaining(ctx, concerned).length, unreached }
}

/** Relay and ledger refuse the consent from now on; no key is changed by it. */
export async function endConsent(ctx: Revoking, { commitment, holderKey, terms: encoded }: GivenGrant): Promise<Terms> {
  const terms = readTerms(decodeTerms(encoded).signed)
  const own = terms.patient === ctx.session.state.ring.did
  const relay = own ? await homeRelay(ctx) : await ctx.network.relay(receivedGrant(ctx, terms.under!).package.relays[0]!)
  const deadline = ctx.clock() + DEADLINE
  const signature = signConsentRevoke(holderKey, { chainId: terms.chainId, contract: terms.contract }, { commitment, deadline })
  await callRelay(ctx, relay, 'revoke', { vault: terms.patient, holder: terms.holder, commitment, terms: encoded, deadline, signature })
  return terms
}

/** Starts a new generation of compartments and publishes it; the keyring is changed in the same step. */
export async function newGenerations(ctx: Revoking, ids: readonly Uint8Array[], also: (r: Keyring) => Keyring = r => r): Promise<void> {
  const fresh = new Map(ids.map(id => [encode(id).join(), ctx.random(32)]))
  const epoch = epochOf(ctx.clock())
  const ring = await changeRing(ctx, before => {
    const r = also(before)
    const compartments = r.compartments.map(c => {
      const root = fresh.get(encode(c.id).join())
      if (!root) return c
      const generation = c.generation + 1
      return { ...c, generation, roots: [...c.roots, { generation, root, from: epoch }] }
    })
    return ids.length ? { ...r, compartments, calendar: r.calendar + 1 } : r
  })
  if (ids.length === 0) return
  const calendar = await publishCalendar(ctx, ring)
  await changeRing(ctx, r => r, { calendar })
}

export function remaining(ctx: Revoking, ids: readonly Uint8Array[]): GivenGrant[] {
  const now = ctx.clock()
  return ctx.session.state.ring.given.filter(g => {
    const t = readTerms(decodeTerms(g.terms).signed)
    return g.state === 'live' && t.level !== 'write' && t.expiry > now && t.compartments.some(c => ids.some(id => equal(id, c)))
  })
}

/** Sends the nodes of new generations to those whose consent still lives; returns the names of those out of reach. */
export const rekeyGrantees = (ctx: Revoking, ids: readonly Uint8Array[]): Promise<string[]> => sendAgain(ctx, remaining(ctx, ids))

/** Signs every live consent of the own vault again with the keys in force, and sends terms and keys anew: the end of a rotation. */
export async function renewGrants(ctx: Revoking): Promise<string[]> {
  const now = ctx.clock()
  const live = (g: GivenGrant): boolean => {
    const t = readTerms(decodeTerms(g.terms).signed)
    return g.state === 'live' && t.patient === ctx.session.state.ring.did && t.expiry > now
  }
  const renewed = new Map<string, Uint8Array>()
  for (const g of ctx.session.state.ring.given.filter(live)) {
    const terms = readTerms(decodeTerms(g.terms).signed)
    renewed.set(toHex(g.commitment), encodeTerms({ signed: await sign(signerOf(ctx.session.state.ring), 'terms', terms) }))
  }
  await changeRing(ctx, r => ({ ...r, given: r.given.map(g => ({ ...g, terms: renewed.get(toHex(g.commitment)) ?? g.terms })) }))
  return sendAgain(ctx, ctx.session.state.ring.given.filter(live))
}

/** Marks of the keyring, so that whichever device comes next sends what did not arrive: one a consent. */
const OWED = 'owed/'
const owedMark = (g: GivenGrant): string => OWED + toHex(g.commitment)

/** Sends keys to those who could not be reached when they were due, while their consent lives; returns the names of those still out of reach. */
export async function sendOwed(ctx: Revoking): Promise<string[]> {
  const { ring } = ctx.session.state
  const owed = Object.keys(ring.marks).filter(name => name.startsWith(OWED))
  if (!owed.length) return []
  const live = ring.given.filter(
    g => g.state === 'live' && ring.marks[owedMark(g)] && readTerms(decodeTerms(g.terms).signed).expiry > ctx.clock(),
  )
  const over = owed.filter(name => !live.some(g => owedMark(g) === name))
  if (over.length) await changeRing(ctx, r => ({ ...r, marks: without(r.marks, over) }))
  return sendAgain(ctx, live)
}

const without = (marks: Keyring['marks'], names: readonly string[]): Keyring['marks'] =>
  Object.fromEntries(Object.entries(marks).filter(([name]) => !names.includes(name)))

/** Writes down whom it did not reach, and takes away whom it did. */
async function noteOwed(ctx: Revoking, grants: readonly GivenGrant[], missed: readonly GivenGrant[]): Promise<void> {
  const { marks } = ctx.session.state.ring
  const due = missed.map(owedMark)
  const done = grants.map(owedMark).filter(name => marks[name] && !due.includes(name))
  if (!done.length && due.every(name => marks[name])) return
  const since = u64be(ctx.clock())
  await changeRing(ctx, r => ({ ...r, marks: { ...Object.fromEntries(due.map(name => [name, since])), ...without(r.marks, done) } }))
}

async function sendAgain(ctx: Revoking, grants: readonly GivenGrant[]): Promise<string[]> {
  const unreached: GivenGrant[] = []
  for (const g of grants) {
    const terms = readTerms(decodeTerms(g.terms).signed)
    const pack = await makePackage(ctx, ctx.session.state.ring, terms, g.commitment)
    try {
      const party = await findParty(ctx, g.grantee)
      ensure(party, 'UNKNOWN_PARTY', 'The grantee’s relay does not answer.')
      await post(ctx, party, 'grant', { terms: g.terms, package: encode(pack) })
    } catch (e) {
      if (!isKeepwellError(e)) throw e
      unreached.push(g)
    }
  }
  await noteOwed(ctx, grants, unreached)
  return unreached.map(g => g.name)
}

type Ended = Pick<GivenGrant, 'grantee' | 'commitment'>

/** Tells whom a consent was given that it has ended. */
export async function tellEnded(ctx: Revoking, g: Ended, relays: readonly string[] = []): Promise<void> {
  const party = await findParty(ctx, g.grantee, relays)
  ensure(party, 'UNKNOWN_PARTY', 'The grantee’s relay does not answer.')
  await post(ctx, party, 'revoked', { commitment: g.commitment, at: ctx.clock() }, { introduce: true })
}

/** Tells of consents that are over already, those of a ledger that is gone; returns the names of those out of reach. */
export async function tellEnds(ctx: Revoking, ended: readonly GivenGrant[]): Promise<string[]> {
  const unreached: string[] = []
  for (const g of ended)
    await tellEnded(ctx, g, contactRelays(ctx, g.grantee)).catch(e => {
      if (!isKeepwellError(e)) throw e
      unreached.push(g.name)
    })
  return unreached
}
