import { describe, expect, test } from 'vitest'
import { searchBundle } from './bundle.ts'
import { ask, ids, NOW, paramsOf, stamp, storeOf } from './search.kit.ts'
import { conditional, matches, searchPage } from './search.ts'

const LOINC = 'http://loinc.org'
const coded = (code: string, system?: string, text?: string) => ({
  coding: [{ ...(system ? { system } : {}), code }],
  ...(text ? { text } : {}),
})
const observation = (id: string, more: object) => ({ resourceType: 'Observation', id, status: 'final', ...more })

const people = () =>
  storeOf(
    {
      resourceType: 'Patient',
      id: 'eve',
      gender: 'female',
      birthDate: '1970-03-30',
      name: [{ family: 'Lindström', given: ['Eve', 'Ann'] }],
      generalPractitioner: [{ reference: 'Practitioner/doc' }],
    },
    {
      resourceType: 'Patient',
      id: 'sev',
      gender: 'female',
      birthDate: '1970',
      name: [{ family: 'Evans', given: ['Severine'] }],
      telecom: [
        { system: 'phone', value: '(02) 555-6789' },
        { system: 'email', value: 'sev@example.org' },
      ],
    },
    {
      resourceType: 'Patient',
      id: 'adam',
      active: true,
      deceasedBoolean: false,
      identifier: [{ system: 'urn:mrn', value: 'A1', type: { coding: [{ system: 'urn:t', code: 'MR' }] } }],
    },
    { resourceType: 'Practitioner', id: 'doc', name: [{ family: 'House' }] },
    observation('o1', {
      subject: { reference: 'Patient/eve' },
      code: coded('8302-2', LOINC, 'Body height'),
      effectiveDateTime: '2020-05-01T10:00:00Z',
    }),
    observation('o2', {
      subject: { reference: 'https://own.example/fhir/Patient/sev' },
      code: coded('8302-2', 'urn:other'),
      effectivePeriod: { start: '2021-01-01' },
    }),
    observation('o3', { subject: { reference: 'urn:uuid:adam' }, code: coded('718-7'), effectiveDateTime: '2022-03' }),
  )

describe('string (R4 3.1.1.4.8)', () => {
  test.each([
    ['given=eve', ['eve']],
    ['name=lindstrom', ['eve']],
    ['name=LINDSTRÖM', ['eve']],
    ['name=ev', ['eve', 'sev']],
    ['given:contains=eve', ['eve', 'sev']],
    ['given:exact=Eve', ['eve']],
    ['given:exact=eve', []],
    ['family=lind,evans', ['eve', 'sev']],
    ['family=lind&given=sev', []],
    ['name:missing=true', ['adam']],
    ['name:below=x', ['refused: not-supported']],
  ])('%s', (query, expected) => expect(ids(people(), `Patient?${query}`)).toEqual(expected))
})

describe('token (R4 3.1.1.4.10)', () => {
  test.each([
    ['Patient?gender=female', ['eve', 'sev']],
    ['Patient?gender=http://hl7.org/fhir/administrative-gender|female', ['eve', 'sev']],
    ['Patient?gender=urn:x|female', []],
    ['Patient?gender:not=female', ['adam']],
    ['Patient?active=true', ['adam']],
    ['Patient?deceased=false', ['eve', 'sev', 'adam']],
    ['Patient?phone=025556789', ['sev']],
    ['Patient?email=SEV@example.org', ['sev']],
    ['Patient?phone=sev@example.org', []],
    ['Patient?identifier=urn:mrn|A1', ['adam']],
    ['Patient?identifier=a1', ['adam']],
    ['Patient?identifier=urn:mrn|', ['adam']],
    ['Patient?identifier:of-type=urn:t|MR|A1', ['adam']],
    ['Patient?identifier:of-type=urn:t|XX|A1', []],
    ['Observation?code=8302-2', ['o1', 'o2']],
    [`Observation?code=${LOINC}|8302-2`, ['o1']],
    [`Observation?code=${LOINC}|`, ['o1']],
    ['Observation?code=|718-7', ['o3']],
    ['Observation?code=|8302-2', []],
    ['Observation?code:text=body', ['o1']],
    ['Observation?code:not=8302-2,718-7', []],
    ['Observation?code:in=urn:vs', ['refused: not-supported']],
  ])('%s', (url, expected) => expect(ids(people(), url)).toEqual(expected))
})

