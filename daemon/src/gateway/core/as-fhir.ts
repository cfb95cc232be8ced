import { toHex } from '@keepwell/sdk/base/bytes'
import { isoTime } from '@keepwell/sdk/base/time'
import { isObject, type JsonObject, string } from '@keepwell/sdk/health/fhir/read'
import type { FhirResource } from '@keepwell/sdk/health/fhir/search/types'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Card } from '@keepwell/sdk/records/card'
import type { Meta } from '@keepwell/sdk/records/plain'
import type { Ids } from './ids.ts'
import { literal, type Renaming, renamed } from './references.ts'

/** What is known of a session when a record becomes a resource in it. */
export type Naming = {
  readonly ids: Ids
  readonly patient: string
  /** Logical id of the record in whose place a record stands, when that is known: a chain of versions has one id. */
  readonly chained: (meta: Pick<Meta, 'author' | 'prior'>) => string | undefined
  /** The type of what an author calls `urn:uuid:…`. */
  readonly typeOf: (author: Did, uuid: string) => string | undefined
}

const URN = /^urn:uuid:([0-9a-f-]{36})$/i

/** What an author calls a resource: its id, or the uuid that its Bundle gave it, or at last the record's own. */
export function rawId(resource: JsonObject, meta: Pick<Meta, 'id' | 'attributes'>): string {
  return string(resource.id) ?? URN.exec(meta.attributes?.fullUrl ?? '')?.[1]?.toLowerCase() ?? toHex(meta.id)
}

/**
 * A FHIR record as the gateway shows it: its own id, `meta` with the record as version and the signing time, and references that lead to
 * what the gateway calls their targets. Each `Patient` is the one whose record this is.
 */
export function asResource(naming: Naming, meta: Meta, resource: JsonObject): FhirResource {
  const { ids, patient } = naming
  const type = String(resource.resourceType)
  const id = type === 'Patient' ? patient : (naming.chained(meta) ?? ids.resource(patient, meta.author, rawId(resource, meta)))
  const told = renamed(resource, renaming(naming, meta))
  return { ...told, resourceType: type, id, meta: { ...(isObject(told.meta) ? told.meta : {}), ...stamp(meta) } }
}

/** The version is the record; the time is when its author signed it. */
export const stamp = (meta: Pick<Meta, 'id' | 'authoredAt'>) => ({ versionId: toHex(meta.id), lastUpdated: isoTime(meta.authoredAt) })

export function renaming({ ids, patient, typeOf }: Naming, { author, attributes }: Pick<Meta, 'author' | 'attributes'>): Renaming {
  const home = literal(attributes?.fullUrl ?? '')?.base ?? ''
  return reference => {
    const urn = URN.exec(reference)?.[1]?.toLowerCase()
    if (urn) {
      const type = typeOf(author, urn)
      return type === undefined ? null : type === 'Patient' ? `Patient/${patient}` : `${type}/${ids.resource(patient, author, urn)}`
    }
    if (reference.startsWith('Patient?')) return `Patient/${patient}`
    const found = literal(reference)
    if (!found) return null
    if (found.type === 'Patient') return `Patient/${patient}`
    if (found.base !== '' && found.base !== home) return null
    const id = ids.resource(patient, author, found.id)
    return id === found.id && found.base === '' ? null : `${found.type}/${id}`
  }
}

/** Files that are no FHIR, as documents: what they are called, from when they are, and where their bytes are. */
export function asDocument({ patient, chained }: Naming, meta: Meta, card: Card): FhirResource {
  const record = toHex(meta.id)
  const id = chained(meta) ?? documentId(patient, record)
  const coding = card.codes.map(c => ({
    ...(c.system ? { system: c.system } : {}),
    code: c.code,
    ...(c.display ? { display: c.display } : {}),
  }))
  return {
    resourceType: 'DocumentReference',
    id,
    meta: stamp(meta),
    status: 'current',
    type: coding.length ? { coding, text: card.title } : { text: card.title },
    subject: { reference: `Patient/${patient}` },
    date: isoTime(meta.authoredAt),
    description: card.title,
    content: [
      {
        attachment: {
          contentType: card.mediaType,
          url: `Binary/${documentId(patient, record)}`,
          size: card.size,
          title: card.title,
          ...(card.start ? { creation: card.start } : {}),
        },
      },
    ],
    ...(card.start ? { context: { period: { start: card.start } } } : {}),
  }
}

/** Of the DocumentReference of a record, and of the Binary with its bytes. */
export const documentId = (patient: string, record: string): string => `${patient}.${record}`

export type Image = {
  readonly recordId: string
  readonly card: Card
  readonly authoredAt: number
  readonly study: string
  readonly series: string
  readonly instance: string
  readonly sopClass: string
  readonly transferSyntax: string
}

/** What the signed attributes of a DICOM record say of its place; null for one that names no instance. */
export function imageOf(meta: Meta, card: Card): Image | null {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid, sopClassUid = '', transferSyntax = '' } = meta.attributes ?? {}
  if (!sopInstanceUid) return null
  return {
    recordId: toHex(meta.id),
    card,
    authoredAt: meta.authoredAt,
    study: studyInstanceUid ?? sopInstanceUid,
    series: seriesInstanceUid ?? sopInstanceUid,
    instance: sopInstanceUid,
    sopClass: sopClassUid,
    transferSyntax,
  }
}

const DCM = 'http://dicom.nema.org/resources/ontology/DCM'

/** One study of the images that a session holds. `images` are of that study, in the order in which they were filed. */
export function asImagingStudy({ ids, patient }: Pick<Naming, 'ids' | 'patient'>, images: readonly Image[]): FhirResource {
  const [first] = images
  const modality = (i: Image) => ({ system: DCM, code: i.card.codes[0]?.code ?? 'OT' })
  const series = [...Map.groupBy(images, i => i.series)].map(([uid, members]) => ({
    uid,
    modality: modality(members[0]!),
    numberOfInstances: members.length,
    instance: members.map(i => ({ uid: i.instance, sopClass: { system: 'urn:ietf:rfc:3986', code: `urn:oid:${i.sopClass}` } })),
  }))
  const modalities = [...new Map(images.map(i => [modality(i).code, modality(i)])).values()]
  const newest = images.reduce((a, b) => (b.authoredAt >= a.authoredAt ? b : a))
  return {
    resourceType: 'ImagingStudy',
    id: ids.resource(patient, 'dicom', first!.study),
    meta: { versionId: newest.recordId, lastUpdated: isoTime(newest.authoredAt) },
    identifier: [{ system: 'urn:dicom:uid', value: `urn:oid:${first!.study}` }],
    status: 'available',
    modality: modalities,
    subject: { reference: `Patient/${patient}` },
    ...(first!.card.start ? { started: first!.card.start } : {}),
    numberOfSeries: series.length,
    numberOfInstances: images.length,
    description: first!.card.title.replace(/ \(\d+\)$/, ''),
    series,
  }
}
