import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import { generateHybridIdentity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Desk, freePort, seat, temporary } from './cli.kit.ts'

const place = temporary()
afterAll(() => place.remove())
const at = (name: string): string => join(place.path, name)

describe('one record, from its first token to its end', () => {
  let ada: Desk

  beforeAll(async () => {
    writeFileSync(at('hospital.json'), JSON.stringify(sampleBundle('cli', { resources: 150, now: 1_790_000_000 })))
    writeFileSync(at('scan.dcm'), sampleDicom('cli'))
    writeFileSync(at('letter.pdf'), samplePdf('A letter'))
    ada = seat(at('ada'), { KEEPWELL_PORT: String(await freePort()) })
    await ada.json('init', '--name', 'Ada Example', '--no-passphrase', '--words-file', at('ada.words'))
    await ada.json('import', at('hospital.json'), at('scan.dcm'), at('letter.pdf'))
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

  test('words and the relay bring everything back on a second machine, which can be removed', async () => {
    const server = await ada.serve('start')
    try {
      const url = (await ada.run('doctor')).out.match(/http:\/\/127\.0\.0\.1:\d+/)![0]
      const second = seat(at('second'))
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
