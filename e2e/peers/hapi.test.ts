import { readFileSync } from 'node:fs'
import { openCcda } from '@keepwell/adapters/ccda/ccda'
import { terminologyPart } from '@keepwell/daemon/gateway/terminology/part'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { nameUuid } from '@keepwell/sdk/crypto/name-uuid'
import { corpusTest, parseJson, resourcesOf } from '@keepwell/sdk/health/corpora.kit'
import { buildAllergy } from '@keepwell/sdk/health/fhir/build-allergy'
import { buildCondition } from '@keepwell/sdk/health/fhir/build-condition'
import { buildMeasurement, MEASURE_NAMES, measureOf } from '@keepwell/sdk/health/fhir/build-measurement'
import { buildMedication } from '@keepwell/sdk/health/fhir/build-medication'
import { buildNote } from '@keepwell/sdk/health/fhir/build-note'
import { buildResult } from '@keepwell/sdk/health/fhir/build-result'
import { buildVaccination } from '@keepwell/sdk/health/fhir/build-vaccination'
import { loadChecker } from '@keepwell/sdk/health/fhir/check'
import { patientSummary } from '@keepwell/sdk/health/fhir/ips/patient-summary'
import { LAB_TESTS } from '@keepwell/sdk/health/fhir/lab-tests'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { parseMessage, splitMessages } from '@keepwell/sdk/health/hl7v2/message'
import { ADMISSION, letter, ORDER, RESULT, VACCINATION, VISIT } from '@keepwell/sdk/health/hl7v2/messages.kit'
import { toFhir } from '@keepwell/sdk/health/hl7v2/to-fhir'
import { readMapping } from '@keepwell/sdk/health/migrate/mapping'
import { mapRow } from '@keepwell/sdk/health/migrate/row'
import { minified } from '@keepwell/sdk/health/shc/minify'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { sampleCcda } from '@keepwell/sdk/sample/messages'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, type Json, NURSE } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { answersOf, now, takenOut } from '#e2e/peers/answers.kit'
import { type Hapi, startHapi } from '../../tools/hapi.ts'

// What we emit, held to HL7's own validator. Codes of terminologies that it cannot look up here are no errors of it.

const moment = '2026-06-01T12:00:00Z'
const common = {
  id: '7b0e1b0a-5c4d-4a9e-8f00-0123456789ab',
  patient: 'Ada Example',
  origin: { by: 'clinician', name: 'Dr. Rivera' },
  recorded: '2026-05-01T08:00:00+02:00',
} as const

const hapi = startHapi()
if (!hapi) console.warn('SKIPPED: HL7’s validator is not here; the gate fetches it where there are Java and Maven.')

/** What the validator finds wrong, once each, with how often. */
async function faults(peer: Hapi, resources: readonly unknown[]): Promise<Record<string, number>> {
  const found = (await peer.validate(resources)).flatMap((messages, i) => {
    const type = (resources[i] as JsonObject).resourceType
    return messages.map(m => `${String(type)} ${m.replace(/\[\d+\]/g, '[]')}`)
  })
  return Object.fromEntries([...Map.groupBy(found, m => m)].map(([m, all]) => [m, all.length]))
}

/** What a message says, without its place. */
const textOf = (message: string): string => message.slice(message.indexOf(': ') + 2)

const messageResources = (segments: readonly string[]): unknown[] => {
  const message = parseMessage(new TextEncoder().encode(segments.join('\r')))
  return toFhir(message, { uuid: nameUuid, received: moment }).resources.map(r => r.resource)
}

