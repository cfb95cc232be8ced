import { PDFDocument, type PDFFont, type PDFPage, StandardFonts } from '@cantoo/pdf-lib'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { readSummary } from '@keepwell/sdk/health/fhir/ips/read-summary'
import type { Line } from '@keepwell/sdk/health/fhir/ips/section-text'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { loadNames, withNames } from '@keepwell/sdk/health/terminology/names'
import { settable, wrapped } from './letters.ts'
import { type Language, type Texts, textsIn } from './words.ts'

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

/** That something is over and done is not worth saying of a result or a vaccination. */
const USUAL = new Set(['final', 'completed'])

const told = ({ t, status }: Texts, l: Line): string =>
  [l.date, !USUAL.has(l.status) && l.status && status(l.status), l.danger && t('summary.danger'), l.more].filter(Boolean).join(' · ')

/**
 * A patient summary on paper, what is around its facts in the reader’s language, with the FHIR document itself attached to the PDF, so that a
 * machine loses nothing.
 */
export async function summaryPdf(bundle: JsonObject, language: Language): Promise<Uint8Array> {
  const summary = readSummary(withNames(bundle, await loadNames()))
  const texts = textsIn(language)
  const { t, named } = texts
  const pdf = await PDFDocument.create()
  pdf.setTitle(t('summary.title'))
  pdf.setLanguage(language)
  const plain = await pdf.embedFont(StandardFonts.Helvetica)
  const bold = await pdf.embedFont(StandardFonts.HelveticaBold)
  const letters = settable(new Set(plain.getCharacterSet()))
  const write = writer(pdf, letters.set)
  write(t('summary.title'), bold, 18)
  write([summary?.name, summary?.birthDate && t('summary.born', { date: summary.birthDate })].filter(Boolean).join(', '), bold, 12)
  write(t('summary.asOf', { date: summary?.date.slice(0, 10) ?? '' }), plain, 8)
  for (const section of summary?.sections ?? []) {
    write(' ', plain, 6)
    const name = named('section', section.code)
    write(name === section.code ? section.title : name, bold, 12)
    if (!section.lines.length) write(section.unavailable ? t('summary.unavailable') : section.words, plain, 9, 8)
    for (const line of section.lines) {
      write(line.what, bold, 9, 8)
      const more = told(texts, line)
      if (more) write(more, plain, 8, 16)
    }
  }
  if (letters.any()) write(t('summary.replaced'), plain, 8)
  await pdf.attach(utf8(JSON.stringify(bundle)), 'ips.json', {
    mimeType: 'application/fhir+json',
    description: 'The same as a FHIR document',
  })
  return pdf.save()
}
