import { crc32, deflateSync } from 'node:zlib'
import { concat, u32be, utf8 } from '@keepwell/sdk/base/bytes'
import type { Picture } from '@keepwell/sdk/health/dicom/render'

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)

function chunk(name: string, data: Uint8Array): Uint8Array {
  const body = concat(utf8(name), data)
  return concat(u32be(data.length), body, u32be(crc32(body)))
}

/** A picture as PNG (ISO 15948): grey or true colour of 8 bits, rows as they are. */
export function encodePng({ width, height, channels, data }: Picture): Uint8Array {
  const row = width * channels
  const lines = new Uint8Array(height * (row + 1))
  for (let y = 0; y < height; y++) lines.set(data.subarray(y * row, (y + 1) * row), y * (row + 1) + 1)
  const header = concat(u32be(width), u32be(height), Uint8Array.of(8, channels === 1 ? 0 : 2, 0, 0, 0))
  return concat(SIGNATURE, chunk('IHDR', header), chunk('IDAT', deflateSync(lines, { level: 3 })), chunk('IEND', new Uint8Array(0)))
}
