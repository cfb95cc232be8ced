/** Text as R4 compares it when it does not say `:exact`: without case, accents and double blanks (3.1.1.4.8). */
export function fold(text: string): string {
  const low = text.toLowerCase()
  const plain = /^[\0-\x7f]*$/.test(low) ? low : low.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('ß', 'ss')
  return plain.replace(/\s+/g, ' ').trim()
}
