import { openFhirTerminology } from '@keepwell/adapters/terminology/fhir-server'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import type { Terminology } from '@keepwell/sdk/ports/terminology'
import { TERMINOLOGY_FIXTURE } from '@keepwell/sdk/ports/terminology.suite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HapiServer, hapiServer, startHapiServer } from '../../tools/hapi-server.ts'

// What codes mean, as HAPI FHIR's own terminology judges it: its logic, its indexes, its words for what it refuses.

const classpath = hapiServer()
if (!classpath) console.warn('SKIPPED: HAPI FHIR’s server is not here; the gate fetches it where there are Java and Maven.')

const ANIMALS = 'http://keepwell.example/animals'
const set = (name: string): string => `http://keepwell.example/ValueSet/${name}`
const code = (c: string) => ({ system: ANIMALS, code: c })

/** HAPI takes a hierarchy from concepts inside one another and not from their property `parent`, so the wolfhound is a dog by its place alone. */
function nested(resource: JsonObject): JsonObject {
  if (resource.url !== ANIMALS) return resource
  const [root] = structuredClone(resource.concept) as [{ concept: { concept: { concept?: unknown }[] }[] }]
  root.concept[0]!.concept[0]!.concept = [{ code: 'wolfhound', display: 'Irish wolfhound' }]
  return { ...resource, concept: [root] }
}

