import { openCcda } from '@keepwell/adapters/ccda/ccda'
import { terminologyPart } from '@keepwell/daemon/gateway/terminology/part'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { nameUuid } from '@keepwell/sdk/crypto/name-uuid'
import { corpusTest, resourcesOf } from '@keepwell/sdk/health/corpora.kit'
import { buildAllergy } from '@keepwell/sdk/health/fhir/build-allergy'
import { buildCondition } from '@keepwell/sdk/health/fhir/build-condition'
import { buildMeasurement, MEASURE_NAMES, measureOf } from '@keepwell/sdk/health/fhir/build-measurement'
import { buildMedication } from '@keepwell/sdk/health/fhir/build-medication'
import { buildNote } from '@keepwell/sdk/health/fhir/build-note'
import { buildVaccination } from '@keepwell/sdk/health/fhir/build-vaccination'
import { patientSummary } from '@keepwell/sdk/health/fhir/ips/patient-summary'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { parseMessage, splitMessages } from '@keepwell/sdk/health/hl7v2/message'
import { ADMISSION, letter, ORDER, RESULT, VACCINATION, VISIT } from '@keepwell/sdk/health/hl7v2/messages.kit'
import { toFhir } from '@keepwell/sdk/health/hl7v2/to-fhir'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { sampleCcda } from '@keepwell/sdk/sample/messages'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, type Json, NURSE, until } from '#e2e/gateway.kit'
import { sampleRecord } from '#e2e/requirements/record'
import { type Hapi, startHapi } from '../../tools/hapi.ts'

// What we emit, held to HL7's own validator. Codes of terminologies that it cannot look up here are no errors of it.

const now = 1_767_225_600
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

const messageResources = (segments: readonly string[]): unknown[] => {
  const message = parseMessage(new TextEncoder().encode(segments.join('\r')))
  return toFhir(message, { uuid: nameUuid, received: moment }).resources.map(r => r.resource)
}

