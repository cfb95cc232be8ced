/** Text as search sees it: words in small letters without accents, a blank before each, so that ` word` finds the beginnings of words. */

const DECIMAL = /(\d)[.,](?=\d)/g
const NOT_WORD = /[^\p{L}\p{N}.]+|(?<!\d)\.|\.(?!\d)/gu
const NOT_WORD_ASCII = /[^a-z0-9.]+|(?<!\d)\.|\.(?!\d)/g
const OTHER = /[^\0-\x7f]/

/** Decimal points and commas are one, so that `5,4` finds 5.4. */
export function fold(text: string): string {
  const low = text.toLowerCase()
  // Most records are plain ASCII, for which the general way takes three times as long.
  const bare = OTHER.test(low)
    ? low
        .normalize('NFKD')
        .replace(/\p{M}+/gu, '')
        .replaceAll('ß', 'ss')
    : low
  const marked = bare.replace(DECIMAL, '$1.')
  return ` ${marked.replace(OTHER.test(marked) ? NOT_WORD : NOT_WORD_ASCII, ' ').trim()}`
}

/** The words of a query, each with the blank before it. */
export const queryWords = (text: string): string[] => [...new Set(fold(text).split(' ').filter(Boolean))].map(w => ` ${w}`)

export type Excerpt = readonly { readonly text: string; readonly hit: boolean }[]

/** Characters shown before the first hit, and in all. */
const BEFORE = 40
const SHOWN = 160

/** The line of a text that holds most of the words, cut around the first of them. Null when no line holds any. */
export function excerptOf(text: string, words: readonly string[]): Excerpt | null {
  let best: { readonly line: string; readonly hits: number } | null = null
  for (const line of text.split('\n')) {
    const folded = fold(line)
    const hits = words.filter(w => folded.includes(w)).length
    if (hits > (best?.hits ?? 0)) best = { line, hits }
    if (hits === words.length) break
  }
  return best && marked(best.line, words)
}

function marked(line: string, words: readonly string[]): Excerpt {
  const hits = [...line.matchAll(/[\p{L}\p{N}\p{M}]+(?:[.,]\d+)*/gu)].filter(m => words.some(w => fold(m[0]).startsWith(w)))
  const first = hits[0]?.index ?? 0
  const start = first <= BEFORE ? 0 : line.indexOf(' ', first - BEFORE) + 1 || first - BEFORE
  const end = Math.min(line.length, start + SHOWN)
  const out: { text: string; hit: boolean }[] = []
  const put = (from: number, to: number, hit: boolean): void => {
    if (to > from) out.push({ text: line.slice(from, to), hit })
  }
  let at = start
  for (const m of hits) {
    if (m.index < start || m.index >= end) continue
    put(at, m.index, false)
    at = Math.min(end, m.index + m[0].length)
    put(m.index, at, true)
  }
  put(at, end, false)
  if (start > 0) out.unshift({ text: '… ', hit: false })
  if (end < line.length) out.push({ text: ' …', hit: false })
  return out
}
