import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { ICD10CM, LOINC, SNOMED } from '@keepwell/sdk/health/terminology/systems'
import { zipSync } from 'fflate'
import { afterAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '#base/temporary.kit'
import { loadFiles } from './files.ts'
import { openTerminology, type TerminologyFile } from './sqlite.ts'
import { openZip } from './zip.ts'

const folder = temporaryDirectory()
afterAll(() => folder.remove())
let made = 0
const fresh = (): TerminologyFile => openTerminology({ file: join(folder.path, `${made++}.sqlite`) })
function written(name: string, content: string | Uint8Array): string {
  const path = join(folder.path, name)
  writeFileSync(path, content)
  return path
}

const order = (n: number, code: string, billable: 0 | 1, name: string, long = name): string =>
  `${String(n).padStart(5, '0')} ${code.padEnd(7)} ${billable} ${name.padEnd(60)} ${long}`

const ORDER = [
  order(1, 'Z90', 0, 'Made-up disease'),
  order(2, 'Z901', 0, 'Made-up disease of the thumb'),
  order(3, 'Z901XXA', 1, 'Made-up dis of the thumb, init', 'Made-up disease of the thumb, initial encounter'),
  order(4, 'Z91', 1, 'Another made-up disease'),
].join('\r\n')

const TABULAR = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><ICD10CM.tabular><version>1</version>
<chapter><name>30</name><desc>Made-up chapter (Z90-Z91)</desc><sectionIndex><sectionRef id="Z90-Z91">Thumbs</sectionRef></sectionIndex>
<section id="Z90-Z91"><desc>Thumbs and such (Z90-Z91)</desc><diag><name>Z90</name><desc>Made-up disease</desc>
<inclusionTerm><note>Sore thumb</note></inclusionTerm><diag><name>Z90.1</name><desc>Made-up disease of the thumb</desc></diag></diag>
<diag><name>Z91</name><desc>Another</desc></diag></section></chapter></ICD10CM.tabular>`

describe('ICD-10-CM', () => {
  test('codes get their dot, headers are not selectable, and each has its parent', async () => {
    const terms = fresh()
    expect(await loadFiles(terms, 'icd10cm', [written('order-2031.txt', ORDER)])).toEqual({ concepts: 4, edges: 2 })
    const at = (code: string) => terms.lookup({ system: ICD10CM, code })
    expect(await at('Z90.1XXA')).toMatchObject({
      display: 'Made-up disease of the thumb, initial encounter',
      parents: ['Z90.1'],
      version: '2031',
    })
    expect(await at('Z90')).toMatchObject({ abstract: true, children: ['Z90.1'] })
    expect(await terms.subsumes(ICD10CM, 'Z90', 'Z90.1XXA')).toBe('subsumes')
    expect(await terms.validateCode({ system: ICD10CM, code: 'Z90.1XXA', display: 'made-up dis of the thumb, init' })).toMatchObject({
      verdict: 'valid',
    })
    await terms.close()
  })

  test('the tabular list adds chapters and blocks above, and what a category includes', async () => {
    const terms = fresh()
    await loadFiles(terms, 'icd10cm', [written('order-2031.txt', ORDER), written('tabular.xml', TABULAR)])
    expect(await terms.subsumes(ICD10CM, 'Chapter 30', 'Z90.1XXA')).toBe('subsumes')
    expect(await terms.lookup({ system: ICD10CM, code: 'Z90-Z91' })).toMatchObject({ display: 'Thumbs and such (Z90-Z91)', abstract: true })
    const all = { resourceType: 'ValueSet', status: 'active', compose: { include: [{ system: ICD10CM }] } }
    expect((await terms.expand({ valueSet: all, filter: 'sore' })).contains.map(c => c.code)).toEqual(['Z90'])
    await terms.close()
  })

  test('another kind of file is refused, and what was there stays', async () => {
    const terms = fresh()
    await loadFiles(terms, 'icd10cm', [written('order-2031.txt', ORDER)])
    await expect(loadFiles(terms, 'icd10cm', [written('other.txt', 'hello\nworld')])).rejects.toMatchObject({ code: 'UNREADABLE' })
    expect(await terms.lookup({ system: ICD10CM, code: 'Z91' })).not.toBeNull()
    await terms.close()
  })
})

const tabs = (...rows: string[]): string => `${rows.map(r => r.split(/ {2,}/).join('\t')).join('\r\n')}\r\n`
/** A release in SNOMED's form with made-up concepts: a root, a limb, a hurt, a hurt limb, one that is retired. */
const RF2 = {
  'Snapshot/Terminology/sct2_Concept_Snapshot_XX_20310131.txt': tabs(
    'id  effectiveTime  active  moduleId  definitionStatusId',
    ...['138875005', '11000001', '12000001', '13000001', '14000001', '15000001', '116680003', '900000000000001'].map(
      id => `${id}  20310131  1  1  1`,
    ),
    '16000001  20310131  0  1  1',
  ),
  'Snapshot/Terminology/sct2_Description_Snapshot-en_XX_20310131.txt': tabs(
    'id  effectiveTime  active  moduleId  conceptId  languageCode  typeId  term  caseSignificanceId',
    '101  20310131  1  1  138875005  en  900000000000003001  Everything (root)  1',
    '102  20310131  1  1  11000001  en  900000000000003001  Hurt (finding)  1',
    '103  20310131  1  1  11000001  en  900000000000013009  Hurt  1',
    '104  20310131  1  1  11000001  en  900000000000013009  Ouch  1',
    '105  20310131  1  1  12000001  en  900000000000003001  Limb (part)  1',
    '106  20310131  1  1  13000001  en  900000000000003001  Hurt limb (finding)  1',
    '107  20310131  1  1  14000001  en  900000000000003001  Site (attribute)  1',
    '108  20310131  0  1  14000001  en  900000000000013009  Not any more  1',
    '109  20310131  1  1  15000001  en  900000000000003001  Arm (part)  1',
  ),
  'Snapshot/Terminology/sct2_Relationship_Snapshot_XX_20310131.txt': tabs(
    'id  effectiveTime  active  moduleId  sourceId  destinationId  relationshipGroup  typeId  characteristicTypeId  modifierId',
    ...['11000001 138875005', '12000001 138875005', '13000001 11000001', '15000001 12000001', '14000001 138875005'].map(
      (pair, i) => `20${i}  20310131  1  1  ${pair.replace(' ', '  ')}  0  116680003  1  1`,
    ),
    '300  20310131  1  1  13000001  15000001  1  14000001  1  1',
    '301  20310131  0  1  13000001  12000001  1  116680003  1  1',
  ),
  'Snapshot/Refset/Language/der2_cRefset_LanguageSnapshot-en_XX_20310131.txt': tabs(
    'id  effectiveTime  active  moduleId  refsetId  referencedComponentId  acceptabilityId',
    'a  20310131  1  1  9  104  900000000000548007',
    'b  20310131  1  1  9  103  900000000000549004',
  ),
  'Snapshot/Refset/Content/der2_Refset_SimpleSnapshot_XX_20310131.txt': tabs(
    'id  effectiveTime  active  moduleId  refsetId  referencedComponentId',
    'c  20310131  1  1  900000000000001  13000001',
  ),
  'Full/Terminology/sct2_Concept_Full_XX_20310131.txt': 'not read',
}

describe('SNOMED CT’s release format', () => {
  const codes = async (terms: TerminologyFile, ecl: string): Promise<string[]> =>
    (await terms.expand({ valueSet: `http://snomed.info/sct?fhir_vs=ecl/${encodeURIComponent(ecl)}` })).contains.map(c => c.code)

  async function check(terms: TerminologyFile): Promise<void> {
    expect(await terms.lookup({ system: SNOMED, code: '11000001' })).toMatchObject({
      display: 'Ouch',
      version: '20310131',
      parents: ['138875005'],
    })
    expect(await terms.lookup({ system: SNOMED, code: '13000001' })).toMatchObject({ display: 'Hurt limb (finding)' })
    expect(await terms.lookup({ system: SNOMED, code: '16000001' })).toMatchObject({ inactive: true })
    expect(await terms.subsumes(SNOMED, '138875005', '13000001')).toBe('subsumes')
    expect(await terms.subsumes(SNOMED, '12000001', '13000001')).toBe('not-subsumed')
    expect(await codes(terms, '<<11000001')).toEqual(['11000001', '13000001'])
    expect(await codes(terms, '>13000001')).toEqual(['138875005', '11000001'])
    expect(await codes(terms, '<138875005 MINUS <<11000001')).toEqual(['12000001', '14000001', '15000001'])
    expect(await codes(terms, '*: 14000001 = <<12000001')).toEqual(['13000001'])
    expect(await codes(terms, '^900000000000001')).toEqual(['13000001'])
    expect(await codes(terms, '<!138875005 AND (11000001 OR 13000001)')).toEqual(['11000001'])
    for (const [ecl, verdict] of [
      ['<<11000001: 14000001 = 15000001', 'valid'],
      ['<<11000001: 14000001 != 15000001', 'invalid'],
      ['<12000001', 'invalid'],
      ['^900000000000001', 'valid'],
    ] as const)
      expect(
        await terms.validateCode({ system: SNOMED, code: '13000001', valueSet: `http://snomed.info/sct?fhir_vs=ecl/${ecl}` }),
      ).toMatchObject({ verdict })
    await expect(codes(terms, '<<11000001 {{ x }}')).rejects.toMatchObject({ code: 'BAD_INPUT' })
  }

  test('from a folder and from a ZIP archive: names, hierarchy, expressions, reference sets', async () => {
    const dir = join(folder.path, 'rf2')
    for (const [name, content] of Object.entries(RF2)) {
      mkdirSync(join(dir, name, '..'), { recursive: true })
      writeFileSync(join(dir, name), content)
    }
    const archive = written(
      'release.zip',
      zipSync(Object.fromEntries(Object.entries(RF2).map(([n, c]) => [n, new TextEncoder().encode(c)]))),
    )
    for (const path of [dir, archive]) {
      const terms = fresh()
      expect(await loadFiles(terms, 'rf2', [path])).toEqual({ concepts: 9, edges: 5 })
      await check(terms)
      await terms.close()
    }
  })

  test('an archive without snapshots, a damaged one and a bomb are refused', async () => {
    const terms = fresh()
    const empty = written('empty.zip', zipSync({ 'readme.txt': new Uint8Array(10) }))
    await expect(loadFiles(terms, 'rf2', [empty])).rejects.toMatchObject({ code: 'UNREADABLE' })
    expect(() => openZip(written('no.zip', 'not a zip'))).toThrow(expect.objectContaining({ code: 'UNREADABLE' }))
    const [bomb] = openZip(written('bomb.zip', zipSync({ 'sct2_Concept_Snapshot_x.txt': new Uint8Array(16 << 20) }, { level: 9 })))
    await expect(
      (async () => {
        for await (const _ of bomb!.open());
      })(),
    ).rejects.toMatchObject({ code: 'TOO_LARGE' })
    await terms.close()
  })

  test('damaged archives never crash: any byte changed is a refusal, or the right content', async () => {
    const good = zipSync({ 'a.txt': new TextEncoder().encode('hello '.repeat(50)) })
    for (let i = 0; i < good.length; i++) {
      const bad = good.slice()
      bad[i]! ^= 0xff
      try {
        for (const entry of openZip(written('fuzz.zip', bad))) for await (const _ of entry.open());
      } catch (e) {
        expect((e as { code?: string }).code).toMatch(/^(UNREADABLE|TOO_LARGE)$/)
      }
    }
  })
})

