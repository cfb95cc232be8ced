import { describe, expect, test } from 'vitest'
import { searchBundle } from './bundle.ts'
import { ask, ids, storeOf } from './search.kit.ts'
import type { Terminology } from './types.ts'

const UCUM = 'http://unitsofmeasure.org'
const LOINC = 'http://loinc.org'
const concept = (code: string, system = LOINC) => ({ coding: [{ system, code }] })
const quantity = (value: number, code: string, more: object = {}) => ({ value, unit: code, system: UCUM, code, ...more })
const observation = (id: string, more: object) => ({ resourceType: 'Observation', id, status: 'final', ...more })

const measured = () =>
  storeOf(
    observation('g', { code: concept('w'), valueQuantity: quantity(5.4, 'g') }),
    observation('mg', { code: concept('w'), valueQuantity: quantity(5400, 'mg') }),
    observation('kg', { code: concept('w'), valueQuantity: quantity(2, 'kg') }),
    observation('plain', { code: concept('x'), valueQuantity: { value: 5.4, unit: 'g' } }),
    observation('low', { code: concept('x'), valueQuantity: quantity(3, 'mmol/L', { comparator: '<' }) }),
    observation('bp', {
      code: concept('85354-9'),
      component: [
        { code: concept('8480-6'), valueQuantity: quantity(150, 'mm[Hg]') },
        { code: concept('8462-4'), valueQuantity: quantity(80, 'mm[Hg]') },
      ],
    }),
    observation('wave', {
      code: concept('ecg'),
      valueSampledData: { origin: quantity(0, 'mV'), factor: 2, period: 1, dimensions: 1, data: '1 5 E 3' },
    }),
  )

describe('quantity (R4 3.1.1.4.11)', () => {
  test.each([
    [`value-quantity=5.4|${UCUM}|g`, ['g', 'mg']],
    [`value-quantity=5400|${UCUM}|mg`, ['g', 'mg']],
    [`value-quantity=gt5400|${UCUM}|mg`, ['kg']],
    [`value-quantity=ge5400|${UCUM}|mg`, ['g', 'mg', 'kg']],
    [`value-quantity=lt1|${UCUM}|kg`, ['g', 'mg']],
    ['value-quantity=5.4', ['g', 'plain']],
    ['value-quantity=5', ['g', 'plain']],
    ['value-quantity=5.5', []],
    ['value-quantity=5.4||g', ['g', 'plain']],
    [`value-quantity=ap5|${UCUM}|g`, ['g', 'mg']],
    [`value-quantity=ne5.4|${UCUM}|g`, ['kg']],
    [`value-quantity=lt3|${UCUM}|mmol/L`, ['low']],
    [`value-quantity=ge3|${UCUM}|mmol/L`, []],
    [`value-quantity=gt9|${UCUM}|mV`, ['wave']],
    [`component-value-quantity=gt140|${UCUM}|mm[Hg]`, ['bp']],
    ['value-quantity=5.4|a|b|c', ['refused: invalid']],
    ['value-quantity=heavy', ['refused: invalid']],
    ['value-quantity:exact=5', ['refused: not-supported']],
  ])('%s', (query, expected) => expect(ids(measured(), `Observation?${query}`)).toEqual(expected))
})

test('ap reaches a tenth of what is written, not of the base unit; dates a tenth of the way to the present (R4 3.1.1.4.2)', () => {
  const store = storeOf(
    ...[31, 36.9, 39].map(n =>
      observation(`t${n}`, { valueQuantity: quantity(n, 'Cel'), effectiveDateTime: `20${Math.floor(n) - 15}-06-01` }),
    ),
  )
  expect(ids(store, `Observation?value-quantity=ap37|${UCUM}|Cel`)).toEqual(['t36.9', 't39'])
  expect(ids(store, `Observation?value-quantity=ap98.6|${UCUM}|[degF]`)).toEqual(['t36.9', 't39'])
  // The present is June 2026: a tenth of the way from 2020 is some seven months.
  expect([ids(store, 'Observation?date=ap2020'), ids(store, 'Observation?date=ap2022-02')]).toEqual([['t36.9'], []])
})

