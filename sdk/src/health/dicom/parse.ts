/** What a DICOM instance says about itself. Reads the header only; pixel data is measured, never decoded. */
import type { DataSet, Element } from 'dicom-parser'
import dicom from 'dicom-parser'
import { Inflate } from 'fflate'
import { concat } from '#base/bytes'
import { KeepwellError } from '#base/error'
import { bareDicom, hasDicomPrefix } from '#health/detect'
import { charsetTerms, decodeText, isKnownCharset } from './charset.ts'
import { positionOf, type Spacing, spacingOf } from './geometry.ts'

export type DicomIssue = { readonly code: 'truncated' | 'malformed' | 'no-preamble' | 'charset' | 'incomplete'; readonly text: string }

/** Absent elements are absent; text is decoded; dates are ISO (YYYY-MM-DD). */
export type DicomFacts = {
  readonly transferSyntax: string
  readonly sopClassUid?: string
  readonly sopInstanceUid?: string
  readonly studyInstanceUid?: string
  readonly seriesInstanceUid?: string
  readonly modality?: string
  readonly bodyPart?: string
  readonly laterality?: string
  /** As DICOM writes it: family^given^middle^prefix^suffix, groups separated by `=`. */
  readonly patientName?: string
  readonly patientId?: string
  readonly patientBirthDate?: string
  readonly patientSex?: string
  readonly studyDate?: string
  readonly studyTime?: string
  readonly studyDescription?: string
  readonly seriesDescription?: string
  readonly accessionNumber?: string
  readonly seriesNumber?: number
  readonly instanceNumber?: number
  readonly manufacturer?: string
  readonly rows?: number
  readonly columns?: number
  /** 1 when there is an image without a frame count. */
  readonly frames?: number
  readonly bitsAllocated?: number
  readonly samplesPerPixel?: number
  readonly photometricInterpretation?: string
  readonly spacing?: Spacing
  /** Along the stack of slices, in millimetres. */
  readonly position?: number
  /** Milliseconds from one frame to the next. */
  readonly frameTime?: number
  readonly charset: readonly string[]
  /** Bytes of pixel data that are really there; absent when there is no pixel data. */
  readonly pixelBytes?: number
  readonly issues: readonly DicomIssue[]
}

/** Headers end well before; the rest of the file is not parsed, so that hostile files cost little. */
const HEADER_LIMIT = 32 * 1024 * 1024
const TEXT_LIMIT = 16_384
const PIXELS = 'x7fe00010'
const IMPLICIT = '1.2.840.10008.1.2'
const EXPLICIT = '1.2.840.10008.1.2.1'
const DEFLATED = '1.2.840.10008.1.2.1.99'
const UNDEFINED_LENGTH = 0xffffffff

/** `delta` turns a position in the parsed bytes into one in the file (they differ when a preamble was added or a meta group cut off). */
type Parsed = { readonly set: DataSet; readonly complete: boolean; readonly inflatedWhole: boolean; readonly delta: number }

/** Inflates at most the header limit; what came before an error or the limit is used. */
function inflated(body: Uint8Array): { bytes: Uint8Array; whole: boolean } {
  const parts: Uint8Array[] = []
  let length = 0
  const stream = new Inflate(chunk => {
    parts.push(chunk)
    length += chunk.length
  })
  try {
    for (let at = 0; at < body.length && length < HEADER_LIMIT; at += 65_536) stream.push(body.subarray(at, at + 65_536), false)
    // Only the last push tells whether the end was reached; it must bring no data, or what a cut file still has would be lost with the error.
    if (length < HEADER_LIMIT) stream.push(new Uint8Array(0), true)
    return { bytes: concat(...parts), whole: length < HEADER_LIMIT }
  } catch {
    return { bytes: concat(...parts), whole: false }
  }
}

function run(bytes: Uint8Array, delta: number, transferSyntax?: string): Parsed | null {
  let inflatedWhole = true
  const inflater = (all: Uint8Array, position: number): Uint8Array => {
    const body = inflated(all.subarray(position))
    inflatedWhole = body.whole
    return concat(all.subarray(0, position), body.bytes)
  }
  try {
    const options = { untilTag: PIXELS, inflater, ...(transferSyntax ? { TransferSyntaxUID: transferSyntax } : {}) }
    return { set: dicom.parseDicom(bytes, options), complete: true, inflatedWhole, delta }
  } catch (thrown) {
    // The parser throws what it had so far along with the reason.
    const partial =
      typeof thrown === 'object' && thrown !== null && 'dataSet' in thrown ? (thrown.dataSet as DataSet | undefined) : undefined
    return partial && Object.keys(partial.elements).length > 0 ? { set: partial, complete: false, inflatedWhole, delta } : null
  }
}

