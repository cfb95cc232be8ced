/**
 * A DICOM file as a tree of elements (PS3.5 §7, PS3.10 §7): where each value lies, nothing decoded, nothing copied. Unlike `parse.ts`, which
 * makes the best of a damaged file, this one is exact: a length that reaches beyond its container is an error that says where.
 */
import { Inflate } from 'fflate'
import { concat } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'
import { bareDicom, hasDicomPrefix } from '#health/detect'
import { tagName, vrOf } from './dictionary.ts'

export type Span = { readonly at: number; readonly length: number }

/** `items` is there for sequences, `fragments` for encapsulated pixel data; the first of these is the offset table (PS3.5 §A.4). */
export type DicomElement = Span & {
  readonly tag: number
  readonly vr: string
  readonly items?: readonly DicomDataset[]
  readonly fragments?: readonly Span[]
}
export type DicomDataset = ReadonlyMap<number, DicomElement>

export type DicomFile = {
  /** What the positions count in: the file, or for a deflated data set the file as it is inflated. */
  readonly bytes: Uint8Array
  readonly transferSyntax: string
  readonly little: boolean
  readonly meta: DicomDataset
  readonly dataset: DicomDataset
}

/** Deeper than any information object definition nests; far below where recursion would end the stack. */
export const MAX_DEPTH = 64
/** An enhanced object with some ten thousand frames stays below it. */
export const MAX_ELEMENTS = 2_000_000
/** Deflate can grow a thousandfold; images that are mostly black do so by some hundreds. */
const MAX_RATIO = 300
const FREE_INFLATED = 16 << 20
const MAX_INFLATED = 512 << 20

const IMPLICIT = '1.2.840.10008.1.2'
const EXPLICIT = '1.2.840.10008.1.2.1'
const BIG = '1.2.840.10008.1.2.2'
const DEFLATED = '1.2.840.10008.1.2.1.99'
const UNDEFINED = 0xffffffff
const ITEM = 0xfffee000
const ITEM_END = 0xfffee00d
const SEQUENCE_END = 0xfffee0dd
const PIXELS = 0x7fe00010
const SIGN = 0x00280103
/** VRs with a 32-bit length (PS3.5 §7.1.2); those yet to come are to be of this form too. */
const SHORT = new Set('AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US'.split(' '))

type State = {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly little: boolean
  /** Ends at the pixel data of the image itself, which need not be there. */
  readonly headerOnly: boolean
  elements: number
  signed: boolean
}
type Place = { readonly from: number; readonly to: number; readonly explicit: boolean; readonly depth: number; readonly open?: boolean }

const bad = (text: string): KeepwellError => new KeepwellError('UNREADABLE', text)

function tagAt({ view, little }: State, at: number): number {
  return ((view.getUint16(at, little) << 16) | view.getUint16(at + 2, little)) >>> 0
}

type Head = { readonly tag: number; readonly vr: string; readonly at: number; readonly length: number }

function headAt(state: State, { to, explicit }: Place, at: number): Head {
  const { bytes, view, little } = state
  if (at + 8 > to) throw bad(`The data set ends within an element header at byte ${at}.`)
  const tag = tagAt(state, at)
  if (!explicit || tag >>> 16 === 0xfffe) return { tag, vr: vrOf(tag, state.signed), at: at + 8, length: view.getUint32(at + 4, little) }
  const vr = String.fromCharCode(bytes[at + 4]!, bytes[at + 5]!)
  if (!/^[A-Z]{2}$/.test(vr)) throw bad(`Element ${tagName(tag)} at byte ${at} has no value representation.`)
  if (SHORT.has(vr)) return { tag, vr, at: at + 8, length: view.getUint16(at + 6, little) }
  if (at + 12 > to) throw bad(`The data set ends within an element header at byte ${at}.`)
  return { tag, vr, at: at + 12, length: view.getUint32(at + 8, little) }
}

function sized({ tag, at, length }: Pick<Head, 'tag' | 'at' | 'length'>, to: number): void {
  if (at + length > to) throw bad(`Element ${tagName(tag)} at byte ${at} claims ${length} bytes, and ${to - at} are left.`)
}

