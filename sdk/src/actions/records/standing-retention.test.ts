import { beforeEach, describe, expect, test } from 'vitest'
import { grant } from '#actions/access/grant'
import { invite, join } from '#actions/access/invite'
import { receiveMessages } from '#actions/access/receive-messages'
import type { Ctx } from '#actions/context'
import { tellDuty } from '#actions/rights/duties'
import { draft, person, type World, world } from '#actions/story.kit'
import { signerOf } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { restoreVault } from '#actions/vault/restore-vault'
import { encode } from '#base/cbor'
import { isKeepwellError, KeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import type { Duty } from '#identity/rights'
import { sign, signed } from '#identity/signed'
import { memoryCatalog } from '#memory/catalog'
import type { Entry } from '#records/catalog'
import { fileRecords } from './file-records.ts'
import { listEntries } from './list-entries.ts'
import { compartmentNamed } from './secrets.ts'
import { applyRetention, endRetention, readRetention, setRetention } from './standing-retention.ts'

const HOME = 'http://home.test'
const DAY = 86_400
const rules = { v: 1, rules: [{ compartment: 'wearables', days: 730 }] }

let w: World
let ada: Ctx & { words: string }
const titles = async (): Promise<string[]> => (await listEntries(ada)).map(e => e.card.title).sort()
/** What waits in the inbox, as the person reads it. */
const told = async (): Promise<string[]> => (await heard()).map(a => a.text)
const heard = async () => (await receiveMessages(ada)).flatMap(a => (a.kind === 'notice' ? [a] : []))
const code = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    e => (isKeepwellError(e) ? e.code : String(e)),
  )

async function file(title: string, daysAgo: number, part = 'wearables'): Promise<Entry> {
  const d = draft(ada, part, title)
  const start = new Date((w.now - daysAgo * DAY) * 1000).toISOString()
  return (await fileRecords(ada, [{ ...d, facts: { ...d.facts, start } }]))[0]!
}

beforeEach(async () => {
  w = await world([HOME], 'standing retention')
  ada = await person(w, 'Ada', HOME)
  await file('old', 800)
  await file('young', 10)
  await file('old elsewhere', 800, 'laboratory')
})