test('LOINC’s table: quotes, commas, deprecated codes, properties', async () => {
  const terms = fresh()
  const csv =
    '"LOINC_NUM","COMPONENT","CLASS","STATUS","LONG_COMMON_NAME","SHORTNAME"\r\n"9999-1","Made ""up"", yes","CHEM","ACTIVE","Made-up [Mass/volume] in Serum","MadeUp SerPl"\r\n"9999-2","Old","CHEM","DEPRECATED","Old thing","Old"\r\n'
  await loadFiles(terms, 'loinc', [written('Loinc_2.99.csv', csv)])
  expect(await terms.lookup({ system: LOINC, code: '9999-1' })).toMatchObject({
    display: 'Made-up [Mass/volume] in Serum',
    version: '2.99',
    properties: expect.arrayContaining([['COMPONENT', 'Made "up", yes']]),
  })
  expect(await terms.lookup({ system: LOINC, code: '9999-2' })).toMatchObject({ inactive: true })
  const chemistry = {
    resourceType: 'ValueSet',
    status: 'active',
    compose: { include: [{ system: LOINC, filter: [{ property: 'CLASS', op: '=', value: 'CHEM' }] }] },
  }
  expect((await terms.expand({ valueSet: chemistry, activeOnly: true })).contains.map(c => c.code)).toEqual(['9999-1'])
  await expect(loadFiles(terms, 'loinc', [written('x.csv', 'a,b\n1,2\n')])).rejects.toMatchObject({ code: 'UNREADABLE' })
  await terms.close()
})

