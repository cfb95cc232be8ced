import { pictureSize } from '@keepwell/sdk/health/picture-size'
import { formOf } from './forms.ts'

/** Pixels of an edge: sharp at twice the size in which lists show it. */
const EDGE = 144
/** Of a picture that is unfolded for a small one. */
const MOST_PIXELS = 40_000_000
const QUALITY = 0.75

/** A small square picture of a file, as a data address; null for one that cannot be drawn, is locked, or is damaged. */
export async function drawThumb(mediaType: string, bytes: Uint8Array): Promise<string | null> {
  const form = formOf(mediaType)
  try {
    if (form === 'photo') return await ofPhoto(mediaType, bytes)
    if (form === 'pdf') return await ofPdf(bytes)
    if (form === 'dicom') return await ofImage(bytes)
  } catch {
    // The line keeps its sign; its own page says what is wrong with it.
  }
  return null
}

type Drawable = ImageBitmap | HTMLCanvasElement

/** The middle of a picture, or the top of a page. */
function squared(from: Drawable, top: boolean): string {
  const canvas = document.createElement('canvas')
  canvas.width = EDGE
  canvas.height = EDGE
  const side = Math.min(from.width, from.height)
  const y = top ? 0 : (from.height - side) / 2
  canvas.getContext('2d')!.drawImage(from, (from.width - side) / 2, y, side, side, 0, 0, EDGE, EDGE)
  return canvas.toDataURL('image/jpeg', QUALITY)
}

async function ofPhoto(mediaType: string, bytes: Uint8Array): Promise<string | null> {
  const size = pictureSize(bytes)
  if (!size || size.width * size.height > MOST_PIXELS) return null
  const bitmap = await createImageBitmap(new Blob([bytes as BlobPart], { type: mediaType }))
  const url = squared(bitmap, false)
  bitmap.close()
  return url
}

async function ofPdf(bytes: Uint8Array): Promise<string> {
  const { openPdf } = await import('./pdf.ts')
  const pdf = await openPdf({ bytes, password: async () => null })
  try {
    const canvas = document.createElement('canvas')
    await pdf.draw(1, { canvas, words: document.createElement('div'), width: EDGE, turn: 0 })
    return squared(canvas, true)
  } finally {
    pdf.close()
  }
}

async function ofImage(bytes: Uint8Array): Promise<string> {
  const { fetchImage, openSlices } = await import('./engine.ts')
  const slices = openSlices([{ file: 'it', frame: 1 }], async () => bytes)
  try {
    const { columns, rows, color, invert, minPixelValue, maxPixelValue, ...image } = await fetchImage(slices.ids[0]!)
    const values = image.getPixelData()
    const each = Math.max(1, Math.round(values.length / (columns * rows)))
    const [center, width] = [image.windowCenter, image.windowWidth].map(w => Number(Array.isArray(w) ? w[0] : w))
    const low = width ? center! - width / 2 : minPixelValue
    const high = width ? center! + width / 2 : maxPixelValue
    const shade = (v: number): number => {
      const part = Math.max(0, Math.min(1, (v - low) / (high - low || 1)))
      return 255 * (invert ? 1 - part : part)
    }
    const canvas = document.createElement('canvas')
    canvas.width = columns
    canvas.height = rows
    const data = new ImageData(columns, rows)
    for (let i = 0; i < columns * rows; i++) {
      for (let c = 0; c < 3; c++) data.data[4 * i + c] = color ? values[each * i + c]! : shade(values[each * i]!)
      data.data[4 * i + 3] = 255
    }
    canvas.getContext('2d')!.putImageData(data, 0, 0)
    return squared(canvas, false)
  } finally {
    slices.close()
  }
}
