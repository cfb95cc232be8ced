import { grant } from '@keepwell/sdk/actions/access/grant'
import { invite, join } from '@keepwell/sdk/actions/access/invite'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { forge } from '@keepwell/sdk/actions/forge.kit'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { holdItems } from '@keepwell/sdk/actions/records/hold-items'
import { importItems } from '@keepwell/sdk/actions/records/import-items'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { compartmentNamed } from '@keepwell/sdk/actions/records/secrets'
import { submitRecords } from '@keepwell/sdk/actions/records/submit-records'
import { tellAmended } from '@keepwell/sdk/actions/rights/amended'
import { person, type World, world } from '@keepwell/sdk/actions/story.kit'
import { toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import type { MemoryRelay } from '@keepwell/sdk/memory/relay'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SessionOver } from '#rpc/clinician.ts'
import { askForAccess, desk, hasDesk } from './desk.ts'
import { type OpenReading, openReading } from './session.ts'
import { newsOf } from './sharing-news.ts'
import type { OpenVault } from './vault.ts'
import { writeBack } from './write-back.ts'

const HOME = 'http://patient.test'
const CLINIC = 'http://clinic.test'
const HOUR = 3600

const code = async (work: () => unknown): Promise<string> => {
  try {
    await work()
  } catch (e) {
    return isKeepwellError(e) ? e.code : String(e)
  }
  return 'no error'
}

/** Of an open vault what the desk needs. */
const vaultOf = (ctx: Ctx) => ({ ctx, run: <T>(work: (c: Ctx) => Promise<T>) => work(ctx) }) as unknown as OpenVault