/** Fragments of encapsulated pixel data up to the sequence delimiter. */
function fragmentsAt(state: State, head: Head, to: number): { fragments: Span[]; next: number } {
  const fragments: Span[] = []
  for (let at = head.at; ; ) {
    if (at + 8 > to) throw bad(`The fragments of element ${tagName(head.tag)} end early.`)
    const tag = tagAt(state, at)
    const length = state.view.getUint32(at + 4, state.little)
    if (tag === SEQUENCE_END) return { fragments, next: at + 8 }
    if (tag !== ITEM) throw bad(`Something else stands among the fragments of element ${tagName(head.tag)} at byte ${at}.`)
    sized({ tag, at: at + 8, length }, to)
    fragments.push({ at: at + 8, length })
    counted(state)
    at += 8 + length
  }
}

function counted(state: State): void {
  state.elements++
  ensure(state.elements <= MAX_ELEMENTS, 'TOO_LARGE', `The data set has more than ${MAX_ELEMENTS} elements.`)
}

function itemsAt(state: State, head: Head, place: Place): { items: DicomDataset[]; next: number } {
  const open = head.length === UNDEFINED
  const to = open ? place.to : head.at + head.length
  ensure(place.depth < MAX_DEPTH, 'TOO_LARGE', `Sequences are nested deeper than ${MAX_DEPTH}.`)
  // A sequence whose VR was lost on the way is written as UN and in implicit form (PS3.5 §6.2.2).
  const explicit = place.explicit && head.vr !== 'UN'
  const items: DicomDataset[] = []
  let at = head.at
  while (open || at < to) {
    if (at + 8 > to) throw bad(`Sequence ${tagName(head.tag)} ends early.`)
    const tag = tagAt(state, at)
    const length = state.view.getUint32(at + 4, state.little)
    if (open && tag === SEQUENCE_END) return { items, next: at + 8 }
    if (tag !== ITEM) throw bad(`Something else than an item stands in sequence ${tagName(head.tag)} at byte ${at}.`)
    counted(state)
    const inside = { explicit, depth: place.depth + 1, from: at + 8 }
    if (length !== UNDEFINED) sized({ tag, at: at + 8, length }, to)
    const read = datasetAt(state, length === UNDEFINED ? { ...inside, to, open: true } : { ...inside, to: at + 8 + length })
    items.push(read.dataset)
    at = read.next
  }
  return { items, next: to }
}

const onlyZeros = (bytes: Uint8Array, from: number, to: number): boolean => {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false
  return true
}

function datasetAt(state: State, place: Place): { dataset: Map<number, DicomElement>; next: number } {
  const dataset = new Map<number, DicomElement>()
  let at = place.from
  while (place.open || at < place.to) {
    // Some devices fill a file up to their block size.
    if (place.depth === 0 && state.bytes[at] === 0 && state.bytes[at + 1] === 0 && onlyZeros(state.bytes, at, place.to)) break
    const head = headAt(state, place, at)
    if (head.tag === ITEM_END && place.open) return { dataset, next: head.at }
    if (head.tag >>> 16 === 0xfffe) throw bad(`A delimiter stands where an element should, at byte ${at}.`)
    counted(state)
    if (state.headerOnly && place.depth === 0 && head.tag === PIXELS) {
      dataset.set(head.tag, { tag: head.tag, vr: head.vr, at: head.at, length: head.length })
      return { dataset, next: place.to }
    }
    const { element, next } = elementAt(state, head, place)
    if (head.tag === SIGN && element.length >= 2) state.signed = state.view.getUint16(element.at, state.little) === 1
    dataset.set(head.tag, element)
    at = next
  }
  return { dataset, next: at }
}

function elementAt(state: State, head: Head, place: Place): { element: DicomElement; next: number } {
  const { tag, vr, at, length } = head
  if (length !== UNDEFINED) sized(head, place.to)
  if (vr === 'SQ' || (length === UNDEFINED && vr === 'UN')) {
    const { items, next } = itemsAt(state, head, place)
    return { element: { tag, vr: 'SQ', at, length: next - at, items }, next }
  }
  if (length === UNDEFINED) {
    if (tag !== PIXELS && !['OB', 'OW'].includes(vr)) throw bad(`Element ${tagName(tag)} at byte ${at} has no length.`)
    const { fragments, next } = fragmentsAt(state, head, place.to)
    return { element: { tag, vr, at, length: next - at, fragments }, next }
  }
  return { element: { tag, vr, at, length }, next: at + length }
}

const stateOf = (bytes: Uint8Array, little: boolean, headerOnly = false): State => ({
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  little,
  headerOnly,
  elements: 0,
  signed: false,
})

