/** The International Patient Summary (HL7 FHIR IPS 2.0.1, ISO 27269) as a document Bundle, out of whatever resources a record holds. */
import { facts } from '#health/fhir/facts'
import { narrativeProblem } from '#health/fhir/narrative'
import { at, conceptText, field, isObject, type JsonObject, list, resourceTypeOf, string } from '#health/fhir/read'
import { comparePatients, patientIdentity } from '#health/fhir/subject'
import { type NameOf, withNames } from '#health/terminology/names'
import { ipsProfile, ipsUrl } from './profiles.ts'
import { closed, type Finder, finder, referencesIn } from './references.ts'
import { emptyText, type Line, lineOf, sectionText } from './section-text.ts'
import { SECTIONS, type SectionRule, sorted } from './sections.ts'
import { stableId } from './stable-id.ts'

export type SummaryOptions = {
  /** The Patient whom it is about: the best of those in the record, or a made one. */
  readonly patient: JsonObject
  /** Who makes the summary: Patient (the same), Practitioner, Organization, Device … */
  readonly author: JsonObject
  /** FHIR instant with offset: the document's date, and what counts as today. */
  readonly at: string
  /** Where a resource stood, when it came in a Bundle: its `fullUrl`, by which others may refer to it. */
  readonly urlOf?: (resource: JsonObject) => string | undefined
  /** What codes are called that came without a name; for the sections' texts alone: the resources stay as they are. */
  readonly nameOf?: NameOf
}

/** Types that come along when an entry refers to them; what else is referred to is only called by name. */
const FOLLOWED = new Set(['Medication', 'Practitioner', 'PractitionerRole', 'Organization', 'Device', 'Specimen', 'Observation'])
const SUBJECTS = ['subject', 'patient'] as const

const urn = (id: string): string => `urn:uuid:${id}`

/** Whether it speaks of somebody else, as far as the Patients in the record tell. */
function foreign(resource: JsonObject, find: Finder, patient: JsonObject): boolean {
  const subject = SUBJECTS.map(name => string(at(resource, name, 'reference'))).find(Boolean)
  const target = subject ? find(subject) : undefined
  if (!target || resourceTypeOf(target) !== 'Patient') return /(^|\/)(Group|Location|Device)\//.test(subject ?? '')
  return comparePatients(patientIdentity(target), patientIdentity(patient)) === 'different'
}

/** An implant is a Device of this patient; a summary tells that it is in use by a DeviceUseStatement. */
function usesOf(devices: readonly JsonObject[], told: ReadonlySet<string>): JsonObject[] {
  return devices.flatMap(d => {
    const reference = `Device/${String(d.id)}`
    if (!isObject(d.patient) || told.has(reference) || !string(d.id) || !['active', undefined].includes(string(d.status))) return []
    const reason = { url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }
    const use = {
      resourceType: 'DeviceUseStatement',
      status: 'active',
      subject: d.patient,
      device: { reference },
      _timingDateTime: { extension: [reason] },
    }
    return [{ ...use, id: stableId(use) }]
  })
}

/** As it stands in the document: own id, references that lead inside, only claims that hold. */
function prepared(resource: JsonObject, id: string, patientUrl: string | null, close: (x: unknown) => unknown): JsonObject {
  const { meta, text, implicitRules: _, ...rest } = close(resource) as JsonObject
  const subject = patientUrl ? SUBJECTS.flatMap(name => (rest[name] === undefined ? [] : [[name, { reference: patientUrl }]])) : []
  const div = string(field(text, 'div'))
  const whole: JsonObject = { ...rest, ...Object.fromEntries(subject), id }
  const profile = ipsProfile(whole)
  const labels = { ...(field(meta, 'security') ? { security: field(meta, 'security') } : {}), ...(profile ? { profile: [profile] } : {}) }
  return {
    resourceType: resource.resourceType,
    id,
    ...(Object.keys(labels).length ? { meta: labels } : {}),
    ...(div && !narrativeProblem(div) ? { text } : {}),
    ...Object.fromEntries(Object.entries(whole).filter(([key]) => key !== 'resourceType' && key !== 'id')),
  }
}

/** Entries first, then what they refer to, breadth first, each once. */
function gathered(first: readonly JsonObject[], find: Finder): JsonObject[] {
  const all = new Set(first)
  for (const r of all)
    for (const reference of referencesIn(r)) {
      const target = find(reference)
      if (target && FOLLOWED.has(resourceTypeOf(target) ?? '')) all.add(target)
    }
  return [...all]
}

