/** The few things beyond a card that a summary says of a person, a medicine, an allergy or an implant. */
import { personName } from './facts.ts'
import { at, conceptText, field, type JsonObject, list, string } from './read.ts'

/** Something a summary says of a record, by a short name: `contact`, `udi`, `dosage`, `reaction` … */
export type Particular = { readonly name: string; readonly text: string }

const MAX_PARTICULARS = 24
const MAX_LENGTH = 300

type Reader = (resource: JsonObject) => readonly (readonly [name: string, text: unknown])[]

const phones = (x: unknown): unknown[] => list(field(x, 'telecom')).map(t => field(t, 'value'))

/** `Anna Example, wife, +49 …`: somebody to call. */
const contact = (x: unknown): string => {
  const name = field(x, 'name')
  const who = personName(name) ?? string(name)
  return [who, conceptText(field(x, 'relationship')), ...phones(x)].filter(v => typeof v === 'string').join(', ')
}

const dosages = (of: unknown): readonly (readonly [string, unknown])[] => list(of).map(d => ['dosage', field(d, 'text')] as const)

/** Who did it, where the source says so by name. */
const performers = (r: JsonObject): readonly (readonly [string, unknown])[] =>
  list(r.performer).map(p => ['performer', field(p, 'display') ?? field(field(p, 'actor'), 'display')] as const)

const READERS: Readonly<Record<string, Reader>> = {
  Patient: r => [
    ['name', personName(r.name)],
    ['born', r.birthDate],
    ['sex', r.gender],
    ...list(r.contact).map(c => ['contact', contact(c)] as const),
    ...list(r.generalPractitioner).map(g => ['doctor', field(g, 'display')] as const),
  ],
  Observation: performers,
  DiagnosticReport: performers,
  Procedure: performers,
  RelatedPerson: r => [['contact', contact(r)]],
  MedicationRequest: r => dosages(r.dosageInstruction),
  MedicationStatement: r => dosages(r.dosage),
  MedicationDispense: r => dosages(r.dosageInstruction),
  AllergyIntolerance: r => [
    ['criticality', r.criticality],
    ...list(r.reaction).flatMap(x => list(field(x, 'manifestation')).map(m => ['reaction', conceptText(m)] as const)),
  ],
  Immunization: r => [
    ['lot', r.lotNumber],
    ['dose', at(r, 'protocolApplied', 'doseNumberPositiveInt') ?? at(r, 'protocolApplied', 'doseNumberString')],
  ],
  Device: r => [
    ['udi', at(r, 'udiCarrier', 'carrierHRF') ?? at(r, 'udiCarrier', 'deviceIdentifier')],
    ['maker', r.manufacturer],
    ['model', r.modelNumber],
    ['lot', r.lotNumber],
    ['serial', r.serialNumber],
    ['expires', r.expirationDate],
  ],
}

export function particularsOf(resource: JsonObject): Particular[] {
  const type = String(resource.resourceType)
  const found = Object.hasOwn(READERS, type) ? READERS[type]!(resource) : []
  return found
    .map(([name, text]) => ({
      name,
      text: (typeof text === 'number' ? String(text) : (string(text) ?? '')).slice(0, MAX_LENGTH).toWellFormed(),
    }))
    .filter(p => p.text)
    .slice(0, MAX_PARTICULARS)
}
