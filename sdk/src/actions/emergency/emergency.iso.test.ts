import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { remember } from '#actions/access/invite'
import { issueCredential } from '#actions/access/issue-credential'
import { keepCredential, ownCredentials } from '#actions/access/own-credentials'
import { post } from '#actions/access/post'
import { receiveMessages } from '#actions/access/receive-messages'
import { revoke } from '#actions/access/revoke'
import { verifyTrail } from '#actions/access/verify-trail'
import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { compartmentNamed } from '#actions/records/secrets'
import { draft, person, type World, world } from '#actions/story.kit'
import { callerOf, findParty, ownBundle } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { removeDevice } from '#actions/vault/devices'
import { rotate } from '#actions/vault/rotate'
import { equal, text, toHex, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { isKeepwellError, KeepwellError } from '#base/error'
import { kemKeyPair } from '#crypto/kem'
import { combine, split } from '#crypto/shamir'
import { encodeBundle } from '#identity/bundle'
import { type Call, signCall } from '#identity/call'
import type { Did } from '#identity/did'
import {
  type Custody,
  cardAddress,
  type EmergencyContact,
  preauthorisationText,
  provePossession,
  type ReleaseBody,
  readCard,
  readPreauthorisation,
} from '#identity/emergency'
import type { WakeDevice } from '#identity/wake'
import { newWakeKey } from '#identity/wake-key'
import { memoryCustodians, memoryCustody } from '#memory/custody'
import type { Custodian, CustodyStore } from '#ports/custody'
import { drillCustodians, openingOf, preauthorise, reviewOpening, vetoOpening } from './answer.ts'
import { sharedHosts } from './apart.ts'
import { approveEmergency, askEmergency, askedUnder, emergencyStatus, openEmergency } from './ask.ts'
import { answerDrill, type CustodianCtx, releaseShare, tellAgain } from './release.ts'
import {
  emergencyOf,
  emergencyOwed,
  endEmergency,
  keepEmergencyCurrent,
  notePrinted,
  ownCard,
  replaceEmergency,
  setUpEmergency,
} from './set-up.ts'
import { addWake, removeWake, tellWakes } from './wake.ts'

const HOME = 'http://home.test'
const DAY = 86_400

const code = async (work: () => Promise<unknown>): Promise<string> => {
  try {
    await work()
  } catch (e) {
    return isKeepwellError(e) ? `${e.code}: ${e.message}` : String(e)
  }
  return 'no error'
}

type Keeper = {
  readonly ctx: CustodianCtx
  readonly store: CustodyStore
  readonly url: string
  /** `silent`: a call is taken and never answered. */
  up: boolean | 'silent'
  readonly mail: string[]
  mailUp: boolean
  /** What happens while a mail is on its way. */
  mailing?: () => Promise<void>
  /** Devices it woke, by id in hex, and what the push service says. */
  readonly woken: { readonly device: WakeDevice; readonly id: string }[]
  push: 'taken' | 'gone' | 'down' | 'no key'
}

let w: World
let ada: Ctx
let doctor: Ctx
let nurse: Ctx
let locum: Ctx
const keepers: Keeper[] = []
const doors = new Map<string, Custodian>()
const custodians = memoryCustodians(doors)

const allergy = {
  resourceType: 'AllergyIntolerance',
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] },
  code: { text: 'Penicillin' },
  patient: { reference: 'Patient/ada' },
}
const bare = (ctx: Ctx) => ({ ...ctx, custodians })
const meet = async (ctx: Ctx, other: Pick<Ctx, 'session'>, name: string) =>
  remember(ctx, (await findParty(ctx, other.session.state.ring.did, [HOME]))!, name)
const contact: EmergencyContact = { name: 'Ben', kind: 'email', address: 'ben@example.org' }

async function keeper(i: number): Promise<Keeper> {
  const store = memoryCustody()
  const own = await person(w, `Custodian ${i}`, HOME)
  const mail: string[] = []
  let ticks = 0
  const notices = {
    async send(to: EmergencyContact, _subject: string, words: string) {
      if (!k.mailUp) throw new KeepwellError('PEER_FAILED', 'The mail server does not answer.')
      await k.mailing?.()
      mail.push(`${to.address}\n${words}`)
    },
    async wake(device: WakeDevice, id: Uint8Array) {
      if (k.push === 'down') throw new KeepwellError('PEER_FAILED', 'The push service does not answer.')
      // What Node's cryptography makes of a subscription whose key is no point of the curve.
      if (k.push === 'no key') throw new TypeError('Public key is not valid for specified curve')
      if (k.push === 'taken') k.woken.push({ device, id: toHex(id) })
      return k.push
    },
  }
  const ctx: CustodianCtx = { ...own, custody: store, notices, timer: () => ++ticks }
  const k: Keeper = { ctx, store, url: `http://custodian${i}.test`, up: true, mail, mailUp: true, woken: [], push: 'taken' }
  const answering = <T>(work: () => Promise<T>): Promise<T> => {
    if (k.up === 'silent') return new Promise(() => {})
    if (!k.up) throw new KeepwellError('RELAY_UNREACHABLE', 'The custodian is down.')
    return work()
  }
  doors.set(k.url, {
    url: k.url,
    info: async () => answering(async () => ({ did: own.session.state.ring.did, bundle: encodeBundle(ownBundle(own.session.state.ring)) })),
    release: async call => answering(() => releaseShare(ctx, call)),
    drill: async call => answering(() => answerDrill(ctx, call)),
  })
  await meet(ada, own, `Custodian ${i}`)
  await meet(own, ada, 'Ada')
  return k
}