describe('a patient’s own rules, run by the agent', () => {
  test('erase what was announced, when it was announced for, and nothing else; the person is told before and after', async () => {
    expect(await applyRetention(ada)).toEqual({ state: 'none' })
    await setRetention(ada, { rules, notice: 14 * DAY })
    expect(await titles()).toHaveLength(3)
    const on = w.now + 14 * DAY
    expect(await applyRetention(ada)).toEqual({ state: 'announced', records: 1, on })
    expect(await heard()).toMatchObject([
      {
        text: expect.stringMatching(/^From \d{4}-\d\d-\d\d on your own rules erase 1 record of wearables, for ever\..*--standing --end$/),
        said: { code: 'due', values: { count: '1', on: String(on) } },
      },
    ])
    // What falls due meanwhile was not announced, and waits for a round of its own.
    await file('old too', 900)
    w.now = on - 1
    expect(await applyRetention(ada)).toEqual({ state: 'waiting', records: 1, on })
    expect([await titles(), await told()]).toEqual([['old', 'old elsewhere', 'old too', 'young'], []])
    w.now = on
    expect(await applyRetention(ada)).toEqual({ state: 'erased', records: 1 })
    expect(await titles()).toEqual(['old elsewhere', 'old too', 'young'])
    expect(await heard()).toMatchObject([
      { text: 'Your own rules erased 1 record of wearables, as announced.', said: { code: 'gone', values: { count: '1' } } },
    ])
    expect(await applyRetention(ada)).toMatchObject({ state: 'announced', records: 1, on: on + 14 * DAY })
  })

  test('are ended by any device until the last moment, and what waits stays', async () => {
    await setRetention(ada, { rules, notice: 7 * DAY })
    await applyRetention(ada)
    const base = { clock: w.clock, random: w.random, network: w.network }
    const phone: Ctx = {
      ...base,
      catalog: memoryCatalog(),
      session: await restoreVault(base, { words: ada.words, relay: HOME, deviceName: 'phone' }),
    }
    expect(await endRetention(phone)).toBe(true)
    w.now += 8 * DAY
    // The agent has not looked at the keyring since; it hears of the end before anything goes.
    expect(await applyRetention(ada)).toEqual({ state: 'nothing-due' })
    expect([await applyRetention(ada), await titles()]).toEqual([{ state: 'none' }, ['old', 'old elsewhere', 'young']])
  })

  test('announce nothing that the person cannot be told, and erase nothing that was not announced', async () => {
    await setRetention(ada, { rules, notice: 7 * DAY })
    const { relay } = w.homes.get(HOME)!
    const { send } = relay
    Object.assign(relay, { send: async () => Promise.reject(new KeepwellError('RELAY_UNREACHABLE', 'No way to tell.')) })
    await expect(applyRetention(ada)).rejects.toThrow()
    Object.assign(relay, { send })
    w.now += 30 * DAY
    expect(await applyRetention(ada)).toMatchObject({ state: 'announced', on: w.now + 7 * DAY })
    expect(await titles()).toContain('old')
  })

  test('wait for a hold that somebody spoke of, read or not, and announce anew when it is over', async () => {
    const clinic = await person(w, 'Clinic', HOME)
    await join(clinic, await invite(ada))
    await receiveMessages(ada)
    const compartments = [compartmentNamed(ada.session.state.ring, 'laboratory').id]
    const to = clinic.session.state.ring.did
    await grant(ada, { to, level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 90 * DAY })
    await setRetention(ada, { rules, notice: 7 * DAY })
    await applyRetention(ada)
    const hold: Duty = {
      id: new Uint8Array(16).fill(7),
      kind: 'hold',
      text: 'A court asks.',
      law: 'FRCP 37(e)',
      since: w.now,
      until: null,
      ended: null,
    }
    await tellDuty(clinic, ada.session.state.ring.did, hold)
    w.now += 8 * DAY
    expect(await applyRetention(ada)).toEqual({ state: 'unread' })
    await receiveMessages(ada)
    expect(await applyRetention(ada)).toEqual({ state: 'held', by: ['Clinic'] })
    expect(await titles()).toContain('old')
    await tellDuty(clinic, ada.session.state.ring.did, { ...hold, ended: w.now })
    await receiveMessages(ada)
    expect(await applyRetention(ada)).toMatchObject({ state: 'announced', on: w.now + 7 * DAY })
    expect(await titles()).toContain('old')
  })

  test('count for nothing when another signed them, about another, or when they were altered', async () => {
    const mallory = await person(w, 'Mallory', HOME)
    const own = await setRetention(ada, { rules, notice: 7 * DAY })
    const kept = ada.session.state.ring.retention!
    const due = { ids: (await listEntries(ada)).map(e => e.id), at: w.now - 9 * DAY, on: w.now - DAY }
    const put = (bytes: Uint8Array) => changeRing(ada, r => ({ ...r, retention: { signed: bytes, round: due } }))
    const { ring } = mallory.session.state
    const thing = decodeAs(signed, kept.signed)
    const forgeries = [
      encode(await sign(signerOf(ring), 'retention', own)),
      encode({ ...(await sign(signerOf(ring), 'retention', own)), signer: own.vault }),
      encode(await sign(signerOf(ada.session.state.ring), 'retention', { ...own, vault: ring.did })),
      encode(await sign(signerOf(ada.session.state.ring), 'rule', own)),
      encode(await sign(signerOf(ada.session.state.ring), 'retention', { ...own, notice: 60 })),
      encode({ ...thing, message: encode({ ...own, rules: { v: 1, rules: [{ compartment: 'laboratory', days: 1 }] } }) }),
    ]
    for (const forged of forgeries) {
      await put(forged)
      expect(await applyRetention(ada)).toEqual({ state: 'ignored' })
    }
    expect(await titles()).toHaveLength(3)
    // And a round that names more than the signed rules hit erases no more than they do.
    await put(kept.signed)
    expect(await applyRetention(ada)).toEqual({ state: 'erased', records: 1 })
    expect(await titles()).toEqual(['old elsewhere', 'young'])
  })

  test('are refused when they give no week, name no part, or would empty what makes itself', async () => {
    const set = (part: string, days: number) =>
      code(setRetention(ada, { rules: { v: 1, rules: [{ compartment: part, days: 30 }] }, notice: days * DAY }))
    expect(await Promise.all([set('wearables', 6), set('attic', 14), set('emergency', 14), set('inbox', 14), set('audit', 14)])).toEqual([
      'BAD_INPUT',
      'UNKNOWN_COMPARTMENT',
      'BAD_INPUT',
      'BAD_INPUT',
      'BAD_INPUT',
    ])
    expect(ada.session.state.ring.retention).toBeUndefined()
    await setRetention(ada, { rules, notice: 14 * DAY })
    expect(readRetention(ada.session.state.ring.retention!)).toMatchObject({ notice: 14 * DAY, rules })
  })
})
