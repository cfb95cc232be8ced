/** What a file is, from its first bytes; the name only decides where the content cannot. Pure, total, no full parse. */

export type MediaKind =
  | 'fhir-json'
  | 'fhir-ndjson'
  | 'fhir-xml'
  | 'dicom'
  | 'pdf'
  | 'ccda'
  | 'hl7v2'
  | 'shc'
  | 'image'
  | 'vcf'
  | 'apple-health'
  | 'text'
  | 'binary'

export type MediaGuess = { readonly mediaType: string; readonly kind: MediaKind }

/** How many bytes of a file `detect` looks at; passing more changes nothing. */
export const HEAD_BYTES = 16_384

const guess = (kind: MediaKind, mediaType: string): MediaGuess => ({ kind, mediaType })

/** [offset, ASCII or byte signature, result]. */
const MAGIC: readonly (readonly [offset: number, signature: string, guess: MediaGuess])[] = [
  [0, '%PDF-', guess('pdf', 'application/pdf')],
  [0, '\x89PNG\r\n\x1a\n', guess('image', 'image/png')],
  [0, '\xff\xd8\xff', guess('image', 'image/jpeg')],
  [0, 'GIF87a', guess('image', 'image/gif')],
  [0, 'GIF89a', guess('image', 'image/gif')],
  [0, 'II*\0', guess('image', 'image/tiff')],
  [0, 'MM\0*', guess('image', 'image/tiff')],
  [4, 'ftypheic', guess('image', 'image/heic')],
  [4, 'ftypheix', guess('image', 'image/heic')],
  [4, 'ftypmif1', guess('image', 'image/heif')],
  [4, 'ftypavif', guess('image', 'image/avif')],
  [0, '\0\0\0\x0cjP  ', guess('image', 'image/jp2')],
  [0, '{\\rtf', guess('binary', 'application/rtf')],
]