/** From now until it is ended, a custodian that is up answers as if it held something else. */
function holding(k: Keeper, change: Partial<Custody>): () => void {
  const door = doors.get(k.url)!
  const altered = async (held: Promise<Custody | null>) => ({ ...(await held)!, ...change })
  const { store } = k
  const custody = { ...store, ofVault: (v: string) => altered(store.ofVault(v)), ofCard: (c: string) => altered(store.ofCard(c)) }
  const ctx = { ...k.ctx, custody }
  doors.set(k.url, { ...door, release: call => releaseShare(ctx, call), drill: call => answerDrill(ctx, call) })
  return () => void doors.set(k.url, door)
}

async function professional(name: string): Promise<Ctx> {
  const ctx = await person(w, name, HOME)
  const { ledger } = w.homes.get(HOME)!
  const { did, request } = { did: ctx.session.state.ring.did, request: (await findParty(ctx, ctx.session.state.ring.did))!.request }
  const given = await issueCredential({ ...w, ledger }, { holder: did, name, role: 'MD', expiry: w.now + 365 * DAY })
  await ledger.emergencies.enrol(given.id, request)
  await keepCredential(ctx, given)
  return ctx
}

const everyone = () => keepers.map(k => ({ did: k.ctx.session.state.ring.did, url: k.url }))
const takeShares = () => Promise.all(keepers.map(k => receiveMessages(k.ctx)))
const scan = () => readCard(ownCard(ada)).card
const ask = (by = doctor, card = scan()) => askEmergency(by, { card, reason: 'Found unconscious' })

beforeAll(async () => {
  w = await world([HOME], 'emergency')
  ada = await person(w, 'Ada', HOME)
  for (let i = 1; i <= 3; i++) keepers.push(await keeper(i))
  doctor = await professional('Dr Rao')
  nurse = await professional('Nurse Lin')
  locum = await professional('Dr Omar')
  const records = [allergy, { resourceType: 'Condition', code: { text: 'Diabetes type 1' }, subject: { reference: 'Patient/ada' } }]
  await fileRecords(
    ada,
    records.map(r => draft(ada, 'general', r.resourceType, utf8(JSON.stringify(r)))),
  )
  await fileRecords(ada, [draft(ada, 'mental-health', 'private', utf8(JSON.stringify({ ...allergy, code: { text: 'Secret thing' } })))])
  await setUpEmergency(bare(ada), {
    custodians: everyone(),
    threshold: 2,
    contacts: [contact],
  })
  await takeShares()
}, 240_000)

beforeEach(() => {
  for (const k of keepers) {
    k.up = k.mailUp = true
    k.push = 'taken'
    k.woken.length = 0
  }
})

describe('set up', () => {
  test('each custodian holds one share and proves it in a drill; one that lost it is named', async () => {
    expect((await drillCustodians(bare(ada))).map(d => d.state)).toEqual(['holds', 'holds', 'holds'])
    keepers[1]!.up = false
    expect((await drillCustodians(bare(ada))).map(d => d.state)).toEqual(['holds', 'unreachable', 'holds'])
    const { share } = (await keepers[0]!.store.ofVault(ada.session.state.ring.did))!
    for (const change of [{ share }, { version: 9 }]) {
      const end = holding(keepers[2]!, change)
      expect((await drillCustodians(bare(ada))).map(d => d.state)).toEqual(['holds', 'unreachable', 'wrong'])
      end()
    }
    const before = await keepers[0]!.store.ofVault(ada.session.state.ring.did)
    expect(await keepers[0]!.store.keep(before!)).toBe(false)
    expect(await keepers[0]!.store.vaults()).toHaveLength(1)
    const twice = { did: keepers[0]!.ctx.session.state.ring.did, url: keepers[0]!.url }
    expect(await code(() => setUpEmergency(bare(ada), { custodians: [twice, twice], threshold: 2 }))).toMatch(/^BAD_INPUT/)
  })

  test('a proof of a share is good for one question, and nobody asks for it in the patient’s name', async () => {
    const { ctx } = keepers[0]!
    const relay = ctx.session.state.ring.did
    const asks = (by: Ctx) => {
      const body = { nonce: w.random(32), bundle: encodeBundle(ownBundle(by.session.state.ring)) }
      return signCall(callerOf(by.session.state.ring), { relay, method: 'drill', body, nonce: w.random(16), time: w.now })
    }
    const [one, two] = [await answerDrill(ctx, asks(ada)), await answerDrill(ctx, asks(ada))]
    expect(toHex(one.proof)).not.toBe(toHex(two.proof))
    expect(await code(() => answerDrill(ctx, asks(doctor)))).toMatch(/^NOT_FOUND/)
    expect(await code(() => answerDrill(ctx, { ...asks(doctor), from: ada.session.state.ring.did }))).toMatch(/^BAD_SIGNATURE/)
  })

  test('T12: the card alone tells the summary with no network, guarded things left out, and a changed word shows', () => {
    const whole = ownCard(ada)
    const { summary, vouched } = readCard(whole)
    expect(summary).toContain('Allergies: Penicillin')
    expect(summary).toContain('Diabetes type 1')
    expect(summary).not.toContain('Secret')
    expect(vouched).toBe(true)
    expect(readCard(whole.replace('Penicillin', 'Paracetamol')).vouched).toBe(false)
    // What a QR code takes at the lowest level of correction (ISO/IEC 18004: 2953 bytes).
    expect(utf8(whole).length).toBeLessThan(2953)
  })
})

