import { expect, test } from 'vitest'
import { corpusTest, parseJson, resourcesOf } from '#health/corpora.kit'
import { samplePatient } from '#sample/patient'
import type { Prng } from '#sample/prng'
import { prng } from '#sample/prng'
import { naive, officialParameters, type Resource, valuesOf } from './naive.kit.ts'
import { ask, stamp } from './search.kit.ts'
import { openStore } from './store.ts'

// Searches made up from what resources hold must find what a linear scan by FHIRPath finds. KEEPWELL_DEEP=1 asks forty times as much.
const ROUNDS = process.env.KEEPWELL_DEEP ? 4000 : 100

type Clause = { readonly code: string; readonly modifier: string; readonly value: string }
type Parameter = ReturnType<typeof officialParameters>[number]

const first = (x: unknown): unknown => (Array.isArray(x) ? x[0] : x)
const get = (x: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((at, key) => first((at as Record<string, unknown> | undefined)?.[key]), x)
const escaped = (text: string): string => text.replace(/[\\,$|]/g, c => `\\${c}`)

const PREFIXES = ['', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb']

function dateClause(random: Prng, value: unknown): string | null {
  const text = typeof value === 'string' ? value : (get(value, 'start') ?? get(value, 'end'))
  if (typeof text !== 'string' || Number.isNaN(Date.parse(text))) return null
  const cut = random.pick([4, 7, 10, text.length])
  return random.pick(PREFIXES) + text.slice(0, Math.min(cut, text.length))
}

function tokenValue(random: Prng, value: unknown): string | null {
  const coding = typeof value === 'object' && value !== null && 'coding' in value ? get(value, 'coding') : value
  if (typeof coding !== 'object') return String(coding)
  const code = get(coding, 'code') ?? get(coding, 'value')
  const system = get(coding, 'system')
  if (typeof code !== 'string') return null
  // The system of a phone number is its kind, and no code system.
  const named = typeof system === 'string' && get(coding, 'value') === undefined
  return named
    ? random.pick([`${escaped(system)}|${escaped(code)}`, escaped(code), `${escaped(system)}|`, `|${escaped(code)}`])
    : escaped(code)
}

function stringValue(random: Prng, value: unknown): string | null {
  const text = typeof value === 'string' ? value : (get(value, 'family') ?? get(value, 'city') ?? get(value, 'text'))
  if (typeof text !== 'string' || !text.trim()) return null
  const from = random.chance(0.5) ? 0 : random.int(0, text.length - 1)
  const part = text.slice(from, random.int(from + 1, text.length))
  return part.trim() === part ? escaped(random.chance(0.3) ? part.toUpperCase() : part) : null
}

function clauseFrom(random: Prng, parameter: Parameter, value: unknown): Clause | null {
  const clause = (made: string | null, modifier = ''): Clause | null => (made ? { code: parameter.code, modifier, value: made } : null)
  if (random.chance(0.05)) return clause(random.pick(['true', 'false']), 'missing')
  switch (parameter.type) {
    case 'date':
      return clause(dateClause(random, value))
    case 'token':
      return clause(tokenValue(random, value), random.chance(0.15) ? 'not' : '')
    case 'string':
      return clause(stringValue(random, value), random.pick(['', '', 'contains', 'exact']))
    case 'quantity': {
      const n = get(value, 'value')
      return typeof n === 'number' && get(value, 'comparator') === undefined && /^\d+(\.\d+)?$/.test(String(n))
        ? clause(random.pick(PREFIXES) + n)
        : null
    }
    case 'reference': {
      const text = typeof value === 'string' ? value : get(value, 'reference')
      return typeof text === 'string' && /^[A-Za-z]+\/[\w.-]+$|^urn:uuid:/.test(text) ? clause(text) : null
    }
    default:
      return null
  }
}

/** The naive evaluator cannot take escapes apart. */
const unescaped = (value: string): string => value.replace(/\\(.)/g, '$1')

/** Asks `ROUNDS` questions of one and two clauses; gives how many matches there were in all. */
function compare(random: Prng, resources: readonly Resource[]): number {
  const store = openStore()
  for (const r of resources) store.put(stamp(r))
  const stored = resources.map(r => store.read(r.resourceType, r.id!)!.resource as Resource)
  const clauseOf = (type: string): { clause: Clause; parameter: Parameter } | null => {
    const parameter = random.pick(officialParameters(type).filter(p => p.type !== 'composite' && store.tableOf(type).column(p.code)))
    const about = random.pick(stored.filter(r => r.resourceType === type))
    const values = valuesOf(about, parameter)
    const clause = values.length ? clauseFrom(random, parameter, random.pick(values).value) : null
    return clause && { clause, parameter }
  }
  let matched = 0
  for (let round = 0; round < ROUNDS; ) {
    const type = random.pick(stored).resourceType
    const clauses = [clauseOf(type), random.chance(0.4) ? clauseOf(type) : null].filter(c => c !== null)
    if (!clauses.length) continue
    round++
    const params = clauses.map(({ clause: { code, modifier, value } }) => [modifier ? `${code}:${modifier}` : code, value] as const)
    const result = ask(store, type, { params, defaultCount: 100_000, maxCount: 100_000 })
    const expected = stored.filter(
      r =>
        r.resourceType === type && clauses.every(({ clause, parameter }) => naive(r, parameter, clause.modifier, unescaped(clause.value))),
    )
    expect(result.issues).toEqual([])
    expect(result.matches.map(v => v.id).toSorted(), `${type}?${params.map(p => p.join('=')).join('&')}`).toEqual(
      expected.map(r => r.id).toSorted(),
    )
    matched += expected.length
  }
  return matched
}

test('searches made up from sample patients find what a linear scan finds', () => {
  const random = prng('differential')
  expect(compare(random, [...samplePatient('differential', { resources: 400, now: 1_780_000_000 })])).toBeGreaterThan(ROUNDS * 5)
})

corpusTest('searches made up from Synthea patients find what a linear scan finds', ({ files }) => {
  const random = prng('synthea')
  let [bundles, resources, matched] = [0, 0, 0]
  for (const file of [...files('fhir/synthea-r4', '.json').slice(0, 3), ...files('fhir/synthea-us-core', '.json').slice(2, 4)]) {
    const all = [...resourcesOf(parseJson(file.bytes))].filter(r => typeof r.id === 'string') as Resource[]
    bundles++
    resources += all.length
    matched += compare(random, all)
  }
  console.log(`search: ${bundles} bundles, ${resources} resources, ${bundles * ROUNDS} searches, ${matched} matches`)
  expect(bundles).toBe(5)
})
