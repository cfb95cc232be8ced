import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import { smartBeside } from '@keepwell/daemon/bin/gateway-smart'
import { fileOf } from '@keepwell/daemon/gateway/audit/export'
import type { Entry } from '@keepwell/daemon/gateway/audit/kept'
import type { Prover } from '@keepwell/daemon/gateway/audit/proof'
import type { Smart } from '@keepwell/daemon/gateway/smart/smart'
import { type At, type Browser, browser, type Person, passkeyOptions, withPasskey } from '@keepwell/daemon/gateway/smart/smart.kit'
import { checkExtract, checkParts } from '@keepwell/sdk/actions/access/check-extract'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { signerOf } from '@keepwell/sdk/actions/vault/calls'
import { type Extract, extractHead, extractPart, MOST_LINES, readExtract, type SignedExtract, wordOf } from '@keepwell/sdk/audit/extract'
import { concat, text, utf8 } from '@keepwell/sdk/base/bytes'
import { ROLES } from '@keepwell/sdk/consent/roles'
import { hkdf } from '@keepwell/sdk/crypto/hash'
import { checkResource } from '@keepwell/sdk/health/fhir/check'
import { sign } from '@keepwell/sdk/identity/signed'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, NURSE } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { desk } from '../../cli/src/cli.kit.ts'

let world: GatewayWorld
let at: At
let page: string
let ada: Party
let id: string
let bobs: string
let auditor: Browser
/** The day on which all this began, which may be over meanwhile. */
let began: string
const today = () => new Date(world.gateway.clock() * 1000).toISOString().slice(0, 10)

const observation = (value: number) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
  subject: { reference: `Patient/${id}` },
  valueQuantity: { value, unit: 'cm', system: 'http://unitsofmeasure.org', code: 'cm' },
})

/** Logs in at the room as its page asks. */
async function loggedIn(person: Person): Promise<Browser> {
  const b = browser()
  const login = await b.follow(await b.send(page), at.url)
  await b.follow(await b.post(`${page}/passkey`, { answer: JSON.stringify(person.passkey.use(passkeyOptions(login.text))) }), at.url)
  return b
}

type Found = { readonly status: number; readonly text: string; readonly rows: readonly string[] }
const looked = async (fields: Record<string, string> = {}, b = auditor): Promise<Found> => {
  const answer = await b.post(`${page}/search`, fields)
  const text = await answer.text()
  const rows = [...text.matchAll(/<tr><td>.*?<\/tr>/gs)].map(m => m[0].replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' '))
  return { status: answer.status, text, rows }
}
const counts = async (fields: Record<string, string>): Promise<number> => (await looked(fields)).rows.length

beforeAll(async () => {
  let smart: Smart | undefined
  world = await gatewayWorld({
    async parts(gateway, clinic, rooms) {
      smart = await smartBeside(gateway, { ctx: clinic, dir: clinic.folder, rooms })
      return { parts: [smart.part], authenticate: smart.authenticate }
    },
  })
  began = today()
  at = { url: world.running.url, fhir: world.base, smart: smart! }
  page = `${at.url}/auth/audit`
  ada = await world.patient('Ada')
  const bob = await world.patient('Bob <Bold>')
  await files(ada, { 'height.json': { ...observation(170), subject: { reference: 'Patient/1' } }, 'letter.txt': 'A letter.' })
  const given = await consents(world, ada)
  id = given.id
  ;({ id: bobs } = await consents(world, bob, ['read']))
  await world.ask('GET', `Observation?patient=${id}`)
  await world.ask('POST', 'Observation', observation(171))
  const grace = { ...NURSE, 'x-keepwell-person': 'Grace Hopper (ghopper)', 'x-keepwell-role': 'physician' }
  await world.ask('GET', `Observation?patient=${bobs}`, undefined, grace)
  await world.ask('GET', `Observation?patient=${id}`, undefined, { ...grace, 'x-keepwell-purpose': 'HRESCH' })
  await world.network.home('home').open.relay.anchor()
  auditor = await loggedIn(await withPasskey(at, { login: 'ines', name: 'Ines Inspector', role: 'auditor' }))
})
afterAll(() => world?.close())