describe('a session in another record', () => {
  let w: World
  let patient: Ctx
  let clinic: Ctx
  let ended: SessionOver[]

  beforeEach(async () => {
    w = await world([HOME, CLINIC])
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: w.now * 1000 })
    patient = await person(w, 'Ada Example', HOME)
    clinic = await person(w, 'Practice Rivera', CLINIC)
    await join(clinic, await invite(patient))
    await receiveMessages(patient)
    const bytes = utf8(JSON.stringify(sampleBundle('session', { resources: 80, now: w.now })))
    async function* items() {
      yield {
        name: 'a.json',
        size: bytes.length,
        chunks: async function* () {
          yield bytes
        },
      }
    }
    for await (const _ of importItems(patient, items(), {}));
    ended = []
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const id = (name: string) => compartmentNamed(patient.session.state.ring, name).id
  async function give(level: 'read' | 'write', parts: readonly string[], seconds = 24 * HOUR): Promise<string> {
    const to = clinic.session.state.ring.did
    const { commitment } = await grant(patient, { to, level, purposes: ['TREAT'], compartments: parts.map(id), expiry: w.now + seconds })
    await receiveMessages(clinic)
    return toHex(commitment)
  }
  const idsIn = (reading: OpenReading): string[] => reading.window(reading.find({}).token, 0, 200).map(r => r.id)
  const openIt = (share: string, purpose = 'TREAT'): Promise<OpenReading> =>
    openReading(vaultOf(clinic), { share, purpose, person: 'Dr. Rivera', role: 'GP' }, o => ended.push(o))
  const groupOf = (reading: OpenReading, name: string) => reading.overview().groups.find(g => g.name === name)?.rows ?? []
  const call = () => ({ signal: new AbortController().signal, progress: () => {} })

  test('shows titles at once, and opens contents only under receipts that name every record and who read', async () => {
    const reading = await openIt(await give('read', ['general', 'laboratory', 'medications']))
    const { records, fresh, opened } = reading.view()
    expect(records).toBeGreaterThan(30)
    expect(fresh).toBeNull()
    expect(opened).toMatchObject({ open: 0, receipts: 1 })
    expect(reading.find({ text: 'no such word anywhere' }).records).toBe(0)
    const done = await reading.openAll(call())
    expect(done.open).toBe(done.of)
    const { looked, problems } = await verifyTrail(patient)
    expect(problems).toEqual([])
    const views = looked.filter(l => l.receipt.action === 'view' && l.name === 'Practice Rivera')
    expect(views).toHaveLength(done.receipts - 1)
    expect(new Set(views.flatMap(v => v.receipt.ids.map(toHex))).size).toBe(done.open)
    expect(views.map(v => [v.receipt.person, v.receipt.role, v.receipt.purpose])).toEqual(views.map(() => ['Dr. Rivera', 'GP', 'TREAT']))
    expect(reading.problems().problems.some(p => p.links.some(l => l.why === 'named'))).toBe(true)
    expect(reading.overview().groups.find(g => g.name === 'problems')?.count).toBeGreaterThan(0)
    expect(groupOf(reading, 'medications').some(r => r.note)).toBe(true)
  })

  test('what two laboratories measured under other codes and units is one series, as in the own record', async () => {
    const glucose = (n: string, code: string, value: number, unit: string, effectiveDateTime: string) => ({
      resourceType: 'Observation',
      id: n,
      status: 'final',
      category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
      code: { coding: [{ system: 'http://loinc.org', code }], text: `Glucose, laboratory ${n}` },
      effectiveDateTime,
      valueQuantity: { value, unit, system: 'http://unitsofmeasure.org', code: unit },
    })
    const two = [glucose('north', '2345-7', 99, 'mg/dL', '2031-03-01'), glucose('south', '14749-6', 5.6, 'mmol/L', '2032-03-01')]
    const bytes = utf8(two.map(o => JSON.stringify(o)).join('\n'))
    async function* items() {
      yield {
        name: 'two.ndjson',
        size: bytes.length,
        chunks: async function* () {
          yield bytes
        },
      }
    }
    for await (const _ of importItems(patient, items(), {}));
    const reading = await openIt(await give('read', ['laboratory']))
    await reading.openAll(call())
    const line = reading.results.list().lines.find(l => l.date?.startsWith('2032'))
    expect(line).toMatchObject({ analyte: 'glucose', unit: 'mg/dL' })
    const rows = reading.results.rows({ key: line!.key }, 0, 10).filter(r => r.date >= '2031')
    expect(rows.map(r => [r.date.slice(0, 4), Math.round(r.values[0]!), r.written])).toEqual([
      ['2032', 101, expect.stringContaining('5.6')],
      ['2031', 99, ''],
    ])
  })

  test('says of a record that it was corrected, on the word of its patient alone, and by whom once the newer one is listed', async () => {
    const share = await give('read', ['laboratory'])
    const reading = await openIt(share)
    const [row] = reading.window(reading.find({}).token, 0, 1)
    expect((await reading.record(row!.id)).newer).toBeNull()
    await tellAmended({ ...patient, clock: () => w.now - 60 })
    const [old] = (await listEntries(patient)).filter(e => toHex(e.id) === row!.id)
    const body = utf8('{"resourceType":"Observation","status":"amended","code":{"text":"Ferritin"}}')
    const facts = { resourceType: 'Observation', title: 'Ferritin, corrected', codes: [] }
    const made = { id: patient.random(16), kind: 'fhir', mediaType: 'application/fhir+json', authoredAt: w.now, body, facts } as const
    await fileRecords(patient, [{ ...made, compartment: old!.compartment, prior: old!.id }])
    // Somebody else's word, though it names the same record, says nothing here.
    reading.check([{ kind: 'amended', did: 'did:ethr:0x1:0x0000000000000000000000000000000000000001', name: 'X', records: [row!.id] }])
    expect((await reading.record(row!.id)).newer).toBeNull()
    expect((await tellAmended(patient)).told).toEqual(['Practice Rivera'])
    reading.check(newsOf(await receiveMessages(clinic)))
    expect((await reading.record(row!.id)).newer).toEqual({ id: null, author: 'Ada Example', at: null })
    const again = await openIt(share)
    // Anybody may have put her name on it: until it was opened, and its signatures checked, nothing is left out for it.
    expect(await again.record(row!.id)).toMatchObject({ newer: null, beside: [{ id: toHex(made.id), author: 'Ada Example' }] })
    expect(idsIn(again)).toEqual(expect.arrayContaining([row!.id, toHex(made.id)]))
    expect((await again.record(toHex(made.id))).prior).toEqual({ id: row!.id, author: null, replaced: true })
    expect(await again.record(row!.id)).toMatchObject({ newer: { id: toHex(made.id), author: 'Ada Example' }, beside: [] })
    expect(idsIn(again)).not.toContain(row!.id)
  })

  test('what another than its author wrote to amend a record stands beside it, and each names the other', async () => {
    const share = await give('read', ['laboratory'])
    await give('write', ['laboratory'])
    const lab = toHex(id('laboratory'))
    const [old] = (await listEntries(patient)).filter(e => e.card.resourceType === 'Observation' && toHex(e.compartment) === lab)
    const body = utf8('{"resourceType":"Observation","status":"amended","code":{"text":"Ferritin"}}')
    const facts = { resourceType: 'Observation', title: 'Ferritin, as the practice has it', codes: [] }
    const made = { id: patient.random(16), kind: 'fhir', mediaType: 'application/fhir+json', authoredAt: w.now, body, facts } as const
    const drafts = [{ ...made, compartmentName: 'laboratory', prior: old!.id }]
    await submitRecords(clinic, { to: patient.session.state.ring.did, purpose: 'TREAT', drafts })
    const [first, theirs] = [toHex(old!.id), toHex(made.id)]
    const reading = await openIt(share)
    expect((await reading.record(theirs)).prior).toEqual({ id: first, author: 'Ada Example', replaced: false })
    expect(await reading.record(first)).toMatchObject({ newer: null, beside: [{ id: theirs, author: 'Practice Rivera' }] })
    expect(idsIn(reading)).toEqual(expect.arrayContaining([first, theirs]))
  })

  test('is over when it is ended: everything refuses, and nothing is left to show', async () => {
    const reading = await openIt(await give('read', ['laboratory']))
    const found = reading.find({})
    const [row] = reading.window(found.token, 0, 1)
    await reading.record(row!.id)
    reading.end('ended')
    reading.end('idle')
    expect(ended).toEqual([expect.objectContaining({ why: 'ended', opened: 1, receipts: 2 })])
    for (const work of [
      () => reading.view(),
      () => reading.find({}),
      () => reading.window(found.token, 0, 1),
      () => reading.overview(),
      () => reading.problems(),
      () => reading.openAll(call()),
      () => reading.record(row!.id),
    ])
      expect(await code(work)).toBe('NO_GRANT')
  })

  test('what arrives after the end is not handed on', async () => {
    const reading = await openIt(await give('read', ['laboratory']))
    const [row] = reading.window(reading.find({}).token, 0, 1)
    const late = code(() => reading.record(row!.id))
    reading.end('ended')
    expect(await late).toBe('NO_GRANT')
    expect(ended[0]?.opened).toBe(0)
  })

  test('closes by itself in the second in which its share expires', async () => {
    const reading = await openIt(await give('read', ['laboratory'], 90))
    await vi.advanceTimersByTimeAsync(89_000)
    expect(ended).toEqual([])
    await vi.advanceTimersByTimeAsync(1000)
    expect(ended.map(o => o.why)).toEqual(['expired'])
    expect(await code(() => reading.view())).toBe('NO_GRANT')
  })

  test('closes when its owner ends the share: on their word, and at the latest at the next refusal', async () => {
    const share = await give('read', ['laboratory'])
    const told = await openIt(share)
    const untold = await openIt(share)
    const [row] = untold.window(untold.find({}).token, 0, 1)
    const [given] = patient.session.state.ring.given
    await revoke(patient, given!.commitment)
    expect(await code(() => untold.record(row!.id))).toBe('DENIED')
    told.check()
    expect(ended.map(o => o.why)).toEqual(['refused'])
    await receiveMessages(clinic)
    told.check()
    expect(ended.map(o => o.why)).toEqual(['refused', 'revoked'])
  })

  test('goes on when a hospital refuses what it holds: that record alone is not given', async () => {
    const door = 'https://hospital.test/held'
    const hospital = await person(w, 'Hospital', CLINIC)
    await join(hospital, await invite(patient))
    await receiveMessages(patient)
    const to = hospital.session.state.ring.did
    await grant(patient, { to, level: 'write', purposes: ['TREAT'], compartments: [id('general')], expiry: w.now + HOUR })
    await receiveMessages(hospital)
    const letter = utf8('A letter that stays at the hospital. '.repeat(4000))
    async function* items() {
      yield {
        name: 'letter.txt',
        ref: 'letter.txt',
        size: letter.length,
        chunks: async function* () {
          yield letter
        },
      }
    }
    const book = { find: async () => null, note: async () => {}, filed: async () => {} }
    const owner = patient.session.state.ring.did
    for await (const v of holdItems(hospital, items(), { to: owner, purpose: 'TREAT', url: door, book })) expect(v.outcome).toBe('taken')
    await receiveRecords(patient)
    const reading = await openIt(await give('read', ['general']))
    const all = reading.window(reading.find({}).token, 0, 1000)
    const [held, other] = [all.find(r => r.heldByAuthor)!, all.find(r => !r.heldByAuthor)!]
    expect(await code(() => reading.record(held.id))).toBe('HELD_UNREACHABLE')
    let asked = 0
    const refusing = {
      getBlocks(): never {
        asked++
        throw new KeepwellError('DENIED', 'Not to you.')
      },
    }
    w.homes.set(door, { ...w.homes.get(CLINIC)!, relay: refusing as unknown as MemoryRelay['relay'] })
    expect(await code(() => reading.record(held.id))).toBe('HELD_REFUSED')
    expect(await code(() => reading.file(held.id))).toBe('HELD_REFUSED')
    expect([asked, ended]).toEqual([2, []])
    expect((await reading.record(other.id)).row.id).toBe(other.id)
  })

  test('shows all but a record that another forged, and names that one; asked for by itself it says why', async () => {
    await give('write', ['laboratory'])
    const compartment = id('laboratory')
    await forge(clinic, { home: HOME, compartment, bad: 'signature', lie: { title: 'Ferritin: 3 ug/L', resourceType: 'Observation' } })
    const reading = await openIt(await give('read', ['laboratory', 'medications']))
    const before = reading.view()
    const told: number[] = []
    const count = await reading.openAll({ signal: new AbortController().signal, progress: c => void told.push(c.open) })
    // All but one, and nothing is left to be asked for again.
    expect([count.open, count.of]).toEqual([before.opened.of - 1, before.opened.of - 1])
    expect(count.open).toBeGreaterThan(5)
    const [bad, ...more] = reading.view().refused
    expect([bad, more]).toMatchObject([{ title: 'Ferritin: 3 ug/L', code: 'BAD_SIGNATURE' }, []])
    expect(await code(() => reading.record(bad!.id))).toBe('BAD_SIGNATURE')
    expect([ended, reading.view().refused.length]).toEqual([[], 1])
    reading.end('ended')
    expect(await code(() => reading.view())).toBe('NO_GRANT')
  })

  test('closes when its share was ended, even if another word brought the share back in the same breath', async () => {
    const share = await give('read', ['laboratory'])
    const reading = await openIt(share)
    reading.check([{ kind: 'ended', did: 'did:other', name: 'Somebody', share: '00'.repeat(32) }])
    expect(ended).toEqual([])
    reading.check([{ kind: 'ended', did: patient.session.state.ring.did, name: 'Patient', share }])
    expect(ended.map(o => o.why)).toEqual(['revoked'])
  })

  test('opens nothing under a purpose that was not agreed, and nothing that was not shared', async () => {
    const share = await give('read', ['laboratory'])
    expect(await code(() => openIt(share, 'HRESCH'))).toBe('DENIED')
    expect(await code(() => openIt('00'.repeat(32)))).toBe('NO_GRANT')
    const stranger = await person(w, 'Stranger', CLINIC)
    const input = { share, purpose: 'TREAT', person: 'x', role: '' }
    expect(await code(() => openReading(vaultOf(stranger), input, () => {}))).toBe('NO_GRANT')
    expect(await hasDesk(vaultOf(stranger))).toBe(false)
  })

  test('says what is new since the last time, and keeps of a session only when it was and how far it went', async () => {
    const share = await give('read', ['laboratory'])
    await give('write', ['laboratory'])
    ;(await openIt(share)).end('ended')
    const what = {
      kind: 'result',
      test: 'hba1c',
      name: '',
      value: 7,
      unit: '',
      low: null,
      high: 6,
      date: '2026-11-20',
      note: '',
    } as const
    await writeBack(vaultOf(clinic), { to: patient.session.state.ring.did, purpose: 'TREAT', person: 'Dr. Rivera', what })
    const again = await openIt(share)
    expect(again.view().fresh).toBe(1)
    expect(groupOf(again, 'results').some(r => r.outside)).toBe(false)
    await again.openAll(call())
    expect(groupOf(again, 'results').find(r => r.title.startsWith('HbA1c'))).toMatchObject({ outside: 'high' })
    const [card] = (await desk(vaultOf(clinic))).patients
    expect(card).toMatchObject({ name: 'Ada Example', live: true, openedAt: w.now })
  })

  test('what is written back is signed by the writer; without a consent to write nothing leaves', async () => {
    await give('read', ['general'])
    const to = patient.session.state.ring.did
    const what = { kind: 'note', title: 'Visit', text: 'Feels well.', type: 'progress', date: '2026-11-20' } as const
    const writing = { to, purpose: 'TREAT', person: 'Dr. Rivera', what }
    expect(await code(() => writeBack(vaultOf(clinic), writing))).toBe('NO_GRANT')
    await give('write', ['laboratory'])
    expect(await code(() => writeBack(vaultOf(clinic), { ...writing, purpose: 'HRESCH' }))).toBe('NO_GRANT')
    expect(await writeBack(vaultOf(clinic), writing)).toMatchObject({ title: 'Visit', part: 'general', filed: 'inbox' })
    expect((await receiveRecords(patient)).problems).toEqual([])
    const entry = (await listEntries(patient)).find(e => e.card.title === 'Visit')
    expect(entry).toMatchObject({ state: 'verified', card: { author: clinic.session.state.ring.did } })
    const { looked } = await verifyTrail(patient)
    expect(looked.filter(l => l.receipt.action === 'create' && l.name === 'Practice Rivera')).toHaveLength(1)
  })

  test('a request waits until it is answered; after a month without an answer it says so', async () => {
    const vault = vaultOf(clinic)
    const request = { to: patient.session.state.ring.did, compartments: ['laboratory'], purpose: 'TREAT', seconds: HOUR, text: 'Follow-up' }
    await askForAccess(vault, { ...request, levels: ['read', 'write'] })
    const levels = (await receiveMessages(patient)).flatMap(a => (a.kind === 'request' ? [a.request.level] : []))
    expect(levels.toSorted()).toEqual(['read', 'write'])
    await give('write', ['laboratory'])
    const states = async () => (await desk(vault)).sent.map(s => [s.level, s.state])
    expect(await states()).toEqual([
      ['write', 'granted'],
      ['read', 'waiting'],
    ])
    vi.setSystemTime((w.now + 31 * 24 * HOUR) * 1000)
    expect((await states())[1]).toEqual(['read', 'unanswered'])
    expect(await code(() => askForAccess(vault, { ...request, to: 'did:ethr:0x1:0x00', levels: ['read'] }))).toBe('UNKNOWN_PARTY')
  })
})
