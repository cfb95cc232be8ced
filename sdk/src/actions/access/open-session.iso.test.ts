import { expect, test } from 'vitest'
import { fileRecords } from '#actions/records/file-records'
import { draft, person, world } from '#actions/story.kit'
import { toHex, utf8 } from '#base/bytes'
import { isKeepwellError } from '#base/error'
import { grant } from './grant.ts'
import { invite, join } from './invite.ts'
import { openSession, type SessionRecord } from './open-session.ts'
import { receiveMessages } from './receive-messages.ts'

const HOME = 'http://patient.test'

test('records can be opened as they are listed, read by parts, and what is filed meanwhile is found by asking again', async () => {
  const w = await world([HOME])
  const [patient, clinic] = [await person(w, 'Ada', HOME), await person(w, 'Clinic', HOME)]
  await join(clinic, await invite(patient))
  await receiveMessages(patient)
  const large = draft(
    patient,
    'general',
    'large',
    new Uint8Array(600_000).map((_, i) => i % 251),
  )
  await fileRecords(patient, [draft(patient, 'general', 'one'), large])
  const compartments = patient.session.state.ring.compartments.map(c => c.id)
  const to = clinic.session.state.ring.did
  const { commitment } = await grant(patient, { to, level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 86_400 })
  await receiveMessages(clinic)

  const arrived: SessionRecord[] = []
  const bodies: Promise<unknown>[] = []
  const session = await openSession(clinic, {
    grant: commitment,
    purpose: 'TREAT',
    arrived(fresh, opener) {
      arrived.push(...fresh)
      bodies.push(opener.open(fresh.map(r => r.id)))
    },
  })
  expect(arrived).toEqual(session.records)
  expect((await Promise.all(bodies)).flat()).toHaveLength(2)

  const [part] = await session.ranges([large.id])
  const bytes: number[] = []
  for await (const chunk of part!.read(300_000, 5)) bytes.push(...chunk)
  expect(bytes).toEqual([...(large.body as Uint8Array).subarray(300_000, 300_005)])
  expect([part!.author, toHex(part!.meta.id)]).toEqual(['verified', toHex(large.id)])

  const later = draft(patient, 'general', 'later', utf8('{}'))
  await fileRecords(patient, [later])
  expect((await session.refresh()).map(r => toHex(r.id))).toEqual([toHex(later.id)])
  expect(await session.refresh()).toEqual([])
  expect(session.records).toHaveLength(3)

  session.close()
  for (const work of [session.refresh(), session.ranges([large.id])])
    expect(
      await work.then(
        () => 'no error',
        e => isKeepwellError(e, 'NO_GRANT'),
      ),
    ).toBe(true)
})

test('who opens records as they are listed begins with a short page, and others have their turn meanwhile', async () => {
  const w = await world([HOME])
  const [patient, clinic] = [await person(w, 'Ada', HOME), await person(w, 'Clinic', HOME)]
  await join(clinic, await invite(patient))
  await receiveMessages(patient)
  await fileRecords(
    patient,
    Array.from({ length: 260 }, (_, n) => draft(patient, 'general', `Note ${n}`)),
  )
  const compartments = patient.session.state.ring.compartments.map(c => c.id)
  const to = clinic.session.state.ring.did
  const { commitment } = await grant(patient, { to, level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 86_400 })
  await receiveMessages(clinic)

  const pages: number[] = []
  const receipts: number[] = []
  let turns = 0
  const breathe = async (): Promise<void> => void turns++
  const input = { grant: commitment, purpose: 'TREAT' as const, breathe, receipted: () => void receipts.push(turns) }
  const session = await openSession(clinic, { ...input, arrived: fresh => void pages.push(fresh.length) })
  expect(pages).toEqual([250, 10])
  const listed = turns
  expect(listed).toBeGreaterThanOrEqual(7)
  await session.open(session.records.map(r => r.id))
  expect(turns - listed).toBeGreaterThanOrEqual(8)
  receipts.length = 0
  expect((await openSession(clinic, input)).records).toHaveLength(260)
  expect(receipts).toHaveLength(1)
})

test('a session holds of a listing what it needs, not the listing: own copies, and one root for all records under it', async () => {
  const w = await world([HOME])
  const [patient, clinic] = [await person(w, 'Ada', HOME), await person(w, 'Clinic', HOME)]
  await join(clinic, await invite(patient))
  await receiveMessages(patient)
  const compartments = patient.session.state.ring.compartments.map(c => c.id)
  await fileRecords(
    patient,
    ['one', 'two', 'three'].map(name => draft(patient, 'general', name)),
  )
  await w.homes.get(HOME)!.relay.anchor()
  const to = clinic.session.state.ring.did
  const { commitment } = await grant(patient, { to, level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 86_400 })
  await receiveMessages(clinic)

  const { records } = await openSession(clinic, { grant: commitment, purpose: 'TREAT' })
  expect(records).toHaveLength(3)
  for (const { id, cid, compartment, anchor } of records)
    expect([id, cid, compartment, anchor!.root].map(b => [b.byteLength, b.buffer.byteLength])).toEqual([
      [16, 16],
      [36, 36],
      [compartment.length, compartment.length],
      [32, 32],
    ])
  expect(new Set(records.map(r => r.anchor)).size).toBe(1)
})
