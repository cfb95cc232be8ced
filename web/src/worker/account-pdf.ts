import { PDFDocument, type PDFFont, type PDFPage, StandardFonts } from '@cantoo/pdf-lib'
import type { Account } from '#rpc/attention.ts'

/** A4 across, in points. */
const WIDTH = 842
const HEIGHT = 595
const EDGE = 36
const SIZE = 8
const LEAD = 10.5

type Fonts = { readonly plain: PDFFont; readonly bold: PDFFont }

/** Letters that the built-in fonts of PDF can set (Windows-1252); what has a plain form takes that. */
function settable(known: ReadonlySet<number>) {
  let replaced = false
  const set = (text: string): string => {
    let out = ''
    for (const c of text.normalize('NFC').replace(/[\r\n\t]+/g, ' ')) {
      if (known.has(c.codePointAt(0)!)) out += c
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
export function wrapped(text: string, width: number, measure: (s: string) => number): string[] {
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

/** Shares of the page's width, by how long the texts of a column usually are. */
function widths(columns: number, rows: readonly (readonly string[])[]): number[] {
  const weight = Array.from({ length: columns }, (_, i) => {
    const lengths = rows.map(r => r[i]?.length ?? 0).sort((a, b) => a - b)
    return Math.min(40, Math.max(9, lengths[Math.floor(lengths.length * 0.9)] ?? 0))
  })
  const all = weight.reduce((a, b) => a + b, 0)
  return weight.map(w => (w / all) * (WIDTH - 2 * EDGE))
}

/** The account on paper: what was checked first, then every opening, the columns named on each page. */
export async function accountPdf(account: Account): Promise<Uint8Array> {
  const pdf = await PDFDocument.create()
  pdf.setTitle(account.title)
  const fonts: Fonts = { plain: await pdf.embedFont(StandardFonts.Helvetica), bold: await pdf.embedFont(StandardFonts.HelveticaBold) }
  const letters = settable(new Set(fonts.plain.getCharacterSet()))
  const rows = account.rows.map(r => r.map(letters.set))
  const columns = account.columns.map(letters.set)
  const wide = widths(columns.length, [columns, ...rows])
  const pages: PDFPage[] = []
  let y = 0
  const turn = (): PDFPage => {
    const page = pdf.addPage([WIDTH, HEIGHT])
    pages.push(page)
    y = HEIGHT - EDGE
    return page
  }
  let page = turn()
  const write = (text: string, x: number, font: PDFFont, size = SIZE): void => page.drawText(text, { x, y, font, size })
  const block = (cells: readonly string[], font: PDFFont): void => {
    const lines = cells.map((c, i) => wrapped(c, wide[i]! - 6, s => font.widthOfTextAtSize(s, SIZE)))
    const height = Math.max(1, ...lines.map(l => l.length)) * LEAD + 4
    if (y - height < EDGE + 14) {
      page = turn()
      if (font !== fonts.bold) block(columns, fonts.bold)
    }
    const top = y
    let x = EDGE
    for (const [i, cell] of lines.entries()) {
      y = top - LEAD
      for (const line of cell) {
        write(line, x, font)
        y -= LEAD
      }
      x += wide[i]!
    }
    y = top - height
    page.drawLine({ start: { x: EDGE, y: y + 1 }, end: { x: WIDTH - EDGE, y: y + 1 }, thickness: 0.4, opacity: 0.35 })
  }
  y -= 18
  write(letters.set(account.title), EDGE, fonts.bold, 16)
  y -= 14
  for (const [name, value] of account.about) {
    const lines = wrapped(letters.set(value), WIDTH - 2 * EDGE - 170, s => fonts.plain.widthOfTextAtSize(s, 9))
    if (y - lines.length * 12 < EDGE + 14) page = turn()
    y -= 12
    write(letters.set(name), EDGE, fonts.bold, 9)
    for (const [i, line] of lines.entries()) {
      if (i) y -= 12
      write(line, EDGE + 170, fonts.plain, 9)
    }
  }
  y -= 14
  block(columns, fonts.bold)
  for (const row of rows) block(row, fonts.plain)
  if (letters.any()) {
    if (y - 20 < EDGE + 14) page = turn()
    y -= 16
    write(letters.set(account.replaced), EDGE, fonts.plain)
  }
  for (const [i, p] of pages.entries()) {
    const foot = letters
      .set(account.page)
      .replace('{page}', String(i + 1))
      .replace('{pages}', String(pages.length))
    p.drawText(foot, { x: EDGE, y: EDGE - 12, font: fonts.plain, size: 7, opacity: 0.7 })
  }
  return pdf.save()
}
