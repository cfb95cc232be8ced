/** Single frames of pixel data, cut out without decoding (PS3.5 §8 and §A.4, PS3.18 §8.7.3.3). */
import { concat } from '#base/bytes'
import { ensure } from '#base/error'
import { asciiOf, type DicomFile, type Span } from './read.ts'

const PIXELS = [0x7fe00010, 0x7fe00008, 0x7fe00009]
const EXTENDED_OFFSETS = 0x7fe00001

const short = (file: DicomFile, tag: number): number => {
  const element = file.dataset.get(tag)
  if (!element || element.length < 2) return 0
  return new DataView(file.bytes.buffer, file.bytes.byteOffset + element.at, 2).getUint16(0, file.little)
}

/** What of the image's header says how its pixels lie. */
export type PixelLayout = {
  readonly rows: number
  readonly columns: number
  readonly frames: number
  readonly samples: number
  readonly bitsAllocated: number
  readonly bitsStored: number
  readonly signed: boolean
  readonly planar: boolean
  readonly photometric: string
}

/** Null for what is no image. */
export function layoutOf(file: DicomFile): PixelLayout | null {
  const rows = short(file, 0x00280010)
  const columns = short(file, 0x00280011)
  if (!rows || !columns || !PIXELS.some(tag => file.dataset.has(tag))) return null
  const frames = Number.parseInt(asciiOf(file, file.dataset, 0x00280008), 10)
  const bitsAllocated = short(file, 0x00280100)
  return {
    rows,
    columns,
    frames: Number.isSafeInteger(frames) && frames > 0 ? frames : 1,
    samples: short(file, 0x00280002) || 1,
    bitsAllocated,
    bitsStored: short(file, 0x00280101) || bitsAllocated,
    signed: short(file, 0x00280103) === 1,
    planar: short(file, 0x00280006) === 1,
    photometric: asciiOf(file, file.dataset, 0x00280004).trim(),
  }
}

function nativeFrames(pixels: Span, layout: PixelLayout): Span[] {
  const { rows, columns, samples, bitsAllocated, frames } = layout
  // Of YBR_FULL_422 every second pair of colours is left out (PS3.3 §C.7.6.3.1.2).
  const shared = layout.photometric === 'YBR_FULL_422' ? 2 / 3 : 1
  const bits = rows * columns * samples * bitsAllocated * shared
  ensure(bits % 8 === 0 || frames === 1, 'NOT_SUPPORTED', 'Frames that do not end at a byte are not served one by one.')
  const length = Math.ceil(bits / 8)
  ensure(length > 0 && length * frames <= pixels.length, 'UNREADABLE', 'The pixel data is shorter than its frames.')
  return Array.from({ length: frames }, (_, i) => ({ at: pixels.at + i * length, length }))
}

/** Offsets of frames counted from the first fragment's item header; empty when the file holds no table. */
function offsetsOf(file: DicomFile, table: Span): number[] {
  const view = new DataView(file.bytes.buffer, file.bytes.byteOffset, file.bytes.byteLength)
  const extended = file.dataset.get(EXTENDED_OFFSETS)
  if (extended)
    return Array.from({ length: Math.floor(extended.length / 8) }, (_, i) => Number(view.getBigUint64(extended.at + 8 * i, file.little)))
  return Array.from({ length: Math.floor(table.length / 4) }, (_, i) => view.getUint32(table.at + 4 * i, file.little))
}

/** JPEG, JPEG-LS and JPEG 2000 images begin with one of these markers; so a frame's first fragment is known by its first bytes. */
function startsImage({ bytes }: DicomFile, { at, length }: Span): boolean {
  if (length < 3 || bytes[at] !== 0xff) return false
  return (bytes[at + 1] === 0xd8 && bytes[at + 2] === 0xff) || (bytes[at + 1] === 0x4f && bytes[at + 2] === 0xff)
}

function groupsOf(file: DicomFile, [table, ...fragments]: readonly Span[], frames: number): Span[][] {
  if (frames === 1) return [fragments]
  if (fragments.length === frames) return fragments.map(f => [f])
  const offsets = table ? offsetsOf(file, table) : []
  const starts =
    offsets.length === frames
      ? new Set(offsets.map(o => fragments.findIndex(f => f.at - 8 - (fragments[0]?.at ?? 0) + 8 === o)))
      : new Set(fragments.flatMap((f, i) => (startsImage(file, f) ? [i] : [])))
  ensure(
    starts.size === frames && starts.has(0) && !starts.has(-1),
    'UNREADABLE',
    'The fragments of the pixel data do not tell where its frames are.',
  )
  const groups: Span[][] = []
  for (const [i, fragment] of fragments.entries()) {
    if (starts.has(i)) groups.push([fragment])
    else groups.at(-1)!.push(fragment)
  }
  return groups
}

/** Each frame's pieces in the file, in order. Throws UNREADABLE when the pixel data does not hold the frames it claims. */
export function framesOf(file: DicomFile, layout: PixelLayout): Span[][] {
  const element = PIXELS.map(tag => file.dataset.get(tag)).find(e => e !== undefined)
  ensure(element, 'UNREADABLE', 'The instance has no pixel data.')
  if (!element.fragments) return nativeFrames(element, layout).map(f => [f])
  return groupsOf(file, element.fragments, layout.frames)
}

/** Bytes of one frame; a view of the file where it is in one piece. */
export function frameBytes(file: DicomFile, pieces: readonly Span[]): Uint8Array {
  const parts = pieces.map(({ at, length }) => file.bytes.subarray(at, at + length))
  return parts.length === 1 ? parts[0]! : concat(...parts)
}
