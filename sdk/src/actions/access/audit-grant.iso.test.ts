import { beforeAll, describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { compartmentNamed } from '#actions/records/secrets'
import { draft, person, type World, world } from '#actions/story.kit'
import { AUDIT } from '#audit/trail-proof'
import { toHex } from '#base/bytes'
import { epochOf } from '#base/time'
import { grant } from './grant.ts'
import { receivedGrants } from './grants.ts'
import { invite, join } from './invite.ts'
import { openSession } from './open-session.ts'
import { auditCompartment, publishTrail, publishWhileRead } from './publish-trail.ts'
import { readTrail, trailGrants } from './read-trail.ts'
import { receiveMessages } from './receive-messages.ts'
import { revoke } from './revoke.ts'
import { verifyTrail } from './verify-trail.ts'

const HOME = 'https://patient.test'
const DAY = 86_400
let w: World
let patient: Ctx
let clinic: Ctx
let regulator: Ctx
let given: Uint8Array

const looks = async (): Promise<void> => {
  const session = await openSession(clinic, { grant: receivedGrants(clinic)[0]!.grant.commitment, purpose: 'TREAT', person: 'Dr. Test' })
  await session.open([session.records[0]!.id])
  session.close()
}
const mine = () => trailGrants(regulator)[0]!

beforeAll(async () => {
  w = await world([HOME], 'audit grant')
  patient = await person(w, 'Ada Example', HOME)
  clinic = await person(w, 'Clinic West', HOME)
  regulator = await person(w, 'Data Protection Office', HOME)
  for (const party of [clinic, regulator]) {
    await join(party, await invite(patient))
    await receiveMessages(patient)
  }
  await fileRecords(patient, [draft(patient, 'laboratory', 'Secret potassium'), draft(patient, 'laboratory', 'two')])
  const compartments = [compartmentNamed(patient.session.state.ring, 'laboratory').id]
  await grant(patient, { to: clinic.session.state.ring.did, level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 90 * DAY })
  await receiveMessages(clinic)
  await looks()
  const audit = await auditCompartment(patient)
  await publishTrail(patient)
  const to = regulator.session.state.ring.did
  given = (await grant(patient, { to, level: 'read', purposes: ['PATRQT'], compartments: [audit], expiry: w.now + 30 * DAY })).commitment
  await receiveMessages(regulator)
  await w.homes.get(HOME)!.relay.anchor()
})

describe('a regulator with a consent to who looked', () => {
  test('reads it whole and proven, and nothing else; its own reading is a receipt that it reads too', async () => {
    const first = await readTrail(regulator, { grant: mine(), person: 'Inspector Ines' })
    expect(first.verdict.problems).toEqual([])
    expect(first.verdict.lines.filter(l => l.receipt.person === 'Dr. Test').map(l => [l.receipt.action, l.reader])).toEqual([
      ['list', 'verified'],
      ['view', 'verified'],
    ])
    expect(first.place!.anchored!.covers).toBe(true)
    const own = (await verifyTrail(patient)).looked.filter(l => l.receipt.person === 'Inspector Ines')
    expect(own.map(l => l.receipt.action)).toEqual(['list', 'view'])
    await looks()
    expect(await publishWhileRead(patient)).toBeGreaterThan(0)
    const second = await readTrail(regulator, { grant: mine() })
    expect(second.verdict.problems).toEqual([])
    expect(second.verdict.lines.map(l => l.receipt.person).filter(p => p === 'Inspector Ines')).toHaveLength(2)
    expect(second.trail.pages.length).toBeGreaterThan(first.trail.pages.length)
    const all = await openSession(regulator, { grant: given, purpose: 'PATRQT' })
    expect(all.records.every(r => r.card.title.startsWith('Who looked'))).toBe(true)
    await expect(openSession(regulator, { grant: given, purpose: 'TREAT' })).rejects.toMatchObject({ code: 'DENIED' })
  })

  test('to publish leaves a receipt, and that alone is not published', async () => {
    expect(await publishTrail(patient)).toBeGreaterThan(0)
    expect([await publishTrail(patient), await publishTrail(patient)]).toEqual([0, 0])
    expect(await publishTrail(clinic)).toBe(0)
  })

  test('nobody else reads it: not the clinic, whose consent is to the record', async () => {
    expect(trailGrants(clinic)).toEqual([])
    const session = await openSession(clinic, { grant: receivedGrants(clinic)[0]!.grant.commitment, purpose: 'TREAT' })
    expect(session.records.some(r => r.card.title.startsWith('Who looked'))).toBe(false)
    await expect(readTrail(clinic, { grant: receivedGrants(clinic)[0]! })).rejects.toMatchObject({ code: 'NO_GRANT' })
  })

  test('with a part missing it is no whole trail', async () => {
    const { ring } = patient.session.state
    const audit = compartmentNamed(ring, AUDIT).id
    const session = await openSession(regulator, { grant: given, purpose: 'PATRQT' })
    expect(session.records.filter(r => toHex(r.compartment) === toHex(audit)).length).toBeGreaterThan(2)
    const { eraseRecords } = await import('#actions/records/erase-records')
    await eraseRecords(patient, [session.records.toSorted((a, b) => a.seq - b.seq)[1]!.id])
    await expect(readTrail(regulator, { grant: mine() })).rejects.toMatchObject({ code: 'OMISSION' })
  })

  test('ended, nothing is read from that moment; what comes later lies under keys that were never given', async () => {
    const before = mine()
    await revoke(patient, given)
    await expect(readTrail(regulator, { grant: before })).rejects.toMatchObject({ code: 'DENIED' })
    const nodes = before.package.nodes.map(n => n.generation)
    await looks()
    expect(await publishWhileRead(patient)).toBe(0)
    expect(await publishTrail(patient)).toBeGreaterThan(0)
    const { generation } = compartmentNamed(patient.session.state.ring, AUDIT)
    expect(nodes).not.toContain(generation)
    await receiveMessages(regulator)
    expect(trailGrants(regulator)).toEqual([])
  })

  test('run out, it is refused by the relay, and the keys end with the week', async () => {
    const to = regulator.session.state.ring.did
    const compartments = [compartmentNamed(patient.session.state.ring, AUDIT).id]
    const { terms } = await grant(patient, { to, level: 'read', purposes: ['PATRQT'], compartments, expiry: w.now + DAY })
    await receiveMessages(regulator)
    const late = mine()
    w.now += DAY + 1
    expect(trailGrants(regulator)).toEqual([])
    await expect(openSession(regulator, { grant: late.grant.commitment, purpose: 'PATRQT' })).rejects.toMatchObject({ code: 'DENIED' })
    expect(terms.to).toBeLessThanOrEqual(epochOf(w.now))
  })
})
