import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { openRecords } from '@keepwell/sdk/actions/records/open-record'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Network, startNetwork } from '#e2e/network'
import type { Party } from '#e2e/parties'
import { DAY, draft, introduce, read, share } from '#e2e/story'

const HOUR = 3600

let network: Network
let patient: Party
let clinic: Party
beforeAll(async () => {
  network = await startNetwork({ homes: [{ name: 'home' }, { name: 'clinic' }] })
})
afterAll(() => network.close())
beforeEach(async () => {
  patient = await network.party('Ada Example', 'home')
  clinic = await network.party('Clinic West', 'clinic')
  await introduce(patient, clinic)
})

const off = <P extends Party>(party: P, seconds: number): P => ({ ...party, clock: () => party.clock() + seconds })

describe('clocks that are wrong by an hour', () => {
  test.each([HOUR, -HOUR])('a client’s (%d s): refused by name, nothing changed, and the right time cures it', async seconds => {
    const [kept] = await fileRecords(patient, [draft(patient, 'laboratory', 'kept')])
    const commitment = await share(patient, clinic, ['laboratory'])
    const late = off(patient, seconds)
    expect(await codeOf(() => fileRecords(late, [draft(late, 'laboratory', 'wrong time')]))).toBe('CLOCK_SKEW')
    expect(await codeOf(() => read(off(clinic, seconds), commitment))).toBe('CLOCK_SKEW')
    expect((await read(clinic, commitment)).records.map(r => r.card.title)).toEqual(['kept'])
    expect(await openRecords(patient, [kept!.id])).toHaveLength(1)
    expect((await verifyTrail(patient)).problems).toEqual([])
  })

  test('a client’s by less than five minutes is borne', async () => {
    for (const seconds of [240, -240]) {
      const slow = off(patient, seconds)
      expect(await codeOf(() => fileRecords(slow, [draft(slow, 'laboratory', 'a bit off')]))).toBe('no error')
    }
  })

  test('everybody’s goes back an hour: an expired consent stays expired, blocks and receipts keep their order, anchors verify', async () => {
    await fileRecords(patient, [draft(patient, 'laboratory', 'one')])
    const short = await share(patient, clinic, ['laboratory'], 1)
    const long = await share(patient, clinic, ['laboratory'], 90)
    await read(clinic, short)
    network.advance(DAY + 60)
    expect(await codeOf(() => read(clinic, short))).toBe('DENIED')
    await network.home('home').open.relay.anchor()
    network.advance(-HOUR)
    for (const home of network.homes.values()) await home.restart()
    expect(await codeOf(() => read(clinic, short)), 'the ledger’s time does not go back').toBe('DENIED')
    expect((await read(clinic, long)).records).toHaveLength(1)
    await fileRecords(patient, [draft(patient, 'laboratory', 'two')])
    await network.home('home').open.relay.anchor()
    expect(await confirmAnchors(patient, await listEntries(patient))).toMatchObject({ waiting: 0, wrong: [] })
    expect((await verifyTrail(patient)).problems).toEqual([])
  })

  test('everybody’s goes on an hour: what is valid stays so', async () => {
    const [one] = await fileRecords(patient, [draft(patient, 'laboratory', 'one')])
    const commitment = await share(patient, clinic, ['laboratory'])
    network.advance(HOUR)
    const session = await read(clinic, commitment)
    expect(await session.open([one!.id])).toHaveLength(1)
    network.advance(-HOUR)
    expect((await verifyTrail(patient)).problems).toEqual([])
  })
})