describe('date (R4 3.1.1.4.7)', () => {
  test.each([
    ['date=2020-05-01', ['o1']],
    ['date=2020', ['o1']],
    ['date=2022-03-05', []],
    ['date=ge2020-05-01', ['o1', 'o2', 'o3']],
    ['date=gt2020-05-01T10:00:00Z', ['o2', 'o3']],
    ['date=lt2021', ['o1']],
    ['date=le2021', ['o1']],
    ['date=sa2020', ['o2', 'o3']],
    ['date=eb2022-04', ['o1', 'o3']],
    ['date=ne2020-05-01', ['o2', 'o3']],
    ['date=ge2020&date=lt2021', ['o1']],
    ['date=2020-13', ['refused: invalid']],
    ['date=yesterday', ['refused: invalid']],
  ])('%s', (query, expected) => expect(ids(people(), `Observation?${query}`)).toEqual(expected))
})

const herd = (): ReturnType<typeof people> => {
  const store = people()
  const subject = { reference: 'Group/herd', identifier: { system: 'urn:herds', value: '7' } }
  store.put(stamp(observation('o4', { subject, code: coded('x'), hasMember: [{ reference: 'Observation/o1/_history/1' }] })))
  return store
}

describe('reference and chains (R4 3.1.1.4.12, 3.1.1.4.4, 3.1.1.4.5)', () => {
  test.each([
    ['Observation?subject=Patient/eve', ['o1']],
    ['Observation?subject=eve', ['o1']],
    ['Observation?subject:Patient=eve', ['o1']],
    ['Observation?subject:Group=eve', []],
    ['Observation?subject=Patient/sev', ['o2']],
    ['Observation?subject=https://own.example/fhir/Patient/sev', ['o2']],
    ['Observation?patient=Patient/adam', ['o3']],
    ['Observation?patient=adam', ['o3']],
    ['Observation?subject=urn:uuid:adam', ['o3']],
    ['Observation?subject.name=lind', ['o1']],
    ['Observation?subject:Patient.gender=female', ['o1', 'o2']],
    ['Observation?subject:Patient.gender=female&code=718-7', []],
    ['Observation?subject:Patient.gender=female&_id=o2', ['o2']],
    ['Observation?patient.general-practitioner.name=house', ['o1']],
    ['Observation?patient.identifier=A1', ['o3']],
    ['Patient?_has:Observation:patient:code=8302-2', ['eve', 'sev']],
    ['Practitioner?_has:Patient:general-practitioner:_has:Observation:patient:code=8302-2', ['doc']],
    ['Patient?_has:Observation:patient:code=718-7', ['adam']],
    ['Patient?_id=eve,adam', ['eve', 'adam']],
    ['Observation?patient=Group/herd', []],
    ['Observation?subject=Group/herd', ['o4']],
    ['Observation?patient:missing=true', ['o4']],
    ['Observation?subject:identifier=urn:herds|7', ['o4']],
    ['Observation?subject=Patient/eve/_history/2', []],
    ['Observation?has-member=Observation/o1/_history/1', ['o4']],
    ['Observation?has-member=Observation/o1', ['o4']],
    ['Observation?gender.name=x', ['o1', 'o2', 'o3', 'o4']],
    ['Observation?status.name=x', ['refused: invalid']],
    ['Observation?subject.shoe=x', ['o1', 'o2', 'o3', 'o4']],
  ])('%s', (url, expected) => expect(ids(herd(), url)).toEqual(expected))
})

test('an unknown parameter is left out of a lenient search and refuses a strict one (R4 3.1.1.7)', () => {
  const lenient = ask(people(), 'Patient?gender=female&shoe=42')
  expect([lenient.refused, lenient.total, lenient.unused, lenient.used]).toEqual([false, 2, ['shoe'], [['gender', 'female']]])
  expect(lenient.issues[0]).toMatchObject({ severity: 'warning', code: 'not-supported', expression: 'http.shoe' })
  expect(ids(people(), 'Patient?gender=female&shoe=42', { handling: 'strict' })).toEqual(['refused: not-supported'])
})

test('pages of a search repeat and lose nothing while resources change', () => {
  const store = storeOf(...Array.from({ length: 10 }, (_, i) => observation(`p${i}`, { code: coded('a') })))
  let page = ask(store, 'Observation?code=a&_count=3&_sort=-_id')
  const seen = page.matches.map(v => v.id)
  for (let round = 0; page.next; round++) {
    store.put(stamp(observation(`new${round}`, { code: coded('a') })))
    store.put(stamp(observation('p5', { code: coded('b') }), 2 + round))
    if (round === 1) store.delete('Observation', 'p1', { versionId: '2', lastUpdated: '2026-02-01T00:00:00Z' })
    const { used, unused } = page
    page = searchPage(store, page.next, { now: NOW })
    expect([page.used, page.unused]).toEqual([used, unused])
    expect(page.total).toBe(10)
    seen.push(...page.matches.map(v => v.id))
  }
  const back = searchPage(store, page.previous!, { now: NOW })
  expect(back.matches.map(v => v.id)).toEqual(['p3', 'p2', 'p1'])
  expect(searchPage(store, back.next!, { now: NOW, visible: () => false }).matches).toEqual([])
  expect(searchPage(store, 'zz-9', { now: NOW }).issues[0]?.code).toBe('expired')
  expect(ask(store, 'Observation?_sort=_id&_offset=2&_count=2').matches.map(v => v.id)).toEqual(['new2', 'p0'])
  expect(seen).toEqual(['p9', 'p8', 'p7', 'p6', 'p5', 'p4', 'p3', 'p2', 'p1', 'p0'])
})

