import { beforeEach, describe, expect, test } from 'vitest'
import { grant } from '#actions/access/grant'
import { receivedGrants } from '#actions/access/grants'
import { invite, join } from '#actions/access/invite'
import { openSession } from '#actions/access/open-session'
import { type Arrival, receiveMessages } from '#actions/access/receive-messages'
import { requestAccess } from '#actions/access/request'
import { revoke } from '#actions/access/revoke'
import type { Ctx } from '#actions/context'
import { eraseRecords } from '#actions/records/erase-records'
import { fileRecords } from '#actions/records/file-records'
import { entryOf } from '#actions/records/list-entries'
import { receiveRecords } from '#actions/records/receive-records'
import { compartmentNamed } from '#actions/records/secrets'
import { submitRecords } from '#actions/records/submit-records'
import { draft, person, type World, world } from '#actions/story.kit'
import { callRelay, contactRelays, homeRelay, signerOf } from '#actions/vault/calls'
import { restoreVault } from '#actions/vault/restore-vault'
import { rotate } from '#actions/vault/rotate'
import { toHex } from '#base/bytes'
import { cidFromBytes } from '#base/cid'
import { isKeepwellError, KeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import type { Purpose } from '#consent/terms'
import { after } from '#identity/rights'
import { sign, signed } from '#identity/signed'
import { memoryCatalog } from '#memory/catalog'
import { tellAmended } from './amended.ts'
import { answerRight, askRight, disagree, lateness } from './cases.ts'
import { confirmLimits, objectTo, setLimits } from './limits.ts'
import { limitsOf } from './ring.ts'

const HOME = 'http://home.test'
const AWAY = 'http://away.test'
const DAY = 86_400

let w: World
let ada: Ctx
let clinic: Ctx
let record: Uint8Array

const code = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    e => (isKeepwellError(e) ? e.code : String(e)),
  )
const share = async (purposes: readonly Purpose[], to = clinic) => {
  const compartments = [compartmentNamed(ada.session.state.ring, 'laboratory').id]
  const given = await grant(ada, { to: to.session.state.ring.did, level: 'read', purposes, compartments, expiry: w.now + 300 * DAY })
  await receiveMessages(to)
  return given
}
/** Titles that a reader sees, or why it sees none. */
const reads = async (grantOf: Uint8Array, purpose: Purpose, who = clinic): Promise<string> => {
  try {
    const s = await openSession(who, { grant: grantOf, purpose })
    return s.records.map(r => r.card.title).join()
  } catch (e) {
    return isKeepwellError(e) ? `${e.code} ${e.message.replace(/^[^:]*: /, '')}` : String(e)
  }
}
const news = async (who: Ctx) => (await receiveMessages(who)).flatMap(a => (a.kind === 'right' ? [a.news] : []))
const named = (a: Arrival): string => (a.kind === 'refused' ? a.code : a.kind)

beforeEach(async () => {
  w = await world([HOME, AWAY], 'rights')
  ada = await person(w, 'Ada', HOME)
  clinic = await person(w, 'Clinic', AWAY)
  await join(clinic, await invite(ada))
  await receiveMessages(ada)
  record = (await fileRecords(ada, [draft(ada, 'laboratory', 'blood')]))[0]!.id
})

