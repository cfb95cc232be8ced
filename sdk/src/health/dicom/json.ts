/** A data set as DICOM JSON (PS3.18 annex F), text decoded to Unicode, binary values inline or by reference. */
import { toBase64 } from '#base/bytes'
import { ensure } from '#base/error'
import { charsetTerms, decodeText } from './charset.ts'
import { tagName } from './dictionary.ts'
import { asciiOf, type DicomDataset, type DicomElement, type DicomFile } from './read.ts'

export type PersonName = { readonly Alphabetic?: string; readonly Ideographic?: string; readonly Phonetic?: string }
export type JsonValue = string | number | null | PersonName | DicomJson
export type JsonElement = {
  readonly vr: string
  readonly Value?: readonly JsonValue[]
  readonly InlineBinary?: string
  readonly BulkDataURI?: string
}
/** Keys are tags: eight upper-case hexadecimal digits, in rising order. */
export type DicomJson = { readonly [tag: string]: JsonElement }

/** `path` leads to the element: its tag, or for one within sequences `tag.item.tag`, items counted from 0. Null puts the value inline. */
export type BulkUri = (path: string, element: DicomElement) => string | null

const CHARSET = 0x00080005
const TEXT = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT'])
const ASCII = new Set(['AE', 'AS', 'CS', 'DA', 'DS', 'DT', 'IS', 'TM', 'UI', 'UR'])
/** One value however many backslashes stand in it. */
const SINGLE = new Set(['LT', 'ST', 'UT', 'UR'])
const LEFT_KEPT = new Set(['LT', 'ST', 'UT', 'UC', 'UR'])
const NUMBERS: Readonly<Record<string, readonly [size: number, read: (v: DataView, at: number, little: boolean) => number | bigint]>> = {
  US: [2, (v, at, little) => v.getUint16(at, little)],
  SS: [2, (v, at, little) => v.getInt16(at, little)],
  UL: [4, (v, at, little) => v.getUint32(at, little)],
  SL: [4, (v, at, little) => v.getInt32(at, little)],
  FL: [4, (v, at, little) => v.getFloat32(at, little)],
  FD: [8, (v, at, little) => v.getFloat64(at, little)],
  UV: [8, (v, at, little) => v.getBigUint64(at, little)],
  SV: [8, (v, at, little) => v.getBigInt64(at, little)],
}

/** Values of one file, elements included: a backslash is a byte, and an empty value takes eight. */
export const MAX_VALUES = 1_000_000

type Scope = {
  readonly file: DicomFile
  readonly view: DataView
  readonly charset: readonly string[]
  readonly bulk: BulkUri
  readonly told: { values: number }
}

const trimmed = (vr: string, s: string): string =>
  LEFT_KEPT.has(vr) ? s.replace(/[\0 ]+$/, '') : s.replace(/[\0 ]+$/, '').replace(/^ +/, '')

function personName(text: string): PersonName | null {
  const [alphabetic = '', ideographic = '', phonetic = ''] = text.split('=').map(t => t.trim())
  const name = {
    ...(alphabetic ? { Alphabetic: alphabetic } : {}),
    ...(ideographic ? { Ideographic: ideographic } : {}),
    ...(phonetic ? { Phonetic: phonetic } : {}),
  }
  return Object.keys(name).length ? name : null
}

/** DS and IS are numbers in JSON; what is no number stays as it was written (PS3.18 §F.2.3). */
function decimal(text: string): string | number | null {
  if (text === '') return null
  const number = Number(text)
  return Number.isFinite(number) ? number : text
}

/** JSON has no NaN and no infinity, and no integers beyond 2^53 (PS3.18 §F.2.3). */
function exact(value: number | bigint): number | string {
  if (typeof value === 'bigint') return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER ? Number(value) : String(value)
  if (Number.isNaN(value)) return 'NaN'
  return Number.isFinite(value) ? value : value > 0 ? 'inf' : '-inf'
}

function textValues(scope: Scope, { vr, at, length }: DicomElement): JsonValue[] {
  const bytes = scope.file.bytes.subarray(at, at + length)
  const whole = TEXT.has(vr) ? decodeText(bytes, scope.charset) : latin(bytes)
  const parts = SINGLE.has(vr) ? [whole] : whole.split('\\')
  return parts.map(part => {
    const text = trimmed(vr, part)
    if (vr === 'PN') return personName(text)
    if (vr === 'DS' || vr === 'IS') return decimal(text)
    return text === '' ? null : text
  })
}

