/** The smallest honest PDF (ISO 32000-1): one page of text in Helvetica. */
import { utf8 } from '#base/bytes'

const WIDTH = 90
const LINES = 58

/** Characters that PDF strings escape; those outside ASCII are written as `?`, since no font is embedded. */
const literal = (line: string): string => line.replace(/[^\x20-\x7e]/g, '?').replace(/[\\()]/g, c => `\\${c}`)

function wrap(text: string): string[] {
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = ''
    for (const word of paragraph.split(' ')) {
      if (line && line.length + word.length + 1 > WIDTH) {
        lines.push(line)
        line = ''
      }
      line = line ? `${line} ${word}` : word
    }
    lines.push(line.slice(0, WIDTH))
  }
  return lines.slice(0, LINES)
}

/** A PDF 1.4 of one A4 page that shows `text` (wrapped; what does not fit on the page is cut). */
export function samplePdf(text: string): Uint8Array {
  const content = `BT /F1 11 Tf 13 TL 50 790 Td\n${wrap(text)
    .map(line => `(${literal(line)}) Tj T*`)
    .join('\n')}\nET`
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
  ]
  let body = '%PDF-1.4\n'
  const offsets = objects.map((object, i) => {
    const offset = body.length
    body += `${i + 1} 0 obj\n${object}\nendobj\n`
    return offset
  })
  const table = offsets.map(o => `${String(o).padStart(10, '0')} 00000 n \n`).join('')
  return utf8(
    `${body}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${body.length}\n%%EOF\n`,
  )
}