test('the Global Patient Set as text and as a ValueSet; what was known before stays known', async () => {
  const terms = fresh()
  await terms.loadFragments(new Map([[SNOMED, new Map([['999', 'Known already']])]]))
  await loadFiles(terms, 'snomed-gps', [
    written('gps.txt', tabs('id  effectiveTime  active  fsn  pt', '17000001  20310131  1  Sore (finding)  Sore')),
  ])
  expect(await terms.lookup({ system: SNOMED, code: '17000001' })).toMatchObject({ display: 'Sore' })
  expect(await terms.lookup({ system: SNOMED, code: '999' })).toMatchObject({ display: 'Known already' })
  const xml =
    '<ValueSet xmlns="http://hl7.org/fhir"><compose><include><concept><code value="18000001"/><display value="Tired (finding)"/></concept></include></compose></ValueSet>'
  await loadFiles(terms, 'snomed-gps', [written('gps.xml', xml)])
  expect(await terms.lookup({ system: SNOMED, code: '18000001' })).toMatchObject({ display: 'Tired' })
  expect(await terms.validateCode({ system: SNOMED, code: '19000001' })).toMatchObject({ verdict: 'unknown' })
  await terms.close()
})

const corpora = process.env.KEEPWELL_CORPORA ?? join(fileURLToPath(import.meta.url), '..', '..', '..', '..', '..', 'shared', 'data')
test('CDC’s and SNOMED’s real files load in seconds', async ({ skip }) => {
  const at = (name: string): string => join(corpora, 'clinical', 'terminology', name)
  try {
    readFileSync(at('icd10cm-order-Jan-2021.txt.gz'))
  } catch {
    console.warn('SKIPPED real terminology files: set KEEPWELL_CORPORA, or put the corpora in ../shared/data')
    return skip('the external corpora are not on this machine')
  }
  const terms = fresh()
  const timed = async (kind: 'icd10cm' | 'snomed-gps', ...names: string[]) => {
    const began = performance.now()
    const done = await loadFiles(terms, kind, names.map(at))
    console.info(`${kind}: ${done.concepts} concepts, ${done.edges} edges in ${((performance.now() - began) / 1000).toFixed(1)} s`)
    return done
  }
  expect(
    gunzipSync(readFileSync(at('icd10cm-order-Jan-2021.txt.gz')))
      .toString()
      .split('\n')
      .filter(Boolean),
  ).toHaveLength(95_358)
  expect((await timed('icd10cm', 'icd10cm-order-Jan-2021.txt.gz')).concepts).toBe(95_358)
  const both = await timed('icd10cm', 'icd10cm-order-Jan-2021.txt.gz', 'icd10cm_tabular_2021.xml.gz')
  expect(both.concepts).toBeGreaterThan(95_358)
  expect(await terms.subsumes(ICD10CM, 'Chapter 4', 'E11.9')).toBe('subsumes')
  expect((await timed('snomed-gps', 'valueset-snomed-intl-gps.xml.gz')).concepts).toBe(21_789)
  expect(await terms.lookup({ system: SNOMED, code: '3110003' })).toMatchObject({ display: 'Acute otitis media' })
  await terms.close()
})
