/** Pixels as a picture for people (PS3.4 §N.2): stored values → modality values → window → grey or colour of 8 bits. */
import { ensure } from '#base/error'
import type { PixelLayout } from './frames.ts'
import { asciiOf, type DicomFile } from './read.ts'

export type Picture = {
  readonly width: number
  readonly height: number
  /** Grey, or red, green and blue. */
  readonly channels: 1 | 3
  readonly data: Uint8Array
}

/** Of values after the modality transformation. */
export type Window = { readonly center: number; readonly width: number; readonly shape: 'linear' | 'linear-exact' | 'sigmoid' }

/** One frame's pixels: little endian, interleaved unless the layout says planar; `photometric` as they are now, after decoding. */
export type Pixels = { readonly bytes: Uint8Array; readonly layout: PixelLayout }

const numberOf = (file: DicomFile, tag: number): number | null => {
  const [text] = asciiOf(file, file.dataset, tag).split('\\')
  return text?.trim() && Number.isFinite(Number(text)) ? Number(text) : null
}

function fileWindow(file: DicomFile): Window | null {
  const center = numberOf(file, 0x00281050)
  const width = numberOf(file, 0x00281051)
  const shape = asciiOf(file, file.dataset, 0x00281056)
  if (center === null || width === null || width < 1) return null
  return { center, width, shape: shape === 'SIGMOID' ? 'sigmoid' : shape === 'LINEAR_EXACT' ? 'linear-exact' : 'linear' }
}

/** Two's complement over `span` values; 0 for none. */
const signedValue = (v: number, span: number): number => (span && v >= span / 2 ? v - span : v)

type Samples = { readonly length: number; at(i: number): number }

/** Stored values, cut to the bits that are used and with their sign (PS3.5 §8.1.1). */
function samplesOf({ bytes, layout }: Pixels): Samples {
  const { bitsAllocated, bitsStored, signed, rows, columns, samples } = layout
  const length = rows * columns * samples
  if (bitsAllocated === 1) return { length, at: i => ((bytes[i >> 3] ?? 0) >> (i & 7)) & 1 }
  ensure([8, 16, 32].includes(bitsAllocated), 'NOT_SUPPORTED', `Images of ${bitsAllocated} bits are not drawn.`)
  const size = bitsAllocated / 8
  ensure(bytes.length >= length * size, 'UNREADABLE', 'The pixel data is shorter than the image.')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const stored = Math.min(Math.max(bitsStored, 1), bitsAllocated)
  const raw =
    size === 1
      ? (i: number) => bytes[i]!
      : size === 2
        ? (i: number) => view.getUint16(2 * i, true)
        : (i: number) => view.getUint32(4 * i, true)
  const span = 2 ** stored
  return { length, at: i => signedValue(raw(i) % span, signed ? span : 0) }
}

function curve({ center, width, shape }: Window): (value: number) => number {
  // PS3.3 §C.11.2.1.2 and §C.11.2.1.3.
  if (shape === 'sigmoid') return v => 255 / (1 + Math.exp((-4 * (v - center)) / width))
  const [c, w] = shape === 'linear' ? [center - 0.5, Math.max(width - 1, 1e-6)] : [center, width]
  return v => ((v - c) / w + 0.5) * 255
}

function grey(file: DicomFile, pixels: Pixels, asked: Window | null): Uint8Array {
  const samples = samplesOf(pixels)
  const slope = numberOf(file, 0x00281053) ?? 1
  const intercept = numberOf(file, 0x00281052) ?? 0
  const out = new Uint8ClampedArray(samples.length)
  let window = asked ?? fileWindow(file)
  if (!window) {
    let low = Number.POSITIVE_INFINITY
    let high = Number.NEGATIVE_INFINITY
    for (let i = 0; i < samples.length; i++) {
      const v = samples.at(i) * slope + intercept
      if (v < low) low = v
      if (v > high) high = v
    }
    window = { center: (low + high) / 2, width: Math.max(high - low, 1e-6), shape: 'linear-exact' }
  }
  const shade = curve(window)
  const inverted = pixels.layout.photometric === 'MONOCHROME1'
  for (let i = 0; i < samples.length; i++) {
    const v = shade(samples.at(i) * slope + intercept)
    out[i] = inverted ? 255 - v : v
  }
  return new Uint8Array(out.buffer)
}

/** Full-range YCbCr of ITU-R BT.601 (PS3.3 §C.7.6.3.1.2). */
function toRgb(out: Uint8ClampedArray, at: number, y: number, cb: number, cr: number): void {
  out[at] = y + 1.402 * (cr - 128)
  out[at + 1] = y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128)
  out[at + 2] = y + 1.772 * (cb - 128)
}

