import { describe, expect, test } from 'vitest'
import { person, world } from '#actions/story.kit'
import { isKeepwellError } from '#base/error'
import { memoryCatalog } from '#memory/catalog'
import { changeRing, refreshRing } from './change-ring.ts'
import { createVault } from './create-vault.ts'
import { restoreVault } from './restore-vault.ts'
import { agreeToKeep, noteBackup, noteCopies, noteDrill, noteTest, remindOfBackup, safekeepingOf } from './safekeeping.ts'

const HOME = 'http://home.test'
const DAY = 86_400
const report = { of: 40, asked: 299, missing: 0, damaged: 0, repaired: 0, lost: 0, unmended: 0, pending: 0 }

describe('T30: how the record is kept', () => {
  test('is told by each device of the vault to all others, the newest word of each kind', async () => {
    const w = await world([HOME])
    const phone = await person(w, 'Ada', HOME)
    const agent = {
      ...phone,
      catalog: memoryCatalog(),
      session: await restoreVault(w, { words: phone.words, relay: HOME, deviceName: 'agent' }),
    }
    const { device } = agent.session
    expect(safekeepingOf(agent.session.state.ring, w.now)).toMatchObject({
      made: null,
      tested: null,
      drilled: null,
      copies: [],
      agreed: [],
      due: false,
    })
    await noteBackup(phone, { place: 'a.backup', records: 3, size: 900 })
    w.now += 60
    await noteBackup(agent, { place: `/mnt/${'ä'.repeat(300)}/keepwell`, records: 4, size: 1000 })
    await noteTest(agent, { place: 'a.backup', of: w.now - 60, records: 3 })
    await noteDrill(agent, { place: 'b.backup', records: 4, missing: 0, seconds: 1.2 })
    await noteCopies(agent, [
      { ...report, place: 'relay' },
      { ...report, place: '/mnt/old', failed: 'IO' },
    ])
    await noteCopies(agent, [
      { ...report, place: 'relay' },
      { ...report, place: '/mnt/new', lost: 1, unmended: 2 },
    ])
    await agreeToKeep(agent, { place: 'arweave:one', most: '140000000000000' })
    await expect(agreeToKeep(agent, { place: 'arweave:two', most: '-1' })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await refreshRing(phone)
    const seen = safekeepingOf(phone.session.state.ring, w.now)
    expect(seen.made).toMatchObject({ at: w.now, device: device.id, records: 4, size: 1000 })
    expect(seen.made!.place.endsWith('ä/keepwell')).toBe(true)
    expect(seen.tested).toMatchObject({ of: w.now - 60, records: 3 })
    expect(seen.drilled).toMatchObject({ missing: 0, seconds: 2 })
    expect(seen.copies.map(c => [c.place, c.lost, c.unmended, c.problem]).sort()).toEqual([
      ['/mnt/new', 1, 2, null],
      ['relay', 0, undefined, null],
    ])
    expect(seen.agreed).toEqual([{ at: w.now, device: device.id, place: 'arweave:one', most: '140000000000000' }])
  })

  test('is asked for again after as many days as the person said, or never', async () => {
    const w = await world([HOME])
    const ada = await person(w, 'Ada', HOME)
    const due = (days: number): boolean => safekeepingOf(ada.session.state.ring, w.now + days * DAY).due
    expect(due(4000)).toBe(false)
    await noteBackup(ada, { place: 'a', records: 1, size: 1 })
    expect([due(90), due(91)]).toEqual([false, true])
    await remindOfBackup(ada, 7)
    expect([due(7), due(8)]).toEqual([false, true])
    await noteBackup(ada, { place: 'a', records: 1, size: 1 })
    expect(due(7)).toBe(false)
    await remindOfBackup(ada, 0)
    expect(due(4000)).toBe(false)
    await expect(remindOfBackup(ada, -1)).rejects.toMatchObject({ code: 'BAD_INPUT' })
    // What an earlier version wrote is still a time.
    await changeRing(ada, r => ({ ...r, marks: { backup: Uint8Array.of(0, 0, 0, 0, 0x6a, 0xb1, 0, 0) } }))
    expect(safekeepingOf(ada.session.state.ring, w.now).made).toMatchObject({ at: 0x6ab10000, place: '' })
  })

  test('is told by nobody else: whoever is no device of the vault changes nothing', async () => {
    const w = await world([HOME])
    const ada = await person(w, 'Ada', HOME)
    const { session } = await createVault(w, { name: 'Mallory', relay: HOME, deviceName: 'test' })
    const { did } = ada.session.state.ring
    const posing = { device: { ...session.device, vault: did }, state: { ...session.state, ring: { ...session.state.ring, did } } }
    await expect(noteBackup({ ...ada, session: posing }, { place: 'x', records: 9, size: 9 })).rejects.toSatisfy(e => isKeepwellError(e))
    await refreshRing(ada)
    expect(safekeepingOf(ada.session.state.ring, w.now).made).toBeNull()
    // And nobody reads it: at the relay lies a sealed keyring.
    await noteBackup(ada, { place: 'CANARY-PLACE', records: 1, size: 1 })
    const kept = JSON.stringify(ada.session.state.sealed, (_, v) => (v instanceof Uint8Array ? String.fromCharCode(...v) : v))
    expect([kept.length > 1000, kept.includes('CANARY-PLACE')]).toEqual([true, false])
  })
})
