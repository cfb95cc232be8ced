import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Desk, desk, freePort, seat, temporary } from './cli.kit.ts'

const place = temporary()
const at = (name: string): string => join(place.path, name)

async function home(name: string, person: string): Promise<Desk> {
  const made = seat(at(name), { KEEPWELL_PORT: String(await freePort()) })
  await made.json('init', '--name', person, '--no-passphrase', '--words-file', at(`${name}.words`))
  return made
}

describe('one person and one clinic, each at a home of their own', () => {
  let ada: Desk
  let clinic: Desk
  const servers: { stop(): Promise<number> }[] = []

  beforeAll(async () => {
    writeFileSync(at('hospital.json'), JSON.stringify(sampleBundle('cli', { resources: 60, now: 1_790_000_000 })))
    writeFileSync(at('scan.dcm'), sampleDicom('cli'))
    writeFileSync(at('letter.pdf'), samplePdf('A letter'))
    ;[ada, clinic] = await Promise.all([home('ada', 'Ada Example'), home('clinic', 'Clinic West')])
    await ada.json('import', at('hospital.json'), at('scan.dcm'))
  })
  afterAll(async () => {
    await Promise.all(servers.map(s => s.stop()))
    place.remove()
  })

  test('from invitation to revocation: each step as two people take it', async () => {
    servers.push(await ada.serve('start'), await clinic.serve('start'))
    const { link } = await ada.json('invite')
    expect(await clinic.json('join', link)).toMatchObject({ name: 'Ada Example' })
    expect((await ada.json('sync')).arrivals).toMatchObject([{ kind: 'contact', name: 'Clinic West' }])

    await clinic.json(
      'request',
      '--from',
      'ada',
      '--purpose',
      'treatment',
      '--for',
      '90d',
      '--compartment',
      'laboratory',
      '--text',
      'For Monday',
    )
    const { requests } = await ada.json('requests')
    expect(requests).toMatchObject([{ name: 'Clinic West', verified: true, request: { text: 'For Monday', purpose: 'TREAT' } }])
    expect((await ada.json('requests')).requests).toHaveLength(1)

    const given = await ada.json('share', '--to', 'clinic west', '--compartment', 'laboratory', '--purpose', 'treatment', '--until', '90d')
    expect((await ada.json('requests')).requests).toHaveLength(0)
    expect((await ada.json('shares')).given).toMatchObject([{ grant: given.grant, level: 'read', compartments: ['laboratory'] }])

    const laboratory = await ada.json('list', '--compartment', 'laboratory')
    const list = await clinic.json('read', '--person', 'Dr. West')
    expect(list.records).toHaveLength(laboratory.total)
    const opened = await clinic.json('read', '--grant', given.grant.slice(0, 8), '--record', list.records[0].id, '--person', 'Dr. West')
    expect(opened.records).toMatchObject([{ signature: 'verified', content: { resourceType: expect.any(String) } }])
    expect((await clinic.run('read', '--purpose', 'research')).code).toBe(4)

    await ada.json('share', '--to', 'clinic', '--level', 'write', '--compartment', 'laboratory', '--purpose', 'treatment', '--until', '30d')
    writeFileSync(
      at('result.json'),
      JSON.stringify({
        resourceType: 'Observation',
        id: 'r1',
        status: 'final',
        category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
        code: { text: 'From the clinic' },
      }),
    )
    expect(await clinic.json('submit', '--to', 'Ada', at('result.json'), at('letter.pdf'))).toMatchObject([
      { outcome: 'taken', compartment: 'laboratory' },
      { outcome: 'taken', compartment: 'inbox' },
      { summary: { taken: 2 } },
    ])
    expect((await ada.json('sync')).received).toMatchObject({ fresh: 2, refiled: 1, problems: [] })
    expect((await ada.json('list', '--search', 'From the clinic')).records).toMatchObject([
      { state: 'verified', compartment: 'laboratory' },
    ])

    const { looked, problems } = await ada.json('audit', '--others')
    expect(problems).toEqual([])
    expect(looked.map((l: { action: string; person: string | null }) => [l.action, l.person])).toEqual(
      expect.arrayContaining([
        ['list', 'Dr. West'],
        ['view', 'Dr. West'],
        ['deny', null],
        ['create', null],
      ]),
    )

    await ada.json('revoke', given.grant.slice(0, 10))
    const refused = await clinic.run('read')
    expect([refused.code, refused.out]).toEqual([4, ''])
    expect((await ada.json('shares', '--all')).given.map((g: { state: string }) => g.state).sort()).toEqual(['live', 'revoked'])
  })

  test('a command whose home is served elsewhere loads no relay and no ledger of its own', async () => {
    const { code, err } = await desk(ada.dir, { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' }).run('sync')
    expect([code, err.includes('relay/http.ts'), err.includes('ledger/embedded')]).toEqual([0, true, false])
  })

  test('who looked is shared by itself: read and handed on with its proofs, current after a sync, and over at its end', async () => {
    expect((await ada.run('share', '--to', 'clinic', '--audit', '--compartment', 'laboratory', '--until', '7d')).code).toBe(2)
    expect((await clinic.run('audit', '--of', 'Ada Example')).code).toBe(4)
    const given = await ada.json('share', '--to', 'clinic', '--audit', '--until', '7d')
    expect(given.published).toBeGreaterThan(3)
    const read = await clinic.json('audit', '--of', 'Ada Example', '--person', 'Inspector', '--proof', at('ada.keepwell'))
    expect(read).toMatchObject({ ok: true, problems: [] })
    expect(read.lines.map((l: { person: string | null }) => l.person)).toContain('Dr. West')
    expect(await clinic.json('verify', at('ada.keepwell'))).toMatchObject({ ok: true, vault: read.vault })
    expect((await ada.json('sync')).published).toBeGreaterThan(0)
    const { lines } = await clinic.json('audit', '--of', 'Ada Example')
    expect(lines.filter((l: { person: string | null }) => l.person === 'Inspector').length).toBeGreaterThan(0)
    await ada.json('revoke', given.grant.slice(0, 10))
    expect((await clinic.run('audit', '--of', 'Ada Example')).code).toBe(4)
  })

  test('who looked goes on paper and into a table, for a term and in a language', async () => {
    const told = await ada.json('audit', '--pdf', at('account.pdf'), '--csv', at('account.csv'), '--language', 'de')
    expect(told.map((r: { disclosures: number }) => r.disclosures > 2)).toEqual([true, true])
    expect(readFileSync(at('account.pdf')).subarray(0, 5).toString()).toBe('%PDF-')
    expect(readFileSync(at('account.csv'), 'utf8')).toContain('Verzeichnis der Offenlegungen')
    expect((await ada.json('audit', '--csv', at('old.csv'), '--from', 'beginning', '--to', '2020-01-01')).disclosures).toBe(0)
    expect((await ada.run('audit', '--pdf', at('account.pdf'))).code).toBe(3)
  })

  test('a link shows a summary to somebody without a consent, with its passcode, until it is ended', async () => {
    const made = await ada.json('link', '--until', '7d', '--passcode', '4711', '--label', 'For the trip')
    expect((await clinic.run('receive', made.link, '--passcode', '0000')).code).toBe(4)
    expect(await clinic.json('receive', made.link, '--passcode', '4711')).toMatchObject({ cards: [], taken: expect.any(Number) })
    expect((await ada.json('link', 'list')).links).toMatchObject([{ label: 'For the trip', opened: 1, attempts: 4, ended: false }])
    await ada.json('link', 'end', made.id.slice(0, 10))
    expect((await clinic.run('receive', made.link, '--passcode', '4711')).code).toBe(4)
  })

  test('while the servers run, verify and doctor look through them; they stop in order', async () => {
    expect(await ada.json('verify')).toMatchObject({ ok: true })
    const { lines } = await ada.json('doctor')
    expect(lines.filter((l: { state: string }) => l.state === 'fail')).toEqual([])
    expect(lines).toContainEqual(expect.objectContaining({ what: 'relay', state: 'ok' }))
    expect(await Promise.all(servers.splice(0).map(s => s.stop()))).toEqual([0, 0])
  })

  test('a backup brings everything back on an empty machine whose relay is lost', async () => {
    const saved = await ada.json('backup', '--out', at('ada.backup'))
    const { total } = await ada.json('list')
    expect(saved.records).toBe(total)
    const again = seat(at('again'), { KEEPWELL_PORT: String(await freePort()) })
    expect(await again.json('restore', at('ada.backup'), '--words-file', at('ada.words'), '--no-passphrase')).toMatchObject({
      records: total,
      problems: [],
      ended: 1,
    })
    expect((await again.json('list', '--kind', 'dicom')).total).toBe(1)
    expect(await again.json('verify')).toMatchObject({ ok: true })
    expect((await again.run('restore', at('ada.backup'), '--words-file', at('ada.words'), '--no-passphrase')).code).toBe(2)
  })
})