describe('an emergency', () => {
  test('a custodian down, a professional reads the summary, and the patient was told before the share left', async () => {
    keepers[2]!.up = false
    const card = scan()
    const asked = await ask()
    const { session, custodians: told, closesAt } = await openEmergency(bare(doctor), { card, asked })
    expect(told.filter(t => t.state === 'released')).toHaveLength(2)
    expect(closesAt).toBe(w.now + DAY)
    const [record] = await session.open(session.records.filter(r => r.card.title === 'Emergency summary').map(r => r.id))
    expect(text(record!.body)).toContain('Penicillin')
    expect(text(record!.body)).not.toContain('Secret thing')
    const outside = session.records.filter(r => !equal(r.compartment, compartmentNamed(ada.session.state.ring, 'emergency').id))
    expect(outside).toEqual([])

    const arrived = (await receiveMessages(ada)).filter(a => a.kind === 'emergency')
    expect(arrived.at(-1)).toMatchObject({ opening: { name: 'Dr Rao', reason: 'Found unconscious', tag: asked.tag } })
    expect(openingOf(ada, toHex(asked.tag)).custodians).toHaveLength(2)
    expect(keepers[0]!.mail.at(-1)).toContain('ben@example.org')
    expect(keepers[0]!.mail.join()).not.toContain(ada.session.state.ring.did)
    const trail = await verifyTrail(ada)
    expect(trail.problems).toEqual([])
    expect(trail.looked.some(l => l.receipt.purpose === 'ETREAT' && l.receipt.action === 'view')).toBe(true)
  })

  test('after an opening everything is replaced: the old card and the old key open nothing more, and the review is closed', async () => {
    const old = scan()
    expect((await keepEmergencyCurrent(ada)).renew).toBe('opened')
    await replaceEmergency(bare(ada))
    await takeShares()
    expect((await keepEmergencyCurrent(ada)).renew).toBe('card')
    await notePrinted(ada)
    expect((await keepEmergencyCurrent(ada)).renew).toBeNull()
    const asked = await ask(doctor, old)
    expect(await code(() => openEmergency(bare(doctor), { card: old, asked }))).toContain('NOT_FOUND')
    const opening = ada.session.state.ring.openings!.at(-1)!
    await reviewOpening(ada, opening, 'I was at the clinic; this is right.')
    const status = await emergencyStatus(ada, scan(), opening.tag)
    expect(status?.reviewHash).not.toBeNull()
    expect(JSON.stringify(status)).not.toContain('clinic')
  })

  test('a new generation reaches the package while custodians do nothing', async () => {
    const { consent } = emergencyOf(ada)
    const shared = ada.session.state.ring.given.find(g => equal(g.commitment, consent))!
    expect(shared.state).toBe('live')
    const before = compartmentNamed(ada.session.state.ring, 'emergency').generation
    const { grant } = await import('#actions/access/grant')
    await meet(ada, nurse, 'Nurse Lin')
    const other = await grant(ada, {
      to: nurse.session.state.ring.did,
      level: 'read',
      purposes: ['TREAT'],
      compartments: [compartmentNamed(ada.session.state.ring, 'emergency').id],
      expiry: w.now + DAY,
    })
    await revoke(ada, other.commitment)
    expect(compartmentNamed(ada.session.state.ring, 'emergency').generation).toBe(before + 1)
    await fileRecords(ada, [draft(ada, 'general', 'later', utf8(JSON.stringify({ ...allergy, code: { text: 'Latex' } })))])
    expect(await keepEmergencyCurrent(ada)).toMatchObject({ filed: true, renew: 'card' })
    const card = scan()
    const { session } = await openEmergency(bare(doctor), { card, asked: await ask() })
    const all = await session.open(session.records.map(r => r.id))
    expect(all.some(r => text(r.body).includes('Latex'))).toBe(true)
  })

  test('two persons where the patient wants two, unless one was preauthorised; a veto closes the window for all custodians', async () => {
    await setUpEmergency(bare(ada), { custodians: everyone(), threshold: 2, persons: 2 })
    await takeShares()
    const card = scan()
    const asked = await ask()
    expect(await code(() => openEmergency(bare(doctor), { card, asked }))).toContain('waiting')
    await approveEmergency(nurse, { tag: asked.tag, relays: card.relays })
    expect((await openEmergency(bare(doctor), { card, asked })).session.records.length).toBeGreaterThan(0)
    await receiveMessages(ada)
    await vetoOpening(ada, openingOf(ada, toHex(asked.tag)))
    expect(await code(() => openEmergency(bare(doctor), { card, asked }))).toContain('vetoed')
    expect(await code(() => ask())).toContain('Barred')
    const theirs = await ask(nurse, card)
    expect(await code(() => approveEmergency(doctor, { tag: theirs.tag, relays: card.relays }))).toContain('Barred')
    await replaceEmergency(bare(ada))
    await takeShares()
    const anew = scan()
    // The ledger does not know that the new card is the same patient's; the custodians do.
    const second = await ask(doctor, anew)
    await approveEmergency(nurse, { tag: second.tag, relays: anew.relays })
    expect(await code(() => openEmergency(bare(doctor), { card: anew, asked: second }))).toContain('DENIED')
    const word = await preauthorise(ada, { credential: credentialId(nurse), until: w.now + DAY })
    const own = await askEmergency(nurse, {
      card: anew,
      reason: 'Alone at night',
      preauthorisation: readPreauthorisation(preauthorisationText(word)),
    })
    expect((await emergencyStatus(nurse, anew, own.tag))?.state).toBe('open')
  })

  test('T11: whom the patient barred is nobody’s second person under a later card either, and keeps no other from being it', async () => {
    const card = scan()
    const [asked, again] = [await ask(nurse, card), await ask(nurse, card)]
    await approveEmergency(doctor, { tag: asked.tag, relays: card.relays })
    expect((await emergencyStatus(nurse, card, asked.tag))?.state, 'the ledger does not know whose card it is').toBe('open')
    expect(await code(() => openEmergency(bare(nurse), { card, asked }))).toMatch(
      /^DENIED: Too few custodians[^:]*: (\S+ DENIED(, )?){3}\.$/,
    )
    await approveEmergency(locum, { tag: again.tag, relays: card.relays })
    expect((await openEmergency(bare(nurse), { card, asked: again })).session.records.length).toBeGreaterThan(0)
  })
})

