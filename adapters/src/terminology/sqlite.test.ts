import { join } from 'node:path'
import { conceptsOf, systemOf } from '@keepwell/sdk/health/terminology/fhir-release'
import { TERMINOLOGY_FIXTURE, terminologySuite } from '@keepwell/sdk/ports/terminology.suite'
import { afterAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '#base/temporary.kit'
import { fillWithShipped } from './shipped.ts'
import { openTerminology, type TerminologyFile } from './sqlite.ts'

const folder = temporaryDirectory()
afterAll(() => folder.remove())

async function withFixture(name: string): Promise<TerminologyFile> {
  const terms = openTerminology({ file: join(folder.path, name) })
  for (const r of TERMINOLOGY_FIXTURE) {
    const system = r.resourceType === 'CodeSystem' ? systemOf(r) : null
    if (system) await terms.loadSystem(system, conceptsOf(r))
  }
  await terms.loadResources(TERMINOLOGY_FIXTURE.map(({ concept: _, ...r }) => r))
  return terms
}

terminologySuite('in a file', () => withFixture('suite.sqlite'))

describe('what is loaded', () => {
  test('a load that fails changes nothing', async () => {
    const terms = await withFixture('failed.sqlite')
    const system = systemOf(TERMINOLOGY_FIXTURE[0]!)!
    const broken = (function* () {
      yield { code: 'new', display: 'New' }
      throw new Error('disk')
    })()
    await expect(terms.loadSystem(system, broken)).rejects.toThrow('disk')
    await expect(terms.loadSystem(system, [])).rejects.toMatchObject({ code: 'UNREADABLE' })
    expect(await terms.lookup({ system: system.url, code: 'dog' })).toMatchObject({ display: 'Dog' })
    expect(await terms.lookup({ system: system.url, code: 'new' })).toBeNull()
    await terms.close()
  })

  test('a new version replaces the old one whole: codes, edges, words', async () => {
    const terms = await withFixture('replaced.sqlite')
    const system = systemOf(TERMINOLOGY_FIXTURE[0]!)!
    await terms.loadSystem({ ...system, version: '2' }, [{ code: 'dog', display: 'Hound' }])
    expect(await terms.lookup({ system: system.url, code: 'dog' })).toMatchObject({
      display: 'Hound',
      version: '2',
      parents: [],
      children: [],
    })
    expect(await terms.lookup({ system: system.url, code: 'whale' })).toBeNull()
    const all = { resourceType: 'ValueSet', status: 'active', compose: { include: [{ system: system.url }] } }
    expect((await terms.expand({ valueSet: all, filter: 'hund' })).total).toBe(0)
    await terms.close()
  })

  test('from the first start common codes have names, and an operator’s own loads stay', async () => {
    const terms = openTerminology({ file: join(folder.path, 'shipped.sqlite') })
    const began = performance.now()
    expect(await fillWithShipped(terms)).toBe(true)
    console.info(
      `filled in ${Math.round(performance.now() - began)} ms: ${terms.systems().reduce((n, s) => n + s.concepts, 0)} concepts of ${terms.systems().length} systems`,
    )
    expect(await fillWithShipped(terms)).toBe(false)
    const name = async (system: string, code: string) => (await terms.lookup({ system, code }))?.display
    expect(await name('http://loinc.org', '8480-6')).toBe('Systolic blood pressure')
    expect(await name('http://snomed.info/sct', '363679005')).toBe('Imaging')
    expect(await name('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'AMB')).toBe('ambulatory')
    expect(
      await terms.validateCode({
        system: 'http://hl7.org/fhir/administrative-gender',
        code: 'robot',
        valueSet: 'http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1',
      }),
    ).toMatchObject({ verdict: 'invalid' })
    expect(await terms.subsumes('http://terminology.hl7.org/CodeSystem/v3-ActCode', '_ActEncounterCode', 'AMB')).toBe('subsumes')
    expect(
      (await terms.translate({ system: 'http://hl7.org/fhir/administrative-gender', code: 'male' })).map(t => t.concept.code),
    ).toContain('M')
    await terms.close()
  })
})