describe('the trail of an organisation, for its auditor', () => {
  test('is found by day, patient, person, action, kind and outcome, by each alone and all together', async () => {
    const all = await looked({ person: 'joy' })
    expect(all.status).toBe(200)
    expect(all.rows.length).toBeGreaterThan(2)
    expect(all.rows.every(r => r.includes('Nurse Joy') && r.includes('Ada'))).toBe(true)
    expect((await looked({ person: 'GHOPPER' })).rows.every(r => r.includes('Grace Hopper'))).toBe(true)
    expect(await counts({ person: 'hopper grace' })).toBe(await counts({ person: 'ghopper' }))
    expect((await looked({ patient: bobs })).rows.every(r => r.includes('Bob &lt;Bold&gt;'))).toBe(true)
    expect((await looked({ patient: 'bob' })).rows).toEqual((await looked({ patient: bobs })).rows)
    expect((await looked({ action: 'create' })).rows.map(r => /wrote.*Observation/.test(r))).toEqual([true])
    expect((await looked({ type: 'Observation', patient: id })).rows.length).toBeGreaterThan(1)
    expect(await counts({ type: 'Condition' })).toBe(0)
    const refused = await looked({ outcome: 'refused', person: 'hopper' })
    expect(refused.rows).toHaveLength(1)
    expect(refused.rows[0]).toContain('The patient gave no live consent to read for that purpose.')
    expect(await counts({ from: began, to: today(), person: 'joy' })).toBe(all.rows.length)
    expect(await counts({ to: '2025-12-31' })).toBe(0)
    expect(
      await counts({ from: '2025-01-01', person: 'joy', patient: id, action: 'create', type: 'Observation', outcome: 'allowed' }),
    ).toBe(1)
  })

  test('shows for each its receipt, its place and whether it holds now; an entry that was altered does not', async () => {
    const found = await looked({ patient: id, action: 'view' })
    expect(found.rows.length).toBeGreaterThan(0)
    expect(found.rows.every(r => / holds #\d+ · \d+/.test(r))).toBe(true)
    const n = Number(/name="n" value="(\d+)"/.exec(found.text)![1])
    const details = async () => (await auditor.post(`${page}/entry`, { n: String(n), patient: id })).text()
    const shown = await details()
    expect(shown).toMatch(/<li><span class="holds">✓<\/span> It lies in the relay’s log, at place \d+ of \d+/)
    expect(shown).toContain('The ledger has held that log since')
    expect(shown).toMatch(/SHA-256 [0-9a-f]{64}/)
    // Somebody with the home's own key puts another name there.
    const key = hkdf(world.clinic.session.device.secret, new Uint8Array(32), utf8('keepwell/v1/gateway-trail'), 32)
    const file = join(world.clinic.folder, 'gateway-trail.sqlite')
    const tokens = openTokens({ file, key, random: world.clinic.random, clock: world.clinic.clock })
    const before = (await tokens.get<{ person: string }>('audit', String(n)))!.value
    try {
      await tokens.put('audit', String(n), { ...before, person: 'Nobody' }, { group: `patient ${id}` })
      expect((await looked({ patient: id })).rows.filter(r => r.includes('does NOT hold'))).toHaveLength(1)
      expect(await details()).toContain('This does not hold. What is wrong: BAD_PROOF')
    } finally {
      await tokens.put('audit', String(n), before, { group: `patient ${id}` })
      await tokens.close()
    }
    expect((await looked({ patient: id })).rows.some(r => r.includes('does NOT hold'))).toBe(false)
  })

  test('notes what the auditor looks at before it is shown, and that is found too', async () => {
    await looked({ patient: 'Ada', outcome: 'allowed' })
    const [own] = (await looked({ person: 'ines' })).rows.slice(1)
    expect(own).toContain('saw the list')
    const { body } = await world.ask('GET', 'AuditEvent?agent-name=Ines Inspector (ines)&_sort=-_id&_count=100')
    const queries = body.entry.map((e: { resource: { entity: { query?: string }[] } }) =>
      Buffer.from(e.resource.entity.find(x => x.query)!.query!, 'base64').toString(),
    )
    expect(queries).toContain('patient=Ada&outcome=allowed')
  })

  test('older ones come page by page, each once', async () => {
    for (let i = 0; i < 30; i++) await looked({ action: 'update' })
    const seen: string[] = []
    let fields: Record<string, string> = { person: 'ines', action: 'list' }
    for (;;) {
      const { text } = await looked(fields)
      seen.push(...[...text.matchAll(/name="n" value="(\d+)"/g)].map(m => m[1]!))
      const before = /name="before" value="(\d+)"/.exec(text)?.[1]
      if (!before) break
      fields = { ...fields, before }
    }
    expect(seen.length).toBeGreaterThan(30)
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).toEqual(seen.toSorted((a, b) => Number(b) - Number(a)))
  })

  test('takes nothing from an address, and a form with what cannot be meant says so', async () => {
    const first = await (await auditor.send(`${page}?person=joy`)).text()
    expect(first).not.toContain('Nurse Joy')
    for (const bad of [{ from: '2026-02-31' }, { action: 'dance' }, { type: 'a b' }, { outcome: 'maybe' }]) {
      const answer = await looked(bad)
      expect([answer.status, answer.text.includes('cannot be looked for')]).toEqual([400, true])
    }
    expect((await auditor.post(`${page}/entry`, { n: '999999' })).status).toBe(404)
    expect((await looked({ patient: 'nobody of that name' })).text).toContain('No patient is known here by that name')
  })

  test('a patient whose consent ended is found by their id, and the proof still holds', async () => {
    const bobsParty = await world.patient('Cara')
    const given = await consents(world, bobsParty, ['read'])
    await world.ask('GET', `Observation?patient=${given.id}`)
    await revoke(bobsParty, given.commitments.read!)
    await expect.poll(() => world.gateway.patient(given.id)).toBeNull()
    const { rows } = await looked({ patient: given.id, outcome: 'allowed' })
    expect(rows.length).toBeGreaterThan(0)
    expect(rows.every(r => r.includes(given.id) && / holds #/.test(r))).toBe(true)
  })
})

const once = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
async function all<T>(of: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const one of of) found.push(one)
  return found
}
const partsIn = async (bytes: Uint8Array): Promise<SignedExtract[]> => all((await readExtract(once(bytes)))!)
const fileOfParts = (parts: readonly SignedExtract[]): Uint8Array => concat(extractHead(), ...parts.map(extractPart))

describe('what was found is taken out', () => {
  const taken = async (as: string, fields: Record<string, string>) => {
    const answer = await auditor.post(`${page}/export`, { ...fields, as })
    return { answer, bytes: new Uint8Array(await answer.arrayBuffer()) }
  }

  test('for a spreadsheet, and as valid AuditEvents, each entry once, and that it was is an entry', async () => {
    const warned: string[] = []
    const warn = ({ name, message }: Error): void => void warned.push(`${name}: ${message}`)
    process.on('warning', warn)
    onTestFinished(() => void process.off('warning', warn))
    const { rows } = await looked({ patient: id })
    const { answer, bytes } = await taken('csv', { patient: id })
    expect(answer.headers.get('content-disposition')).toMatch(/attachment; filename="trail-[\d-]+\.csv"/)
    const lines = text(bytes).trim().split('\r\n')
    expect([lines.length - 1, [...bytes.subarray(0, 3)], lines[1]!.startsWith('\uFEFF')]).toEqual([rows.length, [0xef, 0xbb, 0xbf], false])
    expect(lines.slice(1).every(l => l.includes(id) && l.includes('Ada'))).toBe(true)
    const events = text((await taken('fhir', { patient: id })).bytes)
      .trim()
      .split('\n')
      .map(l => JSON.parse(l))
    expect(events).toHaveLength(rows.length)
    for (const event of events) expect(await checkResource(event)).toEqual([])
    expect((await looked({ person: 'ines', action: 'export' })).rows).toHaveLength(2)
    expect((await taken('poem', {})).answer.status).toBe(400)
    // Of too many listeners at one answer, above all.
    expect(warned).toEqual([])
  })

  test('signed, with proofs that a stranger checks alone; no entry altered, none under another name, none added', async () => {
    const { rows } = await looked({ patient: id })
    const { bytes } = await taken('signed', { patient: id })
    const [file] = (await partsIn(bytes)) as [SignedExtract]
    const { lines, problems, relays, asked } = await checkExtract(file)
    expect([problems, lines.length, asked]).toEqual([[], rows.length, `patient=${id}&as=signed`])
    expect(new Set(lines.map(l => l.by))).toEqual(new Set(['receipt', 'acceptance', 'word']))
    expect(lines.filter(l => l.by === 'receipt').every(l => l.request === 'verified')).toBe(true)
    expect(relays[0]!.anchored!.size).toBeGreaterThan(0)
    // At the command line, where there is no home and nobody is asked.
    const stranger = desk(join(world.clinic.folder, 'stranger'))
    const kept = join(world.clinic.folder, 'extract.keepwell')
    await writeFile(kept, bytes)
    expect(await stranger.json('verify', kept)).toMatchObject({ ok: true, holder: file.extract.holder, problems: [] })
    const { ring } = world.clinic.session.state
    await writeFile(kept, fileOfParts([{ ...file, extract: { ...file.extract, asked: 'everything' } }]))
    expect((await stranger.run('verify', kept)).code).not.toBe(0)
    // Whoever has the file alone, and the organisation itself: neither can make it say something else.
    const codes = async (change: (e: Extract) => Extract, resign = true): Promise<string[]> => {
      const extract = change(file.extract)
      const signature = resign ? await sign(signerOf(ring), 'extract', wordOf(extract)) : file.signature
      return checkExtract({ extract, signature }).then(
        v => v.problems.map(p => p.code),
        e => [e.code],
      )
    }
    const at = file.extract.lines.findIndex(l => l.backing?.by === 'receipt')
    type Line = Extract['lines'][number]
    const altered = (change: (l: Line) => Line) => (e: Extract) => ({ ...e, lines: e.lines.map((l, i) => (i === at ? change(l) : l)) })
    const another = altered(l => ({ ...l, line: { ...l.line, person: 'Nobody' } }))
    expect(await codes(e => e)).toEqual([])
    expect(await codes(another, false)).toEqual(['BAD_SIGNATURE'])
    expect(await codes(another)).toEqual(['BAD_PROOF'])
    expect(await codes(altered(l => ({ ...l, line: { ...l.line, records: [] } })))).toEqual(['BAD_PROOF'])
    const moved = (l: Line): Line => (l.backing?.by === 'receipt' ? { ...l, backing: { ...l.backing, index: l.backing.index + 1 } } : l)
    expect(await codes(altered(moved))).toEqual(['BAD_PROOF'])
    expect(await codes(e => ({ ...e, relays: [] }))).toContain('BAD_SIGNATURE')
    expect(
      await codes(e => ({ ...e, relays: e.relays.map(r => ({ ...r, anchored: { ...r.anchored!, root: new Uint8Array(32) } })) })),
    ).toEqual(['FORKED'])
    expect(await codes(e => ({ ...e, holder: ada.session.state.ring.did }))).toEqual(['BAD_SIGNATURE'])
  })

  test('signed in parts when there are many, each over the one before: none left out, swapped, cut off or of another file', async () => {
    const count = 2 * MOST_LINES + 3
    // All of the same second, so that what was asked and what was found alone tell them apart.
    const gateway = { ...world.gateway, clock: () => 1_900_000_000 }
    const made = async (asked: string, person = 'P'): Promise<Uint8Array> => {
      async function* entries(): AsyncGenerator<Entry> {
        const { id: patient } = world.gateway.patients()[0]!
        const about = { at: 1_800_000_000, person, role: 'nurse', purpose: 'TREAT', patient, action: 'view', records: [] } as const
        for (let n = count; n > 0; n--) yield { ...about, n } as unknown as Entry
      }
      const proofs = { backed: async () => null } as unknown as Prover
      const { chunks } = await fileOf({ ctx: world.clinic, gateway, proofs, asked, named: true }, 'signed', entries())
      return concat(...((await all(chunks)) as Uint8Array[]))
    }
    const bytes = await made('everything')
    const kept = join(world.clinic.folder, 'parts.keepwell')
    await writeFile(kept, bytes)
    const told = await desk(join(world.clinic.folder, 'stranger')).json('verify', kept)
    expect([told.ok, told.lines.length, told.problems]).toEqual([true, count, []])
    const parts = await partsIn(bytes)
    expect(parts.map(p => p.extract.lines.length)).toEqual([MOST_LINES, MOST_LINES, 3])
    const [one, two, three] = parts as [SignedExtract, SignedExtract, SignedExtract]
    const [other] = (await partsIn(await made('something else'))) as [SignedExtract]
    async function* inOrder(list: readonly SignedExtract[]): AsyncGenerator<SignedExtract> {
      yield* list
    }
    const codes = (list: readonly SignedExtract[]): Promise<string[]> =>
      all(checkParts(inOrder(list))).then(
        found => found.flatMap(v => v.problems.map(p => p.code)),
        e => [e.code],
      )
    expect(await codes(parts)).toEqual([])
    expect(await codes([one, two])).toEqual(['OMISSION'])
    expect(await codes([one, three])).toEqual(['OMISSION'])
    expect(await codes([two, three])).toEqual(['OMISSION'])
    expect(await codes([two, one, three])).toContain('OMISSION')
    expect(await codes([other, two, three])).toEqual(['OMISSION'])
    const [others] = (await partsIn(await made('everything', 'Q'))) as [SignedExtract]
    expect(await codes([others, two, three])).toEqual(['OMISSION'])
    expect(await codes([one, two, two, three])).toContain('OMISSION')
    expect(await codes([])).toEqual(['UNREADABLE'])
    await writeFile(kept, bytes.subarray(0, bytes.length - 100))
    expect((await desk(join(world.clinic.folder, 'stranger')).run('verify', kept)).code).not.toBe(0)
  })
})

describe('nobody else looks into it', () => {
  const others = Object.keys(ROLES).filter(r => r !== 'auditor')
  test.each(others)('a %s is turned away from page, search and entry, and that is noted', async role => {
    const b = await loggedIn(await withPasskey(at, { role, login: `x.${role}` }))
    const got = await b.send(page)
    expect([got.status, (await got.text()).includes('Your role has no access')]).toEqual([403, true])
    for (const [path, fields] of [
      ['search', { person: 'joy' }],
      ['entry', { n: '1' }],
      ['export', { as: 'csv' }],
    ] as const) {
      const answer = await b.post(`${page}/${path}`, fields)
      expect(answer.status).not.toBe(200)
      expect(await answer.text()).not.toContain('Nurse Joy')
    }
    expect((await looked({ person: `x.${role}`, outcome: 'refused' })).rows.length).toBeGreaterThan(1)
  })

  test('nor somebody who did not log in, was suspended, or whose browser another site sends', async () => {
    expect((await looked({}, browser())).text).not.toContain('<table>')
    const answer = await auditor.post(`${page}/search`, { person: 'joy' }, { 'sec-fetch-site': 'cross-site' })
    expect([answer.status, (await answer.text()).includes('Nurse Joy')]).toEqual([403, false])
    const { suspendStaff } = await import('@keepwell/daemon/gateway/smart/staff')
    await suspendStaff(at.smart.context, 'ines', true)
    expect((await looked({ person: 'joy' })).rows).toEqual([])
    await suspendStaff(at.smart.context, 'ines', false)
  })
})

describe('somebody of another house, let in for a time and a part of the trail', () => {
  const DAY = 86_400
  const guest = (more: object = {}) => ({
    until: world.gateway.clock() + 30 * DAY,
    why: 'Complaint 12/3',
    from: null,
    to: null,
    patients: [id],
    ...more,
  })
  const letIn = async (login: string, more: object = {}) => {
    const person = await withPasskey(at, { login, name: 'Rita Regulator', role: 'auditor', guest: guest(more) })
    return { person, b: await loggedIn(person) }
  }

  test('sees the entries about those patients and nothing else: not by search, number, name or export, and patients by number', async () => {
    const { b } = await letIn('rita')
    const all = await looked({}, b)
    expect(all.rows.length).toBeGreaterThan(2)
    expect(all.rows.every(r => r.includes(id))).toBe(true)
    expect(all.text).not.toContain('Ada')
    for (const fields of [{ patient: bobs }, { patient: 'bob' }, { person: 'ines' }]) expect((await looked(fields, b)).rows).toEqual([])
    const mine = Number(/name="n" value="(\d+)"/.exec((await looked({ patient: id })).text)![1])
    const others = Number(/name="n" value="(\d+)"/.exec((await looked({ patient: bobs })).text)![1])
    expect((await b.post(`${page}/entry`, { n: String(mine) })).status).toBe(200)
    expect((await b.post(`${page}/entry`, { n: String(others) })).status).toBe(404)
    for (const as of ['csv', 'fhir']) {
      const taken = await (await b.post(`${page}/export`, { as })).text()
      expect([taken.includes(id), taken.includes(bobs), taken.includes('Ada')]).toEqual([true, false, false])
    }
    const apps = await (await b.send(`${at.url}/auth/apps`)).text()
    expect([apps.includes('Rita Regulator'), apps.includes('Ada')]).toEqual([false, false])
    const signed = new Uint8Array(await (await b.post(`${page}/export`, { as: 'signed' })).arrayBuffer())
    const lines = (await partsIn(signed)).flatMap(p => p.extract.lines)
    expect(new Set(lines.map(l => l.line.patient))).toEqual(new Set([id]))
    const { text: noted } = await looked({ person: 'rita', action: 'export' })
    expect(noted.match(/<tr><td>/g)).toHaveLength(3)
  })

  test('sees no day outside of theirs', async () => {
    const { b } = await letIn('rupert', { patients: null, to: '2026-01-01' })
    expect((await looked({}, b)).rows).toEqual([])
    expect((await looked({ from: '2025-01-01', to: today() }, b)).rows).toEqual([])
    const { b: now } = await letIn('rosa', { patients: null, from: today() })
    expect((await looked({}, now)).rows.length).toBeGreaterThan(0)
  })

  test('is out at once when suspended, and by themselves when their time is over; lets in no app, and no other role is let in so', async () => {
    const { changeStaff, staffById, suspendStaff } = await import('@keepwell/daemon/gateway/smart/staff')
    const { context } = at.smart
    const { person, b } = await letIn('rolf')
    expect((await looked({}, b)).rows.length).toBeGreaterThan(0)
    await suspendStaff(context, 'rolf', true)
    expect((await looked({}, b)).rows).toEqual([])
    await suspendStaff(context, 'rolf', false)
    expect((await looked({}, await loggedIn(person))).rows.length).toBeGreaterThan(0)
    const over = await loggedIn(person)
    const { staff } = person
    const { guest: was } = (await staffById(context, staff.id))!
    await changeStaff(context, staff.id, s => ({ ...s, guest: { ...was!, until: world.gateway.clock() } }))
    expect((await looked({}, over)).rows).toEqual([])
    expect((await looked({}, await loggedIn(person))).rows).toEqual([])
    const refused = async (more: object, role = 'auditor') =>
      withPasskey(at, { login: 'never', name: 'N', role, guest: guest(more) }).then(
        () => 'in',
        e => e.code,
      )
    expect(await refused({}, 'physician')).toBe('BAD_INPUT')
    expect(await refused({ until: world.gateway.clock() })).toBe('BAD_INPUT')
    expect(await refused({ until: world.gateway.clock() + 400 * DAY })).toBe('BAD_INPUT')
    expect(await refused({ why: ' ' })).toBe('BAD_INPUT')
    expect(await refused({ patients: [] })).toBe('BAD_INPUT')
  })
})
