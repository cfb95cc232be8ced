import { createHash } from 'node:crypto'

/** Joins the objects of a PDF with their table. Text is Latin-1, so a character is a byte. */
function pdf(objects: readonly string[], trailer: string): Uint8Array {
  let body = '%PDF-1.4\n'
  const offsets = objects.map((object, i) => {
    const offset = body.length
    body += `${i + 1} 0 obj\n${object}\nendobj\n`
    return offset
  })
  const table = offsets.map(o => `${String(o).padStart(10, '0')} 00000 n \n`).join('')
  const end = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${trailer} >>\nstartxref\n${body.length}\n%%EOF\n`
  return Buffer.from(body + end, 'latin1')
}

const FONT = '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>'
const words = (text: string): string => `BT /F1 24 Tf 60 700 Td (${text}) Tj ET`
const page = (contents: number, parent = 2): string =>
  `<< /Type /Page /Parent ${parent} 0 R /MediaBox [0 0 595 842] /Contents ${contents} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`

/** A document of many pages, each with its number, in a tree of hundreds as real ones are. */
export function longPdf(pages: number): Uint8Array {
  const objects = ['<< /Type /Catalog /Pages 2 0 R >>', '', FONT]
  const branches: number[] = []
  for (let from = 1; from <= pages; from += 100) {
    const count = Math.min(100, pages - from + 1)
    const branch = objects.push('')
    const kids: number[] = []
    for (let n = from; n < from + count; n++) {
      const content = words(`Page ${n}`)
      const at = objects.push(`<< /Length ${content.length} >>\nstream\n${content}\nendstream`)
      kids.push(objects.push(page(at, branch)))
    }
    objects[branch - 1] = `<< /Type /Pages /Parent 2 0 R /Count ${count} /Kids [${kids.map(k => `${k} 0 R`).join(' ')}] >>`
    branches.push(branch)
  }
  objects[1] = `<< /Type /Pages /Count ${pages} /Kids [${branches.map(k => `${k} 0 R`).join(' ')}] >>`
  return pdf(objects, '')
}

const PADDING = Buffer.from('28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A', 'hex')
const md5 = (...parts: Uint8Array[]): Buffer => createHash('md5').update(Buffer.concat(parts)).digest()

function rc4(key: Uint8Array, data: Uint8Array): Buffer {
  const s = Uint8Array.from({ length: 256 }, (_, i) => i)
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + s[i]! + key[i % key.length]!) & 255
    ;[s[i], s[j]] = [s[j]!, s[i]!]
  }
  let i = 0
  let j = 0
  return Buffer.from(
    data.map(byte => {
      i = (i + 1) & 255
      j = (j + s[i]!) & 255
      ;[s[i], s[j]] = [s[j]!, s[i]!]
      return byte ^ s[(s[i]! + s[j]!) & 255]!
    }),
  )
}

/** A document that a password opens (ISO 32000-1 §7.6.3, revision 2: old, and every reader knows it). */
export function lockedPdf(password: string, text: string): Uint8Array {
  const padded = Buffer.concat([Buffer.from(password), PADDING]).subarray(0, 32)
  const id = Buffer.alloc(16, 7)
  const owner = rc4(md5(padded).subarray(0, 5), padded)
  const key = md5(padded, owner, Buffer.from([0xfc, 0xff, 0xff, 0xff]), id).subarray(0, 5)
  const content = rc4(md5(key, Buffer.from([4, 0, 0, 0, 0])).subarray(0, 10), Buffer.from(words(text)))
  const hex = (b: Buffer): string => `<${b.toString('hex')}>`
  return pdf(
    [
      '<< /Type /Catalog /Pages 2 0 R >>',
      '<< /Type /Pages /Kids [5 0 R] /Count 1 >>',
      FONT,
      `<< /Length ${content.length} >>\nstream\n${content.toString('latin1')}\nendstream`,
      page(4),
      `<< /Filter /Standard /V 1 /R 2 /O ${hex(owner)} /U ${hex(rc4(key, PADDING))} /P -4 >>`,
    ],
    `/Encrypt 6 0 R /ID [${hex(id)} ${hex(id)}]`,
  )
}

/** A picture that says it is sixty thousand by sixty thousand. */
export function bombPng(): Uint8Array {
  const head = Buffer.alloc(33)
  Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]).copy(head)
  head.writeUInt32BE(13, 8)
  head.write('IHDR', 12)
  head.writeUInt32BE(60_000, 16)
  head.writeUInt32BE(60_000, 20)
  head.writeUInt8(8, 24)
  return head
}

/** A clinical document whose narrative tries what mark-up can try. */
export const hostileCda = (): string => `<?xml version="1.0"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <code code="34133-9" codeSystem="2.16.840.1.113883.6.1" displayName="Summary of episode"/>
  <title>Summary of a visit</title>
  <effectiveTime value="20240115"/>
  <component><structuredBody><component><section>
    <title>Allergies</title>
    <text>
      <script>window.hacked = 1; document.write('a script ran')</script>
      <table onclick="window.hacked = 1"><thead><tr><th>Substance</th><th>Reaction</th></tr></thead>
      <tbody><tr><td style="background:url(https://example.org/x)">Penicillin</td><td><content styleCode="Bold">Rash</content></td></tr></tbody></table>
      <img src="x" onerror="window.hacked = 1"/>
      <paragraph><linkHtml href="javascript:window.hacked = 1">a link that runs</linkHtml></paragraph>
      <paragraph><linkHtml href="https://example.org/penicillin">about penicillin</linkHtml></paragraph>
      <iframe src="https://example.org/frame"/>
      <svg xmlns="http://www.w3.org/2000/svg" onload="window.hacked = 1"/>
    </text>
  </section></component></structuredBody></component>
</ClinicalDocument>`