describe('a frozen record', () => {
  test('opens for nobody but its owner, and for emergencies as the owner chose; told, signed for, and lifted again', async () => {
    const { commitment } = await share(['TREAT', 'ETREAT'])
    const { commitment: urgent } = await share(['ETREAT'])
    expect(await reads(commitment, 'TREAT')).toBe('blood')
    const done = await setLimits(ada, { frozen: true })
    expect([done.told, done.unreached, limitsOf(ada.session.state.ring)?.confirmed]).toEqual([['Clinic'], [], w.now])
    expect(await news(clinic)).toEqual([{ step: 'told', event: 'frozen', records: [], purposes: [] }])
    expect(await reads(commitment, 'TREAT')).toMatch(/^DENIED .*frozen/)
    // A consent for treatment is none for emergencies, whatever its reader says.
    expect(await reads(commitment, 'ETREAT')).toMatch(/^DENIED .*frozen/)
    expect(await reads(urgent, 'ETREAT')).toBe('blood')
    await setLimits(ada, { emergency: false })
    expect(await reads(urgent, 'ETREAT')).toMatch(/^DENIED .*frozen/)
    expect((await fileRecords(ada, [draft(ada, 'laboratory', 'later')])).length).toBe(1)
    w.now += 60
    expect(await setLimits(ada, { frozen: false })).toMatchObject({ told: ['Clinic'] })
    expect(await news(clinic)).toMatchObject([{ event: 'lifted' }])
    expect(await reads(commitment, 'TREAT')).toBe('blood,later')
  })

  test('gives no block to what was opened before the freeze', async () => {
    const { commitment } = await share(['TREAT'])
    const s = await openSession(clinic, { grant: commitment, purpose: 'TREAT' })
    const relay = await clinic.network.relay(HOME)
    const open = await callRelay(clinic, relay, 'access', {
      vault: ada.session.state.ring.did,
      action: 'open',
      terms: receivedGrants(clinic)[0]!.grant.terms,
      selection: { ids: [record] },
      purpose: 'TREAT',
    })
    const { cid } = (await entryOf(ada, record))!
    const fetched = async (): Promise<number> => {
      let n = 0
      for await (const _ of relay.getBlocks(open.capability, [cidFromBytes(cid)])) n++
      return n
    }
    expect(await fetched()).toBe(1)
    await setLimits(ada, { frozen: true })
    expect(await code(fetched())).toBe('DENIED')
    s.close()
  })

  test('is frozen and lifted by its vault alone, and never by an earlier word', async () => {
    const relay = await homeRelay(ada)
    const { limits } = await setLimits(ada, { frozen: true })
    const forged = { ...limits, frozen: false, at: limits.at + 5 }
    const put = async (who: Ctx, by: Ctx): Promise<string> => {
      const signedBy = await sign(signerOf(by.session.state.ring), 'limits', forged)
      return code(callRelay(who, relay, 'put-limits', { limits: signedBy }))
    }
    expect([await put(clinic, clinic), await put(ada, clinic), await put(clinic, ada)]).toEqual([
      'BAD_SIGNATURE',
      'BAD_SIGNATURE',
      'BAD_SIGNATURE',
    ])
    const old = await sign(signerOf(ada.session.state.ring), 'limits', { ...limits, frozen: false, at: limits.at - 1 })
    expect(await code(callRelay(ada, relay, 'put-limits', { limits: old }))).toBe('HEAD_CONFLICT')
    expect(await confirmLimits(ada)).toBe(w.now)
    const { commitment } = await share(['TREAT'])
    expect(await reads(commitment, 'TREAT')).toMatch(/^DENIED .*frozen/)
  })
})

describe('a rotation', () => {
  test('signs a freeze with the new keys, which end what a thief signed with the old ones for a time to come', async () => {
    const near = await person(w, 'Near', HOME)
    await join(near, await invite(ada))
    await receiveMessages(ada)
    const { commitment } = await share(['TREAT'], near)
    await setLimits(ada, { frozen: true })
    const { since, limits } = limitsOf(ada.session.state.ring)!
    const version = () => decodeAs(signed, ada.session.state.ring.rights!.limits!.signed).version
    const old = version()
    const thief = signerOf(ada.session.state.ring)
    const relay = await homeRelay(ada)
    const lifted = { ...limits, frozen: false, at: w.now + 100 * DAY }
    await callRelay(ada, relay, 'put-limits', { limits: await sign(thief, 'limits', lifted) })
    expect(await reads(commitment, 'TREAT', near)).toBe('blood')
    await rotate(ada)
    await receiveMessages(near)
    const renewed = receivedGrants(near).at(-1)!.grant.commitment
    expect(await reads(renewed, 'TREAT', near)).toMatch(/^DENIED .*frozen/)
    expect([version() > old, limitsOf(ada.session.state.ring)!.since, await confirmLimits(ada)]).toEqual([true, since, w.now])
    const again = await sign(thief, 'limits', { ...lifted, at: lifted.at + 1 })
    expect(await code(callRelay(ada, relay, 'put-limits', { limits: again }))).toBe('BAD_SIGNATURE')
    await setLimits(ada, { frozen: false })
    expect(await reads(renewed, 'TREAT', near)).toBe('blood')
  })
})

