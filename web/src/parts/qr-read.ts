type Picture = { readonly width: number; readonly height: number; readonly data: Uint8ClampedArray }
export type Decode = (picture: Picture) => string

/** The decoder comes when the first picture is to be read. */
export const qrDecoder = async (): Promise<Decode> => (await import('qr/decode.js')).default

/** Most pictures hold no code, which the reader says by throwing. */
export function codeIn(decode: Decode, picture: Picture): string | null {
  try {
    return decode(picture)
  } catch {
    return null
  }
}

/** Widths at which a photo is tried: most are read best when small, a dense code when large. */
const WIDTHS = [960, 1600, 640, 2400]

/** The code in a photo; null when none can be read. The photo stays on this device. */
export async function codeInPhoto(photo: Blob): Promise<string | null> {
  const [decode, bitmap] = await Promise.all([qrDecoder(), createImageBitmap(photo)])
  const canvas = new OffscreenCanvas(1, 1)
  const brush = canvas.getContext('2d', { willReadFrequently: true })
  for (const widest of brush ? WIDTHS : []) {
    const scale = Math.min(1, widest / Math.max(bitmap.width, bitmap.height))
    canvas.width = Math.max(1, Math.round(bitmap.width * scale))
    canvas.height = Math.max(1, Math.round(bitmap.height * scale))
    brush!.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
    const text = codeIn(decode, brush!.getImageData(0, 0, canvas.width, canvas.height))
    if (text) return text
  }
  return null
}