const credentialId = (ctx: Ctx): Uint8Array =>
  Object.entries(ctx.session.state.ring.marks)
    .find(([name]) => name.startsWith('credential/'))![0]
    .slice(11)
    .match(/../g)!
    .reduce((out, h, i) => out.fill(Number.parseInt(h, 16), i, i + 1), new Uint8Array(32))

describe('what the patient owes it', () => {
  test('ended, card and shares open nothing more, what was asked is still answered, and the next card goes on from there', async () => {
    await setUpEmergency(bare(ada), { custodians: everyone(), threshold: 2 })
    await takeShares()
    const { version } = emergencyOf(ada)
    const card = scan()
    const asked = await ask(locum, card)
    await openEmergency(bare(locum), { card, asked })
    await receiveMessages(ada)
    await endEmergency(ada)
    expect(emergencyOwed(ada)).toBeNull()
    expect(await code(() => openEmergency(bare(locum), { card, asked }))).toMatch(/NOT_FOUND|NO_GRANT|DENIED/)
    await reviewOpening(ada, openingOf(ada, toHex(asked.tag)), 'Right.')
    await setUpEmergency(bare(ada), { custodians: everyone(), threshold: 2 })
    await takeShares()
    expect(emergencyOf(ada).version).toBe(version + 1)
    expect((await drillCustodians(bare(ada))).map(d => d.state)).toEqual(['holds', 'holds', 'holds'])
    expect((await askedUnder(locum, card)).map(a => toHex(a.asked.tag))).toEqual([toHex(asked.tag)])
    expect(await askedUnder(locum, scan())).toEqual([])
  })

  test('keys that were replaced after a loss take the emergency key along: a new one is owed', async () => {
    const bo = await person(w, 'Bo', HOME)
    for (const k of keepers) await meet(bo, k.ctx, 'Custodian')
    await setUpEmergency(bare(bo), { custodians: everyone(), threshold: 2 })
    await notePrinted(bo)
    expect(emergencyOwed(bo)).toBeNull()
    await rotate(bo)
    expect(emergencyOwed(bo)).toBe('keys')
  })

  test('custodians at one organisation’s addresses are told apart from others', () => {
    const [a, b] = ['https://a.clinic.example', 'https://b.clinic.example:8443/x']
    expect(sharedHosts([a!, 'https://ben.example', b!, 'no address'])).toEqual([[a, b]])
    expect(sharedHosts(['https://a.co.uk', 'https://b.co.uk', 'http://10.0.0.1', 'http://10.0.0.2'])).toEqual([])
    expect(sharedHosts(['http://10.0.0.1:1', 'http://10.0.0.1:2'])).toHaveLength(1)
  })
})