describe.skipIf(!hapi)('HL7’s instance validator', () => {
  const peer = hapi as Hapi
  beforeAll(() => peer.validate([{ resourceType: 'Patient' }]), 400_000)
  afterAll(() => peer.stop())

  test('finds what is wrong, so that its silence means something', async () => {
    const found = await faults(peer, [
      { resourceType: 'Patient', gender: 'robot' },
      { resourceType: 'Observation', status: 'final' },
    ])
    expect(Object.keys(found).join()).toMatch(/Patient\.gender.*Observation\.code/)
  })
  test('the sample patient, resource by resource and as a Bundle', async () => {
    const bundle = sampleBundle('peer', { resources: 120, now })
    expect(await faults(peer, [...resourcesOf(bundle), bundle])).toEqual({})
  })
  test('what is typed into forms', async () => {
    const measures = MEASURE_NAMES.map(what => {
      const { units } = measureOf(what)
      return buildMeasurement(common, {
        what,
        value: units[0]!.low,
        ...(what === 'blood-pressure' ? { second: 80 } : {}),
        unit: units[0]!.code,
        date: '2026-05-01',
      })
    })
    const forms = [
      buildMedication(common, {
        name: 'Ramipril 5 mg',
        dose: 'one in the morning',
        from: '2026-01-01',
        until: '2026-04',
        state: 'stopped',
      }),
      buildAllergy(common, {
        substance: 'Penicillin',
        category: 'medication',
        reaction: 'rash',
        severity: 'severe',
        dangerous: true,
        since: '1999',
      }),
      buildVaccination(common, { vaccine: 'Tetanus', date: '2026-05-01', dose: 3, manufacturer: 'Fable', lot: 'A1' }),
      buildCondition(common, { name: 'Asthma', state: 'resolved', since: '2001-04', until: '2020' }),
      buildNote(common, { title: 'How I slept', text: 'Badly', date: '2026-05-01' }),
    ]
    expect(await faults(peer, [...forms, ...measures])).toEqual({})
  })
  test('an International Patient Summary', async () => {
    const resources = [...resourcesOf(sampleBundle('peer', { resources: 120, now }))]
    const patient = resources.find(r => r.resourceType === 'Patient')!
    const author = { resourceType: 'Organization', id: 'o', name: 'Clinic West' }
    expect(await faults(peer, [patientSummary(resources, { patient, author, at: moment })])).toEqual({})
    expect(await faults(peer, [patientSummary([patient], { patient, author, at: moment })])).toEqual({})
  })
  corpusTest('real records as summaries', async ({ files }) => {
    const records = files('ips', '.json')
    let [summaries, entries] = [0, 0]
    const worse: string[] = []
    for (const { name, bytes } of records) {
      const resources = [...resourcesOf(parseJson(bytes))]
      const patient = resources.find(r => r.resourceType === 'Patient')
      if (!patient) continue
      const summary = patientSummary(resources, { patient, author: patient, at: moment })
      const [said] = await peer.validate([summary])
      // What its author wrote stays as it is; a summary makes nothing worse.
      const known = new Set(said!.length ? (await peer.validate(resources)).flat().map(textOf) : [])
      worse.push(...said!.filter(m => !known.has(textOf(m))).map(m => `${name}: ${m}`))
      summaries++
      entries += (summary.entry as unknown[]).length
    }
    console.log(
      `HL7’s validator: ${summaries} summaries of real records with ${entries} entries, ${worse.length} errors that were not there`,
    )
    expect(worse).toEqual([])
  })
  test('what HL7 v2 messages become', { timeout: 300_000 }, async () => {
    const made = [ADMISSION, RESULT, VACCINATION, letter('T02'), ORDER, VISIT].flatMap(messageResources)
    expect(made.length).toBeGreaterThan(20)
    expect(await faults(peer, made)).toEqual({})
  })
  corpusTest('real HL7 v2 messages', async ({ files }) => {
    const made = files('hl7v2/messages').flatMap(({ bytes }) =>
      toFhir(parseMessage(splitMessages(bytes)[0]!), { uuid: nameUuid, received: moment }).resources.map(r => r.resource),
    )
    const all = Object.entries(await faults(peer, made))
    // Senders write codes of their own into tables that HL7 leaves to them.
    const found = Object.fromEntries(all.filter(([m]) => !/Unknown code 'http:\/\/terminology\.hl7\.org\/CodeSystem\/v2-/.test(m)))
    console.log(`HL7’s validator: ${made.length} resources of real messages, ${Object.values(found).reduce((a, b) => a + b, 0)} errors`)
    expect(found).toEqual({})
  })

  test('what a C-CDA document becomes', async () => {
    await using ccda = closing(openCcda())
    expect(await faults(peer, (await ccda.read(utf8(sampleCcda('peer', { now })))).resources)).toEqual({})
  })
  corpusTest('real C-CDA documents', async ({ files }) => {
    await using ccda = closing(openCcda())
    const made: unknown[] = []
    for (const { bytes } of files('ccda/ms-samples')) made.push(...(await ccda.read(bytes)).resources)
    const found = await faults(peer, made)
    console.log(`HL7’s validator: ${made.length} resources of real C-CDA`)
    // Codes that @medplum/ccda files under another table than theirs: a bill's as the class of a visit, HL7's letter for a sex.
    expect(found).toEqual({
      "Encounter Encounter.class: Unknown code 'http://terminology.hl7.org/CodeSystem/v3-ActCode#99213'": 1,
      "Observation Observation.value.ofType(CodeableConcept): Unknown code 'http://hl7.org/fhir/administrative-gender#M'": 2,
    })
  })
  test('what tables of older systems become', async () => {
    const check = await loadChecker()
    const mapping = readMapping(MAPPING)
    const made = ROWS.flatMap(row => mapRow({ mapping, row, uuid: nameUuid, check }).resources)
    expect(made.length).toBe(ROWS.length)
    expect(await faults(peer, made)).toEqual({})
  })
  test('what a laboratory result typed in becomes', async () => {
    const results = LAB_TESTS.map(({ name }) =>
      buildResult(common, { test: name, value: 3, low: 2, high: 4, date: '2026-05-01', note: 'By hand' }),
    )
    const free = buildResult(common, { test: 'other', name: 'Zonulin', value: 3, unit: 'ng/mL', date: '2026-05-01' })
    expect(await faults(peer, [...results, free])).toEqual({})
  })
  test('what a health card holds', async () => {
    const bundle = minified(sampleBundle('peer', { resources: 40, now }) as JsonObject)
    expect(await faults(peer, [bundle])).toEqual({})
  })
  describe('of a gateway and those who know it', () => {
    let world: GatewayWorld
    let ada: Party
    beforeAll(async () => {
      world = await gatewayWorld({
        subscriptions: { hooksTo: ['127.0.0.1'], tick: 40, lookEvery: 1 },
        async parts(gateway, clinic) {
          return { parts: [await terminologyPart(gateway, { dir: clinic.folder, server: null })] }
        },
      })
      ada = await world.patient('Ada')
    })
    afterAll(() => world.close())

    test('what it answers: statement, searches, histories, outcomes, terminology, audit, provenance, notifications, exports', {
      timeout: 300_000,
    }, async () => {
      expect(await wrongIn(peer, 'answers of a gateway', await answersOf(world, ada))).toEqual([])
    })
    test('what the patient takes out: record, summary, who looked', { timeout: 300_000 }, async () => {
      expect(await wrongIn(peer, 'things that a person takes out', await takenOut(world, ada))).toEqual([])
    })
    corpusTest('images', async ({ files: corpus }) => {
      const ben = await world.patient('Ben')
      const images = corpus('dicom', '.dcm')
      await files(ben, Object.fromEntries(images.map(f => [f.name, f.bytes])))
      const { id } = await consents(world, ben)
      const ask = world.asking({ ...NURSE, 'x-keepwell-patient': id })
      const answers: Record<string, Json> = {}
      for (const type of ['ImagingStudy', 'DocumentReference']) answers[type] = (await ask('GET', `${type}?patient=${id}&_count=1000`)).body
      expect(answers.ImagingStudy.total).toBeGreaterThan(15)
      expect(await wrongIn(peer, `answers about ${images.length} images`, answers)).toEqual([])
    })
  })
})

const closing = <T extends { close(): unknown }>(thing: T) => ({ ...thing, [Symbol.asyncDispose]: async () => void (await thing.close()) })

/** What the validator finds wrong in each, by its name. */
async function wrongIn(peer: Hapi, what: string, named: Readonly<Record<string, unknown>>): Promise<string[]> {
  const said = await peer.validate(Object.values(named))
  const found = Object.keys(named).flatMap((name, i) => said[i]!.map(m => `${name}: ${m}`))
  console.log(`HL7’s validator: ${said.length} ${what}, ${found.join('; ') || 'nothing wrong'}`)
  return found
}

/** The mapping that docs/migration.md shows. */
const MAPPING = /```json\n([\s\S]+?)```/.exec(readFileSync(new URL('../../docs/migration.md', import.meta.url), 'utf8'))![1]!
const ROWS = [
  { mrn: '7', sample: '1', test: 'GLU', taken: '01.12.2025 08:30', result: '1.105,5', unit: 'mg/100ml', remark: '' },
  { mrn: '7', sample: '2', test: 'GLU', taken: '2025-12-02', result: '<5', unit: 'a cup', remark: 'Sample was late' },
]