test('a Timing counts from its first to its last event; a Period may be open (R4 3.1.1.4.7)', () => {
  const store = storeOf(
    { resourceType: 'Observation', id: 'timing', effectiveTiming: { event: ['2020-01-01', '2020-03-01'] } },
    {
      resourceType: 'Observation',
      id: 'bounds',
      effectiveTiming: { repeat: { boundsPeriod: { start: '2019-01-01', end: '2019-02-01' } } },
    },
    { resourceType: 'Observation', id: 'open', effectivePeriod: { end: '2018-01-01' } },
  )
  expect([ids(store, 'Observation?date=2020'), ids(store, 'Observation?date=lt2019'), ids(store, 'Observation?date=sa2018')]).toEqual([
    ['timing'],
    ['open'],
    ['timing', 'bounds'],
  ])
})

test('what is not supported is said, and refused where leaving it out would widen the answer', () => {
  expect(ids(measured(), 'Observation?_filter=x eq 1')).toEqual(['refused: not-supported'])
  expect(ids(measured(), 'Observation?_query=x')).toEqual(['refused: not-supported'])
  expect(ask(measured(), 'Observation?_contained=true')).toMatchObject({
    refused: false,
    unused: ['_contained'],
    issues: [{ severity: 'warning' }],
  })
  expect(ids(measured(), 'Observation?_contained=true', { handling: 'strict' })).toEqual(['refused: not-supported'])
})

describe('composite (R4 3.1.1.4.15)', () => {
  test.each([
    ['code-value-quantity=w$gt5', ['g', 'mg']],
    [`code-value-quantity=w$gt1|${UCUM}|kg`, ['kg']],
    [`component-code-value-quantity=${LOINC}|8480-6$150`, ['bp']],
    [`component-code-value-quantity=${LOINC}|8462-4$150`, []],
    ['combo-code-value-quantity=8480-6$gt140,w$5.4', ['g', 'bp']],
    ['code-value-quantity:missing=true', ['bp', 'wave']],
    ['code-value-quantity=w', ['refused: invalid']],
    ['code-value-quantity=w$5$6', ['refused: invalid']],
  ])('%s', (query, expected) => expect(ids(measured(), `Observation?${query.replaceAll('+', '%2B')}`)).toEqual(expected))
})

describe('number (R4 3.1.1.4.6): digits written are digits meant', () => {
  const store = storeOf(
    ...[0.1, 0.14, 0.2, 100].map(n => ({ resourceType: 'RiskAssessment', id: `r${n}`, prediction: [{ probabilityDecimal: n }] })),
    { resourceType: 'RiskAssessment', id: 'range', prediction: [{ probabilityRange: { low: { value: 0.3 }, high: { value: 0.5 } } }] },
  )
  test.each([
    ['0.1', ['r0.1', 'r0.14']],
    ['0.10', ['r0.1']],
    ['1e2', ['r100']],
    ['lt0.14', ['r0.1']],
    ['le0.14', ['r0.1', 'r0.14']],
    ['gt0.4', ['r100', 'range']],
    ['sa0.2', ['r100', 'range']],
    ['eb0.3', ['r0.1', 'r0.14', 'r0.2']],
    ['ap0.13', ['r0.14']],
  ])('probability=%s', (value, expected) => expect(ids(store, `RiskAssessment?probability=${value}`)).toEqual(expected))
})

describe('uri (R4 3.1.1.4.13)', () => {
  const store = storeOf(
    { resourceType: 'ValueSet', id: 'a', url: 'http://acme.org/fhir/ValueSet/123' },
    { resourceType: 'ValueSet', id: 'b', url: 'http://acme.org/fhir/ValueSet/123/_history/5' },
    { resourceType: 'ValueSet', id: 'c', url: 'urn:oid:1.2.3' },
  )
  test.each([
    ['url=http://acme.org/fhir/ValueSet/123', ['a']],
    ['url:below=http://acme.org/fhir/', ['a', 'b']],
    ['url:above=http://acme.org/fhir/ValueSet/123/_history/5', ['a', 'b']],
    ['url=URN:OID:1.2.3', []],
  ])('%s', (query, expected) => expect(ids(store, `ValueSet?${query}`)).toEqual(expected))
})

