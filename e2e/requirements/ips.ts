import { expect } from 'vitest'
import type { Json } from '#e2e/gateway.kit'
import type { Checks } from './g10.ts'
import type { Here } from './world.ts'

const loinc = (code: string) => ({ coding: [{ system: 'http://loinc.org', code }] })
const CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category'
const quantity = (value: number, code: string) => ({ value, unit: code, system: 'http://unitsofmeasure.org', code })

/** What the profiles of the IPS ask for and the record of US Core has not, by profile. */
const more = (patient: string): Record<string, Json> => {
  const subject = { reference: `Patient/${patient}` }
  const performer = [{ reference: 'Practitioner/us-core-practitioner' }]
  const observed = { resourceType: 'Observation', status: 'final', subject, performer, effectiveDateTime: '2026-03-01' }
  const result = (category: string, code: string) => ({
    ...observed,
    category: [{ coding: [{ system: CATEGORY, code: category }] }],
    code: loinc(code),
    valueQuantity: quantity(7, 'mmol/L'),
  })
  return {
    'DeviceUseStatement-uv-ips': {
      resourceType: 'DeviceUseStatement',
      status: 'active',
      subject,
      timingDateTime: '2026-03-01',
      device: { reference: 'Device/us-core-implantable-device' },
    },
    'ImagingStudy-uv-ips': { resourceType: 'ImagingStudy', status: 'available', subject, started: '2026-03-01' },
    'Media-observation-uv-ips': {
      resourceType: 'Media',
      status: 'completed',
      subject,
      content: { contentType: 'image/png', data: 'AA==' },
    },
    'MedicationStatement-uv-ips': {
      resourceType: 'MedicationStatement',
      status: 'active',
      medicationCodeableConcept: { coding: [{ system: 'http://snomed.info/sct', code: '387207008' }] },
      subject,
      effectiveDateTime: '2026-03',
    },
    'Observation-alcoholuse-uv-ips': { ...observed, code: loinc('74013-4'), valueQuantity: quantity(1, '{wine glasses}/d') },
    'Observation-pregnancy-edd-uv-ips': { ...observed, code: loinc('11778-8'), valueDateTime: '2026-09-01' },
    'Observation-pregnancy-outcome-uv-ips': { ...observed, code: loinc('11636-8'), valueQuantity: quantity(1, '1') },
    'Observation-results-laboratory-pathology-uv-ips': result('laboratory', '4548-4'),
    'Observation-results-radiology-uv-ips': result('imaging', '24357-6'),
  }
}

const made = new WeakMap<Here, Map<string, Promise<string[]>>>()

/** Ids of what there is of a type, with what is filed here for the profiles of the IPS. */
function of(here: Here, type: string): Promise<string[]> {
  const mine = made.get(here) ?? new Map<string, Promise<string[]>>()
  made.set(here, mine)
  const known = mine.get(type) ?? filed(here, type)
  mine.set(type, known)
  return known
}

async function filed({ facts, record, adaId, atAda }: Here, type: string): Promise<string[]> {
  const ids = Object.values(record).flatMap(r => (r.resourceType === type ? [String(r.id)] : []))
  const summary = await facts.summary()
  const documents = [summary, summary.entry[0].resource]
  for (const { id: _id, ...resource } of [...Object.values(more(adaId)), ...documents].filter(r => r.resourceType === type))
    ids.push((await atAda('POST', type, resource)).body.id)
  return ids
}

/** One of a type is read back as what it is. */
export async function readsType(here: Here, type: string): Promise<void> {
  const [id] = await of(here, type)
  const found = await here.atAda('GET', `${type}/${id}`)
  expect([found.status, found.body.resourceType, found.body.id]).toEqual([200, type, id])
}

export const errorsIn = ({ body }: { readonly body: Json }): Json[] => body.issue.filter((i: Json) => i.severity === 'error')
const PROFILES = 'http://hl7.org/fhir/uv/ips/StructureDefinition'

/** One of a type is read and meets the profile, as far as `$validate` judges. `words` are type and profile. */
export async function meetsProfile(here: Here, words: string): Promise<void> {
  const [type = '', profile] = words.split(' ')
  let found: Json[] = []
  for (const id of await of(here, type)) {
    const read = await here.atAda('GET', `${type}/${id}`)
    found = errorsIn(await here.atAda('POST', `${type}/$validate?profile=${PROFILES}/${profile}`, read.body))
    if (found.length === 0) return
  }
  expect(found).toEqual([])
}

const resources = async (here: Here, type?: string): Promise<Json[]> =>
  (await here.facts.summary()).entry.map((e: Json) => e.resource).filter((r: Json) => !type || r.resourceType === type)

/** At least one, each of which meets the profile. */
async function each(here: Here, type: string, profile: string): Promise<void> {
  const all = await resources(here, type)
  expect(all.length).toBeGreaterThan(0)
  for (const r of all) expect(errorsIn(await here.atAda('POST', `${type}/$validate?profile=${PROFILES}/${profile}`, r))).toEqual([])
}

const REQUIRED_SECTIONS = ['10160-0', '48765-2', '11450-4']

const operation = (told: Json, type: string): string[] =>
  told.rest[0].resource.find((r: Json) => r.type === type).operation.map((o: Json) => o.name)

export const IPS: Checks = {
  async summaryTold({ facts }) {
    expect(operation(await facts.metadata(), 'Patient')).toContain('summary')
  },
  async docrefTold({ facts }) {
    expect(operation(await facts.metadata(), 'DocumentReference')).toContain('docref')
  },
  async docref({ atAda, adaId }) {
    const found = await atAda('POST', 'DocumentReference/$docref', {
      resourceType: 'Parameters',
      parameter: [{ name: 'patient', valueId: adaId }],
    })
    expect([found.status, found.body.resourceType]).toEqual([200, 'Bundle'])
  },
  async summaryBundle({ facts, atAda }) {
    const bundle = await facts.summary()
    expect(bundle).toMatchObject({
      resourceType: 'Bundle',
      type: 'document',
      identifier: { system: expect.any(String), value: expect.any(String) },
      timestamp: expect.any(String),
    })
    for (const { fullUrl, resource } of bundle.entry) expect([typeof fullUrl, typeof resource]).toEqual(['string', 'object'])
    expect(errorsIn(await atAda('POST', `Bundle/$validate?profile=${PROFILES}/Bundle-uv-ips`, bundle))).toEqual([])
  },
  async summaryComposition(here) {
    const [first] = await resources(here)
    expect(errorsIn(await here.atAda('POST', `Composition/$validate?profile=${PROFILES}/Composition-uv-ips`, first))).toEqual([])
    expect([first.resourceType, first.type.coding[0].code, first.status]).toEqual(['Composition', '60591-5', 'final'])
    for (const name of ['subject', 'date', 'author', 'title']) expect(first, name).toHaveProperty(name)
    for (const code of REQUIRED_SECTIONS) {
      const section = first.section.find((s: Json) => s.code.coding[0].code === code)
      expect([code, Boolean(section?.title && section.text), Boolean(section?.entry?.length || section?.emptyReason)]).toEqual([
        code,
        true,
        true,
      ])
    }
  },
  summaryMedication: here => each(here, 'MedicationStatement', 'MedicationStatement-uv-ips'),
  summaryAllergy: here => each(here, 'AllergyIntolerance', 'AllergyIntolerance-uv-ips'),
  summaryCondition: here => each(here, 'Condition', 'Condition-uv-ips'),
}
