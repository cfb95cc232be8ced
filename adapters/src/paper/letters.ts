/** Letters that the built-in fonts of PDF can set (Windows-1252); what has a plain form takes that, and else a question mark. */
export function settable(known: ReadonlySet<number>) {
  let replaced = false
  const set = (text: string): string => {
    let out = ''
    for (const c of text.normalize('NFC').replace(/[\r\t ]+/g, ' ')) {
      if (c === '\n' || known.has(c.codePointAt(0)!)) out += c
      else {
        const plain = c.normalize('NFKD').replace(/\p{M}/gu, '')
        const fits = plain !== '' && [...plain].every(p => known.has(p.codePointAt(0)!))
        replaced = true
        out += fits ? plain : '?'
      }
    }
    return out
  }
  return { set, any: () => replaced }
}

/** Breaks a text into lines of a width; a word that is too long is broken as well. */
export const wrapped = (text: string, width: number, measure: (s: string) => number): string[] =>
  text.split('\n').flatMap(part => wrappedLine(part, width, measure))

function wrappedLine(text: string, width: number, measure: (s: string) => number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const next = line ? `${line} ${word}` : word
    if (measure(next) <= width) {
      line = next
      continue
    }
    if (line) lines.push(line)
    line = word
    while (measure(line) > width && line.length > 1) {
      let fit = line.length - 1
      while (fit > 1 && measure(line.slice(0, fit)) > width) fit--
      lines.push(line.slice(0, fit))
      line = line.slice(fit)
    }
  }
  return line || !lines.length ? [...lines, line] : lines
}