describe('an objection', () => {
  test('ends consents for that purpose alone, keeps others from it, and declines requests without asking', async () => {
    const only = await share(['HRESCH'])
    const both = await share(['TREAT', 'HRESCH'])
    w.now += 2 * DAY
    const done = await objectTo(ada, ['HRESCH'])
    expect(done.ended).toEqual([toHex(only.commitment)])
    expect(await reads(both.commitment, 'HRESCH')).toMatch(/^DENIED .*objects/)
    expect(await reads(both.commitment, 'TREAT')).toBe('blood')
    await receiveMessages(clinic)
    expect(receivedGrants(clinic).map(g => toHex(g.grant.commitment))).toEqual([toHex(both.commitment)])
    const ask = { from: ada.session.state.ring.did, compartments: ['laboratory'], seconds: DAY, text: '' }
    for (const purpose of ['HRESCH', 'TREAT'] as const) await requestAccess(clinic, { ...ask, level: 'read', purpose })
    expect((await receiveMessages(ada)).map(named).sort()).toEqual(['declined', 'request'])
    expect((await receiveMessages(clinic)).flatMap(a => (a.kind === 'notice' ? [a.text] : []))).toEqual([
      'Ada declines: The patient objects to that purpose.',
    ])
    expect(await code(share(['HRESCH']))).toBe('LIMITED')
  })
})

describe('opting out', () => {
  test('takes no new consent but for emergencies, of whoever gives it, and leaves those that are', async () => {
    const before = await share(['TREAT'])
    w.now += 10
    await setLimits(ada, { closed: w.now })
    expect(await code(share(['TREAT']))).toBe('LIMITED')
    expect(await reads((await share(['ETREAT'])).commitment, 'ETREAT')).toBe('blood')
    expect(await reads(before.commitment, 'TREAT')).toBe('blood')
    // A device that does not know of it yet, or a proxy, gives one all the same: the relay refuses it.
    const { rights: _none, ...ring } = ada.session.state.ring
    const unaware = { ...ada, session: { ...ada.session, state: { ...ada.session.state, ring } } }
    const compartments = [compartmentNamed(ring, 'laboratory').id]
    const to = clinic.session.state.ring.did
    const { commitment } = await grant(unaware, { to, level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + DAY })
    await receiveMessages(clinic)
    expect(await reads(commitment, 'TREAT')).toMatch(/^DENIED .*no new consents/)
  })
})