const latin = (bytes: Uint8Array): string => {
  let out = ''
  for (let i = 0; i < bytes.length; i += 8192) out += String.fromCharCode(...bytes.subarray(i, i + 8192))
  return out
}

function numberValues({ file, view }: Scope, { vr, at, length }: DicomElement): JsonValue[] {
  const [size, read] = NUMBERS[vr]!
  const out: JsonValue[] = []
  for (let i = 0; i + size <= length; i += size) out.push(exact(read(view, at + i, file.little)))
  return out
}

function tagValues({ file, view }: Scope, { at, length }: DicomElement): JsonValue[] {
  const out: JsonValue[] = []
  for (let i = 0; i + 4 <= length; i += 4)
    out.push(tagName(((view.getUint16(at + i, file.little) << 16) | view.getUint16(at + i + 2, file.little)) >>> 0))
  return out
}

function valuesOf(scope: Scope, element: DicomElement, path: string): Omit<JsonElement, 'vr'> {
  const { vr, at, length, items } = element
  if (items) return items.length ? { Value: items.map((item, i) => datasetJson(scope, item, `${path}.${i}.`)) } : {}
  if (length === 0) return {}
  const uri = scope.bulk(path, element)
  if (uri !== null) return { BulkDataURI: uri }
  if (TEXT.has(vr) || ASCII.has(vr)) return shown(textValues(scope, element))
  if (NUMBERS[vr]) return shown(numberValues(scope, element))
  if (vr === 'AT') return shown(tagValues(scope, element))
  return { InlineBinary: toBase64(scope.file.bytes.subarray(at, at + length)) }
}

/** A value of padding alone is an empty one. */
const shown = (values: readonly JsonValue[]): Omit<JsonElement, 'vr'> => (values.every(v => v === null) ? {} : { Value: values })

function datasetJson(outer: Scope, dataset: DicomDataset, prefix: string): DicomJson {
  const own = dataset.get(CHARSET)
  const scope = own ? { ...outer, charset: charsetTerms(asciiOf(outer.file, dataset, CHARSET)) } : outer
  const out: Record<string, JsonElement> = {}
  for (const element of [...dataset.values()].toSorted((a, b) => a.tag - b.tag)) {
    // Group lengths say nothing once there are no bytes (PS3.18 §F.2.2).
    if ((element.tag & 0xffff) === 0) continue
    const name = tagName(element.tag)
    // What is told here is UTF-8, whatever the file was in.
    if (element.tag === CHARSET) out[name] = { vr: 'CS', Value: ['ISO_IR 192'] }
    else out[name] = { vr: element.vr, ...valuesOf(scope, element, `${prefix}${name}`) }
    scope.told.values += 1 + (out[name].Value?.length ?? 0)
    ensure(scope.told.values <= MAX_VALUES, 'TOO_LARGE', `The attributes have more than ${MAX_VALUES} values.`)
  }
  return out
}

/** Binary values up to this size stand in the JSON itself. */
export const INLINE_BYTES = 256

/** The data set without its meta group. `bulk` names the place of large values; without it everything is inline. Throws TOO_LARGE. */
export function dicomJson(file: DicomFile, bulk: BulkUri = () => null): DicomJson {
  const view = new DataView(file.bytes.buffer, file.bytes.byteOffset, file.bytes.byteLength)
  return datasetJson({ file, view, charset: [], bulk, told: { values: 0 } }, file.dataset, '')
}

/** The element that a bulk data path of {@link dicomJson} leads to, or null. */
export function elementAt({ dataset }: DicomFile, path: string): DicomElement | null {
  const steps = path.split('.')
  let inside: DicomDataset | undefined = dataset
  let found: DicomElement | null = null
  for (const [i, step] of steps.entries()) {
    if (i % 2 === 0) {
      found = /^[0-9A-F]{8}$/.test(step) ? (inside?.get(Number.parseInt(step, 16)) ?? null) : null
      if (!found) return null
    } else inside = /^\d{1,7}$/.test(step) ? found?.items?.[Number(step)] : undefined
  }
  return steps.length % 2 ? found : null
}

/** First value of a text or number element, as text; empty when absent. */
export function firstText(json: DicomJson, tag: string): string {
  const value = json[tag]?.Value?.[0]
  if (value === null || value === undefined) return ''
  if (typeof value === 'object') return (value as PersonName).Alphabetic ?? ''
  return String(value)
}
