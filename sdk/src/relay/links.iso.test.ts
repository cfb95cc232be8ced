import { beforeEach, describe, expect, test } from 'vitest'
import { toBase64Url } from '#base/bytes'
import { sign } from '#identity/signed'
import { passcodeHash } from '#wire/link'
import type { Body } from '#wire/methods'
import { codeOf, type Desk, type DeskVault, desk } from './desk.kit.ts'
import { type LinkDoors, linkDoors } from './links.ts'

let d: Desk
let v: DeskVault
let doors: LinkDoors
let id: Uint8Array
let at: string

beforeEach(async () => {
  d = await desk('links')
  v = await d.vault()
  doors = linkDoors(d.context)
  id = d.random(32)
  at = toBase64Url(id)
})

const link = (more: Partial<Body<'put-link'>> = {}): Body<'put-link'> => ({
  id,
  files: [{ type: 'application/fhir+json', body: new Uint8Array(100).fill(1) }],
  direct: false,
  lasting: false,
  expiry: d.state.time + 86_400,
  attempts: 3,
  verifier: null,
  note: d.random(40),
  ...more,
})
const guarded = (passcode: string, attempts = 3): Partial<Body<'put-link'>> => {
  const salt = d.random(16)
  return { attempts, verifier: { salt, hash: passcodeHash(salt, passcode) } }
}
const put = (more: Partial<Body<'put-link'>> = {}) => d.callAs(v, 'put-link', link(more))
const listed = async (p = v) => (await d.callAs(p, 'links', {})).links
/** Rows that hold files, or lead to them. */
const left = async (): Promise<number> =>
  (await d.ports.envelopes.read(v.did, r => r.count('linkfile'))) + (await d.ports.envelopes.read('', r => r.count('link')))

describe('a link', () => {
  test('gives its sealed files to whoever has its name, and counts it; another name gives nothing', async () => {
    await put()
    expect(await doors.openLink(at, {})).toMatchObject({
      kind: 'files',
      lasting: false,
      files: [{ type: 'application/fhir+json', embedded: new Uint8Array(100).fill(1) }],
    })
    for (const wrong of [toBase64Url(d.random(32)), '', 'x', `${at}A`, '../link'])
      expect(await doors.openLink(wrong, {})).toEqual({ kind: 'gone' })
    expect(await listed()).toMatchObject([{ opened: 1, lastOpened: d.state.time, passcode: false }])
  })

  test('leads nowhere while its owner’s record is frozen', async () => {
    await put()
    const limits = (frozen: boolean, time: number) =>
      sign(v, 'limits', { v: 1, vault: v.did, at: time, frozen, emergency: true, objects: [], closed: null })
    await d.callAs(v, 'put-limits', { limits: await limits(true, 1) })
    expect(await doors.openLink(at, {})).toEqual({ kind: 'gone' })
    await d.callAs(v, 'put-limits', { limits: await limits(false, 2) })
    expect(await doors.openLink(at, {})).toMatchObject({ kind: 'files' })
  })

  test('of large files gives addresses that serve for an hour and for this file alone', async () => {
    const body = d.random(2_500_000)
    await put({
      files: [
        { type: 'application/fhir+json', body },
        { type: 'application/fhir+json', body: new Uint8Array(70_000) },
      ],
    })
    const opened = await doors.openLink(at, { embeddedLengthMax: 70_000 })
    const [large, small] = opened.kind === 'files' ? opened.files : []
    expect(small).toHaveProperty('embedded')
    const ticket = (large as { ticket: string }).ticket
    expect(await doors.linkFile(ticket)).toEqual(body)
    for (let i = 0; i < ticket.length; i += 7)
      expect(await doors.linkFile(`${ticket.slice(0, i)}${ticket[i] === 'A' ? 'B' : 'A'}${ticket.slice(i + 1)}`)).toBeNull()
    d.state.time += 3601
    expect(await doors.linkFile(ticket)).toBeNull()
  })

  test('to one file is given at once; it is no manifest, and a manifest is no file', async () => {
    await put({ direct: true })
    expect(await doors.directFile(at)).toEqual(new Uint8Array(100).fill(1))
    expect(await doors.openLink(at, {})).toEqual({ kind: 'gone' })
    const other = d.random(32)
    await put({ id: other })
    expect(await doors.directFile(toBase64Url(other))).toBeNull()
    expect(await codeOf(() => put({ id: d.random(32), direct: true, ...guarded('1234') }))).toBe('BAD_INPUT')
  })

  test('ends when it says, and what it held is destroyed', async () => {
    await put()
    d.state.time += 86_400
    expect(await doors.openLink(at, {})).toEqual({ kind: 'gone' })
    await (d.relay as unknown as { anchor(): Promise<unknown> }).anchor()
    expect(await left()).toBe(0)
    expect(await listed()).toMatchObject([{ opened: 0, ended: d.state.time }])
    d.state.time += 31 * 86_400
    expect(await listed()).toEqual([])
  })

  test('ends when its owner says, also for addresses of files given before', async () => {
    await put({ files: [{ type: 'application/fhir+json', body: new Uint8Array(100_000) }] })
    const opened = await doors.openLink(at, {})
    const { ticket } = (opened.kind === 'files' ? opened.files[0] : null) as { ticket: string }
    expect(await doors.linkFile(ticket)).not.toBeNull()
    await d.callAs(v, 'end-link', { id })
    expect(await doors.openLink(at, {})).toEqual({ kind: 'gone' })
    expect(await doors.linkFile(ticket)).toBeNull()
    expect(await left()).toBe(0)
    expect(await codeOf(() => put())).toBe('BAD_INPUT')
  })

  test('is ended, changed and listed by its owner alone', async () => {
    const other = await d.vault()
    await put({ lasting: true })
    expect(await codeOf(() => d.callAs(other, 'end-link', { id }))).toBe('NOT_FOUND')
    expect(await codeOf(() => d.callAs(other, 'put-link', link({ lasting: true })))).toBe('BAD_INPUT')
    expect(await listed(other)).toEqual([])
    expect(await doors.openLink(at, {})).toMatchObject({ kind: 'files' })
  })

  test('that lasts gives what was put last; counts and tries go on', async () => {
    await put({ lasting: true, ...guarded('1234') })
    await doors.openLink(at, { passcode: 'no' })
    await put({ lasting: true, attempts: 20, files: [{ type: 'application/fhir+json', body: new Uint8Array(3) }] })
    expect(await doors.openLink(at, { passcode: '1234' })).toMatchObject({ lasting: true, files: [{ embedded: new Uint8Array(3) }] })
    expect(await listed()).toMatchObject([{ attempts: 2, opened: 1, passcode: true }])
    const once = d.random(32)
    await put({ id: once })
    expect(await codeOf(() => put({ id: once }))).toBe('BAD_INPUT')
  })

  test('is limited in life, size and number', async () => {
    for (const expiry of [d.state.time, d.state.time + 400 * 86_400]) expect(await codeOf(() => put({ expiry }))).toBe('BAD_INPUT')
    expect(await codeOf(() => put({ files: [] }))).toBe('TOO_LARGE')
    expect(
      await codeOf(() =>
        put({ files: Array.from({ length: 2 }, () => ({ type: 'application/fhir+json', body: new Uint8Array(7 << 20) })) }),
      ),
    ).toBe('TOO_LARGE')
    for (let i = 0; i < 64; i++) await put({ id: d.random(32) })
    expect(await codeOf(() => put({ id: d.random(32) }))).toBe('RATE_LIMITED')
  })

  test('goes with the vault that is erased', async () => {
    await put()
    await d.callAs(v, 'erase-vault', { tombstone: await sign(v, 'tombstone', { v: 1, vault: v.did, whole: 1, at: d.state.time }) })
    expect(await doors.openLink(at, {})).toEqual({ kind: 'gone' })
    expect(await left()).toBe(0)
  })
})

