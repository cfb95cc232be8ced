import { expect, test } from 'vitest'
import { forge } from '#actions/forge.kit'
import { fileRecords } from '#actions/records/file-records'
import { compartmentNamed } from '#actions/records/secrets'
import { draft, person, world } from '#actions/story.kit'
import { toHex, utf8 } from '#base/bytes'
import { codeOf } from '#base/code.kit'
import { isKeepwellError } from '#base/error'
import { grant } from './grant.ts'
import { receivedGrants } from './grants.ts'
import { invite, join } from './invite.ts'
import { openSession, type SessionRecord } from './open-session.ts'
import { receiveMessages } from './receive-messages.ts'
import { revoke } from './revoke.ts'

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

test('a record whose signature or seal is bad costs that record alone, named; asked for by itself it says why', async () => {
  const w = await world([HOME])
  const [patient, clinic, writer] = [await person(w, 'Ada', HOME), await person(w, 'Clinic', HOME), await person(w, 'Mallory', HOME)]
  const compartments = patient.session.state.ring.compartments.map(c => c.id)
  for (const [party, level] of [
    [clinic, 'read'],
    [writer, 'write'],
  ] as const) {
    await join(party, await invite(patient))
    await receiveMessages(patient)
    const to = party.session.state.ring.did
    await grant(patient, { to, level, purposes: ['TREAT'], compartments, expiry: w.now + 86_400 })
    await receiveMessages(party)
  }
  const good = [draft(patient, 'general', 'one'), draft(patient, 'general', 'two'), draft(patient, 'laboratory', 'three')]
  const compartment = compartmentNamed(patient.session.state.ring, 'general').id
  await fileRecords(patient, good.slice(0, 1))
  const unsigned = await forge(writer, { home: HOME, compartment, bad: 'signature' })
  const unsealed = await forge(writer, { home: HOME, compartment, bad: 'seal' })
  const shown = await forge(writer, { home: HOME, compartment, lie: { author: patient.session.state.ring.did } })
  await fileRecords(patient, good.slice(1))
  const session = await openSession(clinic, { grant: receivedGrants(clinic)[0]!.grant.commitment, purpose: 'TREAT' })
  expect(session.records).toHaveLength(6)
  const all = session.records.map(r => r.id)
  for (const how of ['open', 'ranges'] as const) {
    const refused = new Map<string, string>()
    const opened = await session[how](all, (id, e) => void refused.set(id, e.code))
    expect(opened.map(o => toHex(o.meta.id)).sort()).toEqual(good.map(d => toHex(d.id)).sort())
    expect(opened.every(o => o.author === 'verified')).toBe(true)
    expect(refused).toEqual(
      new Map([
        [toHex(unsigned), 'BAD_SIGNATURE'],
        [toHex(unsealed), 'OPEN_FAILED'],
        [toHex(shown), 'ENVELOPE_MISMATCH'],
      ]),
    )
  }
  // Whoever does not ask to be told gets none of them.
  expect(await codeOf(() => session.open(all))).toMatch(/^(BAD_SIGNATURE|OPEN_FAILED|ENVELOPE_MISMATCH)$/)
  expect(await codeOf(() => session.open([unsigned]))).toBe('BAD_SIGNATURE')
  // What is refused to all of them is nobody's own fault.
  const refused: string[] = []
  await revoke(patient, session.grant.grant.commitment)
  expect(await codeOf(() => session.open(all, id => void refused.push(id)))).toBe('DENIED')
  expect(refused).toEqual([])
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
