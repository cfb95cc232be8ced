/** DICOM instances as studies and series, for cards and as a FHIR ImagingStudy. */
import { clean } from '#health/fhir/facts'
import type { DicomFacts } from './parse.ts'

export type Series = {
  readonly uid: string
  readonly modality: string
  readonly description?: string
  readonly number?: number
  readonly bodyPart?: string
  /** In the order of their instance numbers. */
  readonly instances: readonly DicomFacts[]
}
export type Study = {
  readonly uid: string
  /** For people: description, else modalities and body part. */
  readonly title: string
  /** ISO date, when any instance has one. */
  readonly date?: string
  readonly patientName?: string
  readonly patientId?: string
  readonly modalities: readonly string[]
  readonly series: readonly Series[]
}

const first = <T>(items: readonly DicomFacts[], pick: (f: DicomFacts) => T | undefined): T | undefined => {
  for (const item of items) {
    const value = pick(item)
    if (value !== undefined && value !== '') return value
  }
  return undefined
}

function groupBy(items: readonly DicomFacts[], key: (f: DicomFacts) => string): Map<string, DicomFacts[]> {
  const groups = new Map<string, DicomFacts[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group) group.push(item)
    else groups.set(key(item), [item])
  }
  return groups
}

const MODALITIES: Readonly<Record<string, string>> = {
  CT: 'CT',
  MR: 'MRI',
  US: 'Ultrasound',
  CR: 'X-ray',
  DX: 'X-ray',
  MG: 'Mammography',
  XA: 'Angiography',
  NM: 'Nuclear medicine',
  PT: 'PET',
  ECG: 'ECG',
  SR: 'Structured report',
  OT: 'Image',
  RTDOSE: 'Radiotherapy dose',
  RTPLAN: 'Radiotherapy plan',
  SM: 'Microscopy',
  OP: 'Ophthalmic photograph',
  ES: 'Endoscopy',
}

/** `PELVIS` → `pelvis`; empty for none. */
const words = (s: string | undefined): string => (s ?? '').toLowerCase().replaceAll('_', ' ')

function titleOf(items: readonly DicomFacts[], modalities: readonly string[]): string {
  const told = first(items, f => f.studyDescription) ?? first(items, f => f.seriesDescription)
  if (told) return clean(told)
  const kinds = modalities.map(m => MODALITIES[m] ?? m).join(', ') || 'Imaging'
  const part = words(first(items, f => f.bodyPart))
  return clean(part ? `${kinds}, ${part}` : kinds)
}

function seriesOf(uid: string, items: DicomFacts[]): Series {
  const instances = items.toSorted((a, b) => (a.instanceNumber ?? 0) - (b.instanceNumber ?? 0))
  const description = first(items, f => f.seriesDescription)
  const number = first(items, f => f.seriesNumber)
  const bodyPart = first(items, f => f.bodyPart)
  return {
    uid,
    modality: first(items, f => f.modality) ?? 'OT',
    ...(description ? { description } : {}),
    ...(number !== undefined ? { number } : {}),
    ...(bodyPart ? { bodyPart } : {}),
    instances,
  }
}

/**
 * Groups instances by study and series; one that names no study (or series) becomes one of its own. Order of input does not matter:
 * studies by date, series by number. An instance that occurs twice is kept once.
 */
export function studiesOf(instances: readonly DicomFacts[]): Study[] {
  const distinct = [...new Map(instances.map((f, i) => [f.sopInstanceUid ?? `#${i}`, f])).values()]
  const studies = [...groupBy(distinct, f => f.studyInstanceUid || f.sopInstanceUid || '')].map(([uid, items]): Study => {
    const series = [...groupBy(items, f => f.seriesInstanceUid || f.sopInstanceUid || '')]
      .map(([seriesUid, members]) => seriesOf(seriesUid, members))
      .toSorted((a, b) => (a.number ?? 0) - (b.number ?? 0) || (a.uid < b.uid ? -1 : 1))
    const modalities = [...new Set(series.map(s => s.modality))].toSorted()
    const date = first(items, f => f.studyDate)
    const patientName = first(items, f => f.patientName)
    const patientId = first(items, f => f.patientId)
    return {
      uid,
      title: titleOf(items, modalities),
      ...(date ? { date } : {}),
      ...(patientName ? { patientName } : {}),
      ...(patientId ? { patientId } : {}),
      modalities,
      series,
    }
  })
  return studies.toSorted((a, b) => ((a.date ?? '') < (b.date ?? '') ? -1 : 1))
}

const DCM = 'http://dicom.nema.org/resources/ontology/DCM'
const OID = /^[0-2](\.(0|[1-9]\d*))+$/
/** Test files and old devices write UIDs with leading zeros, which are no OIDs. */
const oid = (uid: string): string => (OID.test(uid) ? `urn:oid:${uid}` : uid)

/**
 * A minimal FHIR R4 ImagingStudy of one study. @param subject the reference for `subject`, e.g. `Patient/1`.
 */
export function imagingStudy(study: Study, subject: string): Record<string, unknown> {
  return {
    resourceType: 'ImagingStudy',
    status: 'available',
    identifier: [{ system: 'urn:dicom:uid', value: oid(study.uid) }],
    subject: { reference: subject },
    ...(study.date ? { started: study.date } : {}),
    modality: study.modalities.map(code => ({ system: DCM, code })),
    description: study.title,
    numberOfSeries: study.series.length,
    numberOfInstances: study.series.reduce((n, s) => n + s.instances.length, 0),
    series: study.series.map(s => ({
      uid: s.uid,
      ...(s.number !== undefined && s.number >= 0 ? { number: s.number } : {}),
      modality: { system: DCM, code: s.modality },
      ...(s.description ? { description: clean(s.description) } : {}),
      ...(s.bodyPart ? { bodySite: { system: 'urn:dicom:body-part-examined', code: s.bodyPart, display: words(s.bodyPart) } } : {}),
      numberOfInstances: s.instances.length,
      instance: s.instances.map(i => ({
        uid: i.sopInstanceUid ?? '0',
        sopClass: { system: 'urn:ietf:rfc3986', code: oid(i.sopClassUid ?? '1.2.840.10008.5.1.4.1.1.7') },
        ...(i.instanceNumber !== undefined && i.instanceNumber >= 0 ? { number: i.instanceNumber } : {}),
      })),
    })),
  }
}