describe.skipIf(!hapi)('HL7’s instance validator', () => {
  const peer = hapi as Hapi
  beforeAll(() => peer.validate([{ resourceType: 'Patient' }]), 180_000)
  afterAll(() => peer.stop())

  test('finds what is wrong, so that its silence means something', { timeout: 60_000 }, async () => {
    const found = await faults(peer, [
      { resourceType: 'Patient', gender: 'robot' },
      { resourceType: 'Observation', status: 'final' },
    ])
    expect(Object.keys(found).join()).toMatch(/Patient\.gender.*Observation\.code/)
  })
  test('the sample patient, resource by resource and as a Bundle', { timeout: 180_000 }, async () => {
    const bundle = sampleBundle('peer', { resources: 120, now })
    expect(await faults(peer, [...resourcesOf(bundle), bundle])).toEqual({})
  })
  test('what is typed into forms', { timeout: 60_000 }, async () => {
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
  test('an International Patient Summary', { timeout: 60_000 }, async () => {
    const resources = [...resourcesOf(sampleBundle('peer', { resources: 120, now }))]
    const patient = resources.find(r => r.resourceType === 'Patient')!
    const author = { resourceType: 'Organization', id: 'o', name: 'Clinic West' }
    expect(await faults(peer, [patientSummary(resources, { patient, author, at: moment })])).toEqual({})
    expect(await faults(peer, [patientSummary([patient], { patient, author, at: moment })])).toEqual({})
  })
  test('what HL7 v2 messages become', { timeout: 120_000 }, async () => {
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

  test('what a C-CDA document becomes', { timeout: 60_000 }, async () => {
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
  test('what a gateway answers: statement, searches, histories, outcomes, terminology, audit, provenance, notifications', {
    timeout: 300_000,
  }, async () => {
    const world = await gatewayWorld({
      async parts(gateway, clinic) {
        return { parts: [await terminologyPart(gateway, { dir: clinic.folder, server: null })] }
      },
    })
    try {
      const answers = await answersOf(world)
      const said = await peer.validate(Object.values(answers))
      const found = Object.keys(answers).flatMap((asked, i) => said[i]!.map(m => `${asked}: ${m}`))
      console.log(`HL7’s validator: ${said.length} answers of a gateway, ${found.join('; ') || 'nothing wrong'}`)
      // The status that `$status` gives of a subscription bears no id.
      expect(found.filter(m => !m.endsWith('Search results must have ids'))).toEqual([])
    } finally {
      await world.close()
    }
  })
})

const closing = <T extends { close(): unknown }>(thing: T) => ({ ...thing, [Symbol.asyncDispose]: async () => void (await thing.close()) })

/** An answer of each kind, by what was asked. */
async function answersOf(world: GatewayWorld): Promise<Record<string, Json>> {
  const ada = await world.patient('Ada')
  await files(ada, { 'letter.txt': 'The patient was sent home in good health.', 'ccd.xml': sampleCcda('peer', { now }) })
  const { id } = await consents(world, ada)
  const ask = world.asking({ ...NURSE, 'x-keepwell-patient': id })
  // US Core's category of a simple observation is in none of HL7's own tables.
  const { 'us-core-simple-observation': _, ...record } = sampleRecord(id)
  const entry = Object.values(record).map(resource => ({
    fullUrl: `https://other.example/fhir/${resource.resourceType}/${resource.id}`,
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  }))
  const stored = await fetch(`${world.running.url}/dicomweb/studies`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${world.key}`,
      'x-keepwell-person': 'CT 2',
      'x-keepwell-patient': id,
      'content-type': 'multipart/related; type="application/dicom"; boundary=b',
    },
    body: Buffer.concat([
      utf8('--b\r\ncontent-type: application/dicom\r\n\r\n'),
      sampleDicom('peer', { rows: 16, columns: 16 }),
      utf8('\r\n--b--'),
    ]),
  })
  expect(stored.status).toBe(200)
  const transaction = (await ask('POST', '', { resourceType: 'Bundle', type: 'transaction', entry })).body
  const subscription = {
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'To be told',
    criteria: 'urn:keepwell:topic:resource',
    _criteria: { extension: [{ url: `${BACKPORT}/backport-filter-criteria`, valueString: `Observation?patient=Patient/${id}` }] },
    channel: {
      type: 'websocket',
      payload: 'application/fhir+json',
      _payload: { extension: [{ url: `${BACKPORT}/backport-payload-content`, valueCode: 'full-resource' }] },
    },
  }
  const { body: made } = await ask('POST', 'Subscription', subscription)
  await until(async () => (await ask('GET', `Subscription/${made.id}`)).body.status === 'active')
  const observation = { ...sampleRecord(id)['us-core-heart-rate'], id: undefined, encounter: undefined }
  const { body: told } = await ask('POST', 'Observation', observation)
  await until(async () => (await ask('GET', `Subscription/${made.id}/$events`)).body.entry.length > 1)
  const batch = {
    resourceType: 'Bundle',
    type: 'batch',
    entry: [
      { request: { method: 'GET', url: `Observation?patient=${id}&_count=1` } },
      { request: { method: 'GET', url: 'Observation/nowhere' } },
    ],
  }
  const gender = 'http://hl7.org/fhir/administrative-gender'
  const gets = [
    'metadata',
    `Patient/${id}`,
    `Patient/${id}/$everything`,
    `Patient/${id}/$summary`,
    `Patient/${id}/$docref`,
    `Observation?patient=${id}&_include=*&_revinclude=Provenance:target&_count=1000`,
    `Observation?patient=${id}&_summary=count`,
    `Observation/${told.id}/_history`,
    `Observation/${told.id}/$meta`,
    `ImagingStudy?patient=${id}`,
    `DocumentReference?patient=${id}`,
    `Provenance?target=Observation/${told.id}`,
    `AuditEvent?patient=${id}`,
    `Subscription/${made.id}`,
    `Subscription/${made.id}/$status`,
    `Subscription/${made.id}/$events`,
    `Subscription/${made.id}/$get-ws-binding-token`,
    'Observation/nowhere',
    `Observation?patient=${id}&nonsense=1`,
    `CodeSystem/$lookup?system=${gender}&code=female`,
    `CodeSystem/$validate-code?url=${gender}&code=robot`,
    `CodeSystem/$subsumes?system=${gender}&codeA=male&codeB=female`,
    'ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender',
    `ConceptMap/$translate?system=${gender}&code=male`,
    'Group/all',
  ]
  const answers: Record<string, Json> = { transaction }
  for (const path of gets) answers[path] = (await ask('GET', path)).body
  answers.batch = (await ask('POST', '', batch)).body
  answers.refused = (await ask('POST', 'Observation', { resourceType: 'Observation', status: 'robot' })).body
  answers.validated = (await ask('POST', 'Patient/$validate', { resourceType: 'Patient', gender: 'robot' })).body
  for (const [path, answer] of Object.entries(answers)) expect(answer?.resourceType, path).toBeTruthy()
  return answers
}

const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition'
