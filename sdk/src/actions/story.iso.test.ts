import { describe, expect, test } from 'vitest'
import { text, toHex, utf8 } from '#base/bytes'
import { codeOf } from '#base/code.kit'
import { type GrantInput, grant } from './access/grant.ts'
import { receivedGrants } from './access/grants.ts'
import { invite, join } from './access/invite.ts'
import { openSession } from './access/open-session.ts'
import { receiveMessages } from './access/receive-messages.ts'
import { requestAccess } from './access/request.ts'
import { revoke } from './access/revoke.ts'
import { verifyTrail } from './access/verify-trail.ts'
import type { Ctx } from './context.ts'
import { confirmAnchors } from './records/confirm-anchors.ts'
import { eraseRecords } from './records/erase-records.ts'
import { fileRecords } from './records/file-records.ts'
import { listEntries } from './records/list-entries.ts'
import { openRecords } from './records/open-record.ts'
import { receiveRecords } from './records/receive-records.ts'
import { compartmentNamed } from './records/secrets.ts'
import { submitRecords } from './records/submit-records.ts'
import { draft, person, type World, world } from './story.kit.ts'
import { restoreVault } from './vault/restore-vault.ts'

const HOME = 'http://patient.test'
const CLINIC = 'http://clinic.test'
const DAY = 86_400

async function introduced(w: World, other = CLINIC): Promise<{ patient: Ctx; clinic: Ctx }> {
  const patient = await person(w, 'Ada Example', HOME)
  const clinic = await person(w, 'Clinic West', other)
  await join(clinic, await invite(patient))
  const arrivals = await receiveMessages(patient)
  expect(arrivals.map(a => a.kind)).toEqual(['contact'])
  return { patient, clinic }
}

const id = (ctx: Ctx, name: string): Uint8Array => compartmentNamed(ctx.session.state.ring, name).id