describe('T25: a passcode', () => {
  test('opens; without it, or with a wrong one, nothing of the link is said but how many tries are left', async () => {
    await put(guarded('Grüße-1'))
    expect(await doors.openLink(at, {})).toEqual({ kind: 'passcode', remaining: 3 })
    expect(await doors.openLink(at, { passcode: 'wrong' })).toEqual({ kind: 'passcode', remaining: 2 })
    expect(await doors.openLink(at, { passcode: 'Grüße-1' })).toMatchObject({ kind: 'files' })
    expect(await doors.openLink(at, { passcode: 'Gru\u0308ße-1'.normalize('NFD') })).toMatchObject({ kind: 'files' })
    expect(await listed()).toMatchObject([{ attempts: 2, opened: 2 }])
  })

  test('guessed at runs out for ever: the right one does not open any more, and the files are gone', async () => {
    await put(guarded('1234'))
    const remaining = []
    for (const passcode of ['0000', '0001', '0002', '1234', '1234']) {
      const answer = await doors.openLink(at, { passcode })
      remaining.push(answer.kind === 'passcode' ? answer.remaining : answer.kind)
    }
    expect(remaining).toEqual([2, 1, 0, 'gone', 'gone'])
    expect(await left()).toBe(0)
    expect((await listed())[0]?.ended).toBeGreaterThan(0)
  })

  test('guessed at a hundredfold at once: no more guesses are looked at than are left', async () => {
    await put(guarded('0042', 5))
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => doors.openLink(at, { passcode: String(i).padStart(4, '0') })))
    // The right one was the 43rd: five were looked at before it, and none after.
    expect(answers.filter(a => a.kind === 'files')).toEqual([])
    expect((await listed())[0]).toMatchObject({ opened: 0, attempts: 0 })
  })

  test('of two on the last try at most one is looked at', async () => {
    for (const [first, second] of [
      ['1234', '0000'],
      ['0000', '1234'],
    ] as const) {
      const name = d.random(32)
      await put({ id: name, ...guarded('1234', 1) })
      const [a, b] = await Promise.all([first, second].map(passcode => doors.openLink(toBase64Url(name), { passcode })))
      expect([a!.kind === 'files', b!.kind === 'files'].filter(Boolean).length).toBe(first === '1234' ? 1 : 0)
      expect(b!.kind).not.toBe('files')
    }
  })

  test('right again and again costs no try', async () => {
    await put(guarded('1234', 1))
    for (let i = 0; i < 5; i++) expect((await doors.openLink(at, { passcode: '1234' })).kind).toBe('files')
  })
})

test('nothing the relay keeps of a link opens it: neither its key nor its passcode is ever there', async () => {
  await put(guarded('a very secret passcode'))
  await doors.openLink(at, { passcode: 'a very secret passcode' })
  const rows = await d.ports.envelopes.read(v.did, r => r.scan('link', { limit: 9 }))
  for (const { value } of rows) expect(new TextDecoder().decode(value)).not.toContain('a very secret passcode')
})