function sectionOf(
  rule: SectionRule,
  entries: readonly JsonObject[],
  idOf: (r: JsonObject) => string,
  told: (r: JsonObject) => Line,
): JsonObject {
  const head = { title: rule.title, code: { coding: [{ system: 'http://loinc.org', code: rule.code, display: rule.display }] } }
  if (entries.length) return { ...head, text: sectionText(entries.map(told)), entry: entries.map(r => ({ reference: urn(idOf(r)) })) }
  const coding = { system: 'http://terminology.hl7.org/CodeSystem/list-empty-reason', code: 'unavailable', display: 'Unavailable' }
  return { ...head, text: emptyText(rule.empty ?? ''), emptyReason: { coding: [coding], text: 'No information available' } }
}

/** Two resources of the same content are one. */
function each(resources: readonly unknown[]): { all: JsonObject[]; ids: Map<JsonObject, string> } {
  const ids = new Map<JsonObject, string>()
  const seen = new Set<string>()
  for (const r of resources) {
    if (!isObject(r) || !resourceTypeOf(r)) continue
    const id = stableId(r)
    if (!seen.has(id)) ids.set(r, id)
    seen.add(id)
  }
  return { all: [...ids.keys()], ids }
}

/**
 * Pure and repeatable: the same input gives the same bytes. All of the record's resources about this patient may be given, of any type;
 * what belongs in a summary is chosen here (see `sections.ts`). A record says nothing of allergies, medicines or problems: the section
 * stands there and says so (`emptyReason`), for silence is not "none". "No known allergies" is said only where the record says it.
 */
export function patientSummary(
  resources: readonly unknown[],
  { patient, author, at: moment, urlOf, nameOf = () => undefined }: SummaryOptions,
): JsonObject {
  const { all: given, ids } = each(resources)
  const find = finder([...given.filter(r => r !== patient), patient], urlOf)
  const own = given.filter(r => resourceTypeOf(r) !== 'Patient' && !foreign(r, find, patient))
  const inUse = new Set(own.flatMap(r => (r.resourceType === 'DeviceUseStatement' ? [string(at(r, 'device', 'reference')) ?? ''] : [])))
  const uses = usesOf(
    own.filter(r => r.resourceType === 'Device'),
    inUse,
  )
  const record = sorted([...own, ...uses], find, moment.slice(0, 10))
  const chosen = SECTIONS.map(rule => ({ rule, entries: rule.pick(record) })).filter(s => s.entries.length || s.rule.empty)
  const byPatient = resourceTypeOf(author) === 'Patient'
  const inside = gathered([...(byPatient ? [] : [author]), ...chosen.flatMap(s => s.entries)], find)
  const idOf = (r: JsonObject): string => ids.get(r) ?? ids.set(r, stableId(r)).get(r)!
  const patientUrl = urn(idOf(patient))
  const places = new Map(inside.map(r => [r, urn(idOf(r))]))
  const placeOf = (r: JsonObject | undefined, reference: string): string | null => {
    if (/(^|\/)Patient\//.test(reference) || (r && resourceTypeOf(r) === 'Patient')) return patientUrl
    return (r && places.get(r)) ?? null
  }
  const close = (x: unknown): unknown => closed(x, find, placeOf)
  const told = (r: JsonObject): Line => {
    const named = withNames(r, nameOf)
    const found = ['medicationReference', 'device'].map(n => find(string(at(r, n, 'reference')) ?? '')).find(Boolean)
    const target = found && withNames(found, nameOf)
    return lineOf(named, (target && (conceptText(target.code) ?? facts(target).title)) ?? facts(named).title)
  }
  const person = prepared(patient, idOf(patient), null, close)
  const others = inside.map(r => prepared(r, idOf(r), r === author ? null : patientUrl, close))
  const fits = list(field(person.meta, 'profile')).length > 0
  const section = chosen.map(s => sectionOf(s.rule, s.entries, idOf, told))
  const claim = (name: string): JsonObject => (fits ? { meta: { profile: [ipsUrl(name)] } } : {})
  const composition = {
    resourceType: 'Composition',
    ...claim('Composition-uv-ips'),
    language: 'en',
    status: 'final',
    type: { coding: [{ system: 'http://loinc.org', code: '60591-5', display: 'Patient summary Document' }] },
    subject: { reference: patientUrl },
    date: moment,
    author: [{ reference: byPatient ? patientUrl : urn(idOf(author)) }],
    title: 'International Patient Summary',
    section,
  }
  const id = stableId(composition)
  const entry = [{ ...composition, id }, person, ...others].map(resource => ({ fullUrl: urn(String(resource.id)), resource }))
  const bundleId = stableId(entry)
  return {
    resourceType: 'Bundle',
    id: bundleId,
    ...claim('Bundle-uv-ips'),
    identifier: { system: 'urn:ietf:rfc:3986', value: urn(bundleId) },
    type: 'document',
    timestamp: moment,
    entry,
  }
}
