import { openStore } from '@keepwell/sdk/health/fhir/search/store'
import { expect, test } from 'vitest'
import { taken } from './lines.ts'

const MANY = 500
const observation = (n: number, version = '1') => ({
  ...{ resourceType: 'Observation', id: `o${n}`, status: 'final', subject: { reference: 'Patient/a' } },
  meta: { versionId: version, lastUpdated: '2026-01-01T00:00:00Z' },
})

test('an export gives others their turn; what they correct meanwhile is in it, and once', async () => {
  const store = openStore()
  store.put({ resourceType: 'Patient', id: 'a', meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' } })
  for (let n = 0; n < MANY; n++) store.put(observation(n))
  let turns = 0
  let done = false
  const other = (): void => {
    turns++
    // Gathering what is the patient's takes the first turns.
    if (turns === 3) store.put(observation(0, '2'))
    if (!done) setImmediate(other)
  }
  setImmediate(other)
  const plan = {
    level: 'patient',
    types: ['Observation'],
    since: null,
    filters: new Map(),
    elements: null,
    provenance: null,
    patients: null,
  }
  const lines = await taken(store, { plan, patient: 'a', base: 'https://own.example/fhir', now: 0, visible: () => true } as never)
  done = true
  expect(turns).toBeGreaterThan(10)
  const exported = lines.get('Observation')!.map(r => `${String(r.id)} ${String((r.meta as { versionId: string }).versionId)}`)
  expect(exported.sort()).toEqual(Array.from({ length: MANY }, (_, n) => `o${n} ${n === 0 ? 2 : 1}`).sort())
})
