import { beforeEach, describe, expect, test } from 'vitest'
import { grant } from '#actions/access/grant'
import { invite, join } from '#actions/access/invite'
import { receiveMessages } from '#actions/access/receive-messages'
import { revoke } from '#actions/access/revoke'
import type { Ctx } from '#actions/context'
import { eraseRecords } from '#actions/records/erase-records'
import { fileRecords } from '#actions/records/file-records'
import { entryOf } from '#actions/records/list-entries'
import { compartmentNamed } from '#actions/records/secrets'
import { draft, person, type World, world } from '#actions/story.kit'
import type { Duty } from '#identity/rights'
import { tellDuty } from './duties.ts'

const HOME = 'http://home.test'
const AWAY = 'http://away.test'
const DAY = 86_400

let w: World
let ada: Ctx
let clinic: Ctx
const did = (who: Ctx) => who.session.state.ring.did

const duty = (more: Partial<Duty> = {}): Duty => ({
  ...{
    id: new Uint8Array(16).fill(7),
    kind: 'hold',
    text: 'A court asks for it.',
    law: 'FRCP 37(e)',
    since: w.now,
    until: null,
    ended: null,
  },
  ...more,
})
/** What Ada's device makes of the mail: what was said, or why it was refused. */
const taken = async () => (await receiveMessages(ada)).map(a => (a.kind === 'right' ? a.news.step : a.kind === 'refused' ? a.code : a.kind))
const told = () => ada.session.state.ring.rights?.told ?? []

beforeEach(async () => {
  w = await world([HOME, AWAY], 'duties')
  ada = await person(w, 'Ada', HOME)
  clinic = await person(w, 'Clinic', AWAY)
  await join(clinic, await invite(ada))
  await receiveMessages(ada)
})

describe('what an organisation owes a patient to say', () => {
  test('counts from whom the record was ever shared with, also after that ended, and from no other contact', async () => {
    await tellDuty(clinic, did(ada), duty())
    expect([await taken(), told()]).toEqual([['UNVERIFIED'], []])
    const compartments = [compartmentNamed(ada.session.state.ring, 'laboratory').id]
    const given = await grant(ada, { to: did(clinic), level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + DAY })
    await receiveMessages(clinic)
    await revoke(ada, given.commitment)
    await tellDuty(clinic, did(ada), duty())
    expect(await taken()).toEqual(['duty'])
    expect(told()).toMatchObject([{ from: did(clinic), name: 'Clinic', kind: 'hold', law: 'FRCP 37(e)', ended: null }])
    const stranger = await person(w, 'Stranger', AWAY)
    await tellDuty(stranger, did(ada), duty({ kind: 'breach' }), [HOME])
    expect([await taken(), told().length]).toEqual([['UNVERIFIED'], 1])
  })

  test('is replaced by a newer word of the same party alone, and by no older one', async () => {
    const compartments = [compartmentNamed(ada.session.state.ring, 'laboratory').id]
    const other = await person(w, 'Other', HOME)
    await join(other, await invite(ada))
    await receiveMessages(ada)
    for (const who of [clinic, other]) {
      await grant(ada, { to: did(who), level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + DAY })
      await receiveMessages(who)
    }
    await tellDuty(clinic, did(ada), duty())
    await taken()
    w.now += 60
    await tellDuty(clinic, did(ada), duty({ ended: w.now }))
    await tellDuty(other, did(ada), duty({ text: 'Mine.' }))
    await taken()
    expect(
      told()
        .map(d => [d.name, d.ended])
        .sort(),
    ).toEqual([
      ['Clinic', w.now],
      ['Other', null],
    ])
    w.now -= 90
    await tellDuty(clinic, did(ada), duty())
    w.now += 90
    expect(await taken()).toEqual(['REPLAYED'])
  })

  test('a hold keeps nobody from erasing their own record', async () => {
    const [record] = await fileRecords(ada, [draft(ada, 'laboratory', 'blood')])
    const compartments = [compartmentNamed(ada.session.state.ring, 'laboratory').id]
    await grant(ada, { to: did(clinic), level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + DAY })
    await receiveMessages(clinic)
    await tellDuty(clinic, did(ada), duty())
    expect(await taken()).toEqual(['duty'])
    expect(await eraseRecords(ada, [record!.id])).toMatchObject({ told: ['Clinic'] })
    expect((await entryOf(ada, record!.id)) ?? null).toBeNull()
  })

  test('of one party no more than fifty things are kept', async () => {
    const compartments = [compartmentNamed(ada.session.state.ring, 'laboratory').id]
    await grant(ada, { to: did(clinic), level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + DAY })
    await receiveMessages(clinic)
    for (let i = 0; i < 51; i++) await tellDuty(clinic, did(ada), duty({ id: new Uint8Array(16).fill(i) }))
    expect((await taken()).filter(k => k === 'RATE_LIMITED')).toHaveLength(1)
    expect(told()).toHaveLength(50)
  })
})
