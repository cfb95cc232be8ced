import { readFileSync } from 'node:fs'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { afterAll, describe, expect, test } from 'vitest'
import { type Card, cardsFor } from './cards.ts'
import { openEngine, RULES, type RuleName } from './engine.ts'

const engine = openEngine()
afterAll(() => engine.close())

const NOW = '2026-11-28T10:00:00Z'
const SNOMED = 'http://snomed.info/sct'
const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm'
const concept = (system: string, code: string, display?: string) => ({ coding: [{ system, code, ...(display ? { display } : {}) }] })
const status = (name: string, code: string) => concept(`http://terminology.hl7.org/CodeSystem/${name}`, code)

const person = (more: JsonObject = {}): JsonObject => ({ resourceType: 'Patient', id: 'p', birthDate: '1960-05-05', ...more })
const order = (id: string, drug: JsonObject, more: JsonObject = {}): JsonObject => ({
  resourceType: 'MedicationRequest',
  id,
  status: 'active',
  intent: 'order',
  authoredOn: '2026-02-03',
  medicationCodeableConcept: drug,
  ...more,
})
const allergy = (to: JsonObject, more: JsonObject = {}): JsonObject => ({ resourceType: 'AllergyIntolerance', id: 'a', code: to, ...more })
const shot = (vaccine: JsonObject, occurrence: JsonObject, more: JsonObject = {}): JsonObject => ({
  resourceType: 'Immunization',
  id: `i-${JSON.stringify(occurrence).length}`,
  status: 'completed',
  vaccineCode: vaccine,
  ...occurrence,
  ...more,
})
const diabetes = (code: JsonObject = concept(SNOMED, '44054006'), more: JsonObject = {}): JsonObject => ({
  resourceType: 'Condition',
  id: 'c',
  code,
  ...more,
})
const hba1c = (effective: JsonObject, more: JsonObject = {}): JsonObject => ({
  resourceType: 'Observation',
  id: 'o',
  status: 'final',
  code: concept('http://loinc.org', '4548-4'),
  ...effective,
  ...more,
})

async function cards(
  rules: readonly RuleName[],
  resources: readonly JsonObject[],
  drafts: ReadonlySet<string> | null = null,
): Promise<Card[]> {
  const found = await engine.run({ rules, resources, now: NOW })
  for (const rule of rules) expect([rule, found[rule]]).not.toEqual([rule, null])
  return cardsFor({ found, resources, drafts })
}

const summaries = async (rule: RuleName, ...resources: JsonObject[]): Promise<string[]> =>
  (await cards([rule], [...(resources.some(r => r.resourceType === 'Patient') ? [] : [person()]), ...resources])).map(c => c.summary)

const PENICILLIN = concept(RXNORM, '834061', 'Penicillin V Potassium 250 MG Oral Tablet')
const IBUPROFEN = concept(RXNORM, '310965', 'ibuprofen 200 MG Oral Tablet')

