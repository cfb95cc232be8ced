import { bundleOf } from '#actions/access/add-contact'
import { grant, verifiedParty } from '#actions/access/grant'
import { remember } from '#actions/access/invite'
import { post } from '#actions/access/post'
import { receiveMessages } from '#actions/access/receive-messages'
import { revoke } from '#actions/access/revoke'
import type { Ctx } from '#actions/context'
import { publishState } from '#actions/records/publish-state'
import { compartmentNamed } from '#actions/records/secrets'
import { findParty, homeLedger, homeRelayUrl, ownBundle, ownSeat } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { secretKey } from '#actions/vault/create-vault'
import { equal, toHex, utf8 } from '#base/bytes'
import { ensure, isKeepwellError, KeepwellError } from '#base/error'
import { sha256 } from '#crypto/hash'
import { secpAddress } from '#crypto/secp'
import { split } from '#crypto/shamir'
import { bundleMessage } from '#identity/bundle'
import type { Did } from '#identity/did'
import {
  type Custody,
  cardAddress,
  cardText,
  commitmentHash,
  type EmergencyContact,
  type EmergencyState,
  MAX_CUSTODIANS,
  type Opening,
} from '#identity/emergency'
import type { Keyring } from '#identity/keyring'
import { peek } from '#identity/signed'
import type { Custodians } from '#ports/custody'
import { makeReader, openReader } from './reader.ts'
import { emergencySummary, fileSummary } from './summary.ts'
import { emptied, forgetWakes, tellWakes } from './wake.ts'

export type EmergencyCtx = Pick<Ctx, 'clock' | 'random' | 'network' | 'session' | 'catalog'>

export type SetUp = {
  readonly custodians: readonly { readonly did: Did; readonly url: string }[]
  /** How many custodians it takes together. */
  readonly threshold: number
  readonly contacts?: readonly EmergencyContact[]
  /** Seconds; default none. */
  readonly delay?: number
  /** Seconds; default and most 24 hours. */
  readonly window?: number
  /** Professionals it takes; default 1. */
  readonly persons?: 1 | 2
}

/** Two years: as far as a calendar reaches. */
const HORIZON = 2 * 365 * 86_400
const DAY = 86_400

export type EmergencySetUp = { readonly version: number; readonly unreached: readonly string[] }

/**
 * Sets emergency access up, or anew (protocol §7): the summary is filed, a reader made whose root is split among the custodians, a card and
 * its veto key drawn. An earlier one ends: its consent is revoked, so the compartment begins a new generation. Custodians out of reach are
 * named; their share waits in their mailbox's place until the next set-up. Throws BAD_INPUT, UNKNOWN_PARTY, UNVERIFIED.
 */
export async function setUpEmergency(ctx: EmergencyCtx & { readonly custodians: Custodians }, input: SetUp): Promise<EmergencySetUp> {
  await checkCustodians(ctx, input)
  const before = ctx.session.state.ring.emergency
  const summary = await fileSummary(ctx, await emergencySummary(ctx))
  if (summary.filed) await publishState(ctx)
  const home = homeRelayUrl(ctx.session.state.ring)
  const { root, reader } = await makeReader(ctx, home)
  const consent = await grantReader(ctx, reader.session.state.ring.did, home)
  const state = await newState(ctx, input, { root, reader: reader.session.state.ring.did, consent, summary: summary.state })
  await changeRing(ctx, r => {
    const oldVetoes = vetoesOf(r)
    // Custodians keep the share of the highest version: it goes on even where emergency access had been ended.
    // A new list for them, so that who is custodian no more can be told of an empty one.
    const wakes = r.wakes ? { wakes: { ...r.wakes, version: r.wakes.version + 1, told: [] } } : {}
    return { ...r, ...wakes, oldVetoes, emergency: { ...state, version: Math.max(0, ...oldVetoes.map(v => v.version)) + 1 } }
  })
  const unreached = await giveShares(ctx)
  await tellWakes(ctx)
  if (before) await endBefore(ctx, before)
  const gone = (before?.custodians ?? []).filter(c => !input.custodians.some(n => n.did === c.did))
  await forgetWakes(
    ctx,
    gone.map(c => c.did),
  )
  // Its grant is put into the package now: nobody may come before the mailbox forgets it.
  await receiveMessages(reader)
  return { version: ctx.session.state.ring.emergency!.version, unreached }
}

/** The veto keys of cards that are no longer in force, with that of the present one: what was asked under it can still be answered. */
function vetoesOf({ oldVetoes = [], emergency: now }: Keyring): NonNullable<Keyring['oldVetoes']> {
  return [...oldVetoes, ...(now ? [{ version: now.version, key: now.veto }] : [])].slice(-256)
}