describe('T11: what must not happen in an emergency', () => {
  test('no notice, no share: with every way of telling down nothing leaves, and what waits is told later', async () => {
    await setUpEmergency(bare(ada), { custodians: everyone(), threshold: 2, contacts: [contact] })
    await takeShares()
    const card = scan()
    const asked = await ask(locum)
    const relay = w.homes.get(HOME)!
    const send = relay.relay.send
    const deaf = {
      ...relay,
      relay: { ...relay.relay, send: () => Promise.reject(new KeepwellError('RELAY_UNREACHABLE', 'The relay is down.')) },
    }
    w.homes.set(HOME, deaf as typeof relay)
    for (const k of keepers) k.mailUp = false
    expect(await code(() => openEmergency(bare(locum), { card, asked }))).toContain('PEER_FAILED')
    for (const k of keepers) k.mailUp = true
    // One contact that was told is enough: an emergency does not wait for the patient's own relay's mailbox.
    await openEmergency(bare(locum), { card, asked })
    expect(await receiveMessages(ada)).toEqual([])
    w.homes.set(HOME, { ...relay, relay: { ...relay.relay, send } } as typeof relay)
    await Promise.all(keepers.map(k => tellAgain(k.ctx)))
    expect((await receiveMessages(ada)).some(a => a.kind === 'emergency')).toBe(true)
  })

  test('whoever is being told is not told again by a look meanwhile', async () => {
    const card = scan()
    const asked = await ask(locum)
    const before = keepers.map(k => k.mail.length)
    const looks: Promise<number>[] = []
    const noted: unknown[] = []
    for (const k of keepers)
      k.mailing = async () => {
        delete k.mailing
        // Should the custodian's machine stop just now, it knows whom it has to tell.
        noted.push((await k.store.release(asked.tag))?.untold.length)
        looks.push(tellAgain(k.ctx))
        await new Promise(done => setTimeout(done))
      }
    await openEmergency(bare(locum), { card, asked })
    expect(await Promise.all(looks)).toEqual(looks.map(() => 0))
    const mails = keepers.map((k, i) => k.mail.length - before[i]!)
    expect(mails.filter(n => n > 0)).toEqual(looks.map(() => 1))
    expect(looks.length).toBeGreaterThan(1)
    expect(noted).toEqual(looks.map(() => 2))
    for (const k of keepers) delete k.mailing
  })

  test('a tampered share is named, and the others still open', async () => {
    const bad = keepers[0]!
    const { share } = (await bad.store.ofVault(ada.session.state.ring.did))!
    // One bit of it, and one that fits a commitment of its own making, to another secret.
    const made = await split({ secret: w.random(32), shares: 3, threshold: 2, random: w.random })
    const own = { share: made.shares[0]!, commitment: { ...made.commitment, shares: [...made.commitment.shares] } }
    const card = scan()
    const asked = await ask(locum)
    for (const change of [{ share: { ...share, bytes: share.bytes.with(0, share.bytes[0]! ^ 1) } }, own]) {
      const end = holding(bad, change)
      keepers[1]!.up = false
      expect(await code(() => openEmergency(bare(locum), { card, asked }))).toContain(`${bad.url} SHARE_TAMPERED`)
      keepers[1]!.up = true
      const { custodians: told } = await openEmergency(bare(locum), { card, asked })
      expect(told.filter(t => t.state === 'released')).toHaveLength(2)
      end()
    }
  })

  test('T12: nobody waits for a custodian that takes the call and never answers', async () => {
    keepers[0]!.up = 'silent'
    const { custodians: told } = await openEmergency(bare(locum), { card: scan(), asked: await ask(locum) })
    expect(told.map(t => t.state)).toEqual(['released', 'released'])
  })

  test('T11: each thing that a custodian looks at keeps a share by itself: card, session key, door, tag, rules, reason, credential, key, time', async () => {
    const card = scan()
    const [one, two] = keepers.map(k => k.ctx.session.state.ring.did) as [Did, Did]
    const asked = await ask(locum)
    const theirs = await ask(nurse)
    const shown = (by: Ctx) => ownCredentials(by)[0]!
    const session = (await kemKeyPair(w.random(32))).public
    type Change = Partial<ReleaseBody> & { readonly proves?: Partial<Parameters<typeof provePossession>[1]>; readonly secret?: Uint8Array }
    const call = (
      by: Ctx,
      { proves, secret = card.secret, ...change }: Change = {},
      to: Partial<Pick<Call, 'relay' | 'method' | 'time'>> = {},
    ) => {
      const proof = provePossession(secret, { tag: asked.tag, custodian: one, session, ...proves })
      const { tag, reason, salt } = asked
      const body = {
        tag,
        card: cardAddress(card.secret),
        session,
        proof,
        credential: shown(by),
        reason,
        salt,
        bundle: encodeBundle(ownBundle(by.session.state.ring)),
      }
      const signed = { relay: one, method: 'release', nonce: by.random(16), time: w.now, ...to }
      return code(() =>
        releaseShare(keepers[0]!.ctx, signCall(callerOf(by.session.state.ring), { ...signed, body: { ...body, ...change } })),
      )
    }
    const proven = 'does not prove that its sender holds the card'
    // Whoever saw the card's address and not the card; a proof for another custodian; one for a session key that somebody put in the middle.
    expect(await call(locum, { secret: new Uint8Array(32).fill(7) })).toContain(proven)
    expect(await call(locum, { proves: { custodian: two } })).toContain(proven)
    expect(await call(locum, { session: (await kemKeyPair(w.random(32))).public })).toContain(proven)
    expect(await call(locum, { tag: w.random(32) })).toContain(proven)
    const unknown = w.random(32)
    expect(await call(locum, { tag: unknown, proves: { tag: unknown } })).toContain('no open request')
    expect(await call(locum, {}, { relay: two })).toContain('another custodian')
    expect(await call(locum, {}, { method: 'drill' })).toContain('another custodian or method')
    expect(await call(locum, {}, { time: w.now - 301 })).toContain('five minutes')
    expect(await call(locum, { bundle: encodeBundle(ownBundle(nurse.session.state.ring)) })).toContain('not by the party')
    expect(await call(locum, { reason: 'Something else' })).toContain('reason is not the one')
    expect(await call(locum, { salt: w.random(32) })).toContain('reason is not the one')
    expect(await call(nurse)).toContain('another credential')
    expect(await call(nurse, { credential: shown(locum) })).toContain('named another key')
    expect(await call(locum, { tag: theirs.tag, proves: { tag: theirs.tag }, reason: theirs.reason, salt: theirs.salt })).toContain(
      'another credential',
    )
    expect(await call(locum, { credential: { ...shown(locum), nonce: w.random(32) } })).toContain('not live')
    expect(await call(locum)).toBe('no error')
    // Whoever asks past our own client, which looks at the ledger first, gets nothing of a window that is not open yet, or no more.
    const waiting = await ask(locum, { ...card, rules: { ...card.rules, delay: 3600 } })
    const { tag, reason, salt } = waiting
    expect(await call(locum, { tag, reason, salt, proves: { tag } })).toContain('no open request of that tag on the ledger: waiting')
    w.now += DAY
    expect(await call(locum)).toContain('no open request of that tag on the ledger: over')
  })

  test('without the card, the credential’s own key, a live credential or the patient’s rules no custodian releases', async () => {
    const card = scan()
    const { ledger } = w.homes.get(HOME)!
    const asked = await ask(locum)
    expect(await code(() => openEmergency(bare(nurse), { card, asked }))).toContain('DENIED')
    const excuse = { ...asked, reason: 'Something else' }
    expect(await code(() => openEmergency(bare(locum), { card, asked: excuse }))).toContain('DENIED')
    const forged = { ...card, secret: new Uint8Array(32).fill(7) }
    expect(await code(() => openEmergency(bare(locum), { card: forged, asked }))).toContain('NOT_FOUND')
    const own = { ...card, rules: { ...card.rules, window: 3600 } }
    expect(await code(async () => openEmergency(bare(locum), { card: own, asked: await ask(locum, own) }))).toContain('DENIED')
    await ledger.credentials.setState(credentialId(locum), 'suspended')
    expect(await code(() => openEmergency(bare(locum), { card, asked }))).toContain('DENIED')
    await ledger.credentials.setState(credentialId(locum), 'live')
    w.now += DAY
    expect(await code(() => openEmergency(bare(locum), { card, asked }))).toContain('over')
  })

  test('T11: a rogue professional with somebody’s card is found by the patient within a minute, shut out and barred', async () => {
    await setUpEmergency(bare(ada), { custodians: everyone(), threshold: 2, contacts: [contact] })
    await takeShares()
    await receiveMessages(ada)
    const rogue = await professional('Dr Rogue')
    const card = scan()
    const [asked, began] = [await ask(rogue, card), w.now]
    await openEmergency(bare(rogue), { card, asked })
    w.now += 59
    const found = (await receiveMessages(ada)).find(a => a.kind === 'emergency')
    expect(found).toMatchObject({ opening: { name: 'Dr Rogue', reason: 'Found unconscious', tag: asked.tag } })
    expect(found?.kind === 'emergency' && found.opening.at - began).toBeLessThan(60)
    expect(keepers[0]!.mail.at(-1)).toContain('ben@example.org')
    await vetoOpening(ada, openingOf(ada, toHex(asked.tag)))
    expect(await code(() => openEmergency(bare(rogue), { card, asked }))).toContain('vetoed')
    expect(await code(() => ask(rogue, card))).toContain('Barred')
  })

  test('T11: k−1 custodians put together all that they were given, and learn nothing and open nothing', async () => {
    await setUpEmergency(bare(ada), { custodians: everyone(), threshold: 3 })
    await takeShares()
    const { root, card: secret } = emergencyOf(ada)
    const held = await Promise.all(keepers.map(async k => (await k.store.ofVault(ada.session.state.ring.did))!))
    const [shares, { commitment }] = [held.map(h => h.share), held[0]!]
    expect(await code(() => combine(shares.slice(0, 2), commitment))).toMatch(/^BAD_INPUT: 3 different shares/)
    // They need not keep to our rule: through two points of a parabola goes a line, and it ends at another secret.
    const own = { ...commitment, threshold: 2 }
    for (const [i, j] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const)
      expect(await code(() => combine([shares[i]!, shares[j]!], own))).toMatch(/^SHARE_TAMPERED: The shares match, but not the secret/)
    for (const hidden of [root, secret]) expect(toHex(encode(held))).not.toContain(toHex(hidden))
    expect(toHex(await combine(shares, commitment))).toBe(toHex(root))
    // Nor do they with a doctor on their side, who has the card and a live credential.
    keepers[2]!.up = false
    const asked = await ask(locum)
    expect(await code(() => openEmergency(bare(locum), { card: scan(), asked }))).toMatch(/^DENIED: Too few custodians/)
  })
})

