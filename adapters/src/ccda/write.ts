import { at, field, type JsonObject, list, string } from '@keepwell/sdk/health/fhir/read'
import { type Ccda, type CcdaTemplateId, convertCcdaToXml, convertFhirToCcda } from '@medplum/ccda'
import type { Bundle } from '@medplum/fhirtypes'
import type { CcdaAsk } from './ccda.ts'

/** Sections of a CCD (C-CDA R2.1, 2.16.840.1.113883.10.20.22.1.2) in their usual order, and what stands in each. */
const SECTIONS: readonly (readonly [code: string, title: string, holds: (r: JsonObject) => boolean])[] = [
  ['48765-2', 'Allergies', r => r.resourceType === 'AllergyIntolerance'],
  ['10160-0', 'Medications', r => r.resourceType === 'MedicationRequest' || r.resourceType === 'MedicationStatement'],
  ['11450-4', 'Problems', r => r.resourceType === 'Condition'],
  ['11369-6', 'Immunizations', r => r.resourceType === 'Immunization'],
  ['30954-2', 'Results', r => r.resourceType === 'DiagnosticReport' || (r.resourceType === 'Observation' && hasCategory(r, 'laboratory'))],
  ['8716-3', 'Vital signs', r => r.resourceType === 'Observation' && hasCategory(r, 'vital-signs')],
  ['29762-2', 'Social history', r => r.resourceType === 'Observation' && hasCategory(r, 'social-history')],
  ['47420-5', 'Functional status', r => r.resourceType === 'Observation' && hasCategory(r, 'survey')],
  ['47519-4', 'Procedures', r => r.resourceType === 'Procedure'],
  ['46240-8', 'Encounters', r => r.resourceType === 'Encounter'],
  ['61146-7', 'Goals', r => r.resourceType === 'Goal'],
]

const hasCategory = (r: JsonObject, code: string): boolean =>
  list(r.category).some(c => list(field(c, 'coding')).some(x => field(x, 'code') === code))

const LOINC = 'http://loinc.org'
const concept = (code: string, display: string): JsonObject => ({ coding: [{ system: LOINC, code, display }], text: display })

/** Resources of one patient as a CCD. What has no section is left out: the archive of an export has it whole. */
export function writeCcda({ write, at: date, author }: Extract<CcdaAsk, { write: unknown }>): Uint8Array {
  const patient = write.find(r => r.resourceType === 'Patient')
  const reference = (r: JsonObject): JsonObject => ({ reference: `${String(r.resourceType)}/${String(r.id)}` })
  const subject = patient ? reference(patient) : { display: 'Unknown' }
  const inside = members(write)
  const section = SECTIONS.map(([code, title, holds]) => {
    const own = write.filter(r => holds(r) && !inside.has(`${String(r.resourceType)}/${String(r.id)}`))
    return {
      title,
      code: concept(code, title),
      text: { status: 'generated', div: narrative(title, own) },
      ...(own.length ? { entry: own.map(reference) } : { emptyReason: { coding: [{ code: 'unavailable' }] } }),
    }
  })
  const composition = {
    resourceType: 'Composition',
    id: 'ccd',
    status: 'final',
    type: concept('34133-9', 'Summarization of Episode Note'),
    subject,
    date,
    author: [{ display: author }],
    title: 'Continuity of Care Document',
    section,
  }
  const bundle = {
    resourceType: 'Bundle',
    type: 'document',
    timestamp: date,
    entry: [composition, ...write].map(resource => ({ resource })),
  }
  return new TextEncoder().encode(convertCcdaToXml(asResults(convertFhirToCcda(bundle as unknown as Bundle))))
}

const RESULTS = '30954-2'
const templates = (root: string): CcdaTemplateId[] => [{ '@_root': root }, { '@_root': root, '@_extension': '2015-08-01' }]

/** The library writes every panel as one of vital signs; in the section of results it is a Result Organizer (C-CDA R2.1 §3.87). */
function asResults(document: Ccda): Ccda {
  for (const { section } of document.component?.structuredBody.component ?? [])
    for (const { code, entry } of section)
      for (const organizer of code?.['@_code'] === RESULTS ? (entry ?? []).flatMap(e => e.organizer ?? []) : []) {
        organizer.templateId = templates('2.16.840.1.113883.10.20.22.4.1')
        for (const observation of organizer.component.flatMap(c => c.observation ?? []))
          observation.templateId = templates('2.16.840.1.113883.10.20.22.4.2')
      }
  return document
}

/** What stands inside a panel or a report comes with it. */
const members = (resources: readonly JsonObject[]): ReadonlySet<string> =>
  new Set(resources.flatMap(r => [...list(r.hasMember), ...list(r.result)].flatMap(m => string(field(m, 'reference')) ?? [])))

const safe = (s: string): string => s.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Every section says in words what it holds, as CDA demands. */
function narrative(title: string, resources: readonly JsonObject[]): string {
  const lines = resources.map(r => {
    const what = r.code ?? r.vaccineCode ?? r.medicationCodeableConcept ?? list(r.type)[0]
    const words = field(what, 'text') ?? at(what, 'coding', 'display') ?? at(what, 'coding', 'code') ?? r.resourceType
    return `<li>${safe(String(words))}</li>`
  })
  return `<div xmlns="http://www.w3.org/1999/xhtml"><p>${title}</p>${lines.length ? `<ul>${lines.join('')}</ul>` : '<p>No information</p>'}</div>`
}