describe('a request for a right', () => {
  test('has the deadline of its law, counts answers of the asked alone, and is late when they are', async () => {
    const to = clinic.session.state.ring.did
    await share(['TREAT'])
    const made = await askRight(ada, { to, name: 'Clinic', right: 'rectify', law: 'gdpr', records: [record], text: 'It was 4.1, not 41.' })
    expect(made.due).toBe(after(w.now, { months: 1 }))
    const [got] = await news(clinic)
    expect(got).toMatchObject({ step: 'asked', case: { from: ada.session.state.ring.did, text: 'It was 4.1, not 41.', due: made.due } })
    const mallory = await person(w, 'Mallory', AWAY)
    await join(mallory, await invite(ada))
    await receiveMessages(ada)
    const ids = { id: made.id, outcome: 'done', text: 'Done.' } as const
    expect(await code(answerRight(mallory, ids))).toBe('NOT_FOUND')
    const stolen = { ...clinic.session.state.ring.rights! }
    mallory.session.state = { ...mallory.session.state, ring: { ...mallory.session.state.ring, rights: stolen } }
    stolen.asked = stolen.asked.map(a => ({ ...a, from: ada.session.state.ring.did }))
    await answerRight(mallory, ids)
    expect((await receiveMessages(ada)).map(named)).toEqual(['NOT_FOUND'])
    const mine = () => ada.session.state.ring.rights!.cases[0]!
    expect([mine().state, lateness(mine(), made.due + 1)]).toEqual(['asked', 'late'])
    await answerRight(clinic, { id: made.id, outcome: 'extended', text: 'The laboratory has closed for August.' })
    await receiveMessages(ada)
    expect([mine().state, mine().due, lateness(mine(), made.due + 1)]).toEqual(['extended', after(made.due, { months: 2 }), 'waiting'])
    await answerRight(clinic, { id: made.id, outcome: 'refused', text: 'The value is as measured. You may complain to …' })
    await receiveMessages(ada)
    const statement = await disagree(ada, made.id, 'I was told 4.1 by telephone.')
    expect(statement).toMatchObject({ compartment: compartmentNamed(ada.session.state.ring, 'laboratory').id })
    expect(toHex(mine().statement!)).toBe(toHex(statement.id))
    expect(await code(answerRight(clinic, ids))).toBe('BAD_INPUT')
  })

  test('is taken from whom this party knows, and from nobody else', async () => {
    const stranger = await person(w, 'Stranger', HOME)
    await askRight(stranger, { to: clinic.session.state.ring.did, name: 'C', right: 'access', law: 'hipaa', text: '' }).catch(() => {})
    const made = await code(askRight(stranger, { to: clinic.session.state.ring.did, name: 'C', right: 'object', law: 'hipaa', text: '' }))
    expect(made).toBe('BAD_INPUT')
    expect((await receiveMessages(clinic)).map(named)).not.toContain('right')
    expect(clinic.session.state.ring.rights).toBeUndefined()
  })
})

test('those who may have read an erased record are told, also after their consent ended, and nobody else is', async () => {
  const other = await person(w, 'Other', AWAY)
  await join(other, await invite(ada))
  await receiveMessages(ada)
  await share(['TREAT'])
  const compartments = [compartmentNamed(ada.session.state.ring, 'imaging').id]
  await grant(ada, { to: other.session.state.ring.did, level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + DAY })
  w.now += 301 * DAY
  expect(contactRelays(ada, clinic.session.state.ring.did)).toEqual([AWAY])
  expect(await eraseRecords(ada, [record])).toMatchObject({ told: ['Clinic'], unreached: [] })
  expect(await news(clinic)).toEqual([{ step: 'told', event: 'erased', records: [record], purposes: [] }])
  expect(await news(other)).toEqual([])
})