describe.skipIf(!classpath)('a terminology elsewhere, HAPI FHIR’s', () => {
  let hapi: HapiServer
  let terms: Terminology
  beforeAll(async () => {
    hapi = await startHapiServer(classpath!, { words: true, soon: true })
    for (const resource of TERMINOLOGY_FIXTURE.map(nested)) {
      const answer = await fetch(`${hapi.base}/${resource.resourceType}`, {
        method: 'POST',
        headers: { 'content-type': 'application/fhir+json' },
        body: JSON.stringify(resource),
      })
      if (!answer.ok) throw new Error(await answer.text())
    }
    terms = openFhirTerminology({ base: hapi.base })
  }, 500_000)
  afterAll(() => hapi?.stop())

  const codes = async (input: Parameters<Terminology['expand']>[0]) => (await terms.expand(input)).contains.map(c => c.code)
  const refusal = async (work: Promise<unknown>): Promise<string> => {
    const found: unknown = await work.then(
      value => JSON.stringify(value),
      e => e,
    )
    return isKeepwellError(found) ? found.code : String(found)
  }

  test('tells what codes mean, and which are none', async () => {
    const dog = await terms.lookup(code('dog'))
    expect(dog).toMatchObject({ name: 'Animals', version: '1', display: 'Dog' })
    expect(dog?.designations.map(d => [d.language, d.value])).toContainEqual(['de', 'Hund'])
    expect((await terms.lookup(code('whale')))?.properties).toContainEqual(['habitat', 'sea'])
    expect(await terms.lookup(code('cat'))).toBeNull()
    expect(await terms.lookup({ system: 'http://nowhere.example', code: 'a' })).toBeNull()
    expect((await terms.validateCode(code('dog'))).verdict).toBe('valid')
    expect((await terms.validateCode(code('cat'))).verdict).toBe('invalid')
  })

  test('judges codes in value sets: hierarchy, exclusion, list; the system may be left out', async () => {
    const verdicts: Record<string, string> = {}
    for (const [c, name] of [
      ['whale', 'mammals'],
      ['mammal', 'mammals'],
      ['dog', 'mammals'],
      ['pet', 'below-pet'],
      ['wolfhound', 'below-pet'],
      ['dog', 'nowhere'],
    ] as const)
      verdicts[`${c} in ${name}`] = await refusal(terms.validateCode({ ...code(c), valueSet: set(name) }).then(v => v.verdict))
    expect(verdicts).toEqual({
      'whale in mammals': '"valid"',
      'mammal in mammals': '"valid"',
      'dog in mammals': '"invalid"',
      'pet in below-pet': '"invalid"',
      'wolfhound in below-pet': '"valid"',
      'dog in nowhere': 'NOT_FOUND',
    })
    const verdict = (input: Parameters<Terminology['validateCode']>[0]) => refusal(terms.validateCode(input).then(v => v.verdict))
    const listed = { system: 'http://nowhere.example', valueSet: set('listed') }
    expect([await verdict({ ...listed, code: 'a' }), await verdict({ ...listed, code: 'c' })]).toEqual(['"valid"', '"invalid"'])
    expect(await terms.validateCode({ code: 'whale', valueSet: set('mammals') })).toMatchObject({ verdict: 'valid' })
    expect(await verdict({ code: 'cat', valueSet: set('mammals') })).toBe('"invalid"')
    // What it cannot judge it calls false as well; that is not told as wrong.
    expect(await verdict({ system: 'http://keepwell.example/part', code: 'y' })).toBe('"unknown"')
    expect(await verdict({ system: 'http://nowhere.example', code: 'a' })).toBe('NOT_FOUND')
    // A wrong name it lets pass, and says what the code is called.
    expect(await terms.validateCode({ ...code('dog'), display: 'Cat' })).toMatchObject({
      display: 'Dog',
      message: expect.stringContaining('Cat'),
    })
  })

  test('lists value sets: in their order, by words, in pages, also one that is only sent along', async () => {
    const inline = { resourceType: 'ValueSet', status: 'active', compose: { include: [{ system: ANIMALS, concept: [{ code: 'whale' }] }] } }
    const found = {
      pages: await refusal(terms.expand({ valueSet: set('below-pet'), offset: 1, count: 1 })),
      active: await refusal(codes({ valueSet: set('mammals'), activeOnly: true })),
      mammals: await refusal(codes({ valueSet: set('mammals') })),
      dry: await refusal(codes({ valueSet: set('dry-mammals') })),
      below: await refusal(codes({ valueSet: set('below-pet') })),
      words: await refusal(codes({ valueSet: set('below-pet'), filter: 'wolf' })),
      listed: await refusal(codes({ valueSet: set('listed') })),
      inline: await refusal(terms.expand({ valueSet: inline })),
      nowhere: await refusal(codes({ valueSet: set('nowhere') })),
      circle: await refusal(codes({ valueSet: set('circle') })),
    }
    expect(found).toEqual({
      pages: JSON.stringify({ total: 2, offset: 1, contains: [{ ...code('wolfhound'), display: 'Irish wolfhound' }] }),
      active: '["mammal","whale"]',
      inline: JSON.stringify({ total: 1, offset: 0, contains: [{ ...code('whale'), display: 'Blue whale' }] }),
      mammals: '["mammal","whale"]',
      dry: '["mammal"]',
      below: '["dog","wolfhound"]',
      words: '["wolfhound"]',
      listed: '["a","b"]',
      nowhere: 'NOT_FOUND',
      circle: 'PEER_FAILED',
    })
  })

  test('translates by maps, there and back, and tells what subsumes what', async () => {
    const map = 'http://keepwell.example/ConceptMap/legs'
    const numbers = 'http://keepwell.example/numbers'
    const found = {
      there: await refusal(terms.translate(code('dog'))),
      whale: await refusal(terms.translate({ ...code('whale'), map })),
      back: await refusal(terms.translate({ system: numbers, code: '4', reverse: true, map })),
      none: await refusal(terms.translate(code('pet'))),
      target: await refusal(terms.translate({ ...code('dog'), targetSystem: 'http://nowhere.example' })),
      map: await refusal(terms.translate({ ...code('dog'), map: 'http://nowhere.example/map' })),
      down: await refusal(terms.subsumes(ANIMALS, 'animal', 'wolfhound')),
      up: await refusal(terms.subsumes(ANIMALS, 'wolfhound', 'pet')),
      apart: await refusal(terms.subsumes(ANIMALS, 'dog', 'mammal')),
      same: await refusal(terms.subsumes(ANIMALS, 'dog', 'dog')),
      none2: await refusal(terms.subsumes(ANIMALS, 'dog', 'cat')),
      nowhere: await refusal(terms.subsumes('http://nowhere.example', 'a', 'b')),
    }
    expect(found).toEqual({
      there: JSON.stringify([{ equivalence: 'equivalent', concept: { system: numbers, code: '4', display: 'Four' }, map }]),
      whale: JSON.stringify([{ equivalence: 'wider', concept: { system: numbers, code: '0' }, map }]),
      back: JSON.stringify([{ equivalence: 'equivalent', concept: code('dog'), map }]),
      none: '[]',
      target: '[]',
      map: '[]',
      down: '"subsumes"',
      up: '"subsumed-by"',
      apart: '"not-subsumed"',
      same: '"equivalent"',
      none2: 'null',
      nowhere: 'null',
    })
  })
})
