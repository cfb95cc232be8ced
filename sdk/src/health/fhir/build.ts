/** What people type, as FHIR R4: the parts that every builder shares. Text stands as it was given; codes only where they are certain. */
import type { JsonObject } from './read.ts'
import { at, field, isObject, list, string } from './read.ts'

/** A record that belongs to another: a letter, a photo. `id` is the record's id in the vault, 32 hex digits. */
export type Attached = { readonly id: string; readonly title: string }

/** Who says it: the patient, or a professional by name. */
export type Origin = { readonly by: 'patient' | 'clinician'; readonly name: string }

export type Common = {
  /** A UUID in lower case. The same id in a later resource makes that one a new version of this. */
  readonly id: string
  readonly patient: string
  readonly origin: Origin
  /** When it was written down: an instant with its offset. */
  readonly recorded: string
  readonly attached?: readonly Attached[]
}

export type Resource = JsonObject & { readonly resourceType: string }

export const LOINC = 'http://loinc.org'
export const UCUM = 'http://unitsofmeasure.org'
const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem'
const ASSERTED = `${TERMINOLOGY}/v3-ObservationValue`
const SUPPORTING = 'http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo'

/** A concept of one of HL7's own small code systems. */
export const coded = (system: string, code: string): JsonObject => ({ coding: [{ system: `${TERMINOLOGY}/${system}`, code }] })

/** Type, id and who vouches for it (HL7's integrity labels: asserted by the patient, or by a clinician). */
export function begin(resourceType: string, { id, origin }: Common): Resource {
  const code = origin.by === 'patient' ? 'PATAST' : 'CLINAST'
  const display = origin.by === 'patient' ? 'patient asserted' : 'clinician asserted'
  return { resourceType, id, meta: { security: [{ system: ASSERTED, code, display }] } }
}

export const named = (name: string): JsonObject => ({ display: name })

/** The member, when there is something to say. */
export const some = (name: string, value: unknown): JsonObject =>
  value === undefined || value === '' || (Array.isArray(value) && !value.length) ? {} : { [name]: value }

export const noteOf = (note: string | undefined, recorded: string): JsonObject =>
  note?.trim() ? { note: [{ time: recorded, text: note.trim() }] } : {}

export const periodOf = (name: string, start?: string, end?: string): JsonObject =>
  start || end ? { [name]: { ...some('start', start), ...some('end', end) } } : {}

const urn = (id: string): string => `urn:uuid:${id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`

const pointer = ({ id, title }: Attached): JsonObject => ({ reference: urn(id), type: 'DocumentReference', display: title })
export const pointers = (attached: readonly Attached[] = []): readonly JsonObject[] => attached.map(pointer)

/** For types that have no element of their own for what supports them. */
export const supporting = (attached: readonly Attached[] = []): JsonObject =>
  some(
    'extension',
    attached.map(a => ({ url: SUPPORTING, valueReference: pointer(a) })),
  )

const URN = /^urn:uuid:([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/

/** The records that a resource points to by their ids in a vault, wherever builders put them. */
export function attachedTo(resource: unknown): Attached[] {
  const all = [
    ...list(field(resource, 'derivedFrom')),
    ...list(at(resource, 'evidence', 'detail')),
    ...list(at(resource, 'context', 'related')),
    ...list(field(resource, 'extension')).flatMap(e => (field(e, 'url') === SUPPORTING ? [field(e, 'valueReference')] : [])),
  ]
  return all.flatMap(reference => {
    const m = URN.exec(string(field(reference, 'reference')) ?? '')
    return m ? [{ id: m.slice(1).join(''), title: string(field(reference, 'display')) ?? '' }] : []
  })
}

/** What a builder wrote, to be typed over again. */
export const written = (resource: unknown, ...path: readonly string[]): string => string(at(resource, ...path)) ?? ''
export const isWritten = (resource: unknown): boolean =>
  isObject(resource) && ['PATAST', 'CLINAST'].includes(written(resource, 'meta', 'security', 'code'))
