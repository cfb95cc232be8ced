import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RESULT } from '@keepwell/sdk/health/hl7v2/messages.kit'
import { sampleCcda } from '@keepwell/sdk/sample/messages'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Desk, freePort, seat, temporary } from './cli.kit.ts'

const place = temporary()
afterAll(() => place.remove())
const at = (...names: string[]): string => join(place.path, ...names)

let ada: Desk
beforeAll(async () => {
  mkdirSync(at('files'))
  ada = seat(at('ada'), { KEEPWELL_PORT: String(await freePort()) })
  await ada.json('init', '--name', 'Ada Example', '--no-passphrase', '--words-file', at('words'))
})

test('a C-CDA document and an HL7 v2 message are filed as FHIR beside the original, once, with what found no place', async () => {
  writeFileSync(at('files', 'summary.xml'), sampleCcda('cli', { now: 1_790_000_000 }))
  writeFileSync(at('files', 'result.hl7'), RESULT.concat('ZPD|SECRET').join('\r'))
  const first = await ada.run('import', at('files'), '--mapped')
  expect(first.code).toBe(0)
  expect(first.out).toMatch(/mapped: result\.hl7: \d+ resources/)
  expect(first.out).toMatch(/mapped: summary\.xml: \d+ resources/)
  expect(first.out).toContain('ZPD')
  expect(first.out).not.toContain('SECRET')
  const { records } = await ada.json('list')
  const types = records.map((r: { resourceType?: string; kind: string }) => r.resourceType ?? r.kind)
  expect(types.filter((t: string) => t === 'document')).toHaveLength(2)
  expect(types).toContain('DiagnosticReport')
  expect(types).toContain('Composition')
  expect(types.filter((t: string) => t === 'Provenance')).toHaveLength(2)
  const again = await ada.run('import', at('files'), '--mapped', '--json')
  const verdicts = again.out
    .trim()
    .split('\n')
    .map(l => JSON.parse(l) as { outcome?: string })
  expect(new Set(verdicts.flatMap(v => v.outcome ?? []))).toEqual(new Set(['already-there']))
})

test('a record goes out as a CCD that reads back as FHIR', async () => {
  const out = at('ccd.xml')
  await ada.json('export', '--as', 'ccd', '--out', out)
  expect(readFileSync(out, 'utf8')).toContain('<ClinicalDocument')
  const read = await ada.run('import', out, '--mapped')
  expect([read.code, read.out]).toEqual([0, expect.stringMatching(/mapped: ccd\.xml: [1-9]\d* resources/)])
})

const MAPPING = {
  version: 1,
  namespace: 'https://clinic.example/labs',
  key: ['nr'],
  codes: { tests: { GLU: { system: 'http://loinc.org', code: '2345-7', display: 'Glucose' } } },
  resources: [
    {
      template: {
        resourceType: 'Observation',
        status: 'final',
        code: { $concept: 'test', map: 'tests' },
        effectiveDateTime: { $column: 'taken', as: 'date' },
        valueQuantity: { $quantity: { value: 'value', ucum: 'mg/dL' } },
      },
    },
  ],
}

test('a table is rehearsed, filed by its mapping, accounted for row by row, and not filed twice', async () => {
  const [csv, map, report] = [at('labs.csv'), at('labs.map.json'), at('labs.report.json')]
  writeFileSync(map, JSON.stringify(MAPPING))
  const good = Array.from({ length: 30 }, (_, i) => `${i},7,GLU,2026-01-${String((i % 28) + 1).padStart(2, '0')},${90 + i}`)
  writeFileSync(
    csv,
    ['nr,mrn,test,taken,value', ...good, '30,7,XXX,2026-01-01,1', '31,7,GLU,soon,1', '32,7', '33,8,GLU,2026-01-01,5', ''].join('\n'),
  )
  const before = (await ada.json('list')).total
  const rehearsal = await ada.run('migrate', csv, '--map', map, '--where', 'mrn=7', '--dry-run')
  expect(rehearsal.code).toBe(3)
  expect(rehearsal.out).toContain('34 rows: 30 would become 30 resources; 3 refused; 1 passed over.')
  expect((await ada.json('list')).total).toBe(before)
  const filed = await ada.run('migrate', csv, '--map', map, '--where', 'mrn=7', '--report', report)
  expect([filed.code, filed.err]).toEqual([3, ''])
  expect(filed.out).toContain('row 31 refused: column test holds a code that map tests does not have')
  const account = JSON.parse(readFileSync(report, 'utf8'))
  expect(account).toMatchObject({ rows: 34, mapped: 30, resources: 30, passedOver: 1, filed: { taken: 30 } })
  expect(account.refused).toEqual([
    { row: 31, why: ['column test holds a code that map tests does not have'] },
    { row: 32, why: ['column taken is no date'] },
    { row: 33, why: ['it has another number of columns than the header'] },
  ])
  expect((await ada.json('list')).total).toBe(before + 30)
  const again = await ada.run('migrate', csv, '--map', map, '--where', 'mrn=7')
  expect(again.out).toContain('30 of them there already')
  expect((await ada.json('list')).total).toBe(before + 30)
  writeFileSync(map, JSON.stringify({ ...MAPPING, key: ['number'] }))
  const missing = await ada.run('migrate', csv, '--map', map)
  expect(missing.err).toContain('no column "number"')
})
