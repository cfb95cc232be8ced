import { expect, test } from 'vitest'
import { samplePatient } from '#sample/patient'
import { facts } from './facts.ts'
import { byProblem, type ProblemInput, referenceKey } from './problems.ts'

const SNOMED = 'http://snomed.info/sct'

/** A record as a session has it once it is open. */
function opened(id: string, resource: Record<string, unknown>): ProblemInput {
  const f = facts(resource)
  return {
    id,
    type: f.resourceType,
    name: f.title,
    codes: f.codes,
    ...(f.encounter ? { encounter: f.encounter } : {}),
    keys: f.id ? [`${f.resourceType}/${f.id}`] : [],
    resource,
  }
}

const condition = (id: string, code: string, encounter?: string) =>
  opened(id, {
    resourceType: 'Condition',
    id,
    code: { coding: [{ system: SNOMED, code }], text: code },
    ...(encounter ? { encounter: { reference: encounter } } : {}),
  })

const whyOf = (records: readonly ProblemInput[], id: string) =>
  byProblem(records).problems.flatMap(p => p.links.filter(l => l.id === id).map(l => [p.conditions[0], l.why]))

test('a record is linked by the strongest of reference, code and visit, and says by which', () => {
  const records = [
    condition('c1', '44054006', 'Encounter/v1'),
    condition('c2', '38341003'),
    opened('v1', { resourceType: 'Encounter', id: 'v1' }),
    opened('m1', {
      resourceType: 'MedicationRequest',
      encounter: { reference: 'Encounter/v1' },
      reasonReference: [{ reference: 'https://x.test/fhir/Condition/c1/_history/2' }],
    }),
    opened('p1', { resourceType: 'Procedure', reasonCode: [{ coding: [{ system: SNOMED, code: '38341003' }] }] }),
    opened('o1', { resourceType: 'Observation', encounter: { reference: 'Encounter/v1' } }),
    opened('o2', { resourceType: 'Observation' }),
  ]
  expect(whyOf(records, 'v1')).toEqual([['c1', 'named']])
  expect(whyOf(records, 'm1')).toEqual([['c1', 'named']])
  expect(whyOf(records, 'p1')).toEqual([['c2', 'code']])
  expect(whyOf(records, 'o1')).toEqual([['c1', 'visit']])
  expect(byProblem(records).unlinked).toEqual(['o2'])
})

test('a name that two sources both use links nothing', () => {
  const visit = (id: string) => ({ ...opened(id, { resourceType: 'Encounter', id: '1' }) })
  const records = [
    condition('c1', '1', 'Encounter/1'),
    visit('a'),
    visit('b'),
    opened('o', { resourceType: 'Observation', encounter: { reference: 'Encounter/1' } }),
  ]
  expect(byProblem(records).problems[0]?.links).toEqual([])
  expect(byProblem(records).unlinked).toEqual(['a', 'b', 'o'])
})

test('one diagnosis recorded many times is one problem; people and bills belong to none', () => {
  const records = [
    condition('c1', '1'),
    condition('c2', '1'),
    opened('x', { resourceType: 'Patient' }),
    opened('y', { resourceType: 'Claim', diagnosis: [{ diagnosisReference: { reference: 'Condition/c1' } }] }),
    opened('e', { resourceType: 'Encounter', diagnosis: [{ condition: { reference: 'Condition/c2' } }] }),
  ]
  const { problems, unlinked } = byProblem(records)
  expect(problems).toEqual([{ conditions: ['c1', 'c2'], links: [{ id: 'e', why: 'named' }] }])
  expect(unlinked).toEqual([])
})

test('cards alone link by code and visit; irregular input links nothing and throws nothing', () => {
  const closed = ({ resource: _, ...rest }: ProblemInput): ProblemInput => rest
  const records = [
    closed(condition('c1', '1', 'Encounter/v')),
    closed(opened('o', { resourceType: 'Observation', encounter: { reference: 'Encounter/v' } })),
  ]
  expect(whyOf(records, 'o')).toEqual([['c1', 'visit']])
  const odd = [null, 7, 'x', { reasonReference: 3, addresses: [null, { reference: {} }], diagnosis: 'no', evidence: [{ detail: 1 }] }]
  for (const resource of odd)
    expect(
      byProblem([
        { ...condition('c', '1'), resource },
        { ...opened('o', { resourceType: 'Procedure' }), resource },
      ]).unlinked,
    ).toEqual(['o'])
})

test('ten thousand records are ordered without delay', () => {
  const records = [...samplePatient('problems', { resources: 10_000, now: 1_790_000_000 })].map((r, i) =>
    opened(String(i), r as Record<string, unknown>),
  )
  const before = process.threadCpuUsage()
  const { problems } = byProblem(records)
  const { user } = process.threadCpuUsage(before)
  expect(problems.length).toBeGreaterThan(3)
  expect(problems.filter(p => p.links.some(l => l.why === 'named')).length).toBeGreaterThan(3)
  expect(user).toBeLessThan(1_000_000)
})

test('a reference is the same with and without server and version', () => {
  expect(referenceKey('https://x.test/fhir/Encounter/1/_history/2')).toBe('Encounter/1')
  expect(referenceKey('urn:uuid:5')).toBe('urn:uuid:5')
})