test('the same question has the same pages as long as it finds the same, and no longer', () => {
  const store = storeOf(...Array.from({ length: 5 }, (_, i) => observation(`p${i}`, { code: coded('a') })))
  const next = (query: string) => ask(store, query).next!
  const first = next('Observation?code=a&_count=2')
  expect(next('Observation?code=a&_count=2')).toBe(first)
  expect(next('Observation?code=a&_count=3')).not.toBe(first)
  expect(next('Observation?code=a&_count=2&_sort=-_id')).not.toBe(first)
  store.put(stamp(observation('p5', { code: coded('a') })))
  const second = next('Observation?code=a&_count=2')
  expect(second).not.toBe(first)
  expect([first, second].map(cursor => searchPage(store, cursor, { now: NOW }).total)).toEqual([5, 6])
})

test('_include and _revinclude bring what belongs to the page, once, and the Bundle tells which is which', () => {
  const result = ask(people(), 'Observation?code=8302-2&_include=Observation:subject&_include:iterate=Patient:general-practitioner')
  const bundle = searchBundle(result, { base: 'https://own.example/fhir', path: 'Observation' })
  const entries = bundle.entry as { fullUrl: string; search: { mode: string } }[]
  expect(entries.map(e => `${e.search.mode} ${e.fullUrl.slice('https://own.example/fhir/'.length)}`)).toEqual([
    'match Observation/o1',
    'match Observation/o2',
    'include Patient/eve',
    'include Patient/sev',
    'include Practitioner/doc',
  ])
  expect((bundle.link as { url: string }[])[0]!.url).toContain('Observation?code=8302-2&_include=Observation%3Asubject')
  const once = ask(people(), 'Observation?code=8302-2&_include=Observation:subject&_include=Patient:general-practitioner')
  expect(once.includes.map(v => v.id)).toEqual(['eve', 'sev'])
  expect(ask(people(), 'Observation?_id=o1&_include=*').includes.map(v => v.id)).toEqual(['eve'])
  expect(ask(people(), 'Observation?_id=o1&_include=Observation:subject:Group').includes).toEqual([])
  expect(ask(people(), 'Observation?_include=Observation:status')).toMatchObject({ refused: false, issues: [{ severity: 'warning' }] })
  expect(ask(people(), 'Patient?_revinclude=Observation:patient').includes.map(v => v.id)).toEqual(['o1', 'o2', 'o3'])
})

test('what a caller may not see is neither matched nor included nor chained through', () => {
  const only = (type: string) => (type === 'Observation' ? [paramsOf('code=718-7')] : type === 'Patient')
  expect(ids(people(), 'Observation', { visible: only })).toEqual(['o3'])
  expect(ids(people(), 'Observation', { visible: () => [paramsOf('shoe=1'), paramsOf('date=never')] })).toEqual([])
  expect(ids(people(), 'Patient?_has:Observation:patient:code=8302-2', { visible: only })).toEqual([])
  expect(ids(people(), 'Patient?general-practitioner.name=house', { visible: only })).toEqual([])
  expect(ask(people(), 'Patient?_revinclude=Observation:patient', { visible: only }).includes.map(v => v.id)).toEqual(['o3'])
})

test('conditional interactions know none, one and many, and never guess', () => {
  const input = (query: string) => ({ type: 'Patient', params: paramsOf(query), now: NOW })
  expect(conditional(people(), input('identifier=A1'))).toMatchObject({ found: 'one', version: { id: 'adam' } })
  expect(conditional(people(), input('gender=female'))).toEqual({ found: 'many', total: 2 })
  expect(conditional(people(), input('gender=other'))).toEqual({ found: 'none' })
  expect(conditional(people(), input('gender=female&shoe=1'))).toMatchObject({ found: 'refused' })
  expect(matches(people(), { type: 'Observation', id: 'o1' }, { params: paramsOf('code=8302-2&date=2020'), now: NOW })).toBe(true)
  expect(matches(people(), { type: 'Observation', id: 'o1' }, { params: paramsOf('shoe=1'), now: NOW })).toBe(false)
})