function subsampled({ bytes, layout }: Pixels): Uint8Array {
  const count = layout.rows * layout.columns
  const out = new Uint8ClampedArray(count * 3)
  ensure(bytes.length >= count * 2, 'UNREADABLE', 'The pixel data is shorter than the image.')
  for (let pair = 0; pair < count / 2; pair++) {
    const [y1, y2, cb, cr] = bytes.subarray(4 * pair, 4 * pair + 4) as unknown as readonly [number, number, number, number]
    toRgb(out, 6 * pair, y1, cb, cr)
    toRgb(out, 6 * pair + 3, y2, cb, cr)
  }
  return new Uint8Array(out.buffer)
}

function colour(pixels: Pixels): Uint8Array {
  const { layout } = pixels
  const samples = samplesOf(pixels)
  const count = layout.rows * layout.columns
  const shift = Math.max(0, layout.bitsStored - 8)
  const at = layout.planar
    ? (i: number, c: number) => samples.at(c * count + i) >> shift
    : (i: number, c: number) => samples.at(3 * i + c) >> shift
  const out = new Uint8ClampedArray(count * 3)
  const ybr = layout.photometric.startsWith('YBR_FULL')
  for (let i = 0; i < count; i++) {
    const [a, b, c] = [at(i, 0), at(i, 1), at(i, 2)]
    if (ybr) toRgb(out, 3 * i, a, b, c)
    else {
      out[3 * i] = a
      out[3 * i + 1] = b
      out[3 * i + 2] = c
    }
  }
  return new Uint8Array(out.buffer)
}

const PALETTES = [
  [0x00281101, 0x00281201],
  [0x00281102, 0x00281202],
  [0x00281103, 0x00281203],
] as const

/** Colours by index (PS3.3 §C.7.6.3.1.5). */
function palette(file: DicomFile, pixels: Pixels): Uint8Array {
  const samples = samplesOf(pixels)
  const out = new Uint8Array(samples.length * 3)
  const view = new DataView(file.bytes.buffer, file.bytes.byteOffset, file.bytes.byteLength)
  for (const [channel, [about, data]] of PALETTES.entries()) {
    const descriptor = file.dataset.get(about)
    const table = file.dataset.get(data)
    ensure(descriptor && table && descriptor.length >= 6, 'NOT_SUPPORTED', 'The image has no plain colour table.')
    const [entries, first, bits] = [0, 2, 4].map(o => view.getUint16(descriptor.at + o, file.little)) as [number, number, number]
    const wide = table.length >= (entries || 65_536) * 2
    const last = Math.min(entries || 65_536, table.length >> (wide ? 1 : 0)) - 1
    ensure(last >= 0, 'UNREADABLE', 'The colour table is empty.')
    for (let i = 0; i < samples.length; i++) {
      const index = Math.min(Math.max(samples.at(i) - first, 0), last)
      const value = wide ? view.getUint16(table.at + 2 * index, file.little) : file.bytes[table.at + index]!
      out[3 * i + channel] = wide && bits > 8 ? value >> 8 : value
    }
  }
  return out
}

/** Draws one frame. `window` null takes the file's own, or else the whole range of its values. Throws UNREADABLE, NOT_SUPPORTED. */
export function draw(file: DicomFile, pixels: Pixels, window: Window | null): Picture {
  const { rows, columns, samples, photometric, bitsAllocated } = pixels.layout
  const size = { width: columns, height: rows }
  if (photometric === 'PALETTE COLOR') return { ...size, channels: 3, data: palette(file, pixels) }
  if (samples === 1) return { ...size, channels: 1, data: grey(file, pixels, window) }
  ensure(samples === 3 && bitsAllocated <= 16, 'NOT_SUPPORTED', 'Images of that many colours are not drawn.')
  // Decoders give whole colours; only plain pixels may have their colours halved.
  const halved = photometric === 'YBR_FULL_422' && pixels.bytes.length < rows * columns * 3
  return { ...size, channels: 3, data: halved ? subsampled(pixels) : colour(pixels) }
}

/** Fits a picture into a box, its shape kept, by averaging; a picture that fits is left as it is. */
export function fitted(picture: Picture, maxWidth: number, maxHeight: number): Picture {
  const scale = Math.min(1, maxWidth / picture.width, maxHeight / picture.height)
  if (scale === 1) return picture
  const { channels, data } = picture
  const width = Math.max(1, Math.round(picture.width * scale))
  const height = Math.max(1, Math.round(picture.height * scale))
  const out = new Uint8Array(width * height * channels)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [x0, x1] = [
        Math.floor((x * picture.width) / width),
        Math.max(Math.floor(((x + 1) * picture.width) / width), Math.floor((x * picture.width) / width) + 1),
      ]
      const [y0, y1] = [
        Math.floor((y * picture.height) / height),
        Math.max(Math.floor(((y + 1) * picture.height) / height), Math.floor((y * picture.height) / height) + 1),
      ]
      for (let c = 0; c < channels; c++) {
        let sum = 0
        for (let v = y0; v < y1; v++) for (let u = x0; u < x1; u++) sum += data[(v * picture.width + u) * channels + c]!
        out[(y * width + x) * channels + c] = sum / ((x1 - x0) * (y1 - y0))
      }
    }
  return { width, height, channels, data: out }
}
