import { expect, test } from 'vitest'
import { historyBundle } from './bundle.ts'
import { everything } from './everything.ts'
import { history } from './history.ts'
import { ask, ids, NOW, stamp, storeOf } from './search.kit.ts'
import { searchPage } from './search.ts'
import { openStore } from './store.ts'

const patient = (id: string, family: string) => ({ resourceType: 'Patient', id, name: [{ family }] })
const gone = (versionId: string) => ({ versionId, lastUpdated: '2026-03-01T00:00:00Z' })

test('a new version replaces the old one in searches, and both can be read', () => {
  const store = storeOf(patient('a', 'Old'))
  const next = store.put(stamp(patient('a', 'New'), 2, '2026-02-01T00:00:00Z'))
  expect([next.method, store.read('Patient', 'a')?.versionId, store.vread('Patient', 'a', '1')?.resource?.name]).toEqual([
    'PUT',
    '2',
    [{ family: 'Old' }],
  ])
  expect([ids(store, 'Patient?family=old'), ids(store, 'Patient?family=new'), store.count()]).toEqual([[], ['a'], 1])
})

test('versions may come in any order: the latest is the current one', () => {
  const store = openStore()
  store.put(stamp(patient('a', 'New'), 2, '2026-02-01T00:00:00Z'))
  store.put(stamp(patient('a', 'Old'), 1))
  expect([store.read('Patient', 'a')?.versionId, ids(store, 'Patient?family=old'), ids(store, 'Patient?family=new')]).toEqual([
    '2',
    [],
    ['a'],
  ])
  expect(history(store, { type: 'Patient', id: 'a' }).versions.map(v => v.versionId)).toEqual(['2', '1'])
})

test('what is deleted is gone from searches and kept in the history', () => {
  const store = storeOf(patient('a', 'Old'), patient('b', 'Other'))
  expect(store.delete('Patient', 'a', gone('2'))?.method).toBe('DELETE')
  expect([store.delete('Patient', 'a', gone('3')), store.delete('Patient', 'never', gone('1'))]).toEqual([null, null])
  expect([ids(store, 'Patient'), store.read('Patient', 'a')?.resource, store.count('Patient')]).toEqual([['b'], null, 1])
  const bundle = historyBundle(history(store, { type: 'Patient', id: 'a' }), {
    base: 'https://own.example/fhir',
    path: 'Patient/a/_history',
  })
  const entries = bundle.entry as { request: object; response: { status: string }; resource?: unknown }[]
  expect(entries.map(e => [e.request, e.response.status, e.resource !== undefined])).toEqual([
    [{ method: 'DELETE', url: 'Patient/a' }, '204', false],
    [{ method: 'POST', url: 'Patient' }, '201', true],
  ])
})

test('what is removed leaves nothing behind', () => {
  const store = storeOf(patient('a', 'Old'), patient('b', 'Other'))
  expect([store.remove('Patient', 'a'), store.remove('Patient', 'a')]).toEqual([true, false])
  expect([store.read('Patient', 'a'), ids(store, 'Patient?family=old'), history(store, {}).total]).toEqual([null, [], 1])
})

test('rows of superseded versions are swept when they are many', () => {
  const store = storeOf(patient('a', 'Kept'))
  for (let i = 2; i < 5000; i++) store.put(stamp(patient('b', `V${i}`), i, '2026-02-01T00:00:00Z'))
  expect(store.table('Patient')!.versions().length).toBeLessThan(1100)
  expect([ids(store, 'Patient?family=kept,v4999'), ids(store, 'Patient?family=v4998'), ids(store, 'Patient?_content=kept')]).toEqual([
    ['a', 'b'],
    [],
    ['a'],
  ])
})

test('history by time and in pages, also while the store grows (R4 http#history)', () => {
  const store = openStore()
  for (let i = 1; i <= 5; i++) store.put(stamp(patient('a', `V${i}`), i, `2026-01-0${i}T00:00:00Z`))
  const versions = (input: object) => history(store, { type: 'Patient', ...input }).versions.map(v => v.versionId)
  expect(versions({ since: Date.UTC(2026, 0, 4) })).toEqual(['5', '4'])
  expect(versions({ at: [Date.UTC(2026, 0, 2, 12), Date.UTC(2026, 0, 3, 12)] })).toEqual(['3', '2'])
  const first = history(store, { count: 2 })
  store.put(stamp(patient('b', 'New'), 1, '2026-02-01T00:00:00Z'))
  const second = history(store, { count: 2, cursor: first.next! })
  const third = history(store, { count: 2, cursor: second.next! })
  expect([first, second, third].flatMap(p => p.versions.map(v => v.versionId))).toEqual(['5', '4', '3', '2', '1'])
  expect(third.next).toBeNull()
})

