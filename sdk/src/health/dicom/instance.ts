/** One instance as DICOMweb services need it: who it is, and its attributes with large values by reference. */
import { ensure } from '#base/error'
import { type DicomJson, dicomJson, firstText, INLINE_BYTES } from './json.ts'
import { type DicomFile, readDicom } from './read.ts'

export type InstanceFacts = {
  readonly study: string
  readonly series: string
  readonly instance: string
  readonly sopClass: string
  readonly transferSyntax: string
  readonly patientId: string
  /** Without meta group; values that are binary and large, and all pixels, are `BulkDataURI`s: the path of `dicomJson`, no more. */
  readonly attributes: DicomJson
}

const BINARY = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN'])
const PIXELS = new Set(['7FE00008', '7FE00009', '7FE00010'])
/** Texts are read with the attributes; only the longest, such as embedded reports, are fetched apart. */
const TEXT_BYTES = 64 << 10

/** Throws UNREADABLE when a UID that names the instance is missing. */
export function instanceFacts(file: DicomFile): InstanceFacts {
  const attributes = dicomJson(file, (path, { vr, length }) => {
    if (PIXELS.has(path)) return path
    return length > (BINARY.has(vr) ? INLINE_BYTES : TEXT_BYTES) ? path : null
  })
  const [study, series, instance, sopClass] = ['0020000D', '0020000E', '00080018', '00080016'].map(tag => firstText(attributes, tag))
  ensure(study && series && instance && sopClass, 'UNREADABLE', 'The instance does not say of which study, series and class it is.')
  return {
    study,
    series,
    instance,
    sopClass,
    transferSyntax: file.transferSyntax,
    patientId: firstText(attributes, '00100020'),
    attributes,
  }
}

export const readInstance = (bytes: Uint8Array): InstanceFacts => instanceFacts(readDicom(bytes))
