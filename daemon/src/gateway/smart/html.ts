/** Mark-up that is safe to put into a page: everything that came from elsewhere was escaped. */
export type Html = { readonly html: string }

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escaped = (text: string): string => text.replace(/[&<>"']/g, c => ENTITIES[c]!)

type Piece = string | number | Html | readonly Html[] | null | false

const piece = (p: Piece): string => {
  if (p === null || p === false) return ''
  if (typeof p === 'string' || typeof p === 'number') return escaped(String(p))
  return 'html' in p ? p.html : p.map(h => h.html).join('')
}

/** Builds mark-up from a literal; what is put in is text unless it is mark-up made the same way. */
export const html = (strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html => ({
  html: strings.reduce((all, s, i) => `${all}${piece(pieces[i - 1] ?? null)}${s}`),
})