/** A file whose meta group names no transfer syntax: the data set behind it is recognised by its form. */
function withoutSyntax(bytes: Uint8Array, delta: number): Parsed | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = hasDicomPrefix(bytes) ? 132 : 0
  while (at + 8 <= bytes.length && view.getUint16(at, true) === 2) {
    const long = /^(OB|OW|UN|SQ|UT)$/.test(String.fromCharCode(bytes[at + 4]!, bytes[at + 5]!))
    if (long && at + 12 > bytes.length) return null
    at += long ? 12 + view.getUint32(at + 8, true) : 8 + view.getUint16(at + 6, true)
  }
  const body = bytes.subarray(at)
  const form = bareDicom(body)
  return form ? run(body, delta + at, form.explicit ? EXPLICIT : IMPLICIT) : null
}

function parsed(bytes: Uint8Array, issues: DicomIssue[]): Parsed | null {
  const head = bytes.subarray(0, HEADER_LIMIT)
  if (hasDicomPrefix(head)) return run(head, 0) ?? withoutSyntax(head, 0)
  const form = bareDicom(head)
  if (!form) return null
  issues.push({ code: 'no-preamble', text: 'The file has no DICOM preamble.' })
  if (form.group !== 2) return run(head, 0, form.explicit ? EXPLICIT : IMPLICIT)
  const prefix = new Uint8Array(132)
  prefix.set([0x44, 0x49, 0x43, 0x4d], 128)
  const whole = concat(prefix, head)
  return run(whole, -132) ?? withoutSyntax(whole, -132)
}

/** Reads one element's raw bytes, bounded. */
function raw(set: DataSet, tag: string): Uint8Array | null {
  const element = set.elements[tag]
  if (!element || element.length <= 0 || element.length === UNDEFINED_LENGTH) return element ? new Uint8Array(0) : null
  const end = Math.min(element.dataOffset + Math.min(element.length, TEXT_LIMIT), set.byteArray.length)
  return set.byteArray.subarray(element.dataOffset, Math.max(end, element.dataOffset))
}

const trimmed = (s: string): string => s.replace(/[\0\s]+$/g, '').replace(/^\s+/, '')

type Reader = {
  readonly ascii: (tag: string) => string | undefined
  readonly words: (tag: string) => string | undefined
  readonly number: (tag: string) => number | undefined
  readonly short: (tag: string) => number | undefined
}

function readerOf(set: DataSet, charset: readonly string[]): Reader {
  const ascii = (tag: string): string | undefined => {
    const bytes = raw(set, tag)
    return bytes === null ? undefined : trimmed(String.fromCharCode(...bytes.subarray(0, 1024)))
  }
  const words = (tag: string): string | undefined => {
    const bytes = raw(set, tag)
    return bytes === null ? undefined : trimmed(decodeText(bytes, charset))
  }
  const number = (tag: string): number | undefined => {
    const value = Number.parseInt((ascii(tag) ?? '').split('\\')[0]!, 10)
    return Number.isSafeInteger(value) ? value : undefined
  }
  const short = (tag: string): number | undefined => {
    const element = set.elements[tag]
    if (!element || element.length < 2 || element.dataOffset + 2 > set.byteArray.length) return undefined
    return set.uint16(tag)
  }
  return { ascii, words, number, short }
}

/** DA as ISO date; also the old form with dots. */
function isoDate(value: string | undefined): string | undefined {
  const m = /^(\d{4})[.-]?(\d{2})[.-]?(\d{2})$/.exec(value ?? '')
  return m && Number(m[2]) >= 1 && Number(m[2]) <= 12 && Number(m[3]) >= 1 && Number(m[3]) <= 31 ? `${m[1]}-${m[2]}-${m[3]}` : undefined
}

/** Length of encapsulated pixel data and whether its last fragment is whole (PS3.5 §A.4). */
function fragments(bytes: Uint8Array, from: number): { length: number; whole: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = from
  while (at + 8 <= bytes.length) {
    const item = view.getUint16(at + 2, true)
    const length = view.getUint32(at + 4, true)
    if (view.getUint16(at, true) !== 0xfffe) break
    if (item === 0xe0dd) return { length: at + 8 - from, whole: true }
    if (at + 8 + length > bytes.length) return { length: bytes.length - from, whole: false }
    at += 8 + length
  }
  return { length: Math.min(at, bytes.length) - from, whole: false }
}

type Image = { rows?: number; columns?: number; frames: number; samples: number; bits?: number; photometric: string }