/**
 * Ends emergency access: the consent behind it is revoked, so the compartment begins a new generation, and card and shares open nothing
 * more. Earlier openings can still be vetoed and reviewed. Throws NOT_FOUND, NEEDS_RELAY.
 */
export async function endEmergency(ctx: EmergencyCtx): Promise<void> {
  const before = emergencyOf(ctx)
  await endBefore(ctx, before)
  await changeRing(ctx, r => {
    const { emergency: _ended, wakes, ...rest } = r
    // The number of the list goes on, as that of the card does.
    return { ...rest, ...(wakes ? { wakes: { ...emptied(wakes), version: wakes.version + 1, told: [] } } : {}), oldVetoes: vetoesOf(r) }
  })
  await forgetWakes(
    ctx,
    before.custodians.map(c => c.did),
  )
}

/** What was set up before, once more with new keys and a new card: owed after every opening. Throws NOT_FOUND. */
export function replaceEmergency(ctx: EmergencyCtx & { readonly custodians: Custodians }): Promise<EmergencySetUp> {
  const { custodians, commitment, contacts, rules } = emergencyOf(ctx)
  const { delay, window, persons } = rules
  return setUpEmergency(ctx, { custodians, threshold: commitment.threshold, contacts, delay, window, persons: persons === 2 ? 2 : 1 })
}

/** Throws NOT_FOUND when nothing is set up. */
export function emergencyOf({ session }: Pick<Ctx, 'session'>): EmergencyState {
  const found = session.state.ring.emergency
  if (!found) throw new KeepwellError('NOT_FOUND', 'Emergency access is not set up in this vault.')
  return found
}

async function checkCustodians(ctx: EmergencyCtx & { readonly custodians: Custodians }, { custodians, threshold }: SetUp): Promise<void> {
  const sane = threshold >= 2 && threshold <= custodians.length && custodians.length <= MAX_CUSTODIANS
  ensure(sane, 'BAD_INPUT', `Emergency access takes 2 to ${MAX_CUSTODIANS} custodians, and at least two of them together.`)
  const places = new Set(custodians.map(c => new URL(c.url).origin))
  const apart = new Set(custodians.map(c => c.did)).size === custodians.length && places.size === custodians.length
  ensure(apart, 'BAD_INPUT', 'Each custodian holds one share: name each party and each address once.')
  for (const { did, url } of custodians) {
    ensure(did !== ctx.session.state.ring.did, 'BAD_INPUT', 'You cannot be a custodian of your own record.')
    await verifiedParty(ctx, did)
    // After an opening new keys cannot wait for a custodian that is down: one that was there before is not asked again.
    if (ctx.session.state.ring.emergency?.custodians.some(c => c.did === did && c.url === url)) continue
    const info = await ctx.custodians(url).info()
    ensure(info.did === did, 'UNVERIFIED', `At ${url} another party is custodian than the contact you named.`)
  }
}

/** The reader is our own making, so it is a verified contact; the consent covers the emergency compartment and nothing else. */
async function grantReader(ctx: EmergencyCtx, reader: Did, home: string): Promise<Uint8Array> {
  const party = await findParty(ctx, reader, [home])
  ensure(party, 'DEFECT', 'The emergency reader is not at the relay where it was made.')
  await bundleOf(ctx, party, [home])
  await remember(ctx, party, 'Emergency access')
  const { commitment } = await grant(ctx, {
    to: reader,
    level: 'read',
    purposes: ['ETREAT'],
    compartments: [compartmentNamed(ctx.session.state.ring, 'emergency').id],
    expiry: ctx.clock() + HORIZON,
  })
  return commitment
}

type Made = Pick<EmergencyState, 'root' | 'reader' | 'consent' | 'summary'>

async function newState(ctx: EmergencyCtx, input: SetUp, made: Made): Promise<Omit<EmergencyState, 'version'>> {
  const { custodians, threshold, contacts = [], delay = 0, window = DAY, persons = 1 } = input
  const veto = secretKey(ctx)
  const { shares, commitment } = await split({ secret: made.root, shares: custodians.length, threshold, random: ctx.random })
  const nameOf = (did: Did): string => ctx.session.state.ring.contacts.find(c => c.did === did)?.name ?? did
  return {
    ...made,
    card: ctx.random(32),
    veto,
    rules: { veto: secpAddress(veto), delay, window, persons },
    commitment: { ...commitment, shares: [...commitment.shares] },
    custodians: custodians.map(({ did, url }, i) => ({ did, url, name: nameOf(did), share: shares[i]!, drilledAt: null })),
    contacts: [...contacts],
    at: ctx.clock(),
    keys: keysVersion(ctx),
  }
}