describe('a drug that is ordered despite an allergy', () => {
  const rule = 'AllergyConflict'
  test('is found by a code that both carry', async () => {
    const to = concept(RXNORM, '310965')
    expect(await summaries(rule, order('m', IBUPROFEN), allergy(to))).toEqual([
      'ibuprofen 200 MG Oral Tablet: an allergy to it is recorded',
    ])
  })

  test('is found by the allergy’s name in the drug’s, however the allergy is worded', async () => {
    for (const display of ['Penicillin V', 'Allergy to penicillin (finding)', 'Penicillin allergy'])
      expect([display, (await summaries(rule, order('m', PENICILLIN), allergy(concept(SNOMED, '91936005', display)))).length]).toEqual([
        display,
        1,
      ])
    expect(await summaries(rule, order('m', PENICILLIN), allergy({ text: 'penicillin' }))).toHaveLength(1)
  })

  test('is not seen in another drug, a refuted or resolved allergy, an order that ended, or one not to give it', async () => {
    const penicillin = concept(SNOMED, '91936005', 'Allergy to penicillin (finding)')
    expect(await summaries(rule, order('m', IBUPROFEN), allergy(penicillin))).toEqual([])
    const refuted = { verificationStatus: status('allergyintolerance-verification', 'refuted') }
    const resolved = { clinicalStatus: status('allergyintolerance-clinical', 'resolved') }
    for (const more of [refuted, resolved]) expect(await summaries(rule, order('m', PENICILLIN), allergy(penicillin, more))).toEqual([])
    for (const more of [{ status: 'stopped' }, { doNotPerform: true }])
      expect(await summaries(rule, order('m', PENICILLIN, more), allergy(penicillin))).toEqual([])
  })

  test('while orders are signed only those are spoken of, and the card offers to leave the order', async () => {
    const resources = [person(), order('old', PENICILLIN), order('new', PENICILLIN, { status: 'draft' }), allergy({ text: 'Penicillin' })]
    const found = await cards([rule], resources, new Set(['new']))
    expect(found.map(c => [c.indicator, c.leave])).toEqual([['critical', 'new']])
  })
})

describe('a drug that is ordered twice', () => {
  const rule = 'DuplicateMedication'
  test('is found by a code of both orders, once for each pair', async () => {
    expect(await summaries(rule, order('m', IBUPROFEN), order('n', IBUPROFEN))).toEqual(['ibuprofen 200 MG Oral Tablet is ordered already'])
  })

  test('is not two drugs, an order that ended, or one that renews another', async () => {
    expect(await summaries(rule, order('m', IBUPROFEN), order('n', PENICILLIN))).toEqual([])
    expect(await summaries(rule, order('m', IBUPROFEN), order('n', IBUPROFEN, { status: 'completed' }))).toEqual([])
    const renewed = { priorPrescription: { reference: 'MedicationRequest/m' } }
    expect(await summaries(rule, order('m', IBUPROFEN), order('n', IBUPROFEN, renewed))).toEqual([])
  })
})

describe('a vaccination that is due', () => {
  const rule = 'VaccinationOverdue'
  const CVX = 'http://hl7.org/fhir/sid/cvx'
  const on = (occurrenceDateTime: string) => ({ occurrenceDateTime })
  const [FLU, TETANUS] = ['Influenza vaccination is due', 'Tetanus vaccination is due']
  const flu = concept(CVX, '140')
  const tdap = concept(CVX, '115')

  test('is the one whose time has passed at that age', async () => {
    expect(await summaries(rule)).toEqual([FLU, TETANUS])
    expect(await summaries(rule, shot(flu, on('2025-11-01')), shot(tdap, on('2015-01-01T08:00:00+01:00')))).toEqual([FLU, TETANUS])
    expect(await summaries(rule, person({ birthDate: '2016-01-01' }))).toEqual([FLU])
  })

  test('is not one that was given in time, by whatever it is known', async () => {
    expect(await summaries(rule, shot(flu, on('2026-10-01')), shot(tdap, on('2018-01-01T08:00:00+01:00')))).toEqual([])
    const byAtc = concept('http://www.whocc.no/atc', 'J07BB02')
    expect(await summaries(rule, shot(byAtc, on('2026-10-01')))).toEqual([TETANUS])
    expect(await summaries(rule, shot({ text: 'Tetanus and diphtheria toxoids' }, on('2020-10-01')))).toEqual([FLU])
  })

  test('is not asked for where it cannot be known, of an infant, or of the dead', async () => {
    expect(await summaries(rule, shot(flu, { occurrenceString: 'last autumn' }))).toEqual([TETANUS])
    expect(await summaries(rule, person({ birthDate: '2026-09-01' }))).toEqual([])
    expect(await summaries(rule, { resourceType: 'Patient', id: 'p' })).toEqual([])
    expect(await summaries(rule, person({ deceasedBoolean: true }))).toEqual([])
    expect(await summaries(rule, person({ deceasedDateTime: '2025-01-01' }))).toEqual([])
    expect(await summaries(rule, person({ deceasedBoolean: false }))).toEqual([FLU, TETANUS])
  })

  test('still is, when what was given was not given, or guards against something else', async () => {
    expect(await summaries(rule, shot(flu, on('2026-10-01'), { status: 'not-done' }))).toEqual([FLU, TETANUS])
    expect(await summaries(rule, shot({ text: 'Haemophilus influenzae type b' }, on('2026-10-01')))).toEqual([FLU, TETANUS])
    expect(await summaries(rule, shot({ text: 'Tetanus immune globulin' }, on('2026-10-01')))).toEqual([FLU, TETANUS])
  })
})

