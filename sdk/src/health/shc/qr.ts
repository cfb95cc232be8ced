/** Cards as digits in QR codes: two for each character of the signed text (SMART Health Cards, "Encoding as QR"). */

const PREFIX = 'shc:/'
/** Characters of a card that one code holds (version 22, low correction). */
export const MAX_SINGLE = 1195
const MAX_CHUNK = 1191
const MAX_CHUNKS = 64
const FIRST = 45

const digits = (text: string): string => [...text].map(c => String(c.charCodeAt(0) - FIRST).padStart(2, '0')).join('')

/** One text for each code. More than one is deprecated, but what is too long for one would else have no code. */
export function toNumeric(jws: string): string[] {
  if (jws.length <= MAX_SINGLE) return [PREFIX + digits(jws)]
  const count = Math.ceil(jws.length / MAX_CHUNK)
  const size = Math.ceil(jws.length / count)
  return Array.from({ length: count }, (_, i) => `${PREFIX}${i + 1}/${count}/${digits(jws.slice(i * size, (i + 1) * size))}`)
}

type Chunk = { readonly index: number; readonly count: number; readonly text: string }

function chunkOf(code: string): Chunk | null {
  const found = /^shc:\/(?:([1-9]\d?)\/([1-9]\d?)\/)?(\d+)$/.exec(code)
  if (!found) return null
  const [, index, count, pairs] = found
  // A code that stands alone does not number itself.
  if (count === '1') return null
  if (pairs!.length % 2 || pairs!.length > 2 * MAX_SINGLE) return null
  let text = ''
  for (let i = 0; i < pairs!.length; i += 2) {
    const value = Number(pairs!.slice(i, i + 2))
    // Beyond `z` no character of a signed text is.
    if (value > 77) return null
    text += String.fromCharCode(value + FIRST)
  }
  return { index: Number(index ?? 1), count: Number(count ?? 1), text }
}

/** How many codes belong together, as one of them says; null for another text. */
export const chunksOf = (code: string): number | null => chunkOf(code)?.count ?? null

/** The signed text out of all its codes, in any order; null when one is missing, twice there, or from another card. */
export function fromNumeric(codes: readonly string[]): string | null {
  const chunks = codes.map(chunkOf)
  const count = chunks[0]?.count ?? 0
  if (!count || count > MAX_CHUNKS || chunks.length !== count) return null
  const ordered: string[] = []
  for (const chunk of chunks) {
    if (!chunk || chunk.count !== count || chunk.index > count || ordered[chunk.index - 1] !== undefined) return null
    ordered[chunk.index - 1] = chunk.text
  }
  return ordered.join('')
}