describe('every resource (R4 3.1.1.3)', () => {
  const tag = { system: 'urn:tags', code: 'new' }
  const store = storeOf(
    observation('a', {
      meta: { lastUpdated: '2026-01-01T10:00:00Z', tag: [tag], profile: ['http://p.example/bp|1.0'], source: 'urn:source:1' },
      text: { status: 'generated', div: '<div>High <b>Blood</b> pressure</div>' },
      code: { text: 'Blutdruck' },
    }),
    observation('b', {
      meta: { lastUpdated: '2026-02-01T10:00:00Z', security: [{ system: 'urn:s', code: 'R' }] },
      code: { text: 'Größe' },
    }),
    {
      resourceType: 'List',
      id: 'mine',
      status: 'current',
      mode: 'working',
      entry: [{ item: { reference: 'Observation/b' } }, { deleted: true, item: { reference: 'Observation/a' } }],
    },
  )
  test.each([
    ['Observation?_lastUpdated=ge2026-02', ['b']],
    ['Observation?_lastUpdated=2026-01-01', ['a']],
    ['Observation?_tag=urn:tags|new', ['a']],
    ['Observation?_security=R', ['b']],
    ['Observation?_source=urn:source:1', ['a']],
    ['Observation?_profile=http://p.example/bp', ['a']],
    ['Observation?_text=blood', ['a']],
    ['Observation?_text=blutdruck', []],
    ['Observation?_content=grosse', ['b']],
    ['Observation?_content=größe', ['b']],
    ['Observation?_content=blood press', ['a']],
    ['Observation?_list=mine', ['b']],
    ['Observation?_tag:missing=true', ['b']],
    ['Observation?_id:not=a', ['b']],
    ['?_type=Observation,List&_lastUpdated=2026-01-01', ['a', 'mine']],
    ['?_lastUpdated=ge2026-02', ['b']],
    ['?_type=Observation,List&combo-code=x', ['b', 'a', 'mine'].toSorted()],
    ['?_type=Robot', ['refused: invalid']],
  ])('%s', (url, expected) => expect(ids(store, url).toSorted()).toEqual(expected))
})

describe('codes by meaning, through the terminology that is passed in (R4 3.1.1.4.10)', () => {
  const terminology: Terminology = {
    contains: (valueSet, system, code) => (valueSet === 'urn:vs' ? system === LOINC && code.startsWith('w') : null),
    subsumes: (_, general, special) => special.startsWith(general),
  }
  test.each([
    ['code:in=urn:vs', ['g', 'mg', 'kg']],
    ['code:not-in=urn:vs', ['plain', 'low', 'bp', 'wave']],
    ['code:in=urn:unknown', ['refused: not-found']],
    [`code:below=${LOINC}|85`, ['bp']],
    [`code:above=${LOINC}|ecg-12`, ['wave']],
  ])('%s', (query, expected) => expect(ids(measured(), `Observation?${query}`, { terminology })).toEqual(expected))
})

describe('US Core', () => {
  const extension = (name: string, code: string) => ({
    url: `http://hl7.org/fhir/us/core/StructureDefinition/us-core-${name}`,
    extension: [{ url: 'ombCategory', valueCoding: { system: 'urn:oid:2.16.840.1.113883.6.238', code } }],
  })
  const store = storeOf(
    { resourceType: 'Patient', id: 'a', extension: [extension('race', '2106-3'), extension('ethnicity', '2186-5')] },
    {
      resourceType: 'Condition',
      id: 'c',
      extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/condition-assertedDate', valueDateTime: '2020-02' }],
    },
  )
  test.each([
    ['Patient?race=2106-3', ['a']],
    ['Patient?race=urn:oid:2.16.840.1.113883.6.238|2106-3', ['a']],
    ['Patient?ethnicity=2106-3', []],
    ['Condition?asserted-date=2020', ['c']],
  ])('%s', (url, expected) => expect(ids(store, url)).toEqual(expected))
})