/** Media types by file name, for content that says nothing by itself. */
const BY_NAME: Readonly<Record<string, MediaGuess>> = {
  pdf: guess('pdf', 'application/pdf'),
  txt: guess('text', 'text/plain'),
  md: guess('text', 'text/markdown'),
  csv: guess('text', 'text/csv'),
  html: guess('text', 'text/html'),
  htm: guess('text', 'text/html'),
  rtf: guess('binary', 'application/rtf'),
  doc: guess('binary', 'application/msword'),
  docx: guess('binary', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'),
  xlsx: guess('binary', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'),
  odt: guess('binary', 'application/vnd.oasis.opendocument.text'),
  zip: guess('binary', 'application/zip'),
  gz: guess('binary', 'application/gzip'),
  mp4: guess('binary', 'video/mp4'),
  mp3: guess('binary', 'audio/mpeg'),
  edf: guess('binary', 'application/edf'),
}

const extension = (name: string): string => /\.([a-z0-9]{1,8})$/.exec(name)?.[1] ?? ''

const latin1 = (bytes: Uint8Array, from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to))

function magic(head: Uint8Array): MediaGuess | null {
  const start = latin1(head, 0, 16)
  for (const [offset, signature, result] of MAGIC) if (start.startsWith(signature, offset)) return result
  if (start.startsWith('RIFF') && start.startsWith('WEBP', 8)) return guess('image', 'image/webp')
  if (start.startsWith('BM') && head.length > 14 && head[6] === 0 && head[7] === 0 && head[8] === 0 && head[9] === 0)
    return guess('image', 'image/bmp')
  return null
}

const VRS = new Set('AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV'.split(' '))

/** One data element header at `at`: where the next begins, or -1 when it is not a plausible one (PS3.5 §7.1). */
function elementAt(head: Uint8Array, at: number, explicit: boolean): { tag: number; next: number } | null {
  if (at + 8 > head.length) return null
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const tag = view.getUint16(at, true) * 65536 + view.getUint16(at + 2, true)
  if (!explicit) {
    const length = view.getUint32(at + 4, true)
    return length % 2 === 0 && length < 4096 ? { tag, next: at + 8 + length } : null
  }
  const vr = latin1(head, at + 4, at + 6)
  if (!VRS.has(vr)) return null
  if (/^(OB|OD|OF|OL|OV|OW|SQ|UC|UN|UR|UT|SV|UV)$/.test(vr)) {
    if (at + 12 > head.length) return null
    return { tag, next: at + 12 + view.getUint32(at + 8, true) }
  }
  return { tag, next: at + 8 + view.getUint16(at + 6, true) }
}

/**
 * A data set without preamble begins with the meta group or group 0008: two plausible headers with rising tags are taken as
 * proof enough, because group 0008 as text would be control characters.
 * @returns how it is encoded and its first group, or null.
 */
export function bareDicom(head: Uint8Array): { explicit: boolean; group: number } | null {
  for (const explicit of [true, false]) {
    const first = elementAt(head, 0, explicit)
    if (!first) continue
    const group = Math.floor(first.tag / 65536)
    if (group !== 2 && group !== 8) continue
    const second = elementAt(head, first.next, explicit)
    if (second ? second.tag > first.tag && second.tag < 0x00300000 : explicit && first.next >= head.length) return { explicit, group }
  }
  return null
}

export const hasDicomPrefix = (head: Uint8Array): boolean => head.length >= 132 && latin1(head, 128, 132) === 'DICM'

/** The head as text when it is text: UTF-8 or UTF-16 with a BOM, else UTF-8 or Latin-1 without NUL bytes. */
function headText(head: Uint8Array): string | null {
  if (head[0] === 0xff && head[1] === 0xfe) return new TextDecoder('utf-16le').decode(head)
  if (head[0] === 0xfe && head[1] === 0xff) return new TextDecoder('utf-16be').decode(head)
  let odd = 0
  for (const byte of head) {
    if (byte === 0) return null
    if (byte < 32 && byte !== 9 && byte !== 10 && byte !== 13 && byte !== 12 && byte !== 11 && byte !== 28) odd++
  }
  return odd * 50 > head.length ? null : new TextDecoder('utf-8').decode(head)
}

function xmlGuess(body: string): MediaGuess {
  const rootTag = /<(?![?!])(?:[\w.-]+:)?([A-Za-z][\w.-]*)[^>]*/.exec(body)
  const name = rootTag?.[1] ?? ''
  const tag = rootTag?.[0] ?? ''
  if (name === 'ClinicalDocument') return guess('ccda', 'application/cda+xml')
  if (tag.includes('http://hl7.org/fhir"') || tag.includes("http://hl7.org/fhir'")) return guess('fhir-xml', 'application/fhir+xml')
  if (name === 'HealthData' || /<!DOCTYPE\s+HealthData/.test(body)) return guess('apple-health', 'application/xml')
  if (name === 'svg') return guess('image', 'image/svg+xml')
  if (name.toLowerCase() === 'html' || /<!doctype html/i.test(body)) return guess('text', 'text/html')
  return guess('text', 'application/xml')
}

function parses(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

function jsonGuess(body: string, ext: string): MediaGuess {
  if (/"verifiableCredential"\s*:/.test(body)) return guess('shc', 'application/smart-health-card')
  const newline = body.indexOf('\n')
  const first = newline < 0 ? body : body.slice(0, newline)
  const second = newline < 0 ? '' : body.slice(newline).trimStart()
  const fhir = /"resourceType"\s*:/.test(body)
  if (fhir && parses(first) && (second.startsWith('{') || ext === 'ndjson')) return guess('fhir-ndjson', 'application/fhir+ndjson')
  if (ext === 'ndjson') return guess('fhir-ndjson', 'application/fhir+ndjson')
  if (fhir || /"fullUrl"\s*:/.test(body)) return guess('fhir-json', 'application/fhir+json')
  return guess('text', 'application/json')
}

/** MSH, or a batch header, after an optional MLLP start block (HL7 v2 chapter 2). */
const HL7_START = /^(MSH|FHS|BHS)[^\w\s][^\w\s]{1,5}/

function textGuess(body: string, ext: string): MediaGuess {
  if (HL7_START.test(body.replace('\v', ''))) return guess('hl7v2', 'x-application/hl7-v2+er7')
  if (body.startsWith('##fileformat=VCF')) return guess('vcf', 'text/x-vcf')
  if (/^(shc|shlink):\//.test(body) || /#shlink:\//.test(body.slice(0, 2048))) return guess('shc', 'application/smart-health-card')
  if (/^eyJ[\w-]+\.[\w-]+\.[\w-]+\s*$/.test(body)) return guess('shc', 'application/jose')
  if (body.startsWith('<')) return xmlGuess(body)
  if (body.startsWith('{') || body.startsWith('[')) return jsonGuess(body, ext)
  return BY_NAME[ext]?.kind === 'text' ? BY_NAME[ext] : guess('text', 'text/plain')
}

function zipGuess(head: Uint8Array, name: string, ext: string): MediaGuess {
  if (latin1(head, 0, Math.min(head.length, 2048)).includes('apple_health_export/')) return guess('apple-health', 'application/zip')
  if (/^(export|apple_health).*\.zip$/.test(name)) return guess('apple-health', 'application/zip')
  const office = BY_NAME[ext]
  return office?.mediaType.startsWith('application/vnd') ? office : guess('binary', 'application/zip')
}

/**
 * Guesses what a file is.
 * @param name file name as given; may be empty. @param head its first bytes ({@link HEAD_BYTES} are enough; fewer are fine).
 */
export function detect(name: string, head: Uint8Array): MediaGuess {
  const bytes = head.subarray(0, HEAD_BYTES)
  const base = (name.split(/[\\/]/).at(-1) ?? '').toLowerCase()
  const ext = extension(base)
  if (hasDicomPrefix(bytes)) return guess('dicom', 'application/dicom')
  const known = magic(bytes)
  if (known) return known
  if (bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5)) return zipGuess(bytes, base, ext)
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    return base.endsWith('.vcf.gz') || base.endsWith('.vcf.bgz') ? guess('vcf', 'application/gzip') : guess('binary', 'application/gzip')
  if (bareDicom(bytes)) return guess('dicom', 'application/dicom')
  const body = headText(bytes)
    ?.replace(/^\uFEFF/, '')
    .trimStart()
  if (body) return textGuess(body, ext)
  if (ext === 'dcm' && bytes.length > 0) return guess('dicom', 'application/dicom')
  return BY_NAME[ext] && BY_NAME[ext].kind !== 'text' ? BY_NAME[ext] : guess('binary', 'application/octet-stream')
}