describe('a newer version of a record', () => {
  const amend = async (prior: Uint8Array, title = 'blood, corrected') => {
    w.now += 10
    const [entry] = await fileRecords(ada, [{ ...draft(ada, 'laboratory', title), prior }])
    return entry!.id
  }
  const opens = async (who: Ctx, commitment: Uint8Array, id: Uint8Array): Promise<void> => {
    const s = await openSession(who, { grant: commitment, purpose: 'TREAT' })
    expect((await s.open([id])).length).toBe(1)
  }
  const stranger = async (name: string): Promise<Ctx> => {
    const who = await person(w, name, AWAY)
    await join(who, await invite(ada))
    await receiveMessages(ada)
    return who
  }

  test('is told to those who opened the older one, once, also after their consent ended, and to nobody else', async () => {
    const [idle, none, past] = [await stranger('Idle'), await stranger('None'), await stranger('Past')]
    const { commitment } = await share(['TREAT'])
    await share(['TREAT'], idle)
    const ended = await share(['TREAT'], past)
    await opens(clinic, commitment, record)
    await opens(past, ended.commitment, record)
    await revoke(ada, ended.commitment)
    for (const who of [clinic, idle, none, past]) await receiveMessages(who)
    expect(await tellAmended(ada)).toEqual({ told: [], unreached: [] })
    const second = await amend(record)
    expect(await tellAmended(ada)).toEqual({ told: ['Clinic', 'Past'], unreached: [] })
    for (const who of [clinic, past]) expect(await news(who)).toEqual([{ step: 'told', event: 'amended', records: [record], purposes: [] }])
    for (const who of [idle, none]) expect(await news(who)).toEqual([])
    // Told once, by whichever device is first.
    w.now += 10
    expect((await tellAmended(ada)).told).toEqual([])
    const session = await restoreVault(w, { words: (ada as Ctx & { words: string }).words, relay: HOME, deviceName: 'other' })
    const device = { ...ada, catalog: memoryCatalog(), session }
    await tellAmended(device)
    await receiveRecords(device)
    w.now += 10
    expect((await tellAmended(device)).told).toEqual([])
    // Whoever opened the first alone is told of the third as well.
    await amend(second, 'blood, corrected twice')
    expect((await tellAmended(ada)).told).toEqual(['Clinic', 'Past'])
    expect(await news(clinic)).toMatchObject([{ event: 'amended', records: [record] }])
  })

  test('who cannot be reached is named, and told at a later look by the same ids, once', async () => {
    const { commitment } = await share(['TREAT'])
    await opens(clinic, commitment, record)
    await receiveMessages(clinic)
    await tellAmended(ada)
    w.now += 10
    const away = w.homes.get(AWAY)!
    const send = () => Promise.reject(new KeepwellError('RELAY_UNREACHABLE', 'Their relay is down.'))
    w.homes.set(AWAY, { ...away, relay: { ...away.relay, send } } as typeof away)
    const second = await amend(record)
    expect(await tellAmended(ada)).toEqual({ told: [], unreached: ['Clinic'] })
    w.now += 10
    // Still away, and with something new to tell besides.
    await amend(second, 'blood, corrected twice')
    expect(await tellAmended(ada)).toEqual({ told: [], unreached: ['Clinic'] })
    w.homes.set(AWAY, away)
    w.now += 10
    expect(await tellAmended(ada)).toMatchObject({ told: expect.arrayContaining(['Clinic']), unreached: [] })
    const told = await news(clinic)
    expect(told.length).toBeGreaterThan(0)
    for (const one of told) expect(one).toMatchObject({ event: 'amended', records: [record] })
    expect(await tellAmended(ada)).toEqual({ told: [], unreached: [] })
    expect(await news(clinic)).toEqual([])
  })

  test('is told as well when its author made it, and not to them, who know of it; what another writer sets beside it is told to nobody', async () => {
    const { commitment } = await share(['TREAT'])
    const [writer, other] = [await stranger('Writer'), await stranger('Other')]
    const compartments = [compartmentNamed(ada.session.state.ring, 'laboratory').id]
    for (const who of [writer, other])
      await grant(ada, { to: who.session.state.ring.did, level: 'write', purposes: ['TREAT'], compartments, expiry: w.now + DAY })
    const own = await share(['TREAT'], writer)
    for (const who of [writer, other, clinic]) await receiveMessages(who)
    const writes = async (who: Ctx, prior?: Uint8Array): Promise<Uint8Array> => {
      w.now += 10
      const { compartment: _part, ...made } = draft(ada, 'laboratory', 'blood')
      const drafts = [{ ...made, compartmentName: 'laboratory', ...(prior ? { prior } : {}) }]
      await submitRecords(who, { to: ada.session.state.ring.did, purpose: 'TREAT', drafts })
      await receiveRecords(ada)
      return made.id
    }
    const theirs = await writes(writer)
    await opens(clinic, commitment, theirs)
    await opens(writer, own.commitment, theirs)
    await tellAmended(ada)
    await writes(other, theirs)
    const before = ada.session.state.ring.version
    expect(await tellAmended(ada)).toEqual({ told: [], unreached: [] })
    expect(ada.session.state.ring.version).toBe(before)
    await writes(writer, theirs)
    expect(await tellAmended(ada)).toEqual({ told: ['Clinic'], unreached: [] })
    expect(await news(clinic)).toMatchObject([{ event: 'amended', records: [theirs] }])
    expect(await news(writer)).toEqual([])
  })
})