test('_sort: several keys, descending, stable, and what has no value last (R4 3.1.1.5.2)', () => {
  const store = storeOf(
    ...[
      ['a', 'final', '2020'],
      ['b', 'amended', '2021'],
      ['c', 'final', '2019'],
      ['d', 'final', undefined],
      ['e', 'final', '2020'],
    ].map(([id, status, date]) => ({ resourceType: 'Observation', id, status, ...(date ? { effectiveDateTime: date } : {}) })),
  )
  const order = (query: string) => ids(store, `Observation?${query}`).join('')
  expect([order('_sort=date'), order('_sort=-date'), order('_sort=status,-date'), order('_sort=-_id')]).toEqual([
    'caebd',
    'baecd',
    'baecd',
    'edcba',
  ])
  expect(ids(store, 'Observation?_sort=date&_count=2')).toEqual(['c', 'a'])
  const named = storeOf(
    { resourceType: 'Patient', id: 'nobody' },
    { resourceType: 'Patient', id: 'z', name: [{ family: 'Zoe' }] },
    { resourceType: 'Patient', id: 'nameless' },
    { resourceType: 'Patient', id: 'o', name: [{ family: 'Öl' }] },
  )
  expect([ids(named, 'Patient?_sort=family'), ids(named, 'Patient?_sort=-family')]).toEqual([
    ['o', 'z', 'nobody', 'nameless'],
    ['z', 'o', 'nobody', 'nameless'],
  ])
  expect(ask(store, 'Observation?_sort=shoe')).toMatchObject({ refused: false, issues: [{ severity: 'warning' }] })
})

test('_count, _total, _summary and _elements shape the answer (R4 3.1.1.5)', () => {
  const store = storeOf(
    {
      resourceType: 'Patient',
      id: 'a',
      active: true,
      birthDate: '1970-01-01',
      gender: 'male',
      photo: [{ title: 'x' }],
      text: { status: 'generated', div: '<div>x</div>' },
      communication: [{ language: { text: 'de' } }],
    },
    { resourceType: 'Patient', id: 'b' },
  )
  const shown = (query: string) => {
    const bundle = searchBundle(ask(store, `Patient?_id=a&${query}`), { base: 'https://own.example/fhir', path: 'Patient' })
    return [bundle.total, ...Object.keys((bundle.entry as { resource: object }[] | undefined)?.[0]?.resource ?? {}).toSorted()]
  }
  expect(shown('_summary=count')).toEqual([1])
  expect(shown('_count=0')).toEqual([1])
  expect(shown('_total=none')[0]).toBeUndefined()
  expect(shown('_elements=gender')).toEqual([1, 'gender', 'id', 'meta', 'resourceType'])
  expect(shown('_summary=true')).toEqual([1, 'active', 'birthDate', 'gender', 'id', 'meta', 'resourceType'])
  expect(shown('_summary=text')).toEqual([1, 'id', 'meta', 'resourceType', 'text'])
  expect(shown('_summary=data')).toEqual([1, 'active', 'birthDate', 'communication', 'gender', 'id', 'meta', 'photo', 'resourceType'])
  const bundle = searchBundle(ask(store, 'Patient?_summary=true'), { base: '', path: 'Patient' })
  expect((bundle.entry as { resource: { meta: { tag: { code: string }[] } } }[])[0]!.resource.meta.tag[0]!.code).toBe('SUBSETTED')
})

test('commas, bars, dollars and backslashes can be escaped (R4 3.1.1.4.3)', () => {
  const store = storeOf({
    resourceType: 'Patient',
    id: 'a',
    name: [{ text: 'Lee, Ann|$\\' }],
    identifier: [{ system: 'urn:x', value: 'a|b,c' }],
  })
  expect(ids(store, `Patient?name=${encodeURIComponent('lee\\, ann\\|\\$\\\\')}`)).toEqual(['a'])
  expect(ids(store, `Patient?identifier=${encodeURIComponent('urn:x|a\\|b\\,c')}`)).toEqual(['a'])
})
