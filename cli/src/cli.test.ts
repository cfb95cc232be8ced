import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import { generateHybridIdentity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Desk, desk, EXECUTABLE, freePort, temporary } from './cli.kit.ts'

const place = temporary()
afterAll(() => place.remove())
const at = (...names: string[]): string => join(place.path, ...names)
const SLOW = { timeout: 120_000 }

async function home(name: string, person: string): Promise<Desk> {
  const port = await freePort()
  const d = desk(at(name), { KEEPWELL_PORT: String(port) })
  const made = await d.json('init', '--name', person, '--no-passphrase', '--words-file', at(`${name}.words`))
  expect(made).toMatchObject({ name: person, relay: `http://127.0.0.1:${port}` })
  return d
}

describe('one person and one clinic, each with the real executable', SLOW, () => {
  let ada: Desk
  let clinic: Desk
  const servers: { stop(): Promise<number> }[] = []

  beforeAll(async () => {
    mkdirSync(at('files', 'scans'), { recursive: true })
    writeFileSync(at('files', 'hospital.json'), JSON.stringify(sampleBundle('cli', { resources: 150, now: 1_790_000_000 })))
    writeFileSync(at('files', 'scans', 'scan.dcm'), sampleDicom('cli'))
    writeFileSync(at('files', 'letter.pdf'), samplePdf('A letter'))
    ;[ada, clinic] = await Promise.all([home('ada', 'Ada Example'), home('clinic', 'Clinic West')])
  }, 120_000)
  afterAll(async () => {
    await Promise.all(servers.map(s => s.stop()))
  })

  test('a home is private, its keyring names no words, and the words are in their file alone', () => {
    expect(statSync(ada.dir).mode & 0o077).toBe(0)
    const words = readFileSync(at('ada.words'), 'utf8').trim()
    expect(words.split(' ')).toHaveLength(24)
    for (const file of readdirSync(ada.dir, { recursive: true, withFileTypes: true }))
      if (file.isFile()) expect(readFileSync(join(file.parentPath, file.name)).includes(words.slice(0, 30))).toBe(false)
  })

  test('import takes folders, says what became of each record, and takes nothing twice', async () => {
    const told = await ada.json('import', at('files'))
    expect(told).toHaveLength(153)
    expect(told.at(-1).summary).toMatchObject({ taken: 152, failed: 0, 'already-there': 0 })
    expect((await ada.json('import', at('files'))).at(-1).summary).toMatchObject({ taken: 0, 'already-there': 152 })
    const spoken = await ada.run('import', at('files'))
    expect([spoken.code, spoken.out]).toEqual([0, expect.stringContaining('152 already there')])
  })

  test('list, timeline and show find what was taken; show --raw gives the bytes as they came', async () => {
    const { total, records } = await ada.json('list', '--kind', 'dicom')
    expect(total).toBe(1)
    expect((await ada.run('list', '--search', 'no such words')).out).toContain('0 records')
    const years = (await ada.json('timeline', '--type', 'Encounter')).years
    expect(years.length).toBeGreaterThan(0)
    expect(years.map((y: { year: string }) => y.year)).toEqual([...years.map((y: { year: string }) => y.year)].sort().reverse())
    expect((await ada.json('show', records[0].id.slice(0, 8))).attributes.file).toBe('scans/scan.dcm')
    expect((await ada.run('show', records[0].id.slice(0, 8), '--out', at('out.dcm'))).code).toBe(0)
    expect(readFileSync(at('out.dcm')).equals(sampleDicom('cli'))).toBe(true)
    const observation = (await ada.json('list', '--type', 'Observation', '--limit', '1')).records[0]
    expect(JSON.parse((await ada.run('show', observation.id, '--raw')).out)).toMatchObject({ resourceType: 'Observation' })
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
    expect(await clinic.json('submit', '--to', 'Ada', at('result.json'), at('files', 'letter.pdf'))).toMatchObject([
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

  test('a vaccination becomes a token, an erased record is gone', async () => {
    const [shot] = (await ada.json('list', '--type', 'Immunization')).records
    expect(await ada.json('mint', shot.id.slice(0, 10))).toMatchObject({ tx: expect.stringMatching(/^0x/), tokenId: expect.any(String) })
    const [letter] = (await ada.json('list', '--search', 'letter')).records
    expect((await ada.run('erase', letter.id)).code).toBe(2)
    expect(await ada.json('erase', letter.id, '--yes')).toMatchObject({ erased: [letter.id] })
    expect((await ada.run('show', letter.id)).code).toBe(3)
    expect(await ada.json('verify', '--all')).toMatchObject({ ok: true })
  })

  test('what goes out: a Bundle, the files, a ZIP with all there is, an age file', async () => {
    const bundle = JSON.parse((await ada.run('export', '--type', 'Observation')).out)
    expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'collection' })
    const summary = JSON.parse((await ada.run('export', '--as', 'ips')).out)
    expect(summary).toMatchObject({ type: 'document', entry: expect.arrayContaining([expect.objectContaining({})]) })
    expect(summary.entry[0].resource.section.length).toBeGreaterThan(3)
    const told = await ada.json('audit', '--pdf', at('account.pdf'), '--csv', at('account.csv'), '--language', 'de')
    expect(told.map((r: { disclosures: number }) => r.disclosures > 2)).toEqual([true, true])
    expect(readFileSync(at('account.pdf')).subarray(0, 5).toString()).toBe('%PDF-')
    expect(readFileSync(at('account.csv'), 'utf8')).toContain('Verzeichnis der Offenlegungen')
    expect((await ada.json('audit', '--csv', at('old.csv'), '--from', 'beginning', '--to', '2020-01-01')).disclosures).toBe(0)
    expect((await ada.run('audit', '--pdf', at('account.pdf'))).code).toBe(3)
    await ada.json('export', '--as', 'ips-pdf', '--out', at('summary.pdf'))
    expect(readFileSync(at('summary.pdf')).subarray(0, 5).toString()).toBe('%PDF-')
    const { records } = await ada.json('export', '--as', 'files', '--out', at('taken-out'))
    expect(readdirSync(at('taken-out'), { recursive: true, withFileTypes: true }).filter(f => f.isFile())).toHaveLength(records + 1)
    expect((await ada.run('export', '--as', 'zip')).code).toBe(2)
    await ada.json('export', '--as', 'zip', '--out', at('out.zip'))
    const archive = readFileSync(at('out.zip'))
    expect(archive.subarray(0, 4).toString('latin1')).toBe('PK\x03\x04')
    for (const name of ['README.txt', 'records/index.json', 'fhir-bundle.json', 'shares.json', 'who-looked.json'])
      expect([name, archive.includes(name)]).toEqual([name, true])
    const recipient = await identityToRecipient(await generateHybridIdentity())
    await ada.json('export', '--as', 'age', '--to', recipient, '--out', at('out.age'))
    expect(readFileSync(at('out.age')).subarray(0, 21).toString()).toBe('age-encryption.org/v1')
    expect((await ada.run('export', '--as', 'age', '--to', 'age1qqqqqq', '--out', at('bad.age'))).code).toBe(3)
    expect(existsSync(at('bad.age'))).toBe(false)
  })

  test('a backup brings everything back on an empty machine whose relay is lost', async () => {
    const saved = await ada.json('backup', '--out', at('ada.backup'))
    const { total } = await ada.json('list')
    expect(saved.records).toBe(total)
    const again = desk(at('again'), { KEEPWELL_PORT: String(await freePort()) })
    expect(await again.json('restore', at('ada.backup'), '--words-file', at('ada.words'), '--no-passphrase')).toMatchObject({
      records: total,
      problems: [],
      ended: 1,
    })
    expect((await again.json('list', '--kind', 'dicom')).total).toBe(1)
    expect(await again.json('verify')).toMatchObject({ ok: true })
    expect((await again.run('restore', at('ada.backup'), '--words-file', at('ada.words'), '--no-passphrase')).code).toBe(2)
  })

  test('words and the relay bring everything back on a second machine, which can be removed', async () => {
    const server = await ada.serve('start')
    try {
      const url = (await ada.run('doctor')).out.match(/http:\/\/127\.0\.0\.1:\d+/)![0]
      const second = desk(at('second'))
      const { total } = await ada.json('list')
      expect(
        await second.json('restore', '--words-file', at('ada.words'), '--relay', url, '--no-passphrase', '--device', 'second'),
      ).toMatchObject({ records: total })
      const [one, two] = await Promise.all([
        ada.json('import', '--compartment', 'general', writeNote('one')),
        second.json('import', '--compartment', 'general', writeNote('two')),
      ])
      expect([one.at(-1).summary.taken, two.at(-1).summary.taken]).toEqual([1, 1])
      const [, synced] = await Promise.all([ada.json('sync'), second.json('sync')])
      expect((await second.json('list')).total).toBe(total + 2)
      // What the first machine filed is found by its words on the second, once that has read it.
      expect(synced.read).toEqual({ done: expect.any(Number), missed: 0 })
      expect(synced.read.done).toBeGreaterThan(100)
      expect((await second.json('list', '--search', 'written on one')).total).toBe(1)
      const { devices } = await ada.json('devices')
      const other = devices.find((d: { name: string }) => d.name === 'second')
      await ada.json('devices', '--remove', other.id, '--yes')
      expect((await second.run('list')).code).toBe(0)
      expect((await second.run('sync')).code).toBe(4)
    } finally {
      await server.stop()
    }
  })

  const writeNote = (name: string): string => {
    writeFileSync(at(`${name}.txt`), `A note: written on ${name}`)
    return at(`${name}.txt`)
  }

  test('two commands at once in one home wait for each other', async () => {
    const [a, b] = await Promise.all([ada.json('import', writeNote('first')), ada.json('import', writeNote('second'))])
    expect([a.at(-1).summary.taken, b.at(-1).summary.taken]).toEqual([1, 1])
    expect(await ada.json('verify')).toMatchObject({ ok: true })
  })

  test('the whole record ends, at its relay and in this home; no words bring it back', async () => {
    const { total } = await ada.json('list')
    expect((await ada.run('erase', '--everything')).code).toBe(2)
    expect((await ada.run('erase', '--everything', 'abc', '--yes')).code).toBe(2)
    expect((await ada.json('list')).total).toBe(total)
    const ended = await ada.json('erase', '--everything', '--yes', '--receipts', at('receipts.json'))
    expect(ended).toMatchObject({ records: total, file: at('receipts.json') })
    const receipts = JSON.parse(readFileSync(at('receipts.json'), 'utf8'))
    expect(receipts.records.flatMap((r: { ids: string[] }) => r.ids)).toHaveLength(total)
    expect(receipts.whole).toMatchObject({ tombstone: expect.stringMatching(/^[0-9a-f]{64}$/), signed: expect.any(String) })
    expect(readdirSync(ada.dir)).toEqual(['relay'])
    expect((await ada.run('list')).code).toBe(2)
    const again = await ada.run('restore', '--words-file', at('ada.words'), '--no-passphrase', '--json')
    // The relay keeps nothing any more that these words could find.
    expect(JSON.parse(again.err).error.code).toBe('WRONG_WORDS')
  })
})

describe('what goes wrong is said in one sentence, with an exit code of its own', SLOW, () => {
  test('usage, homes and files', async () => {
    const d = desk(at('nowhere'))
    const code = async (...args: string[]) => {
      const { code: c, out, err } = await d.run(...args)
      expect([out, err.trim().split('\n').length]).toEqual(['', 1])
      return c
    }
    expect(await code('nonsense')).toBe(2)
    expect(await code('list', '--nonsense')).toBe(2)
    expect(await code('list')).toBe(2)
    expect(await code('join', 'x', 'y', '--json')).toBe(2)
    expect(await code('init', '--no-passphrase')).toBe(2)
    expect(await code('init', '--name', 'X')).toBe(2)
    expect(existsSync(at('nowhere', 'device.cbor'))).toBe(false)
    const failure = JSON.parse((await d.run('list', '--json')).err)
    expect(failure.error).toMatchObject({ code: 'NO_HOME', message: expect.stringContaining('keepwell init') })
  })

  test('a passphrase protects the key of the machine', async () => {
    const secret = { KEEPWELL_PASSPHRASE: 'correct horse', KEEPWELL_PORT: String(await freePort()) }
    const d = desk(at('sealed'), secret)
    await d.json('init', '--name', 'Ada', '--words-file', at('sealed.words'))
    expect((await d.json('list')).total).toBe(0)
    expect((await desk(at('sealed'), { ...secret, KEEPWELL_PASSPHRASE: 'wrong horse' }).run('list')).code).toBe(4)
    expect((await desk(at('sealed'), {}).run('list')).code).toBe(2)
    writeFileSync(at('phrase'), 'correct horse\n')
    expect((await desk(at('sealed'), {}).run('list', '--passphrase-file', at('phrase'))).code).toBe(0)
    expect((await d.run('init', '--name', 'Again')).code).toBe(2)
    expect((await d.run('import', at('no such file'))).code).toBe(3)
  })

  test('help needs no home and shows every option', async () => {
    const d = desk(at('nowhere'))
    expect((await d.run('help')).out).toContain('share')
    expect((await d.run('share', '--help')).out).toContain('--until')
    expect((await d.run('help', 'share')).out).toBe((await d.run('share', '--help')).out)
  })

  test('an older Node starts the pinned one', async ({ skip }) => {
    const old = ['/usr/bin/node', '/usr/local/bin/node', '/opt/node20/bin/node'].find(path => {
      try {
        return Number(execFileSync(path, ['-p', 'process.versions.node.split(".")[0]']).toString()) < 24
      } catch {
        return false
      }
    })
    if (!old) return skip('there is no Node older than 24 on this machine')
    const ran = await desk(at('nowhere'), {}, old).run('help')
    expect([ran.code, ran.err]).toEqual([0, ''])
    expect(readFileSync(EXECUTABLE, 'utf8')).toMatch(/^#!\/usr\/bin\/env -S node/)
  })
})