/** Text of an element as ASCII without padding; empty when absent. */
export function asciiOf(file: Pick<DicomFile, 'bytes'>, dataset: DicomDataset, tag: number): string {
  const element = dataset.get(tag)
  if (!element) return ''
  return String.fromCharCode(...file.bytes.subarray(element.at, element.at + Math.min(element.length, 1024))).replace(/[\0 ]+$/, '')
}

/** The meta group ends where its elements end, whatever its length says: devices write that length wrong. */
function metaOf(bytes: Uint8Array, from: number): { meta: Map<number, DicomElement>; next: number } {
  const state = stateOf(bytes, true)
  const meta = new Map<number, DicomElement>()
  let at = from
  while (at + 8 <= bytes.length && state.view.getUint16(at, true) === 2) {
    const head = headAt(state, { from, to: bytes.length, explicit: true, depth: 0 }, at)
    sized(head, bytes.length)
    meta.set(head.tag, { tag: head.tag, vr: head.vr, at: head.at, length: head.length })
    at = head.at + head.length
  }
  return { meta, next: at }
}

function inflated(body: Uint8Array): Uint8Array {
  const most = Math.min(MAX_INFLATED, Math.max(FREE_INFLATED, body.length * MAX_RATIO))
  const parts: Uint8Array[] = []
  let length = 0
  const stream = new Inflate(chunk => {
    parts.push(chunk)
    length += chunk.length
    ensure(length <= most, 'TOO_LARGE', `The deflated data set grows beyond ${most} bytes.`)
  })
  try {
    for (let at = 0; at < body.length; at += 65_536) stream.push(body.subarray(at, at + 65_536), false)
    stream.push(new Uint8Array(0), true)
  } catch (cause) {
    if (cause instanceof KeepwellError) throw cause
    throw new KeepwellError('UNREADABLE', 'The deflated data set is damaged or ends early.', { cause })
  }
  return concat(...parts)
}

/**
 * The attributes before the pixel data, from the beginning of a file. Null when the beginning given is too short for that, and for a deflated
 * data set: then the whole file is to be read. What stands behind the pixel data, padding and signatures, is not among them.
 */
export function readHeader(beginning: Uint8Array): DicomFile | null {
  try {
    const file = parsed(beginning, true)
    return file.dataset.has(PIXELS) && file.transferSyntax !== DEFLATED ? file : null
  } catch (e) {
    if (e instanceof KeepwellError) return null
    throw e
  }
}

/** Whether a file of that size, whose beginning was read, ends with its pixel data, uncompressed: then nothing of it is unread. */
export function endsWithPixels({ dataset }: DicomFile, size: number): boolean {
  const pixels = dataset.get(PIXELS)
  return pixels !== undefined && /^O[BW]$/.test(pixels.vr) && pixels.at + pixels.length === size
}

/** Whether a file says that its data set is deflated, and so may be far more than it looks. */
export function isDeflated(bytes: Uint8Array): boolean {
  if (!hasDicomPrefix(bytes)) return false
  try {
    return asciiOf({ bytes }, metaOf(bytes, 132).meta, 0x00020010) === DEFLATED
  } catch (e) {
    if (e instanceof KeepwellError) return false
    throw e
  }
}

/** Reads a whole file, also one without preamble or meta group. Throws UNREADABLE or TOO_LARGE; never returns half a data set. */
export const readDicom = (bytes: Uint8Array): DicomFile => parsed(bytes, false)

function parsed(bytes: Uint8Array, headerOnly: boolean): DicomFile {
  const prefixed = hasDicomPrefix(bytes)
  const form = prefixed ? null : bareDicom(bytes)
  if (!prefixed && !form) throw bad('The file is not DICOM.')
  const { meta, next } = metaOf(bytes, prefixed ? 132 : 0)
  const named = asciiOf({ bytes }, meta, 0x00020010)
  const transferSyntax = named || (bareDicom(bytes.subarray(next))?.explicit ? EXPLICIT : IMPLICIT)
  const little = transferSyntax !== BIG
  const explicit = transferSyntax !== IMPLICIT
  const whole = transferSyntax === DEFLATED ? concat(bytes.subarray(0, next), inflated(bytes.subarray(next))) : bytes
  const { dataset } = datasetAt(stateOf(whole, little, headerOnly), { from: next, to: whole.length, explicit, depth: 0 })
  if (dataset.size === 0) throw bad('The file holds no data set.')
  return { bytes: whole, transferSyntax, little, meta, dataset }
}
