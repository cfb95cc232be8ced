import { expect, test } from 'vitest'
import { grant } from '#actions/access/grant'
import { receivedGrants } from '#actions/access/grants'
import { invite, join } from '#actions/access/invite'
import { receiveMessages } from '#actions/access/receive-messages'
import { revoke } from '#actions/access/revoke'
import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { listEntries } from '#actions/records/list-entries'
import { compartmentNamed, grantedSecret } from '#actions/records/secrets'
import { draft, person, world } from '#actions/story.kit'
import { equal } from '#base/bytes'
import { calendarMessage } from '#identity/calendar'
import { peek } from '#identity/signed'
import { changeRing } from './change-ring.ts'
import { keepCalendar } from './keep-calendar.ts'

const HOME = 'http://home.test'
const WEEK = 7 * 86_400

test('writers have keys for at least a year, however long nobody looked', async () => {
  const w = await world([HOME])
  const ada = await person(w, 'Ada', HOME)
  const shown = async () => peek((await (await ada.network.relay(HOME)).calendar(ada.session.state.ring.did))!.calendar, calendarMessage)
  const first = await shown()
  expect((await keepCalendar(ada)).state).toBe('current')
  expect((await shown()).version).toBe(first.version)
  for (const weeks of [60, 200]) {
    w.now += weeks * WEEK
    expect((await keepCalendar(ada)).state).toBe('longer')
    expect((await shown()).notAfter).toBeGreaterThan(w.now + 52 * WEEK)
    expect((await keepCalendar(ada)).state).toBe('current')
    await fileRecords(ada, [draft(ada, 'general', 'later')])
  }
})

test('a revocation cut short before its calendar was published is finished, and those who remain get the new keys', async () => {
  const w = await world([HOME])
  const ada = await person(w, 'Ada', HOME)
  const clinic = await person(w, 'Clinic', HOME)
  await join(clinic, await invite(ada))
  await receiveMessages(ada)
  const { id } = compartmentNamed(ada.session.state.ring, 'laboratory')
  const shared = { level: 'read', purposes: ['TREAT'], compartments: [id], expiry: w.now + 20 * WEEK } as const
  await grant(ada, { to: clinic.session.state.ring.did, ...shared })
  await receiveMessages(clinic)
  // What revoke writes first, and then the power went.
  const generation = (g: number) => ({ generation: g, root: w.random(32), from: 0 })
  await changeRing(ada, r => ({
    ...r,
    calendar: r.calendar + 1,
    compartments: r.compartments.map(c =>
      equal(c.id, id) ? { ...c, generation: c.generation + 1, roots: [...c.roots, generation(c.generation + 1)] } : c,
    ),
  }))
  expect(await keepCalendar(ada)).toEqual({ state: 'finished', unreached: [] })
  expect(await keepCalendar(ada)).toEqual({ state: 'current', unreached: [] })
  await fileRecords(ada, [draft(ada, 'laboratory', 'after')])
  await receiveMessages(clinic)
  const [entry] = await listEntries(ada)
  expect(grantedSecret(receivedGrants(clinic)[0]!.package.nodes, entry!)).not.toBeNull()
})

test('who was out of reach when new keys were due gets them once they can be reached, and nobody whose consent has ended meanwhile', async () => {
  const AWAY = 'http://away.test'
  const w = await world([HOME, AWAY])
  const ada = await person(w, 'Ada', HOME)
  const { id } = compartmentNamed(ada.session.state.ring, 'laboratory')
  const given: Uint8Array[] = []
  const readers: Ctx[] = []
  for (const name of ['Clinic', 'Laboratory', 'Insurer']) {
    const reader = await person(w, name, AWAY)
    await join(reader, await invite(ada))
    await receiveMessages(ada)
    const shared = { level: 'read', purposes: ['TREAT'], compartments: [id], expiry: w.now + 20 * WEEK } as const
    given.push((await grant(ada, { to: reader.session.state.ring.did, ...shared })).commitment)
    await receiveMessages(reader)
    readers.push(reader)
  }
  const away = w.homes.get(AWAY)!
  w.homes.delete(AWAY)
  expect([...(await revoke(ada, given[2]!)).unreached].sort()).toEqual(['Clinic', 'Insurer', 'Laboratory'])
  // Whatever runs next, on whichever device, tries again.
  expect([...(await keepCalendar(ada)).unreached].sort()).toEqual(['Clinic', 'Laboratory'])
  await revoke(ada, given[1]!)
  w.homes.set(AWAY, away)
  expect(await keepCalendar(ada)).toEqual({ state: 'current', unreached: [] })
  await fileRecords(ada, [draft(ada, 'laboratory', 'after')])
  const [entry] = await listEntries(ada)
  const opens = async (at: number): Promise<boolean> => {
    await receiveMessages(readers[at]!)
    return grantedSecret(receivedGrants(readers[at]!)[0]!.package.nodes, entry!) !== null
  }
  expect([await opens(0), await opens(1), await opens(2)]).toEqual([true, false, false])
  expect(Object.keys(ada.session.state.ring.marks).filter(m => m.startsWith('owed/'))).toEqual([])
})