describe('the main job, between two homes with two relays and two ledgers', () => {
  test('what a patient files is read by whom she granted, and only what she granted', async () => {
    const w = await world([HOME, CLINIC])
    const { patient, clinic } = await introduced(w)
    const [lab, mind] = await fileRecords(patient, [draft(patient, 'laboratory', 'HbA1c'), draft(patient, 'mental-health', 'Session note')])
    await grant(patient, {
      to: clinic.session.state.ring.did,
      level: 'read',
      purposes: ['TREAT'],
      compartments: [id(patient, 'laboratory')],
      expiry: w.now + 90 * DAY,
    })
    expect((await receiveMessages(clinic)).map(a => a.kind)).toEqual(['grant'])
    const [received] = receivedGrants(clinic)
    const session = await openSession(clinic, { grant: received!.grant.commitment, purpose: 'TREAT', person: 'Dr. Mallory Test' })
    expect(session.records.map(r => r.card.title)).toEqual(['HbA1c'])
    const [opened] = await session.open([lab!.id])
    expect(JSON.parse(text(opened!.body)).title).toBe('HbA1c')
    expect(opened!.author).toBe('verified')
    expect(await codeOf(() => session.open([mind!.id]))).toBe('DENIED')

    const trail = await verifyTrail(patient)
    expect(trail.problems).toEqual([])
    const foreign = trail.looked.filter(l => l.name === 'Clinic West')
    expect(foreign.map(l => [l.receipt.action, l.receipt.verdict, l.reader])).toEqual([
      ['list', 'allowed', 'verified'],
      ['view', 'allowed', 'verified'],
      ['deny', 'denied', 'verified'],
    ])
    expect(foreign[1]!.receipt.ids.map(toHex)).toEqual([toHex(lab!.id)])
    expect(foreign[1]!.receipt.person).toBe('Dr. Mallory Test')
  })

  test('a revoked reader is refused at once, and holds no key for what comes later', async () => {
    const w = await world([HOME, CLINIC])
    const { patient, clinic } = await introduced(w)
    await fileRecords(patient, [draft(patient, 'laboratory', 'before')])
    const given = await grant(patient, {
      to: clinic.session.state.ring.did,
      level: 'read',
      purposes: ['TREAT'],
      compartments: [id(patient, 'laboratory')],
      expiry: w.now + 90 * DAY,
    })
    await receiveMessages(clinic)
    const session = await openSession(clinic, { grant: given.commitment, purpose: 'TREAT' })
    await revoke(patient, given.commitment)
    expect(await codeOf(() => openSession(clinic, { grant: given.commitment, purpose: 'TREAT' }))).toBe('DENIED')
    expect(await codeOf(() => session.open([session.records[0]!.id]))).toBe('DENIED')
    await fileRecords(patient, [draft(patient, 'laboratory', 'after')])
    const [received] = receivedGrants(clinic)
    const { grantedSecret } = await import('./records/secrets.ts')
    const entry = (await listEntries(patient)).find(e => e.card.title === 'after')!
    expect(entry.generation).toBe(1)
    expect(grantedSecret(received!.package.nodes, entry)).toBeNull()
  })

  test('T32: a consent to research begins a day later, and taken back before nothing was ever read', async () => {
    const w = await world([HOME, CLINIC])
    const { patient, clinic } = await introduced(w)
    await fileRecords(patient, [draft(patient, 'laboratory', 'HbA1c')])
    const to = clinic.session.state.ring.did
    const compartments = [id(patient, 'laboratory')]
    const agree = async (more: Partial<GrantInput> = {}) => {
      const given = await grant(patient, { to, level: 'read', purposes: ['HRESCH'], compartments, expiry: w.now + 90 * DAY, ...more })
      await receiveMessages(clinic)
      return given
    }
    const reads = (commitment: Uint8Array) => codeOf(() => openSession(clinic, { grant: commitment, purpose: 'HRESCH' }))

    // Nobody begins it sooner, whatever they ask for.
    const first = await agree({ notBefore: w.now - DAY })
    expect(first.terms.notBefore - w.now).toBeGreaterThanOrEqual(DAY)
    expect(first.terms.notBefore - w.now).toBeLessThan(DAY + 3600)
    const slot = await w.homes.get(HOME)!.ledger.consents.slot(first.terms.holder, first.commitment)
    expect([slot!.notBefore, first.terms.notBefore % 3600]).toEqual([first.terms.notBefore, 0])
    w.now = first.terms.notBefore - 1
    expect(await reads(first.commitment)).toBe('DENIED')
    await revoke(patient, first.commitment)
    w.now += DAY
    expect(await reads(first.commitment)).toBe('DENIED')
    const { looked } = await verifyTrail(patient)
    expect(looked.filter(l => l.name === 'Clinic West').map(l => l.receipt.verdict)).toEqual(['denied', 'denied'])

    const second = await agree()
    w.now = second.terms.notBefore
    expect(await reads(second.commitment)).toBe('no error')
    // The same for longer is nothing new to sleep on; more of it is, and another’s is.
    expect((await agree({ expiry: w.now + 180 * DAY })).terms.notBefore).toBe(w.now)
    const more = await agree({ compartments: [...compartments, id(patient, 'medications')] })
    expect(more.terms.notBefore).toBeGreaterThan(w.now)
    // Care waits for nobody.
    expect((await agree({ purposes: ['TREAT'] })).terms.notBefore).toBe(w.now)
  })

  test('a grant ends at its expiry, with nobody online', async () => {
    const w = await world([HOME, CLINIC])
    const { patient, clinic } = await introduced(w)
    const given = await grant(patient, {
      to: clinic.session.state.ring.did,
      level: 'read',
      purposes: ['TREAT'],
      compartments: [id(patient, 'laboratory')],
      expiry: w.now + 10 * DAY,
    })
    await receiveMessages(clinic)
    await openSession(clinic, { grant: given.commitment, purpose: 'TREAT' })
    expect(await codeOf(() => openSession(clinic, { grant: given.commitment, purpose: 'HRESCH' }))).toBe('DENIED')
    w.now += 10 * DAY
    expect(await codeOf(() => openSession(clinic, { grant: given.commitment, purpose: 'TREAT' }))).toBe('DENIED')
  })

  test('a clinic writes while the patient sleeps; the patient sees who signed it', async () => {
    const w = await world([HOME, CLINIC])
    const { patient, clinic } = await introduced(w)
    await grant(patient, {
      to: clinic.session.state.ring.did,
      level: 'write',
      purposes: ['TREAT'],
      compartments: [id(patient, 'laboratory')],
      expiry: w.now + 90 * DAY,
    })
    await receiveMessages(clinic)
    const make = (compartmentName: string, title: string) => {
      const { compartment: _, ...rest } = draft(
        clinic,
        'laboratory',
        title,
        utf8(JSON.stringify({ resourceType: 'MedicationRequest', title })),
      )
      return { ...rest, compartmentName }
    }
    const sent = await submitRecords(clinic, {
      to: patient.session.state.ring.did,
      purpose: 'TREAT',
      drafts: [make('laboratory', 'glucose'), make('medications', 'metformin')],
    })
    expect(sent.map(s => s.compartment)).toEqual(['laboratory', 'inbox'])
    const got = await receiveRecords(patient)
    expect(got).toEqual({ fresh: 2, refiled: 1, problems: [] })
    const entries = await listEntries(patient)
    expect(entries.map(e => [e.card.title, e.state]).sort()).toEqual([
      ['glucose', 'verified'],
      ['metformin', 'verified'],
    ])
    const refiled = entries.find(e => e.card.title === 'metformin')!
    expect(toHex(refiled.compartment)).toBe(toHex(id(patient, 'medications')))
    await w.homes.get(HOME)!.relay.anchor()
    expect(await confirmAnchors(patient, entries)).toEqual({ confirmed: 2, waiting: 0, wrong: [] })
  })

  test('a request arrives in plain words, and a stranger cannot be granted to', async () => {
    const w = await world([HOME, CLINIC])
    const { patient, clinic } = await introduced(w)
    await requestAccess(clinic, {
      from: patient.session.state.ring.did,
      purpose: 'TREAT',
      level: 'read',
      compartments: ['laboratory'],
      seconds: 90 * DAY,
      text: 'Follow-up',
    })
    const [arrival] = await receiveMessages(patient)
    expect(arrival).toMatchObject({ kind: 'request', name: 'Clinic West', verified: true, request: { text: 'Follow-up' } })
    const stranger = await person(w, 'Stranger', CLINIC)
    const to = stranger.session.state.ring.did
    expect(
      await codeOf(() =>
        grant(patient, { to, level: 'read', purposes: ['TREAT'], compartments: [id(patient, 'laboratory')], expiry: w.now + DAY }),
      ),
    ).toBe('UNKNOWN_PARTY')
  })

  test('an erased record is gone from the relay, its id never comes back, and the receipt is signed', async () => {
    const w = await world([HOME])
    const patient = await person(w, 'Ada Example', HOME)
    const records = await fileRecords(patient, [draft(patient, 'laboratory', 'keep'), draft(patient, 'laboratory', 'erase')])
    const before = await openRecords(patient, [records[1]!.id])
    expect(before).toHaveLength(1)
    const { receipts } = await eraseRecords(patient, [records[1]!.id])
    expect(receipts[0]!.ids.map(toHex)).toEqual([toHex(records[1]!.id)])
    expect(await openRecords(patient, [records[1]!.id])).toEqual([])
    expect(await openRecords(patient, [records[0]!.id])).toHaveLength(1)
    expect(await codeOf(() => fileRecords(patient, [{ ...draft(patient, 'laboratory', 'again'), id: records[1]!.id }]))).toBe('ERASED')
  })

  test('words and one relay restore everything on an empty machine', async () => {
    const w = await world([HOME])
    const patient = await person(w, 'Ada Example', HOME)
    await fileRecords(patient, [draft(patient, 'laboratory', 'HbA1c'), draft(patient, 'imaging', 'CT')])
    const { memoryCatalog } = await import('#memory/catalog')
    const session = await restoreVault(patient, { words: patient.words, relay: HOME, deviceName: 'new phone' })
    const again: Ctx = { ...patient, session, catalog: memoryCatalog() }
    await receiveRecords(again)
    const entries = await listEntries(again)
    expect(entries.map(e => e.card.title).sort()).toEqual(['CT', 'HbA1c'])
    expect(await openRecords(again, [entries[0]!.id])).toHaveLength(1)
    expect(await codeOf(() => restoreVault(patient, { words: patient.words.replace(/^\S+/, 'zoo'), relay: HOME, deviceName: 'x' }))).toBe(
      'WRONG_WORDS',
    )
  })

  test('a payload larger than a block comes back byte for byte', async () => {
    const w = await world([HOME])
    const patient = await person(w, 'Ada Example', HOME)
    const big = w.random(1_000_003)
    const stream = {
      size: big.length,
      chunks: async function* () {
        for (let at = 0; at < big.length; at += 70_001) yield big.subarray(at, at + 70_001)
      },
    }
    const [a, b] = await fileRecords(patient, [
      draft(patient, 'imaging', 'in memory', big),
      { ...draft(patient, 'imaging', 'streamed'), body: stream },
    ])
    for (const e of [a!, b!]) {
      const [opened] = await openRecords(patient, [e.id])
      expect(toHex(opened!.body)).toBe(toHex(big))
    }
    const { openRecordStream } = await import('./records/open-record.ts')
    const ranges = await openRecordStream(patient, b!)
    const parts: Uint8Array[] = []
    for await (const p of ranges.read(500_000, 300_000)) parts.push(p)
    expect(toHex(Uint8Array.from(parts.flatMap(p => [...p])))).toBe(toHex(big.subarray(500_000, 800_000)))
  })
})