describe('diabetes without an HbA1c', () => {
  const rule = 'HbA1cOverdue'
  const SAYS = ['Diabetes without an HbA1c in the last year']
  test('is found when there is none, or none within a year', async () => {
    expect(await summaries(rule, diabetes())).toEqual(SAYS)
    expect(await summaries(rule, diabetes(), hba1c({ effectiveDateTime: '2025-11-01T10:00:00Z' }))).toEqual(SAYS)
    expect(await summaries(rule, diabetes(concept('http://hl7.org/fhir/sid/icd-10-cm', 'E11.9')))).toEqual(SAYS)
    expect(await summaries(rule, diabetes(), hba1c({ effectiveDateTime: '2026-11-01' }, { status: 'cancelled' }))).toEqual(SAYS)
  })

  test('is not found with one in time, of unknown time, or without diabetes that is active', async () => {
    expect(await summaries(rule, diabetes(), hba1c({ effectiveDateTime: '2025-12-01' }))).toEqual([])
    expect(await summaries(rule, diabetes(), hba1c({}))).toEqual([])
    expect(await summaries(rule)).toEqual([])
    expect(await summaries(rule, diabetes(concept(SNOMED, '15777000', 'Prediabetes')))).toEqual([])
    expect(await summaries(rule, diabetes(concept('http://hl7.org/fhir/sid/icd-10-cm', 'E03.9')))).toEqual([])
    expect(await summaries(rule, diabetes(undefined, { clinicalStatus: status('condition-clinical', 'resolved') }))).toEqual([])
    expect(await summaries(rule, diabetes(undefined, { verificationStatus: status('condition-ver-status', 'refuted') }))).toEqual([])
  })
})

test('a rule that a record breaks costs that rule alone', async () => {
  const broken = shot({ text: 'influenza' }, { occurrenceDateTime: 7 })
  const found = await engine.run({ rules: RULES, resources: [person(), broken, diabetes()], now: NOW })
  expect([found.VaccinationOverdue, found.HbA1cOverdue?.Overdue]).toEqual([null, true])
})

test('names out of a record bring no marks of their own into a card, and no length', async () => {
  const name = '[Penicillin](https://evil.example) <img src=x> **bold** `code`'
  const found = await cards(['AllergyConflict'], [person(), order('m', { text: name.repeat(9) }), allergy({ text: name })])
  expect(found).toHaveLength(1)
  expect(found[0]!.summary.length).toBeLessThan(140)
  expect(`${found[0]!.summary}${found[0]!.detail}`).not.toMatch(/[[\]<>`]|\*\*bold/)
})

test('each rule is checked in as CQL and as the ELM of the same name and version', () => {
  for (const rule of RULES) {
    const cql = readFileSync(new URL(`./rules/${rule}.cql`, import.meta.url), 'utf8')
    const elm = JSON.parse(readFileSync(new URL(`./rules/${rule}.elm.generated.json`, import.meta.url), 'utf8'))
    const { id, version } = elm.library.identifier
    expect(cql.startsWith(`library ${id} version '${version}'\n`)).toBe(true)
    const defined = elm.library.statements.def.map((d: { name: string }) => d.name).filter((n: string) => n !== 'Patient')
    expect([...cql.matchAll(/^define "([^"]+)":$/gm)].map(m => m[1])).toEqual(defined)
  }
})