/** How many pixel bytes there are, and what is wrong with that. */
function pixels(bytes: Uint8Array, element: Element, native: boolean, image: Image, issues: DicomIssue[]): number {
  const available = Math.max(0, bytes.length - element.dataOffset)
  if (element.length === UNDEFINED_LENGTH || element.hadUndefinedLength) {
    const found = fragments(bytes, element.dataOffset)
    if (!found.whole) issues.push({ code: 'truncated', text: 'The compressed pixel data ends early.' })
    return found.length
  }
  if (element.length > available)
    issues.push({ code: 'truncated', text: `The pixel data ends early: ${available} of ${element.length} bytes are there.` })
  const subsampled = image.photometric.startsWith('YBR_FULL_422') ? 2 / 3 : 1
  const expected =
    native && image.rows && image.columns && image.bits
      ? Math.floor((image.rows * image.columns * image.frames * image.samples * image.bits * subsampled) / 8)
      : 0
  if (element.length < expected)
    issues.push({ code: 'truncated', text: `The pixel data is too short for the image: ${element.length} of ${expected} bytes.` })
  return Math.min(element.length, available)
}

const optional = <T extends Record<string, unknown>>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: NonNullable<T[K]> }

/** Transfer syntaxes whose pixels are not compressed. */
const NATIVE = new Set([IMPLICIT, EXPLICIT, DEFLATED, '1.2.840.10008.1.2.2'])

/**
 * Reads a DICOM instance (PS3.10), also without preamble or meta group where its form is clear. Faults that leave something to
 * read become `issues`. @throws KeepwellError UNREADABLE when it is not DICOM at all.
 */
export function parseDicom(bytes: Uint8Array): DicomFacts {
  const issues: DicomIssue[] = []
  const result = bytes.length > 0 ? parsed(bytes, issues) : null
  if (!result) throw new KeepwellError('UNREADABLE', 'The file is not DICOM, or damaged from its beginning.')
  const { set, complete, inflatedWhole, delta } = result
  if (!complete) issues.push({ code: 'malformed', text: 'The data set ends early or is malformed; what came before is shown.' })
  const plainReader = readerOf(set, [])
  const charset = charsetTerms(plainReader.ascii('x00080005'))
  for (const term of charset)
    if (!isKnownCharset(term)) issues.push({ code: 'charset', text: 'The file names a character set that DICOM does not define.' })
  const { ascii, words, number, short } = readerOf(set, charset)
  // A bare data set has no meta group: it was recognised as one of the two little-endian forms.
  const syntax = ascii('x00020010') || (explicitForm(set) ? EXPLICIT : IMPLICIT)
  const image: Image = {
    ...optional({ rows: short('x00280010'), columns: short('x00280011'), bits: short('x00280100') }),
    frames: Math.max(1, number('x00280008') ?? 1),
    samples: short('x00280002') ?? 1,
    photometric: ascii('x00280004') ?? '',
  }
  const element = set.elements[PIXELS]
  let pixelBytes: number | undefined
  if (!inflatedWhole) issues.push({ code: 'truncated', text: 'The deflated data set ends early.' })
  if (element && syntax === DEFLATED) {
    pixelBytes = pixels(set.byteArray, element, true, image, issues)
  } else if (element) {
    // The parser saw only the head of the file; the pixels are measured in the file itself.
    pixelBytes = pixels(bytes, { ...element, dataOffset: element.dataOffset + delta }, NATIVE.has(syntax), image, issues)
  } else if (image.rows && image.columns) issues.push({ code: 'incomplete', text: 'The image has a size but no pixel data.' })
  return {
    transferSyntax: syntax,
    ...optional({
      sopClassUid: ascii('x00080016') ?? ascii('x00020002'),
      sopInstanceUid: ascii('x00080018') ?? ascii('x00020003'),
      studyInstanceUid: ascii('x0020000d'),
      seriesInstanceUid: ascii('x0020000e'),
      modality: ascii('x00080060'),
      bodyPart: ascii('x00180015'),
      laterality: ascii('x00200060'),
      patientName: words('x00100010'),
      patientId: words('x00100020'),
      patientBirthDate: isoDate(ascii('x00100030')),
      patientSex: ascii('x00100040'),
      studyDate: isoDate(ascii('x00080020')) ?? isoDate(ascii('x00080021')) ?? isoDate(ascii('x00080023')),
      studyTime: ascii('x00080030'),
      studyDescription: words('x00081030'),
      seriesDescription: words('x0008103e'),
      accessionNumber: words('x00080050'),
      seriesNumber: number('x00200011'),
      instanceNumber: number('x00200013'),
      manufacturer: words('x00080070'),
      rows: image.rows,
      columns: image.columns,
      frames: image.rows && image.columns ? image.frames : number('x00280008'),
      bitsAllocated: image.bits,
      samplesPerPixel: short('x00280002'),
      photometricInterpretation: ascii('x00280004'),
      spacing: spacingOf(set),
      position: positionOf(set),
      frameTime: number('x00181063'),
      pixelBytes,
    }),
    charset,
    issues,
  }
}

/** Explicit VR leaves a `vr` on every element. */
const explicitForm = (set: DataSet): boolean => Object.values(set.elements).some(e => e.vr !== undefined)
