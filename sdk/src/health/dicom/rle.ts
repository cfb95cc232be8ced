/** RLE lossless (PS3.5 annex G): a frame's byte planes, each packed by itself. */
import { ensure } from '#base/error'
import type { PixelLayout } from './frames.ts'

const HEADER = 64

/** One plane, unpacked into every `step`th byte from `at`; what is missing at its end stays zero. */
function unpack(packed: Uint8Array, out: Uint8Array, at: number, step: number): void {
  let read = 0
  let write = at
  while (read < packed.length && write < out.length) {
    const count = packed[read++]!
    if (count < 128) {
      for (let i = 0; i <= count && read < packed.length && write < out.length; i++, write += step) out[write] = packed[read++]!
    } else if (count > 128) {
      const value = packed[read++] ?? 0
      for (let i = 0; i < 257 - count && write < out.length; i++, write += step) out[write] = value
    }
  }
}

/** Pixels of one frame, little endian, colours interleaved. Throws UNREADABLE. */
export function decodeRle(frame: Uint8Array, { rows, columns, samples, bitsAllocated }: PixelLayout): Uint8Array {
  ensure(frame.length >= HEADER, 'UNREADABLE', 'The RLE frame is shorter than its header.')
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const bytes = Math.ceil(bitsAllocated / 8)
  const count = view.getUint32(0, true)
  ensure(count === bytes * samples, 'UNREADABLE', 'The RLE frame has another number of planes than the image.')
  const out = new Uint8Array(rows * columns * samples * bytes)
  const step = samples * bytes
  for (let plane = 0; plane < count; plane++) {
    const from = view.getUint32(4 + 4 * plane, true)
    const to = plane + 1 < count ? view.getUint32(8 + 4 * plane, true) : frame.length
    ensure(from >= HEADER && from <= to && to <= frame.length, 'UNREADABLE', 'An RLE plane lies outside the frame.')
    const sample = Math.floor(plane / bytes)
    // Planes come with the most significant byte first.
    unpack(frame.subarray(from, to), out, sample * bytes + (bytes - 1 - (plane % bytes)), step)
  }
  return out
}