describe('devices that are woken', () => {
  const subscription = (n: number) => ({
    whose: 'own' as const,
    endpoint: `https://push.example/${n}`,
    p256dh: new Uint8Array(65).fill(n),
    auth: new Uint8Array(16).fill(n),
    key: newWakeKey(w.random),
  })
  const listed = () => ada.session.state.ring.wakes!.devices
  const held = (k: Keeper) => k.store.wakes(ada.session.state.ring.did)
  const endpoints = async (k: Keeper) => (await held(k))?.devices.map(d => d.endpoint)
  const opening = async () => {
    const card = scan()
    const asked = await ask(locum)
    await openEmergency(bare(locum), { card, asked })
    return asked
  }

  test('each custodian that releases wakes the devices that the patient named, under one name for one release', async () => {
    await setUpEmergency(bare(ada), { custodians: everyone(), threshold: 2, contacts: [contact] })
    await takeShares()
    const device = ada.session.device.id
    expect(await addWake(ada, { ...subscription(1), name: 'Phone', device })).toEqual([])
    await takeShares()
    const asked = await opening()
    const woken = keepers.flatMap(k => k.woken)
    expect(woken.length).toBeGreaterThan(1)
    expect(new Set(woken.map(x => x.id)).size).toBe(1)
    // What the device is told by names no request to whoever lacks the subscription's key.
    expect(woken[0]!.id).not.toContain(toHex(asked.tag).slice(0, 8))
    expect(woken[0]!.device.endpoint).toBe('https://push.example/1')
    // The same device with a new subscription takes the place of the old one.
    await addWake(ada, { ...subscription(2), name: 'Phone', device })
    await takeShares()
    expect(await endpoints(keepers[0]!)).toEqual(['https://push.example/2'])
    await replaceEmergency(bare(ada))
    await takeShares()
    expect(await endpoints(keepers[0]!)).toEqual(['https://push.example/2'])
    expect(listed()[0]!.card).toBeLessThan(emergencyOf(ada).version)
    for (const k of keepers) k.woken.length = 0
    const anew = await opening()
    const after = keepers.flatMap(k => k.woken)
    expect(new Set(after.map(x => x.device.endpoint))).toEqual(new Set(['https://push.example/2']))
    expect(new Set(after.map(x => x.id)).size).toBe(1)
    expect([after[0]!.id === woken[0]!.id, equal(anew.tag, asked.tag)]).toEqual([false, false])
  })

  test('a push that is not taken is tried again, and one device woken is enough to let a share go', async () => {
    const relay = w.homes.get(HOME)!
    const deaf = { ...relay.relay, send: () => Promise.reject(new KeepwellError('RELAY_UNREACHABLE', 'The relay is down.')) }
    for (const k of keepers) {
      k.mailUp = false
      k.push = 'down'
    }
    w.homes.set(HOME, { ...relay, relay: deaf } as typeof relay)
    const card = scan()
    const asked = await ask(locum)
    expect(await code(() => openEmergency(bare(locum), { card, asked }))).toContain('PEER_FAILED')
    for (const k of keepers) k.push = 'taken'
    await openEmergency(bare(locum), { card, asked })
    const before = keepers.flatMap(k => k.woken).length
    expect(before).toBeGreaterThan(0)
    w.homes.set(HOME, relay)
    for (const k of keepers) k.mailUp = true
    for (const k of keepers) expect(await tellAgain(k.ctx)).toBe(0)
    for (const k of keepers) await tellAgain(k.ctx)
    expect(keepers.every(k => k.woken.length <= 1)).toBe(true)
    await receiveMessages(ada)
  })

  test('whatever an address or a key makes of being told keeps nobody else from it, and a look goes on to the next release', async () => {
    const relay = w.homes.get(HOME)!
    const broken = async () => {
      throw new TypeError('Invalid URL')
    }
    for (const k of keepers) Object.assign(k, { push: 'no key', mailing: broken })
    try {
      await receiveMessages(ada)
      const asked = await opening()
      expect((await receiveMessages(ada)).filter(a => a.kind === 'emergency').length).toBeGreaterThan(0)
      expect(await keepers[0]!.store.release(asked.tag)).toMatchObject({ untold: [{ address: contact.address }] })
      // A relay that is told of by no address at all.
      w.homes.set(HOME, { ...relay, relay: { ...relay.relay, bundle: broken, send: broken } } as unknown as typeof relay)
      const vault = ada.session.state.ring.did
      await keepers[0]!.store.changeWakes(vault, kept => kept && { ...kept, gone: [w.random(16)] })
      const before = keepers[0]!.mail.length
      for (const k of keepers) delete k.mailing
      expect(await tellAgain(keepers[0]!.ctx)).toBe(1)
      expect(keepers[0]!.mail.length).toBe(before + 1)
    } finally {
      w.homes.set(HOME, relay)
      for (const k of keepers) delete k.mailing
    }
  })

  test('a subscription that is gone is forgotten, and the patient told, also later when their relay was away', async () => {
    for (const k of keepers) k.push = 'gone'
    await opening()
    expect((await Promise.all(keepers.map(endpoints))).some(e => e?.length === 0)).toBe(true)
    expect(listed()[0]!.gone).toBeUndefined()
    await receiveMessages(ada)
    expect(listed()[0]!.gone).toBe(w.now)
    for (const k of keepers) k.push = 'taken'
    await opening()
    expect(keepers.filter(k => k.woken.length).length).toBeLessThan(2)

    const relay = w.homes.get(HOME)!
    await addWake(ada, { ...subscription(3), name: 'Phone', device: ada.session.device.id })
    await takeShares()
    expect(listed()[0]!.gone).toBeUndefined()
    const deaf = { ...relay.relay, send: () => Promise.reject(new KeepwellError('RELAY_UNREACHABLE', 'The relay is down.')) }
    for (const k of keepers) k.push = 'gone'
    w.homes.set(HOME, { ...relay, relay: deaf } as typeof relay)
    await opening()
    w.homes.set(HOME, relay)
    await receiveMessages(ada)
    expect(listed()[0]!.gone).toBeUndefined()
    for (const k of keepers) await tellAgain(k.ctx)
    await receiveMessages(ada)
    expect(listed()[0]!.gone).toBe(w.now)
    expect((await Promise.all(keepers.map(held))).every(h => h!.gone.length === 0)).toBe(true)

    // Everybody was told, and only this word could not be left: the next look leaves it.
    await addWake(ada, { ...subscription(9), name: 'Watch' })
    await takeShares()
    const watch = () => listed().find(d => d.name === 'Watch')!
    const vault = ada.session.state.ring.did
    await keepers[0]!.store.changeWakes(vault, kept => kept && { ...kept, devices: [], gone: [watch().wake.id] })
    expect(await tellAgain(keepers[0]!.ctx)).toBe(0)
    await receiveMessages(ada)
    expect(watch().gone).toBe(w.now)
  })

  test('who is custodian no more, and a device that was removed, are told and wake nobody', async () => {
    const [one, two, three] = keepers as [Keeper, Keeper, Keeper]
    const own = ada.session.state.ring.devices[0]!
    const second = { id: w.random(16), name: 'Old phone', public: own.public }
    await changeRing(ada, r => ({ ...r, devices: [...r.devices, { ...second, addedAt: w.now }] }))
    await addWake(ada, { ...subscription(4), name: 'Old phone', device: second.id })
    await takeShares()
    expect(await endpoints(two)).toContain('https://push.example/4')
    await removeDevice(ada, second.id)
    expect(await tellWakes(ada)).toEqual([])
    await takeShares()
    expect(await endpoints(two)).not.toContain('https://push.example/4')
    await addWake(ada, { ...subscription(5), name: 'Tablet' })
    await setUpEmergency(bare(ada), { custodians: everyone().slice(0, 2), threshold: 2 })
    await takeShares()
    expect(await endpoints(one)).toContain('https://push.example/5')
    expect(await endpoints(three)).toEqual([])
    const tablet = listed().find(d => d.name === 'Tablet')!
    await removeWake(ada, tablet.wake.id)
    await takeShares()
    expect(await endpoints(one)).not.toContain('https://push.example/5')
    await endEmergency(ada)
    await takeShares()
    expect(await endpoints(one)).toEqual([])
    expect(await code(() => addWake(ada, { ...subscription(6), name: 'Late' }))).toContain('NOT_FOUND')
  })

  test('wrong party: nobody but the patient names devices to a custodian, an older list changes nothing, and nobody else’s word ends one', async () => {
    await setUpEmergency(bare(ada), { custodians: everyone(), threshold: 2 })
    await addWake(ada, { ...subscription(7), name: 'Phone' })
    await takeShares()
    const one = keepers[0]!
    const party = (await findParty(locum, one.ctx.session.state.ring.did, [HOME]))!
    const before = (await held(one))!
    const evil = { ...before.devices[0]!, endpoint: 'https://evil.example/p' }
    const list = { v: 1, vault: ada.session.state.ring.did, version: before.version + 9, devices: [evil] }
    // A stranger; a contact in somebody else's name; the patient's own list from before.
    await post(locum, party, 'share', list, { introduce: true })
    await remember(one.ctx, (await findParty(one.ctx, nurse.session.state.ring.did, [HOME]))!, 'Nurse Lin')
    await post(nurse, party, 'share', list, { introduce: true })
    await post(ada, party, 'share', { ...list, version: before.version - 1 }, { introduce: true })
    const arrivals = await receiveMessages(one.ctx)
    expect(arrivals.flatMap(a => (a.kind === 'refused' ? a.code : []))).toEqual(expect.arrayContaining(['UNVERIFIED', 'BAD_SIGNATURE']))
    expect(await endpoints(one)).toEqual(['https://push.example/7'])
    expect(await code(() => addWake(ada, { ...subscription(8), name: 'x', endpoint: 'http://push.example/8' }))).toContain('BAD_INPUT')

    const me = (await findParty(locum, ada.session.state.ring.did, [HOME]))!
    await post(locum, me, 'notice', { text: 'x', gone: [before.devices[0]!.id] }, { introduce: true })
    await receiveMessages(ada)
    expect(listed()[0]!.gone).toBeUndefined()
  })
})
