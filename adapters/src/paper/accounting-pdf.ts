import { PDFDocument, type PDFFont, type PDFPage, StandardFonts } from '@cantoo/pdf-lib'
import type { Accounting } from '@keepwell/sdk/audit/accounting'
import { aboutOf, COLUMNS, cellsOf, stamp } from './accounting-text.ts'
import { settable, wrapped } from './letters.ts'
import { type Language, textsIn } from './words.ts'

/** A4 across, in points. */
const WIDTH = 842
const HEIGHT = 595
const EDGE = 36
const SIZE = 8
const LEAD = 10.5
const GAP = 8
/** Of the columns, as `COLUMNS` has them. */
const WIDE = [92, 186, 200, 140, 152]
const NAMES = 120
const FOOT = EDGE + 14

type Fonts = { readonly plain: PDFFont; readonly bold: PDFFont }

/** Writes lines down the page, and onto the next, which begins with `head`. */
function sheet(pdf: PDFDocument, head: (page: Sheet) => void) {
  const pages: PDFPage[] = []
  let y = 0
  const turn = (): void => {
    pages.push(pdf.addPage([WIDTH, HEIGHT]))
    y = HEIGHT - EDGE
  }
  turn()
  const page: Sheet = {
    pages,
    need(height) {
      if (y - height >= FOOT) return
      turn()
      head(page)
    },
    down(height) {
      y -= height
    },
    text: (text, x, font, size = SIZE) => pages.at(-1)!.drawText(text, { x, y, font, size }),
    rule: () => pages.at(-1)!.drawLine({ start: { x: EDGE, y: y - 3 }, end: { x: WIDTH - EDGE, y: y - 3 }, thickness: 0.4, opacity: 0.35 }),
  }
  return page
}
type Sheet = {
  readonly pages: PDFPage[]
  need(height: number): void
  down(height: number): void
  text(text: string, x: number, font: PDFFont, size?: number): void
  rule(): void
}

/** Cells side by side, line by line: what is longer than a page goes on on the next. */
function row(page: Sheet, cells: readonly string[], font: PDFFont): void {
  const lines = cells.map((c, i) => wrapped(c, WIDE[i]! - GAP, s => font.widthOfTextAtSize(s, SIZE)))
  const most = Math.max(...lines.map(l => l.length))
  // A line of the list is not torn apart where it fits on a page.
  page.need(Math.min(most, 30) * LEAD + 4)
  for (let i = 0; i < most; i++) {
    page.need(LEAD)
    page.down(LEAD)
    let x = EDGE
    for (const [c, cell] of lines.entries()) {
      if (cell[i]) page.text(cell[i]!, x, font)
      x += WIDE[c]!
    }
  }
  page.rule()
  page.down(5)
}

function about(page: Sheet, lines: readonly (readonly [string, string])[], { plain, bold }: Fonts): void {
  for (const [name, value] of lines) {
    for (const [i, line] of wrapped(value, WIDTH - 2 * EDGE - NAMES, s => plain.widthOfTextAtSize(s, 9)).entries()) {
      page.need(12)
      page.down(12)
      if (i === 0) page.text(name, EDGE, bold, 9)
      page.text(line, EDGE + NAMES, plain, 9)
    }
    page.down(2)
  }
}

/** The account of disclosures on paper: what it is and what was checked, then every line, with its receipt; pages are numbered. */
export async function accountingPdf(a: Accounting, language: Language): Promise<Uint8Array> {
  const { t } = textsIn(language)
  const pdf = await PDFDocument.create()
  const title = `${t('title')}: ${a.name}`
  pdf.setTitle(title)
  pdf.setLanguage(language)
  pdf.setProducer('Keepwell')
  pdf.setCreationDate(new Date(a.made * 1000))
  pdf.setModificationDate(new Date(a.made * 1000))
  const fonts: Fonts = { plain: await pdf.embedFont(StandardFonts.Helvetica), bold: await pdf.embedFont(StandardFonts.HelveticaBold) }
  const letters = settable(new Set(fonts.plain.getCharacterSet()))
  const columns = COLUMNS.map(c => t(c))
  const heads = (page: Sheet): void => row(page, columns, fonts.bold)
  let listing = false
  const page = sheet(pdf, p => listing && heads(p))
  page.down(16)
  page.text(letters.set(t('title')), EDGE, fonts.bold, 16)
  page.down(6)
  about(
    page,
    aboutOf(a, language).map(([name, value]) => [letters.set(name), letters.set(value)] as const),
    fonts,
  )
  page.down(12)
  if (!a.disclosures.length) {
    page.need(20)
    page.down(14)
    page.text(t('none'), EDGE, fonts.bold, 10)
  } else {
    page.need(60)
    heads(page)
    listing = true
    for (const d of a.disclosures) row(page, cellsOf(d, language).map(letters.set), fonts.plain)
  }
  if (letters.any()) {
    page.need(20)
    page.down(16)
    page.text(letters.set(t('replaced')), EDGE, fonts.plain)
  }
  const made = letters.set(`${title} · ${a.vault} · ${stamp(a.made)} UTC`)
  for (const [i, p] of page.pages.entries()) {
    const number = t('page', { page: i + 1, pages: page.pages.length })
    p.drawText(made, { x: EDGE, y: EDGE - 12, font: fonts.plain, size: 7, opacity: 0.7 })
    p.drawText(number, {
      x: WIDTH - EDGE - fonts.plain.widthOfTextAtSize(number, 7),
      y: EDGE - 12,
      font: fonts.plain,
      size: 7,
      opacity: 0.7,
    })
  }
  return pdf.save()
}
