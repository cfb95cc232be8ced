/** How large a picture says it is, read before anything decodes it: a small file may unfold to more pixels than a device can hold. */
export type PictureSize = { readonly width: number; readonly height: number }

const ascii = (bytes: Uint8Array, from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to))
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Walks JPEG segments to the frame header (ITU-T T.81 B.2.2; JPEG-LS T.87 has its own marker). */
function jpeg(bytes: Uint8Array): PictureSize | null {
  const view = viewOf(bytes)
  let at = 2
  while (at + 9 <= bytes.length) {
    if (bytes[at] !== 0xff) return null
    const marker = bytes[at + 1]!
    if (marker === 0xff) {
      at++
      continue
    }
    const frame = (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) || marker === 0xf7
    if (frame) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) }
    at += marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8) ? 2 : 2 + view.getUint16(at + 2)
  }
  return null
}

/** The SIZ segment follows the start of a JPEG 2000 code stream (ITU-T T.800 A.5.1); boxes may stand before it. */
function jpeg2000(bytes: Uint8Array): PictureSize | null {
  for (let at = 0; at + 24 <= Math.min(bytes.length, 4096); at++)
    if (bytes[at] === 0xff && bytes[at + 1] === 0x4f && bytes[at + 2] === 0xff && bytes[at + 3] === 0x51) {
      const view = viewOf(bytes)
      return { width: view.getUint32(at + 8) - view.getUint32(at + 16), height: view.getUint32(at + 12) - view.getUint32(at + 20) }
    }
  return null
}

const three = (view: DataView, at: number): number => view.getUint16(at, true) + (view.getUint8(at + 2) << 16)

function webp(bytes: Uint8Array): PictureSize | null {
  if (bytes.length < 30) return null
  const view = viewOf(bytes)
  const form = ascii(bytes, 12, 16)
  if (form === 'VP8X') return { width: 1 + three(view, 24), height: 1 + three(view, 27) }
  if (form === 'VP8L') {
    const bits = view.getUint32(21, true)
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) }
  }
  return form === 'VP8 ' ? { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff } : null
}

/** @returns the size that a PNG, GIF, JPEG, JPEG-LS, JPEG 2000 or WebP states, or null when it states none. */
export function pictureSize(bytes: Uint8Array): PictureSize | null {
  if (bytes.length >= 24 && ascii(bytes, 1, 4) === 'PNG') {
    const view = viewOf(bytes)
    return { width: view.getUint32(16), height: view.getUint32(20) }
  }
  if (bytes.length >= 10 && ascii(bytes, 0, 3) === 'GIF') {
    const view = viewOf(bytes)
    return { width: view.getUint16(6, true), height: view.getUint16(8, true) }
  }
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return jpeg(bytes)
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 12) === 'WEBP') return webp(bytes)
  return jpeg2000(bytes)
}
