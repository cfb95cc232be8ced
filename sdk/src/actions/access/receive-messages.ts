import type { Ctx } from '#actions/context'
import { withBells } from '#actions/emergency/wake'
import type { GuardianNews } from '#actions/guardians/take'
import type { RightNews } from '#actions/rights/cases'
import { limitsOf } from '#actions/rights/ring'
import { callRelay, contactRelays, contactSeats, findParty, homeRelay, partyAt, pinned, trustBundle } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { withInbox } from '#actions/vault/inboxes'
import { compare, concat, equal, toHex } from '#base/bytes'
import { decode, encode } from '#base/cbor'
import { type ErrorCode, ensure, isKeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import { REASONS, type Reason } from '#consent/decide'
import { declined } from '#consent/limits'
import { commitmentOf, decodeTerms, narrower, readTerms, type SignedTerms, type Terms, terms as termsShape } from '#consent/terms'
import { verifyShare } from '#crypto/shamir'
import { type Bell, bellList, type Concern, MAX_GIVEN, markOf, type OwnBell } from '#identity/bell'
import { type Bundle, bundleMessage, encodeBundle, type Party, standingOf } from '#identity/bundle'
import type { Did } from '#identity/did'
import { custody, type Opening } from '#identity/emergency'
import { seatedNow } from '#identity/hand-over'
import type { Contact, GivenGrant, PassedGrant, ReceivedGrant } from '#identity/keyring'
import { type Incoming, openMessage, verifyMessage } from '#identity/message-open'
import { peek, verifySigned } from '#identity/signed'
import { wakeList } from '#identity/wake'
import {
  type AccessRequestMessage,
  type AgentWord,
  acceptance,
  accessRequest,
  grantMessage,
  keyPackage,
  type NoticeMessage,
  noticeMessage,
  passedNote,
  revokedMessage,
} from '#wire/messages'
import { MESSAGES_PAGE } from '#wire/methods'
import { bundleOf } from './add-contact.ts'
import { type CredentialState, checkCredential } from './check-credential.ts'
import { pinnedAt } from './confirm-contact.ts'
import { keepContactCredential } from './contact-credential.ts'
import { remember } from './invite.ts'
import { checkPassed, notePassed } from './passed.ts'
import { sendNotice } from './send-notice.ts'

type Receiving = Pick<Ctx, 'clock' | 'random' | 'network' | 'session' | 'custody'>

/** What arrived, in the words of the commands that show it. */
export type Arrival =
  | { readonly kind: 'contact'; readonly did: Did; readonly name: string }
  | {
      readonly kind: 'request'
      readonly did: Did
      readonly name: string
      readonly verified: boolean
      readonly at: number
      readonly request: AccessRequestMessage
      /** What the credential that came along is worth; absent without one. */
      readonly vouched?: CredentialState
      /** Where the asker is reached, by its own word. */
      readonly relays: readonly string[]
    }
  | { readonly kind: 'grant'; readonly did: Did; readonly name: string; readonly commitment: string; readonly renewed: boolean }
  | { readonly kind: 'passed-on'; readonly did: Did; readonly name: string; readonly to: string; readonly commitment: string }
  | { readonly kind: 'revoked'; readonly did: Did; readonly name: string; readonly commitment: string }
  | { readonly kind: 'notice'; readonly did: Did; readonly name: string; readonly text: string; readonly said?: AgentWord }
  | { readonly kind: 'emergency'; readonly did: Did; readonly name: string; readonly opening: Opening }
  | { readonly kind: 'share'; readonly did: Did; readonly name: string; readonly version: number; readonly kept: boolean }
  | { readonly kind: 'bells'; readonly did: Did; readonly name: string; readonly bells: number }
  | { readonly kind: 'bell'; readonly did: Did; readonly name: string; readonly given: boolean }
  | { readonly kind: 'concern'; readonly did: Did; readonly name: string; readonly of: string; readonly concern: Concern }
  | { readonly kind: 'wakes'; readonly did: Did; readonly name: string; readonly devices: number }
  | { readonly kind: 'right'; readonly did: Did; readonly name: string; readonly news: RightNews }
  | { readonly kind: 'declined'; readonly did: Did; readonly name: string; readonly purpose: string; readonly why: Reason }
  | { readonly kind: 'guardian'; readonly did: Did; readonly name: string; readonly news: GuardianNews }
  | Refused

type Refused = { readonly kind: 'refused'; readonly code: string; readonly message: string }

/** How many strangers may name relays that do not answer before the others' messages wait unasked: each may take a minute. */
const STRANGERS_AWAY = 3
/** How many of strangers' messages may wait unasked; a mailbox that is full takes nobody's. */
const MAX_UNASKED = 4 * MESSAGES_PAGE

/**
 * Takes what waits at the home relay; each message is deleted there only after it was dealt with here. One that takes a relay which does
 * not answer, or is not followed, waits for the next time, and holds up nobody else's: whom it names a stranger chooses. Where a page is full of what waits, a
 * stranger's is refused instead. `heard` is told of each at once: those that follow may take their time. Throws RELAY_UNREACHABLE where
 * the home relay does not answer.
 */
export async function receiveMessages(ctx: Receiving, heard: (arrival: Arrival) => void = () => {}): Promise<Arrival[]> {
  const relay = await homeRelay(ctx)
  const arrivals: Arrival[] = []
  const seen = new Set<string>()
  const away: Away = { known: new Set(), strangers: 0, unasked: 0 }
  let from: { readonly done: Uint8Array[]; readonly after?: Uint8Array } = { done: [] }
  for (;;) {
    const { messages } = await callRelay(ctx, relay, 'take-messages', from)
    const last = messages.at(-1)?.id
    // A relay that shows a message again after it was told that it is done with would keep us here for ever.
    const fresh = messages.filter(m => !seen.has(toHex(m.id)))
    if (fresh.length === 0) {
      if (!last || (from.after && compare(last, from.after) <= 0)) return arrivals
      from = { done: [], after: last }
      continue
    }
    const opened: Opened[] = []
    for (const { id, message } of fresh) {
      const one = await orRefused(() => withInbox(ctx.session.state.ring, secret => openMessage(message, secret)))
      const strange = one.kind !== 'refused' && !ctx.session.state.ring.contacts.some(c => c.did === one.body.signer)
      opened.push({ id, one, strange, rank: ranked(one, strange, ctx.random(4)) })
      seen.add(toHex(id))
    }
    const done: Uint8Array[] = []
    for (const { id, one, strange } of opened.toSorted((x, y) => compare(x.rank, y.rank))) {
      const arrival = one.kind === 'refused' ? one : await orWaiting(ctx, one, { away, strange, full: messages.length >= MESSAGES_PAGE })
      if (arrival === 'waits') continue
      arrivals.push(arrival)
      heard(arrival)
      done.push(id)
    }
    from = { ...from, done }
  }
}

type Opened = { readonly id: Uint8Array; readonly one: Incoming | Refused; readonly strange: boolean; readonly rank: Uint8Array }

/**
 * Strangers come last, and each time in another order, so that none has its turn after those that do not answer for ever. A relay keeps no
 * order: what ends a consent counts after what renewed it, or it would live on here for ever.
 */
const ranked = ({ kind }: Opened['one'], strange: boolean, random: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(Number(strange), Number(kind === 'revoked')), random)

/** What could not be dealt with this time: of whom that is known which kinds, and how much of strangers. */
type Away = { readonly known: Set<string>; strangers: number; unasked: number }
type Waiting = { readonly away: Away; readonly strange: boolean; readonly full: boolean }

async function orWaiting(ctx: Receiving, one: Incoming, { away, strange, full }: Waiting): Promise<Arrival | 'waits'> {
  const of = (kind: Incoming['kind']): string => `${kind} ${one.body.signer}`
  if (strange && away.strangers >= STRANGERS_AWAY) return ++away.unasked > MAX_UNASKED ? UNREACHED : 'waits'
  if (away.known.has(of(one.kind)) || (one.kind === 'revoked' && away.known.has(of('grant')))) return 'waits'
  const arrival = await orRefused(() => takeOne(ctx, one))
  if (arrival.kind !== 'refused' || !NOT_YET.includes(arrival.code)) return arrival
  if (strange) away.strangers++
  else away.known.add(of(one.kind))
  return strange && full ? arrival : 'waits'
}

/** What another time may bring: the relay is back, or whoever runs this allowed it. */
const NOT_YET: readonly string[] = ['RELAY_UNREACHABLE', 'RELAY_NOT_FOLLOWED'] satisfies ErrorCode[]

const UNREACHED: Refused = {
  kind: 'refused',
  code: 'RELAY_UNREACHABLE',
  message: 'Too much waits of strangers whose relays do not answer.',
}

/** A bad message is reported and dropped, for it would come again for ever. */
async function orRefused<T>(work: () => Promise<T>): Promise<T | Refused> {
  try {
    return await work()
  } catch (e) {
    return isKeepwellError(e)
      ? { kind: 'refused', code: e.code, message: e.message }
      : { kind: 'refused', code: 'DEFECT', message: 'A message could not be read.' }
  }
}

/** One opened message dealt with: its sender checked, and what it says done. */
export async function takeOne(ctx: Receiving, incoming: Incoming): Promise<Arrival> {
  const sender = await senderOf(ctx, incoming)
  if (incoming.from) await noteMoved(ctx, incoming.from)
  const { content, at } = await verifyMessage(incoming, sender)
  await noteNewer(ctx, sender, incoming.from)
  const arrival = await HANDLERS[incoming.kind](ctx, sender, content, at)
  if (arrival.kind === 'grant' && incoming.from) await meet(ctx, sender, { bundle: encodeBundle(incoming.from), name: arrival.name })
  return arrival
}

/** Who shares with us is remembered, unverified, so that its later messages are believed; who is known stays as it is. */
async function meet(ctx: Receiving, { did }: Party, { bundle, name }: Pick<Contact, 'bundle' | 'name'>): Promise<void> {
  if (ctx.session.state.ring.contacts.some(c => c.did === did)) return
  await changeRing(ctx, r => {
    const known = r.contacts.some(c => c.did === did)
    return known ? r : { ...r, contacts: [...r.contacts, { did, name, bundle, verified: false, at: ctx.clock() }] }
  })
}

/** A contact's newer keys, once something came under them: what came before counts no more, also where its ledger cannot be asked. */
async function noteNewer(ctx: Receiving, sender: Party, from: Bundle | undefined): Promise<void> {
  const before = pinned(ctx, sender.did)
  if (!before || sender.version <= peek(before.signed, bundleMessage).version) return
  const found = from ?? (await bundleOf(ctx, sender, []).catch(() => null))
  if (!found) return
  const newest = encodeBundle(found)
  await changeRing(ctx, r => ({ ...r, contacts: r.contacts.map(c => (c.did === sender.did ? { ...c, newest } : c)) }))
}

/**
 * A contact that moved to another ledger is reached there from now on. Its own keys' word was enough for that, and is not for trusting it with
 * anything: the fingerprint is to be compared anew.
 */
async function noteMoved(ctx: Receiving, from: Bundle): Promise<void> {
  const did = from.signed.signer
  const { seat } = seatedNow(standingOf(from))
  if (!ctx.session.state.ring.contacts.some(c => c.did === did) || contactSeats(ctx, did)[0] === seat) return
  const bundle = encodeBundle(from)
  await changeRing(ctx, r => ({ ...r, contacts: r.contacts.map(c => (c.did === did ? pinnedAt(c, { bundle, verified: false }) : c)) }))
}

async function senderOf(ctx: Receiving, incoming: Incoming): Promise<Party> {
  if (incoming.from) return trustBundle(ctx, incoming.from)
  const known = await findParty(ctx, incoming.body.signer, contactRelays(ctx, incoming.body.signer))
  ensure(known, 'UNKNOWN_PARTY', 'The sender of a message is not known and did not introduce itself.')
  return known
}

type Handler = (ctx: Receiving, sender: Party, content: Uint8Array, at: number) => Promise<Arrival>

const nameOf = (ctx: Receiving, did: Did): string => ctx.session.state.ring.contacts.find(c => c.did === did)?.name ?? did

/** Who signed a consent that was given to us: the patient, or a proxy. */
const proxyOf = (g: ReceivedGrant): Did => decodeTerms(g.terms).signed.signer

const HANDLERS: Record<Incoming['kind'], Handler> = {
  invitation: acceptContact,
  async request(ctx, sender, content, at) {
    const request = decodeAs(accessRequest, content)
    const contact = ctx.session.state.ring.contacts.find(c => c.did === sender.did)
    const vouched = request.credential && (await checkCredential(ctx, request.credential, sender.did))
    // The issuer vouches for the name as well, so it is the one to show; a name that the asker gave itself before is not vouched for.
    const said = vouched === 'live' ? request.credential!.name : (contact?.name ?? request.name)
    const name = contact?.verified ? contact.name : said
    const verified = contact?.verified === true || vouched === 'live'
    if (vouched === 'live') await keepContactCredential(ctx, { did: sender.did, credential: request.credential! })
    const why = declined(limitsOf(ctx.session.state.ring)?.limits ?? null, request.purpose)
    if (why) return decline(ctx, { did: sender.did, name, relays: sender.relays }, request.purpose, why)
    return { kind: 'request', did: sender.did, name, verified, relays: sender.relays, at, request, ...(vouched ? { vouched } : {}) }
  },
  grant: takeGrant,
  async revoked(ctx, sender, content) {
    const { commitment } = decodeAs(revokedMessage, content)
    const ends = (p: PassedGrant): boolean => equal(p.commitment, commitment) && p.proxy === sender.did
    // The patient may end what we passed on in their name; it is not renewed then.
    const ours = (g: GivenGrant): boolean =>
      equal(g.commitment, commitment) && readTerms(decodeTerms(g.terms).signed).patient === sender.did
    await changeRing(ctx, ring => ({
      ...ring,
      given: ring.given.map(g => (ours(g) ? { ...g, state: 'revoked' as const } : g)),
      received: ring.received.filter(g => !(equal(g.commitment, commitment) && [g.patient, proxyOf(g)].includes(sender.did))),
      ...(ring.passed ? { passed: ring.passed.map(p => (ends(p) ? { ...p, state: 'revoked' as const } : p)) } : {}),
    }))
    return { kind: 'revoked', did: sender.did, name: nameOf(ctx, sender.did), commitment: toHex(commitment) }
  },
  async notice(ctx, sender, content, at) {
    const { text, emergency, gone, said, bell, concern } = decodeAs(noticeMessage, content)
    if (bell !== undefined) return takeBell(ctx, sender, bell, at)
    const of = concern ? await noteConcern(ctx, concern) : null
    if (concern && of) return { kind: 'concern', did: sender.did, name: nameOf(ctx, sender.did), of: nameOf(ctx, of), concern }
    const told = emergency ? await noteOpening(ctx, sender.did, emergency) : null
    if (gone) await noteGone(ctx, sender.did, gone)
    const { did } = sender
    if (told) return { kind: 'emergency', did, name: nameOf(ctx, did), opening: told }
    // Our own agent alone speaks in the app's words.
    const own = said && did === ctx.session.state.ring.did ? { said } : {}
    return { kind: 'notice', did, name: nameOf(ctx, did), text, ...own }
  },
  async guardian(ctx, sender, content) {
    // Loaded when one comes: few days of a life need it, and every first visit would wait for it.
    const { takeGuardianMessage } = await import('#actions/guardians/take')
    const news = await takeGuardianMessage(ctx, sender, content)
    return { kind: 'guardian', did: sender.did, name: nameOf(ctx, sender.did), news }
  },
  async right(ctx, sender, content, at) {
    const { takeRightMessage } = await import('#actions/rights/cases')
    const name = nameOf(ctx, sender.did)
    const patient = ctx.session.state.ring.received.find(g => g.patient === sender.did)?.name
    const known = name === sender.did && patient ? patient : name
    return { kind: 'right', did: sender.did, name: known, news: await takeRightMessage(ctx, { did: sender.did, name: known, at }, content) }
  },
  share: takeShare,
  device: refuseKind,
}

type Asker = { readonly did: Did; readonly name: string; readonly relays: readonly string[] }

/** Answers for the person what they have answered once for all: an asker that cannot be told is declined all the same. */
async function decline(ctx: Receiving, { did, name, relays }: Asker, purpose: string, why: Reason): Promise<Arrival> {
  const text = `${ctx.session.state.ring.name} declines: ${REASONS[why]}`
  await sendNotice(ctx, { to: did, text, relays }).catch(e => {
    if (!isKeepwellError(e)) throw e
  })
  return { kind: 'declined', did, name, purpose, why }
}

/** A custodian's notice of a release; from anybody else it is a notice like others, for it would cry wolf. */
async function noteOpening(ctx: Receiving, from: Did, told: NonNullable<NoticeMessage['emergency']>): Promise<Opening | null> {
  const known = ctx.session.state.ring.emergency?.custodians.some(c => c.did === from)
  if (!known) return null
  const merge = (before: readonly Opening[]): Opening[] => {
    const same = before.find(o => equal(o.tag, told.tag))
    const made = same ? { ...same, custodians: [...new Set([...same.custodians, from])] } : { ...told, custodians: [from] }
    return [...before.filter(o => o !== same), made].slice(-1024)
  }
  const ring = await changeRing(ctx, r => ({ ...r, openings: merge(r.openings ?? []) }))
  return ring.openings!.at(-1)!
}

/** What wakes a contact's devices, from that contact alone and at a relay of its own: it is the address at which custodians will ring. */
async function takeBell(ctx: Receiving, sender: Party, bell: Bell | null, at: number): Promise<Arrival> {
  const before = ctx.session.state.ring.contacts.find(c => c.did === sender.did)
  ensure(before, 'UNVERIFIED', 'A stranger offered to be woken in an emergency.')
  ensure(!bell || sender.relays.includes(bell.relay), 'BAD_SIGNATURE', 'A contact’s bell hangs at a relay that is not theirs.')
  ensure(!before.bell || before.bell.at <= at, 'REPLAYED', 'An older bell of a contact arrived again; the newer one stays.')
  await changeRing(ctx, r => {
    const next = { ...r, contacts: r.contacts.map(c => (c.did === sender.did ? { ...c, bell: { at, bell } } : c)) }
    const chosen = r.wakes?.bells
    return chosen?.includes(sender.did) ? withBells(next, bell ? chosen : chosen.filter(did => did !== sender.did)) : next
  })
  return { kind: 'bell', did: sender.did, name: before.name, given: bell !== null }
}

/** A word about somebody whom we gave our bell: whose it is, by the mark that they alone were given. Null for any other mark. */
async function noteConcern(ctx: Receiving, told: Concern): Promise<Did | null> {
  const { bell } = ctx.session.state.ring
  const of = bell?.given.find(g => equal(markOf(bell.marking, g.did), told.mark))?.did
  if (!of) return null
  const { mark: _ours, ...heard } = { ...told, of }
  const known = (b: OwnBell): boolean => b.heard.some(h => equal(h.id, told.id))
  if (bell && !known(bell))
    await changeRing(ctx, r =>
      r.bell && !known(r.bell) ? { ...r, bell: { ...r.bell, heard: [...r.bell.heard, heard].slice(-MAX_GIVEN) } } : r,
    )
  return of
}

/** A custodian's word about devices it was to wake; anybody else knows of none. */
async function noteGone(ctx: Receiving, from: Did, gone: readonly Uint8Array[]): Promise<void> {
  const { emergency, wakes } = ctx.session.state.ring
  const named = (id: Uint8Array): boolean => gone.some(g => equal(g, id))
  if (!emergency?.custodians.some(c => c.did === from) || !wakes?.devices.some(d => named(d.wake.id) && !d.gone)) return
  const now = ctx.clock()
  await changeRing(ctx, r => {
    if (!r.wakes) return r
    return { ...r, wakes: { ...r.wakes, devices: r.wakes.devices.map(d => (named(d.wake.id) && !d.gone ? { ...d, gone: now } : d)) } }
  })
}

/** A vault's share of its emergency key, for us to hold, or whom it wants to be woken. */
async function takeShare(ctx: Receiving, sender: Party, content: Uint8Array): Promise<Arrival> {
  const said = decode(content)
  const names = (member: string): boolean => typeof said === 'object' && said !== null && member in said
  if (names('devices')) return takeWakes(ctx, sender, content)
  return names('bells') ? takeBells(ctx, sender, content) : takeCustody(ctx, sender, content)
}

async function takeBells(ctx: Receiving, sender: Party, content: Uint8Array): Promise<Arrival> {
  const given = decodeAs(bellList, content)
  ensure(ctx.custody, 'NOT_SUPPORTED', 'Bells to ring arrived, and this home is no custodian.')
  const known = ctx.session.state.ring.contacts.some(c => c.did === sender.did)
  ensure(known, 'UNVERIFIED', 'A stranger named bells to ring; a custodian rings those that its contacts chose.')
  ensure(given.vault === sender.did, 'BAD_SIGNATURE', 'Bells of another vault than their sender’s arrived.')
  await ctx.custody.keepBells(given)
  return { kind: 'bells', did: sender.did, name: nameOf(ctx, sender.did), bells: given.bells.length }
}

async function takeWakes(ctx: Receiving, sender: Party, content: Uint8Array): Promise<Arrival> {
  const given = decodeAs(wakeList, content)
  ensure(ctx.custody, 'NOT_SUPPORTED', 'Devices to wake arrived, and this home is no custodian.')
  const known = ctx.session.state.ring.contacts.some(c => c.did === sender.did)
  ensure(known, 'UNVERIFIED', 'A stranger named devices to wake; a custodian wakes those of its contacts.')
  ensure(given.vault === sender.did, 'BAD_SIGNATURE', 'Devices of another vault than their sender’s arrived.')
  const kept = await ctx.custody.changeWakes(sender.did, before =>
    before && before.version >= given.version ? before : { ...given, gone: before?.gone ?? [] },
  )
  return { kind: 'wakes', did: sender.did, name: nameOf(ctx, sender.did), devices: kept!.devices.length }
}

async function takeCustody(ctx: Receiving, sender: Party, content: Uint8Array): Promise<Arrival> {
  const given = decodeAs(custody, content)
  ensure(ctx.custody, 'NOT_SUPPORTED', 'A share arrived, and this home is no custodian; ask its owner to set up anew.')
  const known = ctx.session.state.ring.contacts.some(c => c.did === sender.did)
  ensure(known, 'UNVERIFIED', 'A stranger sent a share; a custodian keeps those of its contacts.')
  ensure(given.vault === sender.did, 'BAD_SIGNATURE', 'A share of another vault than its sender’s arrived.')
  ensure(verifyShare(given.share, given.commitment), 'SHARE_TAMPERED', 'A share arrived that does not match its commitment.')
  const kept = await ctx.custody.keep(given)
  return { kind: 'share', did: sender.did, name: nameOf(ctx, sender.did), version: given.version, kept }
}

async function refuseKind(): Promise<Arrival> {
  return { kind: 'refused', code: 'NOT_SUPPORTED', message: 'A message of a kind that this version does not use.' }
}

async function acceptContact(ctx: Receiving, sender: Party, content: Uint8Array): Promise<Arrival> {
  const { secret, name } = decodeAs(acceptance, content)
  const invited = ctx.session.state.ring.invitations.find(i => equal(i.secret, secret))
  ensure(
    invited && !invited.used && invited.expiry > ctx.clock(),
    'INVITATION_USED',
    'Someone answered an invitation that was used or has expired.',
  )
  await remember(ctx, sender, invited.name ?? name, secret)
  return { kind: 'contact', did: sender.did, name: invited.name ?? name }
}

/** Terms that a proxy signed count under the patient's own, and lead to the patient's relays, not to ones of the proxy's choice. */
async function checkProxy(ctx: Receiving, { signed, parent }: SignedTerms, terms: Terms, relays: readonly string[]): Promise<void> {
  ensure(parent && parent.signer === terms.patient, 'NO_GRANT', 'A grant arrived that neither the patient nor a proxy signed.')
  const patient = await partyAt(ctx, terms.patient, parent.version, relays)
  ensure(patient, 'UNKNOWN_PARTY', 'The key bundle of a patient in whose name a proxy granted is not to be had.')
  const outer = await verifySigned(parent, 'terms', termsShape, patient.keys)
  const under = terms.under !== null && equal(terms.under, commitmentOf(outer))
  ensure(outer.grantee === signed.signer && under && narrower(terms, outer), 'NO_GRANT', 'A proxy granted more than it was given.')
  ensure(
    relays.every(url => patient.relays.includes(url)),
    'NO_GRANT',
    'A proxy’s grant leads to a relay that is not the patient’s.',
  )
}

/** A grant counts only when its terms are signed by the patient (or a proxy), name us, and its package belongs to them. */
async function takeGrant(ctx: Receiving, sender: Party, content: Uint8Array, at: number): Promise<Arrival> {
  const { ring } = ctx.session.state
  const message = decodeAs(grantMessage, content)
  const signedTerms = decodeTerms(message.terms)
  const terms = readTerms(signedTerms.signed)
  const signer =
    signedTerms.signed.version === sender.version ? sender : await partyAt(ctx, sender.did, signedTerms.signed.version, sender.relays)
  ensure(signer, 'UNKNOWN_PARTY', 'The key bundle under which a grant was signed is not to be had.')
  await verifySigned(signedTerms.signed, 'terms', termsShape, signer.keys)
  if (terms.patient === ring.did && sender.did !== ring.did) return takePassed(ctx, signer, signedTerms, message.package)
  const mine = signedTerms.signed.signer === sender.did && terms.grantee === ring.did
  ensure(mine, 'NO_GRANT', 'A grant for someone else arrived.')
  const commitment = commitmentOf(terms)
  const pack = decodeAs(keyPackage, message.package)
  ensure(equal(pack.commitment, commitment), 'NO_GRANT', 'A key package does not belong to its terms.')
  if (terms.patient !== sender.did) await checkProxy(ctx, signedTerms, terms, pack.relays)
  const known = ring.received.find(g => equal(g.commitment, commitment))
  ensure(!known || known.at <= at, 'REPLAYED', 'An older message about a consent arrived again; the newer one stays.')
  const name = pack.patientName || nameOf(ctx, terms.patient)
  await changeRing(ctx, r => ({
    ...r,
    received: [
      ...r.received.filter(g => !equal(g.commitment, commitment)),
      { commitment, terms: message.terms, patient: terms.patient, name, package: encode(pack), at },
    ],
  }))
  return { kind: 'grant', did: terms.patient, name, commitment: toHex(commitment), renewed: known !== undefined }
}

/** A proxy tells what it gave in our name. */
async function takePassed(ctx: Receiving, proxy: Party, signedTerms: SignedTerms, note: Uint8Array): Promise<Arrival> {
  const passed = await checkPassed(ctx, signedTerms, { proxy, name: decodeAs(passedNote, note).name })
  await notePassed(ctx, [passed])
  return { kind: 'passed-on', did: proxy.did, name: nameOf(ctx, proxy.did), to: passed.name, commitment: toHex(passed.commitment) }
}
