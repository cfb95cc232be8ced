import { expect, test } from 'vitest'
import { samplePatient } from '#sample/patient'
import type { Prng } from '#sample/prng'
import { prng } from '#sample/prng'
import { searchBundle } from './bundle.ts'
import { searchCapability } from './capability.ts'
import { r4 } from './r4.ts'
import { ask, ids, stamp, storeOf } from './search.kit.ts'

// Foreign resources and queries must end in an answer. KEEPWELL_DEEP=1 does fifty times as much.
const ROUNDS = process.env.KEEPWELL_DEEP ? 25_000 : 500

const STRANGE: readonly unknown[] = [
  null,
  0,
  -1,
  Number.POSITIVE_INFINITY,
  '',
  ' ',
  true,
  [],
  {},
  [[1]],
  { coding: 7 },
  { reference: {} },
  { value: 'x' },
  '__proto__',
  '2020-99-99',
  '﷐😀',
  'x'.repeat(5000),
]

/** Puts something that does not belong there somewhere into a resource. */
function damaged(random: Prng, value: unknown, chance: number): unknown {
  if (random.chance(chance)) return random.pick(STRANGE)
  if (Array.isArray(value)) return value.map(item => damaged(random, item, chance))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, key === 'resourceType' ? inner : damaged(random, inner, chance)]),
  )
}

test('resources of any shape are taken, and searches over them give answers', () => {
  const random = prng('damaged resources')
  const store = storeOf()
  const originals = [...samplePatient('damaged', { resources: 120, now: 1_780_000_000 })]
  for (let i = 0; i < ROUNDS; i++) {
    const original = random.pick(originals)
    const body = damaged(random, original, 0.05) as Record<string, unknown>
    store.put(stamp({ ...body, resourceType: original.resourceType, id: original.id, meta: {} }, i + 1))
  }
  for (const type of store.types())
    for (const parameter of r4.of(type).values()) {
      const value = { date: 'ge1900', number: 'gt0', quantity: 'gt0', composite: 'a$2020' }[parameter.type as string] ?? 'a'
      expect(
        ask(store, type, {
          params: [
            [parameter.code, value],
            ['_sort', parameter.code === '_id' ? '_id' : '-_lastUpdated'],
          ],
        }).refused,
      ).toBe(false)
    }
  expect(searchBundle(ask(store, '?_summary=true&_include=*&_revinclude=*'), { base: '', path: '' }).total).toBe(store.count())
})

const NAMES = [
  'code',
  'date',
  'subject',
  'subject.name',
  'subject:Patient.name:exact',
  '_has:Observation:patient:code',
  '_has:x',
  '_sort',
  '_count',
  '_include',
  '_elements',
  '_type',
  'value-quantity',
  'code-value-quantity',
  '_list',
  '_id',
  '_content',
  'name',
  '__proto__',
  'constructor',
  '_cursor',
]
const PIECES = [
  'a',
  '|',
  ',',
  '$',
  '\\',
  'ge',
  '2020',
  '-',
  ':',
  '.',
  'Observation',
  'patient',
  '*',
  ' ',
  '%',
  '0',
  '(',
  'é',
  '\0',
  'urn:uuid:',
  'http://x/',
]

test('queries of any kind give an answer or issues, soon, and issues never repeat a value', () => {
  const random = prng('queries')
  const store = storeOf(...samplePatient('queries', { resources: 60, now: 1_780_000_000 }))
  for (let i = 0; i < ROUNDS * 4; i++) {
    const text = (): string => Array.from({ length: random.int(0, 6) }, () => random.pick(PIECES)).join('')
    const secret = 'Geheimnis'
    const name = random.pick(NAMES) + (random.chance(0.2) ? random.pick([':not', ':exact', ':x', '.y', ':missing']) : '')
    const result = ask(store, random.pick(['Observation', 'Patient', '']), {
      params: [[name, text() + (random.chance(0.3) ? secret : '')]],
    })
    expect(JSON.stringify(result.issues)).not.toContain(secret)
    for (const issue of result.issues) expect(issue.text).toBeTruthy()
  }
})

test('chains and includes without end come to an end', () => {
  const store = storeOf(
    { resourceType: 'Organization', id: 'a', partOf: { reference: 'Organization/b' } },
    { resourceType: 'Organization', id: 'b', partOf: { reference: 'Organization/a' } },
  )
  expect(ask(store, 'Organization?_id=a&_include:iterate=Organization:partof').includes.map(v => v.id)).toEqual(['b'])
  expect(ids(store, `Organization?${'partof.'.repeat(20)}name=x`)).toEqual(['refused: too-costly'])
  expect(ids(store, `Organization?${'_has:Organization:partof:'.repeat(20)}name=x`)).toEqual(['refused: too-costly'])
  expect(ask(store, 'Organization', { params: Array.from({ length: 300 }, () => ['name', 'x'] as const) }).refused).toBe(true)
})

test('what the CapabilityStatement promises is what the search takes', () => {
  const store = storeOf()
  for (const type of ['Patient', 'Observation', 'Encounter', 'MedicationRequest']) {
    const { searchParam, searchInclude, searchRevInclude } = searchCapability(type, ['Observation', 'Provenance'])
    for (const { name } of searchParam)
      expect(ask(store, type, { params: [[`${name}`, name === '_id' ? 'x' : '']], handling: 'strict' }).issues).toEqual([])
    for (const include of searchInclude)
      expect(ask(store, type, { params: [['_include', include]], handling: 'strict' }).issues).toEqual([])
    for (const include of searchRevInclude)
      expect(ask(store, type, { params: [['_revinclude', include]], handling: 'strict' }).issues).toEqual([])
    expect(searchRevInclude).toContain('Provenance:target')
  }
})
