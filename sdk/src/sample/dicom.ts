/** DICOM instances made from nothing: valid Part 10 files, explicit VR little endian, with a drawn phantom. */
import { concat, utf8 } from '#base/bytes'
import { uid } from './patient.ts'
import { person } from './people.ts'
import type { Prng } from './prng.ts'
import { prng } from './prng.ts'

export type SampleImage = {
  readonly rows?: number
  readonly columns?: number
  readonly frames?: number
  readonly modality?: 'CT' | 'MR' | 'US' | 'DX'
  /** YYYYMMDD; 20240115 when absent. */
  readonly date?: string
  /** Millimetres between pixels, rows then columns; null leaves the scale unknown, as old devices do. */
  readonly spacing?: readonly [number, number] | null
}

const SPACING = [0.5, 0.5] as const
/** Millimetres between slices of a series. */
const STEP = 5
/** Usual windows (centre, width) over the values as they are stored. */
const WINDOWS: Readonly<Record<string, readonly [number, number]>> = { CT: [200, 1200], MR: [2000, 4000], US: [128, 256], DX: [2000, 4000] }

type Place = { readonly study: string; readonly series: string; readonly instance: string; readonly number: number; readonly of: number }

/** Storage SOP classes, and the multi-frame ones where single-frame classes allow one image only. */
const SOP_CLASSES: Readonly<Record<string, readonly [single: string, many: string]>> = {
  CT: ['1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.5.1.4.1.1.7.3'],
  MR: ['1.2.840.10008.5.1.4.1.1.4', '1.2.840.10008.5.1.4.1.1.7.3'],
  US: ['1.2.840.10008.5.1.4.1.1.6.1', '1.2.840.10008.5.1.4.1.1.3.1'],
  DX: ['1.2.840.10008.5.1.4.1.1.1.1', '1.2.840.10008.5.1.4.1.1.7.3'],
}
const BODY: Readonly<Record<string, string>> = { CT: 'CHEST', MR: 'BRAIN', US: 'ABDOMEN', DX: 'CHEST' }
const EXPLICIT = '1.2.840.10008.1.2.1'
const LONG = new Set(['OB', 'OW', 'SQ', 'UN', 'UT'])

/** One data element in explicit VR little endian (PS3.5 §7.1.2), padded to even length. */
function element(group: number, number: number, vr: string, value: string | Uint8Array | number): Uint8Array {
  const raw = typeof value === 'string' ? utf8(value) : typeof value === 'number' ? Uint8Array.of(value & 255, value >>> 8) : value
  const body = raw.length % 2 ? concat(raw, Uint8Array.of(vr === 'UI' || vr === 'OB' ? 0 : 32)) : raw
  const head = new Uint8Array(LONG.has(vr) ? 12 : 8)
  const view = new DataView(head.buffer)
  view.setUint16(0, group, true)
  view.setUint16(2, number, true)
  head.set(utf8(vr), 4)
  if (LONG.has(vr)) view.setUint32(8, body.length, true)
  else view.setUint16(6, body.length, true)
  return concat(head, body)
}

/** Ellipses of a head or trunk, as [centre x, centre y, half-axis x, half-axis y, change of brightness], in units of the image. */
const PHANTOM: readonly (readonly [number, number, number, number, number])[] = [
  [0, 0, 0.69, 0.92, 0.8],
  [0, -0.02, 0.66, 0.87, -0.5],
  [0.22, 0, 0.11, 0.31, 0.25],
  [-0.22, 0, 0.16, 0.41, -0.2],
  [0, 0.35, 0.21, 0.25, 0.3],
  [0, -0.6, 0.05, 0.05, 0.4],
]

/** Brightness 0 … 1 of the phantom at a point, `depth` −1 … 1 along the body. */
function brightness(x: number, y: number, depth: number): number {
  const shrink = Math.sqrt(Math.max(0.05, 1 - depth * depth * 0.8))
  let sum = 0
  for (const [cx, cy, ax, ay, change] of PHANTOM) {
    const dx = (x - cx) / (ax * shrink)
    const dy = (y - cy) / (ay * shrink)
    if (dx * dx + dy * dy <= 1) sum += change
  }
  return Math.min(1, Math.max(0, sum))
}

type Grid = { readonly rows: number; readonly columns: number; readonly frames: number; readonly wide: boolean }

function pixels(random: Prng, grid: Grid, place: Place): Uint8Array {
  const { rows, columns, frames, wide } = grid
  const out = new Uint8Array(rows * columns * frames * (wide ? 2 : 1))
  let at = 0
  for (let f = 0; f < frames; f++) {
    const depth = ((place.number - 1) * frames + f + 0.5) / (place.of * frames) - 0.5
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        const clean = brightness((2 * c) / columns - 1, (2 * r) / rows - 1, depth * 2)
        const value = clean * 0.94 + (random.uint32() & 255) / 4250
        if (wide) {
          const v = Math.round(value * 4095)
          out[at++] = v & 255
          out[at++] = v >>> 8
        } else out[at++] = Math.round(value * 255)
      }
  }
  return out
}

