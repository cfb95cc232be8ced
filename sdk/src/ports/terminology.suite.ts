import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '#health/fhir/read'
import { UCUM } from '#health/terminology/systems'
import type { Terminology } from './terminology.ts'

const SYSTEM = 'http://keepwell.example/animals'
const PART = 'http://keepwell.example/part'
const OTHER = 'http://keepwell.example/numbers'
const set = (name: string): string => `http://keepwell.example/ValueSet/${name}`

/** What a backend must hold for the suite: a small hierarchy with two parents for one child, a part of a system, value sets, and a map. */
export const TERMINOLOGY_FIXTURE: readonly JsonObject[] = [
  {
    resourceType: 'CodeSystem',
    url: SYSTEM,
    version: '1',
    name: 'Animals',
    status: 'active',
    content: 'complete',
    hierarchyMeaning: 'is-a',
    valueSet: set('all-animals'),
    concept: [
      {
        code: 'animal',
        display: 'Animal',
        property: [{ code: 'notSelectable', valueBoolean: true }],
        concept: [
          { code: 'pet', display: 'Pet', concept: [{ code: 'dog', display: 'Dog', designation: [{ language: 'de', value: 'Hund' }] }] },
          {
            code: 'mammal',
            display: 'Mammal',
            concept: [{ code: 'whale', display: 'Blue whale', property: [{ code: 'habitat', valueString: 'sea' }] }],
          },
          { code: 'dodo', display: 'Dodo', property: [{ code: 'status', valueCode: 'retired' }] },
        ],
      },
      {
        code: 'wolfhound',
        display: 'Irish wolfhound',
        property: [
          { code: 'parent', valueCode: 'dog' },
          { code: 'parent', valueCode: 'mammal' },
        ],
      },
    ],
  },
  {
    resourceType: 'CodeSystem',
    url: PART,
    name: 'Part',
    status: 'active',
    content: 'fragment',
    concept: [{ code: 'x', display: 'Known of a part' }],
  },
  {
    resourceType: 'ValueSet',
    url: set('mammals'),
    status: 'active',
    compose: { include: [{ system: SYSTEM, filter: [{ property: 'concept', op: 'is-a', value: 'mammal' }] }] },
  },
  {
    resourceType: 'ValueSet',
    url: set('below-pet'),
    status: 'active',
    compose: { include: [{ system: SYSTEM, filter: [{ property: 'concept', op: 'descendent-of', value: 'pet' }] }] },
  },
  {
    resourceType: 'ValueSet',
    url: set('dry-mammals'),
    status: 'active',
    compose: {
      include: [{ valueSet: [set('mammals')] }],
      exclude: [{ system: SYSTEM, filter: [{ property: 'habitat', op: '=', value: 'sea' }] }],
    },
  },
  {
    resourceType: 'ValueSet',
    url: set('listed'),
    status: 'active',
    compose: { include: [{ system: 'http://nowhere.example', concept: [{ code: 'a', display: 'First of all' }, { code: 'b' }] }] },
  },
  {
    resourceType: 'ValueSet',
    url: set('odd'),
    status: 'active',
    compose: { include: [{ system: SYSTEM, filter: [{ property: 'code', op: 'regex', value: '(a+)+$' }] }] },
  },
  { resourceType: 'ValueSet', url: set('part'), status: 'active', compose: { include: [{ system: PART }] } },
  { resourceType: 'ValueSet', url: set('circle'), status: 'active', compose: { include: [{ valueSet: [set('circle')] }] } },
  {
    resourceType: 'ConceptMap',
    url: 'http://keepwell.example/ConceptMap/legs',
    status: 'active',
    group: [
      {
        source: SYSTEM,
        target: OTHER,
        element: [
          { code: 'dog', target: [{ code: '4', display: 'Four', equivalence: 'equivalent' }] },
          { code: 'whale', target: [{ code: '0', equivalence: 'wider' }] },
        ],
      },
    ],
  },
]

