import { ensure } from '@keepwell/sdk/base/error'
import { frameBytes, framesOf, layoutOf } from '@keepwell/sdk/health/dicom/frames'
import { type DicomFile, readDicom } from '@keepwell/sdk/health/dicom/read'
import { draw, fitted, type Pixels, type Window } from '@keepwell/sdk/health/dicom/render'
import { decodeFrame, encodeJpeg } from './codecs.ts'
import { encodePng } from './png.ts'
import { isNative } from './syntaxes.ts'

/** What a worker is asked: plain pixels of frames, or a drawn picture of one. Frames count from 0. */
export type Task =
  | { readonly kind: 'decode'; readonly file: Uint8Array; readonly frame: number }
  | {
      readonly kind: 'draw'
      readonly file: Uint8Array
      readonly frame: number
      readonly media: 'image/jpeg' | 'image/png'
      readonly quality: number
      readonly window: Window | null
      readonly viewport: readonly [width: number, height: number] | null
    }

/** Pixels of a frame that a header may claim. */
const MOST_PIXELS = 64_000_000

/** Words of the big-endian syntax, turned. */
export function littleEndian(file: Pick<DicomFile, 'little'>, pixels: Uint8Array, bitsAllocated: number): Uint8Array {
  if (file.little || bitsAllocated <= 8) return pixels
  const out = pixels.slice()
  for (let i = 0; i + 1 < out.length; i += 2) [out[i], out[i + 1]] = [out[i + 1]!, out[i]!]
  return out
}

async function pixelsOf(file: DicomFile, frame: number): Promise<Pixels> {
  const layout = layoutOf(file)
  ensure(layout, 'NOT_SUPPORTED', 'The instance is no image.')
  ensure(layout.rows * layout.columns <= MOST_PIXELS, 'TOO_LARGE', `A frame has more than ${MOST_PIXELS} pixels.`)
  const pieces = framesOf(file, layout)[frame]
  ensure(pieces, 'NOT_FOUND', 'The instance has no such frame.')
  const stored = frameBytes(file, pieces)
  if (!isNative(file.transferSyntax)) return decodeFrame(file.transferSyntax, stored, layout)
  return { bytes: littleEndian(file, stored, layout.bitsAllocated), layout }
}

/** Decodes, and draws where that is asked. Throws UNREADABLE, NOT_SUPPORTED, TOO_LARGE. */
export async function runTask(task: Task): Promise<Uint8Array> {
  const file = readDicom(task.file)
  const pixels = await pixelsOf(file, task.frame)
  if (task.kind === 'decode') return pixels.bytes
  const whole = draw(file, pixels, task.window)
  const picture = task.viewport ? fitted(whole, ...task.viewport) : whole
  return task.media === 'image/png' ? encodePng(picture) : encodeJpeg(picture, task.quality)
}
