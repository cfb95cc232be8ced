import { beforeAll, expect, test } from 'vitest'
import { nameUuid } from '#crypto/name-uuid'
import { type Checker, loadChecker } from '#health/fhir/check'
import { columnsOf, readMapping } from './mapping.ts'
import { dateIn, mapRow, type Row } from './row.ts'

const MAPPING = {
  version: 1,
  namespace: 'https://clinic.example/legacy',
  key: ['mrn', 'lab'],
  delimiter: ';',
  dates: ['DD.MM.YYYY', 'YYYY-MM-DD'],
  zone: '+01:00',
  decimal: ',',
  codes: {
    tests: { GLU: { system: 'http://loinc.org', code: '2345-7', display: 'Glucose' } },
    sex: { W: { code: 'female' }, M: { code: 'male' } },
  },
  units: { 'mg/100ml': 'mg/dL' },
  resources: [
    {
      template: {
        resourceType: 'Patient',
        identifier: [{ system: 'https://clinic.example/mrn', value: '{mrn}' }],
        name: [{ family: '{last}', given: ['{first}'], text: '{first} {last}' }],
        gender: { $column: 'sex', map: 'sex' },
        birthDate: { $column: 'born', as: 'date' },
      },
    },
    {
      when: 'result',
      template: {
        resourceType: 'Observation',
        status: 'final',
        code: { $concept: 'test', map: 'tests', required: true },
        subject: { $reference: 'Patient' },
        effectiveDateTime: { $column: 'taken', as: 'dateTime' },
        valueQuantity: { $quantity: { value: 'result', unit: 'unit' } },
        note: [{ text: '{remark}' }],
      },
    },
  ],
}
const mapping = readMapping(JSON.stringify(MAPPING))
const ROW: Row = {
  mrn: '7',
  lab: '1',
  last: 'Ostrowska',
  first: 'Ada',
  sex: 'W',
  born: '29.02.1980',
  test: 'GLU',
  taken: '01.12.2025 08:30',
  result: '1.105,5',
  unit: 'mg/100ml',
  remark: '',
}

let check: Checker
beforeAll(async () => {
  check = await loadChecker()
})
const made = (more: Partial<Row> = {}) => mapRow({ mapping, row: { ...ROW, ...more } as Row, uuid: nameUuid, check })

test('a row becomes resources by its template: dates, decimals, code maps, units, references within the row', () => {
  const { resources, refused } = made()
  expect(refused).toEqual([])
  const [patient, observation] = resources
  expect(patient).toMatchObject({ gender: 'female', birthDate: '1980-02-29', name: [{ family: 'Ostrowska', given: ['Ada'] }] })
  expect(observation).toMatchObject({
    code: { coding: [{ system: 'http://loinc.org', code: '2345-7', display: 'Glucose' }], text: 'Glucose' },
    subject: { reference: `Patient/${String(patient!.id)}` },
    effectiveDateTime: '2025-12-01T08:30:00+01:00',
    valueQuantity: { value: 1105.5, unit: 'mg/100ml', system: 'http://unitsofmeasure.org', code: 'mg/dL' },
  })
  expect(observation!.note).toBeUndefined()
})

test('the same row has the same ids, another key others; a condition leaves a resource out', () => {
  expect(made().resources.map(r => r.id)).toEqual(made({ remark: 'changed' }).resources.map(r => r.id))
  expect(made({ lab: '2' }).resources[1]!.id).not.toBe(made().resources[1]!.id)
  expect(made({ result: '' }).resources.map(r => r.resourceType)).toEqual(['Patient'])
})

test('a row that cannot be mapped is refused whole, with reasons by column and no value', () => {
  const reasons = (more: Partial<Row>) => made(more)
  expect(reasons({ born: '31.02.1980' })).toEqual({ resources: [], refused: ['column born is no date'] })
  expect(reasons({ test: 'SECRET' })).toEqual({ resources: [], refused: ['column test holds a code that map tests does not have'] })
  expect(reasons({ result: 'SECRET' }).refused).toEqual(['column result is no number'])
  expect(reasons({ mrn: '' }).refused).toEqual(['key column mrn is empty'])
  expect(reasons({ test: '', born: 'x' }).refused).toEqual(['column born is no date', 'column test is empty'])
})

test('what breaks FHIR’s rules is refused by the checker’s own words', () => {
  const bad = readMapping(
    JSON.stringify({ ...MAPPING, resources: [{ template: { resourceType: 'Observation', status: '{sex}', code: { text: 'x' } } }] }),
  )
  expect(mapRow({ mapping: bad, row: ROW, uuid: nameUuid, check }).refused).toEqual([
    'Observation.status: Not one of the codes that FHIR requires here',
  ])
})

test('dates: every form in its turn, real days only, never a guessed century', () => {
  expect(
    ['1.2.2026', '01.02.2026', '2026-02-01', '31.04.2026', '29.02.2025', '1.2.26'].map(d =>
      dateIn(d, ['DD.MM.YYYY', 'D.M.YYYY', 'YYYY-MM-DD', 'D.M.YY']),
    ),
  ).toEqual(['2026-02-01', '2026-02-01', '2026-02-01', undefined, undefined, undefined])
  expect([dateIn('20260201', ['YYYYMMDD']), dateIn('2026', ['YYYY']), dateIn('02/2026', ['MM/YYYY'])]).toEqual([
    '2026-02-01',
    '2026',
    '2026-02',
  ])
})

test('a mapping file that says something unknown is refused, and says which columns it reads', () => {
  const wrong = (more: object) => () => readMapping(JSON.stringify({ ...MAPPING, ...more }))
  expect(wrong({ kye: [] })).toThrow('"kye" means nothing here')
  expect(wrong({ version: 2 })).toThrow('"version" is 1')
  expect(wrong({ dates: ['hello'] })).toThrow('no form of dates')
  expect(wrong({ resources: [{ template: { resourceType: 'Patient', active: { $colunm: 'x' } } }] })).toThrow('no directive "$colunm"')
  expect(wrong({ resources: [] })).toThrow('"resources"')
  expect(() => readMapping('{')).toThrow('well-formed')
  expect([...columnsOf(mapping)].sort()).toEqual([
    'born',
    'first',
    'lab',
    'last',
    'mrn',
    'remark',
    'result',
    'sex',
    'taken',
    'test',
    'unit',
  ])
})