test('a resource without id, version or time, or of no R4 type, is refused', () => {
  const store = openStore()
  const meta = { versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' }
  for (const bad of [
    { resourceType: 'Patient', id: 'x' },
    { resourceType: 'Patient', meta },
    { resourceType: 'constructor', id: 'x', meta },
  ])
    expect(() => store.put(bad)).toThrow(/expected/)
})

test('references are followed by URN, by fullUrl and below the own base', () => {
  const store = openStore({ bases: ['https://own.example/fhir'] })
  store.put(stamp(patient('a', 'Old')), { fullUrl: 'https://elsewhere.example/fhir/Patient/77' })
  for (const reference of ['Patient/a', 'urn:uuid:a', 'https://own.example/fhir/Patient/a', 'https://elsewhere.example/fhir/Patient/77'])
    expect(store.resolve(reference)?.id).toBe('a')
  expect(store.resolve('https://other.example/fhir/Patient/a')).toBeNull()
  store.put(stamp({ resourceType: 'Observation', id: 'o', subject: { reference: 'https://elsewhere.example/fhir/Patient/77' } }))
  expect(ids(store, 'Observation?subject=Patient/a')).toEqual(['o'])
  store.put(stamp({ resourceType: 'Group', id: 'a' }))
  expect(store.resolve('urn:uuid:a')).toBeNull()
})

test('searches answer truly at any moment while resources are put', () => {
  const store = openStore()
  for (let i = 0; i < 1200; i++) {
    store.put(
      stamp({
        resourceType: 'Observation',
        id: `o${i}`,
        effectiveDateTime: `20${10 + (i % 7)}-01-01`,
        valueString: `v${i}`,
        valueQuantity: { value: i % 50 },
      }),
    )
    if (i % 40 !== 0 && i !== 1199) continue
    const total = (query: string): number | null => ask(store, `Observation?${query}`).total
    const upTo = (test: (n: number) => boolean): number => Array.from({ length: i + 1 }, (_, n) => n).filter(test).length
    expect(total('date=ge2013')).toBe(upTo(n => n % 7 >= 3))
    expect(total('date=2012&value-quantity=lt10')).toBe(upTo(n => n % 7 === 2 && n % 50 < 10))
    expect(total('value-string=v11')).toBe(upTo(n => `v${n}`.startsWith('v11')))
  }
})

const CARE = [
  { ...patient('a', 'Old'), link: [{ other: { reference: 'Patient/z' }, type: 'seealso' }] },
  patient('z', 'Stranger'),
  { resourceType: 'Encounter', id: 'e1', subject: { reference: 'Patient/a' }, period: { start: '2020-01-01', end: '2020-01-02' } },
  { resourceType: 'Encounter', id: 'e2', subject: { reference: 'Patient/a' }, period: { start: '2024-01-01', end: '2024-01-02' } },
  {
    resourceType: 'Observation',
    id: 'o1',
    subject: { reference: 'Patient/a' },
    effectiveDateTime: '2020-01-01',
    performer: [{ reference: 'Practitioner/d' }],
  },
  { resourceType: 'Observation', id: 'o9', subject: { reference: 'Patient/z' }, performer: [{ reference: 'Practitioner/d' }] },
  { resourceType: 'Practitioner', id: 'd' },
  { resourceType: 'Practitioner', id: 'nobody' },
]

test('a search within a compartment finds what its definition names (R4 Patient compartment)', () => {
  const compartment = { type: 'Patient', id: 'a' } as const
  expect(ids(storeOf(...CARE), 'Encounter', { compartment })).toEqual(['e1', 'e2'])
  expect(ids(storeOf(...CARE), 'Observation?performer=Practitioner/d', { compartment })).toEqual(['o1'])
  expect(ids(storeOf(...CARE), 'Practitioner', { compartment })).toEqual([])
})

test('$everything: the compartment and what it refers to, by type, time and page; null without the patient', async () => {
  const store = storeOf(...CARE)
  const all = async (input: object = {}) => (await everything(store, { id: 'a', now: NOW, ...input }))?.matches.map(v => v.id)
  expect(await all()).toEqual(['a', 'e1', 'e2', 'o1', 'd'])
  expect(await all({ types: ['Encounter'] })).toEqual(['e1', 'e2'])
  expect(await all({ start: '2023-01-01' })).toEqual(['a', 'e2'])
  expect(await all({ end: '2022' })).toEqual(['a', 'e1', 'o1', 'd'])
  expect(await all({ since: Date.UTC(2027, 0) })).toEqual([])
  expect(await all({ visible: (type: string) => type !== 'Observation' })).toEqual(['a', 'e1', 'e2'])
  expect((await everything(store, { id: 'a', now: NOW, count: 2 }))?.next).not.toBeNull()
  expect(await everything(store, { id: 'none', now: NOW })).toBeNull()
})

test('$everything: an implant is the patient’s, though R4 leaves devices out of the compartment; another’s is not', async () => {
  const implant = (id: string, of: string) => ({ resourceType: 'Device', id, patient: { reference: `Patient/${of}` } })
  const store = storeOf(...CARE, implant('pacemaker', 'a'), implant('stent', 'z'))
  const devices = await everything(store, { id: 'a', now: NOW, types: ['Device'] })
  expect(devices?.matches.map(v => v.id)).toEqual(['pacemaker'])
  expect(ids(store, 'Device', { compartment: { type: 'Patient', id: 'a' } })).toEqual([])
})

test('$everything gives others their turn, and shows nothing that they removed or that its reader may not see any more', async () => {
  const about = { subject: { reference: 'Patient/a' } }
  const many = Array.from({ length: 1000 }, (_, n) => ({ resourceType: 'Observation', id: `o${n}`, status: 'final', ...about }))
  const store = storeOf(patient('a', 'Own'), ...many)
  let turns = 0
  const breathe = async (): Promise<void> => {
    if (turns++) return
    store.remove('Observation', 'o0')
    store.put(stamp({ ...many[999]!, status: 'entered-in-error' }, 2, '2026-02-01T00:00:00Z'))
    // Until rows are swept, and are others.
    for (let i = 2; i < 2000; i++) store.put(stamp(many[1]!, i, '2026-02-01T00:00:00Z'))
  }
  const visible = (type: string) => type === 'Patient' || [[['status', 'final'] as const]]
  const found = await everything(store, { id: 'a', now: NOW, visible, breathe })
  expect(turns).toBeGreaterThan(10)
  expect(found?.matches.map(v => v.id)).toEqual(['a', ...many.slice(1, 999).map(o => o.id)])
})

test('snapshots of searches are bounded: the oldest is told to be gone, not guessed', () => {
  const store = storeOf(patient('a', 'Old'), patient('b', 'Other'))
  const first = ask(store, 'Patient?_count=1')
  const many = Array.from({ length: 2_000_000 }, () => first.matches[0]!)
  store.remember({ question: '', found: () => many })
  expect(store.recall(first.next!.split('-')[0]!)).toBeNull()
})

test('of snapshots those go first whose question was not asked again', () => {
  const store = storeOf(patient('a', 'Old'), patient('b', 'Other'))
  const many = Array.from({ length: 1_000_000 }, () => store.read('Patient', 'a')!)
  const remember = (question: string) => store.remember({ question, found: () => many })
  const [again, once] = [remember('again'), remember('once')]
  expect(remember('again')).toBe(again)
  remember('another')
  expect([store.recall(again) !== null, store.recall(once)]).toEqual([true, null])
  remember('one more')
  expect(store.recall(again)).toBeNull()
})

test('the same question has the snapshot it had while it finds the same, and another when other versions lie in the same rows', () => {
  const store = storeOf(patient('a', 'Old'), patient('b', 'Other'))
  const next = () => ask(store, 'Patient?_count=1').next
  const first = next()
  expect(next()).toBe(first)
  store.put(stamp({ resourceType: 'Encounter', id: 'e' }, 1))
  expect(next()).toBe(first)
  for (const id of ['a', 'b']) store.remove('Patient', id)
  for (const id of ['c', 'd']) store.put(stamp(patient(id, 'Fresh'), 1))
  for (let i = 1; i < 1100; i++) store.put(stamp(patient('x', `V${i}`), i, '2026-02-01T00:00:00Z'))
  store.remove('Patient', 'x')
  expect(store.table('Patient')!.rowOf('d')).toBe(1)
  const second = next()
  expect(second).not.toBe(first)
  expect(searchPage(store, second!, { now: NOW }).matches.map(v => v.id)).toEqual(['d'])
})