function instance(random: Prng, image: SampleImage, place: Place): Uint8Array {
  const { rows = 128, columns = 128, frames = 1, modality = 'CT', date = '20240115', spacing = SPACING } = image
  const wide = modality !== 'US'
  const who = person(random.fork('patient'))
  const sopClass = SOP_CLASSES[modality]![frames > 1 ? 1 : 0]!
  const meta = concat(
    element(2, 1, 'OB', Uint8Array.of(0, 1)),
    element(2, 2, 'UI', sopClass),
    element(2, 3, 'UI', place.instance),
    element(2, 0x10, 'UI', EXPLICIT),
    element(2, 0x12, 'UI', '2.25.302818492108745293215783462187543219876'),
  )
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, meta.length, true)
  return concat(
    new Uint8Array(128),
    utf8('DICM'),
    element(2, 0, 'UL', length),
    meta,
    element(8, 5, 'CS', 'ISO_IR 192'),
    element(8, 8, 'CS', 'DERIVED\\SECONDARY\\OTHER'),
    element(8, 0x16, 'UI', sopClass),
    element(8, 0x18, 'UI', place.instance),
    element(8, 0x20, 'DA', date),
    element(8, 0x30, 'TM', '101500'),
    element(8, 0x50, 'SH', ''),
    element(8, 0x60, 'CS', modality),
    element(8, 0x64, 'CS', 'SYN'),
    element(8, 0x70, 'LO', 'Keepwell sample (fictional)'),
    element(8, 0x90, 'PN', ''),
    element(8, 0x1030, 'LO', `Sample ${modality}, drawn`),
    element(8, 0x103e, 'LO', 'Phantom'),
    element(0x10, 0x10, 'PN', `${who.family}^${who.given}`),
    element(0x10, 0x20, 'LO', `SAMPLE-${random.fork('id').int(100_000, 999_999)}`),
    element(0x10, 0x30, 'DA', '19700101'),
    element(0x10, 0x40, 'CS', who.gender === 'female' ? 'F' : 'M'),
    element(0x18, 0x15, 'CS', BODY[modality]!),
    ...(frames > 1 ? [element(0x18, 0x1063, 'DS', '100')] : []),
    element(0x20, 0x0d, 'UI', place.study),
    element(0x20, 0x0e, 'UI', place.series),
    element(0x20, 0x10, 'SH', '1'),
    element(0x20, 0x11, 'IS', '1'),
    element(0x20, 0x13, 'IS', String(place.number)),
    ...(modality === 'US' ? [] : [element(0x20, 0x32, 'DS', `0\\0\\${(place.number - 1) * STEP}`)]),
    ...(modality === 'US' ? [] : [element(0x20, 0x37, 'DS', '1\\0\\0\\0\\1\\0')]),
    element(0x28, 2, 'US', 1),
    element(0x28, 4, 'CS', 'MONOCHROME2'),
    ...(frames > 1 ? [element(0x28, 8, 'IS', String(frames))] : []),
    element(0x28, 0x10, 'US', rows),
    element(0x28, 0x11, 'US', columns),
    ...(spacing ? [element(0x28, 0x30, 'DS', spacing.join('\\'))] : []),
    element(0x28, 0x100, 'US', wide ? 16 : 8),
    element(0x28, 0x101, 'US', wide ? 12 : 8),
    element(0x28, 0x102, 'US', wide ? 11 : 7),
    element(0x28, 0x103, 'US', 0),
    element(0x28, 0x1050, 'DS', String(WINDOWS[modality]![0])),
    element(0x28, 0x1051, 'DS', String(WINDOWS[modality]![1])),
    // Stored values 0 … 4095 stand for −1024 … 3071 Hounsfield units.
    ...(modality === 'CT' ? [element(0x28, 0x1052, 'DS', '-1024'), element(0x28, 0x1053, 'DS', '1')] : []),
    element(0x7fe0, 0x10, wide ? 'OW' : 'OB', pixels(random, { rows, columns, frames, wide }, place)),
  )
}

/** One instance. @returns the bytes of a DICOM Part 10 file; the same seed and options give the same bytes. */
export function sampleDicom(seed: string, image: SampleImage = {}): Uint8Array {
  const random = prng(`keepwell-dicom/${seed}`)
  return instance(random, image, { study: uid(random), series: uid(random), instance: uid(random), number: 1, of: 1 })
}

/** A series of `instances` slices through the phantom, one file each. */
export function* sampleSeries(seed: string, image: SampleImage & { readonly instances: number }): Generator<Uint8Array> {
  const random = prng(`keepwell-dicom/${seed}`)
  const study = uid(random)
  const series = uid(random)
  for (let number = 1; number <= image.instances; number++)
    yield instance(random, image, { study, series, instance: uid(random), number, of: image.instances })
}