const keysVersion = ({ session }: Pick<Ctx, 'session'>): number => peek(ownBundle(session.state.ring).signed, bundleMessage).version

/** Seals each custodian its one share; returns the names of those out of reach. */
async function giveShares(ctx: EmergencyCtx): Promise<string[]> {
  const { ring } = ctx.session.state
  const state = emergencyOf(ctx)
  const vetoed = (ring.openings ?? []).filter(o => o.vetoedAt)
  const barredCredentials = await credentialsOf(ctx, vetoed)
  const unreached: string[] = []
  for (const c of state.custodians) {
    const content: Custody = {
      v: 1,
      vault: ring.did,
      version: state.version,
      share: c.share,
      commitment: state.commitment,
      rules: state.rules,
      card: cardAddress(state.card),
      relays: [homeRelayUrl(ring)],
      contacts: state.contacts,
      barred: [...new Set(vetoed.map(o => o.requester))],
      ...(barredCredentials.length ? { barredCredentials } : {}),
    }
    try {
      await post(ctx, await verifiedParty(ctx, c.did), 'share', content, { introduce: true })
    } catch (e) {
      if (!isKeepwellError(e)) throw e
      unreached.push(c.name)
    }
  }
  return unreached
}

/** The credentials that these were asked for under, each once; of what was asked on another ledger none is known. */
async function credentialsOf(ctx: EmergencyCtx, openings: readonly Opening[]): Promise<Uint8Array[]> {
  const { emergencies } = await homeLedger(ctx)
  const asked = await Promise.all(openings.map(o => emergencies.request(o.tag)))
  return [...new Map(asked.flatMap(a => (a ? [[toHex(a.credential), a.credential] as const] : []))).values()]
}

async function endBefore(ctx: EmergencyCtx, before: EmergencyState): Promise<void> {
  await revoke(ctx, before.consent).catch(e => {
    if (!isKeepwellError(e, 'NO_GRANT')) throw e
  })
  await changeRing(ctx, r => ({ ...r, contacts: r.contacts.filter(c => c.did !== before.reader) }))
}

/** The card of what is set up now, as the text of one QR code. */
export function ownCard(ctx: Pick<Ctx, 'session'>): string {
  const { ring } = ctx.session.state
  const state = emergencyOf(ctx)
  const card = {
    v: 1 as const,
    chainId: ownSeat(ring).chainId,
    secret: state.card,
    version: state.version,
    relays: [homeRelayUrl(ring)],
    custodians: state.custodians.map(c => c.url),
    rules: state.rules,
    shares: commitmentHash(state.commitment),
  }
  return cardText(card, state.summary?.text ?? '', state.veto)
}

const cardHash = (ctx: Pick<Ctx, 'session'>): Uint8Array => sha256(utf8(ownCard(ctx)))

/** Notes that the card was printed as it is now. */
export const notePrinted = (ctx: EmergencyCtx): Promise<unknown> =>
  changeRing(ctx, r => (r.emergency ? { ...r, emergency: { ...r.emergency, printed: cardHash(ctx) } } : r))

/**
 * - `opened`: somebody asked under this card, and may hold what its key opens.
 * - `keys`: the vault's keys were replaced since, so whoever held the old ones held this key as well.
 * - `horizon`: the consent behind it ends in less than 90 days.
 * - `card`: everything holds, but the card as it is now was not printed.
 */
export type Owed = 'opened' | 'keys' | 'horizon' | 'card'

/** What this vault owes its emergency access; all but `card` take a new set-up. */
export function emergencyOwed(ctx: Pick<Ctx, 'clock' | 'session'>): Owed | null {
  const { ring } = ctx.session.state
  const now = ring.emergency
  if (!now) return null
  if (ring.openings?.some(o => o.version === now.version)) return 'opened'
  if (now.keys !== undefined && keysVersion(ctx) > now.keys) return 'keys'
  if (ctx.clock() > now.at + HORIZON - 90 * DAY) return 'horizon'
  return now.printed && equal(now.printed, cardHash(ctx)) ? null : 'card'
}

export type Currency = { readonly filed: boolean; readonly renew: Owed | null }

/** Keeps what is set up current: the summary follows the record, and new generations reach the reader. Says what is owed. */
export async function keepEmergencyCurrent(ctx: EmergencyCtx): Promise<Currency> {
  const before = emergencyOf(ctx)
  const { filed } = await fileSummary(ctx, await emergencySummary(ctx))
  if (filed) await publishState(ctx)
  await openReader(ctx, before.root, [homeRelayUrl(ctx.session.state.ring)])
  await tellWakes(ctx)
  return { filed, renew: emergencyOwed(ctx) }
}
