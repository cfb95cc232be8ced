/** Whether an image can be drawn, decided from its header before anything decodes it. */
import { concat } from '#base/bytes'
import { bareDicom, hasDicomPrefix } from '#health/detect'
import type { DicomFacts } from './parse.ts'

/**
 * `no-image`: a report, a curve or a plan. `coding`: its pixels are compressed in a way not known here. `cut`: pixels are missing. `large`:
 * more pixels than are drawn here. `odd`: the header makes no sense as an image.
 */
export type Undrawable = 'no-image' | 'coding' | 'cut' | 'large' | 'odd'

/** Of a single frame: a mammogram has some 25 million, a scanned slide a thousand times that. */
export const MOST_PIXELS = 64_000_000

const NATIVE = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.2', '1.2.840.10008.1.2.1.99']
const JPEG = ['50', '51', '57', '70', '80', '81', '90', '91', '110', '111', '112', '201', '202', '203']
const CODINGS = new Set([...NATIVE, '1.2.840.10008.1.2.1.98', '1.2.840.10008.1.2.5', ...JPEG.map(n => `1.2.840.10008.1.2.4.${n}`)])

/** @returns why an image cannot be drawn, or null when nothing speaks against it. */
export function undrawable(facts: DicomFacts): Undrawable | null {
  const { rows = 0, columns = 0, samplesPerPixel = 1, bitsAllocated = 0, pixelBytes } = facts
  if (pixelBytes === undefined && !(rows && columns)) return 'no-image'
  if (facts.issues.some(i => i.code === 'truncated' || i.code === 'incomplete' || i.code === 'malformed')) return 'cut'
  if (!rows || !columns || !pixelBytes) return 'odd'
  if (rows * columns > MOST_PIXELS) return 'large'
  if (!CODINGS.has(facts.transferSyntax)) return 'coding'
  return [1, 8, 16, 32].includes(bitsAllocated) && [1, 3, 4].includes(samplesPerPixel) ? null : 'odd'
}

const ascii = (text: string): Uint8Array => Uint8Array.from(text, c => c.charCodeAt(0))

/** The file as viewers expect it (PS3.10 §7.1): with preamble, and with a meta group that names its transfer syntax. */
export function asPart10(bytes: Uint8Array, { transferSyntax }: Pick<DicomFacts, 'transferSyntax'>): Uint8Array {
  if (hasDicomPrefix(bytes)) return bytes
  const prefix = concat(new Uint8Array(128), ascii('DICM'))
  if (bareDicom(bytes.subarray(0, 4096))?.group === 2) return concat(prefix, bytes)
  const value = ascii(transferSyntax.length % 2 ? `${transferSyntax}\0` : transferSyntax)
  return concat(prefix, Uint8Array.of(2, 0, 0x10, 0, 0x55, 0x49, value.length, 0), value, bytes)
}