/** The law of {@link Terminology}, for every backend that holds {@link TERMINOLOGY_FIXTURE}. */
export function terminologySuite(name: string, make: () => Promise<Terminology>): void {
  describe(`a terminology: ${name}`, () => {
    let terms: Terminology
    beforeAll(async () => {
      terms = await make()
    })
    afterAll(() => terms.close())
    const code = (c: string) => ({ system: SYSTEM, code: c })
    const codes = async (input: Parameters<Terminology['expand']>[0]) => (await terms.expand(input)).contains.map(c => c.code)
    const refused = (error: string) => expect.objectContaining({ code: error })

    test('lookup tells names, parents and children; null for what is not here', async () => {
      expect(await terms.lookup(code('dog'))).toMatchObject({
        name: 'Animals',
        version: '1',
        display: 'Dog',
        parents: ['pet'],
        children: ['wolfhound'],
      })
      expect((await terms.lookup(code('dog')))?.designations.map(d => d.value)).toContain('Hund')
      expect(await terms.lookup(code('animal'))).toMatchObject({ abstract: true })
      expect(await terms.lookup(code('dodo'))).toMatchObject({ inactive: true })
      expect((await terms.lookup(code('whale')))?.properties).toContainEqual(['habitat', 'sea'])
      expect((await terms.lookup(code('wolfhound')))?.parents).toEqual(['dog', 'mammal'])
      expect(await terms.lookup(code('cat'))).toBeNull()
      expect(await terms.lookup({ system: 'http://nowhere.example', code: 'a' })).toBeNull()
    })

    test('a code is valid in its system by itself, with any of its names, whatever their case', async () => {
      expect(await terms.validateCode(code('dog'))).toMatchObject({ verdict: 'valid', display: 'Dog' })
      expect(await terms.validateCode({ ...code('dog'), display: 'hund' })).toMatchObject({ verdict: 'valid' })
      expect(await terms.validateCode({ ...code('dog'), display: 'Cat' })).toMatchObject({
        verdict: 'invalid',
        display: 'Dog',
        message: expect.any(String),
      })
      expect(await terms.validateCode(code('cat'))).toMatchObject({ verdict: 'invalid' })
      expect(await terms.validateCode(code('dodo'))).toMatchObject({ verdict: 'valid', inactive: true })
    })

    test('what cannot be judged is never told as invalid', async () => {
      expect(await terms.validateCode({ system: PART, code: 'x' })).toMatchObject({ verdict: 'valid' })
      expect(await terms.validateCode({ system: PART, code: 'y' })).toMatchObject({ verdict: 'unknown' })
      expect(await terms.validateCode({ system: PART, code: 'y', valueSet: set('part') })).toMatchObject({ verdict: 'unknown' })
      await expect(terms.validateCode({ system: 'http://nowhere.example', code: 'a' })).rejects.toEqual(refused('NOT_FOUND'))
      await expect(terms.validateCode({ ...code('dog'), valueSet: set('nowhere') })).rejects.toEqual(refused('NOT_FOUND'))
      await expect(terms.validateCode({ ...code('dog'), valueSet: set('odd') })).rejects.toEqual(refused('NOT_SUPPORTED'))
    })

    test('a value set holds what its definition says: hierarchy, exclusion, list; the system may be left out', async () => {
      const verdict = async (c: string, valueSet: string) => (await terms.validateCode({ ...code(c), valueSet: set(valueSet) })).verdict
      expect(await verdict('wolfhound', 'mammals')).toBe('valid')
      expect(await verdict('mammal', 'mammals')).toBe('valid')
      expect(await verdict('dog', 'mammals')).toBe('invalid')
      expect(await verdict('pet', 'below-pet')).toBe('invalid')
      expect(await verdict('wolfhound', 'below-pet')).toBe('valid')
      expect(await verdict('whale', 'dry-mammals')).toBe('invalid')
      expect(await verdict('dog', 'all-animals')).toBe('valid')
      expect(await terms.validateCode({ code: 'whale', valueSet: set('mammals') })).toMatchObject({ verdict: 'valid', system: SYSTEM })
      expect(await terms.validateCode({ code: 'a', valueSet: set('listed') })).toMatchObject({ verdict: 'valid', display: 'First of all' })
      expect(await terms.validateCode({ code: 'c', valueSet: set('listed') })).toMatchObject({ verdict: 'invalid' })
    })

    test('UCUM is judged by its grammar', async () => {
      expect(await terms.validateCode({ system: UCUM, code: 'mg/dL' })).toMatchObject({ verdict: 'valid' })
      expect(await terms.validateCode({ system: UCUM, code: 'mg per dl' })).toMatchObject({ verdict: 'invalid' })
      await expect(
        terms.expand({ valueSet: { resourceType: 'ValueSet', status: 'active', compose: { include: [{ system: UCUM }] } } }),
      ).rejects.toEqual(refused('NOT_SUPPORTED'))
    })

    test('expand lists in pages, by words, and refuses what it cannot list', async () => {
      expect(await codes({ valueSet: set('mammals') })).toEqual(['mammal', 'whale', 'wolfhound'])
      expect(await codes({ valueSet: set('dry-mammals') })).toEqual(['mammal', 'wolfhound'])
      expect(await codes({ valueSet: set('mammals'), filter: 'wolf iri' })).toEqual(['wolfhound'])
      expect(await codes({ valueSet: set('all-animals'), filter: 'hund' })).toEqual(['dog'])
      expect(await codes({ valueSet: set('mammals'), filter: 'NEAR("a" OR *' })).toEqual([])
      expect(await terms.expand({ valueSet: set('all-animals'), offset: 2, count: 2 })).toMatchObject({
        total: 7,
        offset: 2,
        contains: [{ code: 'dog' }, { code: 'mammal' }],
      })
      expect(await codes({ valueSet: set('all-animals'), activeOnly: true })).not.toContain('dodo')
      expect(await codes({ valueSet: set('listed'), count: 1 })).toEqual(['a'])
      const inline = {
        resourceType: 'ValueSet',
        status: 'active',
        compose: { include: [{ system: SYSTEM, concept: [{ code: 'whale' }] }] },
      }
      expect((await terms.expand({ valueSet: inline })).contains).toEqual([{ system: SYSTEM, code: 'whale', display: 'Blue whale' }])
      for (const [what, error] of [
        ['nowhere', 'NOT_FOUND'],
        ['odd', 'NOT_SUPPORTED'],
        ['circle', 'BAD_INPUT'],
      ] as const)
        await expect(terms.expand({ valueSet: set(what) })).rejects.toEqual(refused(error))
      await expect(terms.expand({ valueSet: set('mammals'), count: 10_001 })).rejects.toEqual(refused('TOO_LARGE'))
    })

    test('maps translate there and back', async () => {
      const map = 'http://keepwell.example/ConceptMap/legs'
      expect(await terms.translate({ ...code('dog') })).toEqual([
        { equivalence: 'equivalent', map, concept: { system: OTHER, code: '4', display: 'Four' } },
      ])
      expect(await terms.translate({ system: OTHER, code: '4', reverse: true, map })).toMatchObject([
        { concept: { system: SYSTEM, code: 'dog', display: 'Dog' } },
      ])
      expect(await terms.translate({ ...code('dog'), targetSystem: 'http://nowhere.example' })).toEqual([])
      expect(await terms.translate({ ...code('pet') })).toEqual([])
      await expect(terms.translate({ ...code('dog'), map: 'http://nowhere.example/map' })).rejects.toEqual(refused('NOT_FOUND'))
    })

    test('subsumption follows every parent', async () => {
      expect(await terms.subsumes(SYSTEM, 'animal', 'wolfhound')).toBe('subsumes')
      expect(await terms.subsumes(SYSTEM, 'wolfhound', 'mammal')).toBe('subsumed-by')
      expect(await terms.subsumes(SYSTEM, 'dog', 'mammal')).toBe('not-subsumed')
      expect(await terms.subsumes(SYSTEM, 'dog', 'dog')).toBe('equivalent')
      expect(await terms.subsumes(SYSTEM, 'dog', 'cat')).toBeNull()
      expect(await terms.subsumes('http://nowhere.example', 'a', 'b')).toBeNull()
    })
  })
}
