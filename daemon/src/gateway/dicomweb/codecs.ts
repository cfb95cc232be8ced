/** Decoders of compressed frames and the encoder of drawn ones: WebAssembly builds that the image viewer of the web app uses too. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { PixelLayout } from '@keepwell/sdk/health/dicom/frames'
import type { Picture, Pixels } from '@keepwell/sdk/health/dicom/render'
import { decodeRle } from '@keepwell/sdk/health/dicom/rle'

type FrameInfo = {
  readonly width: number
  readonly height: number
  readonly bitsPerSample: number
  readonly componentCount: number
  readonly isSigned?: boolean
}
type Decoder = {
  getEncodedBuffer(length: number): Uint8Array
  getDecodedBuffer(): ArrayBufferView
  readHeader?(): void
  decode(): void
  getFrameInfo(): FrameInfo
  delete(): void
}
type Encoder = {
  getDecodedBuffer(info: FrameInfo): Uint8Array
  getEncodedBuffer(): ArrayBufferView
  setQuality(q: number): void
  encode(): void
  delete(): void
}
type Module = Readonly<Record<string, new () => Decoder & Encoder>>

/** A copy: what decoders hand out lies in their own memory, and is of any kind of array. */
const copied = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength).slice()

const require = createRequire(import.meta.url)
const modules = new Map<string, Promise<Module>>()

/** Loaded when first needed: `[package, script, binary]`. */
function load(name: string, script: string, binary: string): Promise<Module> {
  const known = modules.get(name)
  if (known) return known
  const make = require(`@cornerstonejs/${name}/${script}`) as (options: object) => Promise<Module>
  const silent = () => {}
  const loaded = make({ wasmBinary: readFileSync(require.resolve(`@cornerstonejs/${name}/${binary}`)), print: silent, printErr: silent })
  modules.set(name, loaded)
  return loaded
}

function checkSize(info: FrameInfo, layout: PixelLayout): void {
  const same = info.width === layout.columns && info.height === layout.rows && info.componentCount === layout.samples
  ensure(same, 'UNREADABLE', 'The compressed frame has another size or other colours than the image.')
}

async function byWasm(module: Promise<Module>, decoderName: string, frame: Uint8Array, layout: PixelLayout): Promise<Pixels> {
  const decoder = new (await module)[decoderName]!()
  try {
    decoder.getEncodedBuffer(frame.length).set(frame)
    decoder.readHeader?.()
    // A frame may claim any size for itself: where that can be known first, it is.
    if (decoder.getFrameInfo().width) checkSize(decoder.getFrameInfo(), layout)
    decoder.decode()
    const info = decoder.getFrameInfo()
    checkSize(info, layout)
    const bitsAllocated = info.bitsPerSample <= 8 ? 8 : 16
    return { bytes: copied(decoder.getDecodedBuffer()), layout: { ...layout, bitsAllocated, planar: false } }
  } finally {
    decoder.delete()
  }
}

/** The size in a JPEG 2000 codestream's SIZ segment (ISO 15444-1 §A.5.1), which the decoder does not tell before it decodes. */
function checkCodestream(frame: Uint8Array, { rows, columns }: PixelLayout): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  ensure(frame.length > 24 && view.getUint32(0) === 0xff4fff51, 'UNREADABLE', 'The compressed frame is no JPEG 2000 codestream.')
  const same = view.getUint32(8) - view.getUint32(16) === columns && view.getUint32(12) - view.getUint32(20) === rows
  ensure(same, 'UNREADABLE', 'The compressed frame has another size than the image.')
}

/** What a decoder undoes of the colour space itself. */
const rgb = (pixels: Pixels): Pixels =>
  pixels.layout.samples === 3 ? { ...pixels, layout: { ...pixels.layout, photometric: 'RGB' } } : pixels

type LosslessDecoder = { decode(buffer: ArrayBufferLike, offset: number, length: number, bytes: number): ArrayBufferView }

async function lossless(frame: Uint8Array, layout: PixelLayout): Promise<Pixels> {
  const { Decoder } = (await import('@cornerstonejs/jpeg-lossless-decoder-js')) as { Decoder: new () => LosslessDecoder }
  const bytes = layout.bitsAllocated <= 8 ? 1 : 2
  const out = new Decoder().decode(frame.slice().buffer, 0, frame.length, bytes)
  return {
    bytes: new Uint8Array(out.buffer, out.byteOffset, out.byteLength),
    layout: { ...layout, bitsAllocated: bytes * 8, planar: false },
  }
}

/** Decodes one frame. Throws NOT_SUPPORTED for a coding that is not known, UNREADABLE for a damaged frame. */
export async function decodeFrame(syntax: string, frame: Uint8Array, layout: PixelLayout): Promise<Pixels> {
  const known = syntax.replace('1.2.840.10008.1.2.', '')
  try {
    if (known === '5') return { bytes: decodeRle(frame, layout), layout: { ...layout, planar: false } }
    if (known === '4.50' || known === '4.51')
      return rgb(await byWasm(load('codec-libjpeg-turbo-8bit', 'wasmjs', 'wasm'), 'JPEGDecoder', frame, layout))
    if (known === '4.57' || known === '4.70') return await lossless(frame, layout)
    if (known === '4.80' || known === '4.81')
      return await byWasm(load('codec-charls', 'decodewasmjs', 'decodewasm'), 'JpegLSDecoder', frame, layout)
    if (known === '4.90' || known === '4.91') {
      checkCodestream(frame, layout)
      return rgb(await byWasm(load('codec-openjpeg', 'decodewasmjs', 'decodewasm'), 'J2KDecoder', frame, layout))
    }
    if (known === '4.201' || known === '4.202' || known === '4.203')
      return rgb(await byWasm(load('codec-openjph', 'wasmjs', 'wasm'), 'HTJ2KDecoder', frame, layout))
  } catch (cause) {
    if (cause instanceof KeepwellError) throw cause
    throw new KeepwellError('UNREADABLE', 'The compressed frame does not decode.', { cause })
  }
  throw new KeepwellError('NOT_SUPPORTED', 'Frames of that transfer syntax are not decoded here; ask for them as they are stored.')
}

/** The same grey as red, green and blue. */
function tripled({ width, height, data }: Picture): Picture {
  const out = new Uint8Array(data.length * 3)
  for (let i = 0; i < data.length; i++) out.fill(data[i]!, 3 * i, 3 * i + 3)
  return { width, height, channels: 3, data: out }
}

async function compressed({ width, height, channels, data }: Picture, quality: number): Promise<Uint8Array | null> {
  const encoder = new (await load('codec-libjpeg-turbo-8bit', 'wasmjs', 'wasm')).JPEGEncoder!()
  try {
    encoder.getDecodedBuffer({ width, height, bitsPerSample: 8, componentCount: channels, isSigned: false }).set(data)
    encoder.setQuality(quality)
    encoder.encode()
    return copied(encoder.getEncodedBuffer())
  } catch {
    return null
  } finally {
    encoder.delete()
  }
}

/**
 * JPEG of a drawn picture; `quality` 1 to 100. The encoder has no room for more bytes than the picture has, so a small grey one is encoded
 * as colour. Throws NOT_ACCEPTABLE for a picture that is smaller than a JPEG's own header.
 */
export async function encodeJpeg(picture: Picture, quality: number): Promise<Uint8Array> {
  const encoded = (await compressed(picture, quality)) ?? (picture.channels === 1 ? await compressed(tripled(picture), quality) : null)
  ensure(encoded, 'NOT_ACCEPTABLE', 'The picture is too small for a JPEG; ask for image/png.')
  return encoded
}
