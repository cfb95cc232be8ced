import { PDFDocument, type PDFFont, type PDFPage, StandardFonts } from '@cantoo/pdf-lib'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { readSummary } from '@keepwell/sdk/health/fhir/ips/read-summary'
import type { Line } from '@keepwell/sdk/health/fhir/ips/section-text'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { settable, wrapped } from './letters.ts'

/** A4 upright, in points. */
const WIDTH = 595
const HEIGHT = 842
const EDGE = 48

/** Writes down the page, and onto the next. */
function writer(pdf: PDFDocument, set: (text: string) => string) {
  let page: PDFPage = pdf.addPage([WIDTH, HEIGHT])
  let y = HEIGHT - EDGE
  return (text: string, font: PDFFont, size: number, indent = 0): void => {
    const measure = (s: string): number => font.widthOfTextAtSize(s, size)
    for (const line of wrapped(set(text), WIDTH - 2 * EDGE - indent, measure)) {
      if (y - size * 1.4 < EDGE) {
        page = pdf.addPage([WIDTH, HEIGHT])
        y = HEIGHT - EDGE
      }
      y -= size * 1.4
      page.drawText(line, { x: EDGE + indent, y, font, size })
    }
  }
}

const told = (l: Line): string => [l.date, l.status, l.more].filter(Boolean).join(' · ')

/** A patient summary on paper, with the FHIR document itself attached to the PDF, so that a machine loses nothing. */
export async function summaryPdf(bundle: JsonObject): Promise<Uint8Array> {
  const summary = readSummary(bundle)
  const pdf = await PDFDocument.create()
  pdf.setTitle('International Patient Summary')
  const plain = await pdf.embedFont(StandardFonts.Helvetica)
  const bold = await pdf.embedFont(StandardFonts.HelveticaBold)
  const write = writer(pdf, settable(new Set(plain.getCharacterSet())).set)
  write(summary?.title ?? 'International Patient Summary', bold, 18)
  write([summary?.name, summary?.birthDate && `born ${summary.birthDate}`].filter(Boolean).join(', '), bold, 12)
  write(`As of ${summary?.date ?? ''}. Made from the person's own record; letters that this font has not are written plainly.`, plain, 8)
  for (const section of summary?.sections ?? []) {
    write(' ', plain, 6)
    write(section.title, bold, 12)
    if (!section.lines.length) write(section.words, plain, 9, 8)
    for (const line of section.lines) {
      write(line.what, bold, 9, 8)
      if (told(line)) write(told(line), plain, 8, 16)
    }
  }
  await pdf.attach(utf8(JSON.stringify(bundle)), 'ips.json', {
    mimeType: 'application/fhir+json',
    description: 'The same as a FHIR document',
  })
  return pdf.save()
}
