import { decodePDFRawStream, PDFArray, PDFDocument, PDFRawStream } from '@cantoo/pdf-lib'
import type { Accounting, Disclosure } from '@keepwell/sdk/audit/accounting'
import { sixYearsBefore } from '@keepwell/sdk/audit/accounting'
import { patientSummary } from '@keepwell/sdk/health/fhir/ips/patient-summary'
import { expect, test } from 'vitest'
import { accountingCsv } from './accounting-csv.ts'
import { accountingPdf } from './accounting-pdf.ts'
import { wrapped } from './letters.ts'
import { summaryPdf } from './summary.ts'
import { textsIn } from './words.ts'

const NOW = Date.UTC(2026, 10, 29, 10, 15, 7) / 1000
const did = (n: number): string => `did:ethr:0x1:0x${String(n).padStart(40, '0')}`

const disclosure = (n: number, more: Partial<Disclosure> = {}): Disclosure => ({
  time: NOW - n * 3600,
  recipient: { did: did(n), name: `Clinic ${n}`, own: false, standing: 'verified', person: `Dr. Person ${n}`, role: 'MD' },
  action: 'view',
  refused: null,
  records: [{ id: `${n}`, title: `Ferritin ${n}` }],
  parts: ['laboratory'],
  purpose: 'TREAT',
  basis: { kind: 'consent', from: NOW - 86_400, until: NOW + 86_400, by: null },
  receipt: { seq: n, index: 1000 + n, hash: `${n}`.padStart(64, 'a'), reader: 'verified' },
  ...more,
})

const accounting = (disclosures: readonly Disclosure[]): Accounting => ({
  vault: did(7),
  name: 'Ada Example',
  made: NOW,
  from: sixYearsBefore(NOW),
  until: NOW,
  own: false,
  disclosures,
  receipts: 240,
  problems: [],
  log: {
    relay: did(8),
    size: 4711,
    ledger: { chainId: 48, contract: '0xc0', log: '0x10' },
    anchored: { size: 4700, time: NOW - 60, root: 'beef'.repeat(16) },
  },
})

/** The text of each page, as its content draws it: Windows-1252 in hexadecimal strings. */
async function pagesOf(bytes: Uint8Array): Promise<string[]> {
  const pdf = await PDFDocument.load(bytes)
  return pdf.getPages().map(page => {
    const contents = page.node.Contents()
    const streams = contents instanceof PDFArray ? contents.asArray().map(r => pdf.context.lookup(r)) : [contents]
    return streams
      .flatMap(s => (s instanceof PDFRawStream ? [Buffer.from(decodePDFRawStream(s).decode()).toString('latin1')] : []))
      .flatMap(s => [...s.matchAll(/<([0-9A-F]*)> Tj/g)].map(m => Buffer.from(m[1]!, 'hex').toString('latin1')))
      .join(' ')
  })
}

test('every opening is on paper: when, to whom, what, why, on what ground, and where its receipt stands; pages are numbered', async () => {
  const all = Array.from({ length: 120 }, (_, i) => disclosure(i + 1))
  const pages = await pagesOf(await accountingPdf(accounting(all), 'en'))
  const text = pages.join(' ')
  for (const d of all)
    for (const said of [d.recipient.name, `Dr. Person ${d.receipt.seq}, MD`, `Ferritin ${d.receipt.seq}`, `log entry ${d.receipt.index}`])
      expect(text).toContain(said)
  expect(text).toContain('2026-11-29 09:15:07')
  expect(text).toContain('2020-11-29')
  expect(text).toContain('All 240 receipts')
  for (const [i, page] of pages.entries()) {
    expect(page).toContain(`Page ${i + 1} of ${pages.length}`)
    expect(page).toContain('Legal basis'.toLowerCase())
  }
})

test('refusals, emergencies, consents by a proxy and grounds that are not known are said as such, in both languages', async () => {
  const list = [
    disclosure(1, { action: 'deny', refused: ['restricted'] }),
    disclosure(2, { action: 'emergency', purpose: 'ETREAT', basis: { kind: 'emergency' } }),
    disclosure(3, { basis: { kind: 'consent', from: NOW, until: NOW, by: 'Mother' } }),
    disclosure(4, { basis: { kind: 'unknown' }, records: [{ id: 'x', title: null }] }),
    disclosure(5, { action: 'create' }),
  ]
  const en = (await pagesOf(await accountingPdf(accounting(list), 'en'))).join(' ')
  for (const said of [
    'REFUSED (the record was frozen)',
    'emergency (GDPR',
    'consent given for the owner by',
    'Mother on 2026-11-29',
    'no consent of this record',
    'a record erased',
  ])
    expect(en).toContain(said)
  expect(en).toContain('5 entries: 3 disclosures, 1 of them in emergencies; 1 writings by others; 1 refusals')
  const de = (await pagesOf(await accountingPdf(accounting(list), 'de'))).join(' ')
  for (const said of ['Verzeichnis der Offenlegungen', 'ABGEWIESEN (die Akte war gesperrt)', 'Notfall (DSGVO', 'Seite 1 von 2'])
    expect(de).toContain(said)
  const csv = accountingCsv(accounting(list), 'de')
  expect(csv).toContain('Rechtsgrundlage')
  expect(csv.split('\r\n').filter(l => l.startsWith('2026-11-29'))).toHaveLength(5)
})

test('what does not hold is said before the list, and nobody takes it for complete', async () => {
  const broken = { ...accounting([]), problems: [{ seq: 3, code: 'OMISSION', message: 'Receipt 3 is missing.' }] }
  const text = (await pagesOf(await accountingPdf(broken, 'en'))).join(' ')
  expect(text).toContain('do NOT hold')
  expect(text).toContain('Receipt 3 is missing.')
  expect(text).not.toContain('receipts of the record hold')
})

test('a receipt of thousands of records goes on over pages, and names in any script do not stop it', async () => {
  const records = Array.from({ length: 3000 }, (_, i) => ({ id: String(i), title: `Wert ${i} 山田 Łukasz` }))
  const pages = await pagesOf(await accountingPdf(accounting([disclosure(1, { records })]), 'en'))
  expect(pages.length).toBeGreaterThan(10)
  expect(pages.join(' ')).toContain('Wert 2999')
  expect(pages.join(' ')).toContain('were replaced')
})

test('a patient summary on paper has names for its codes, says what is not known and what may kill, and carries the document', async () => {
  const coding = (system: string, code: string) => ({ coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }] })
  const patient = { resourceType: 'Patient', id: 'p', name: [{ text: 'Ada Łuk' }], birthDate: '1980-02-03' }
  const subject = { reference: 'Patient/p' }
  const bundle = patientSummary(
    [
      { resourceType: 'AllergyIntolerance', id: 'a', patient: subject, criticality: 'high', code: { text: 'Penicillin' } },
      {
        resourceType: 'Immunization',
        id: 'i',
        status: 'completed',
        patient: subject,
        vaccineCode: { coding: [{ system: 'http://hl7.org/fhir/sid/cvx', code: '207' }] },
      },
      { resourceType: 'Flag', id: 'f', status: 'active', subject, code: coding('flag-category', 'safety') },
      { resourceType: 'Procedure', id: 'y', status: 'in-progress', subject, code: { text: 'Dialysis' } },
    ],
    { patient, author: patient, at: '2026-06-01T12:00:00Z' },
  )
  const en = (await pagesOf(await summaryPdf(bundle, 'en'))).join(' ')
  for (const said of [
    'Allergies',
    'HIGH RISK',
    'born 1980-02-03',
    'As of 2026-06-01',
    'COVID-19',
    'That does not mean there is nothing',
    'were replaced',
    'Dialysis in progress',
  ])
    expect(en).toContain(said)
  expect(en).toContain('Safety active')
  expect(en).not.toMatch(/\b207\b|\bsafety\b/)
  const pdf = await summaryPdf(bundle, 'de')
  const de = (await pagesOf(pdf)).join(' ')
  for (const said of ['Allergien', 'HOHES RISIKO', 'geboren am 1980-02-03', 'Aktuelle Medikamente', 'aktiv', 'läuft'])
    expect(de).toContain(said)
  for (const english of ['Allergies', 'HIGH RISK', 'There is no information']) expect(de).not.toContain(english)
  // Alone on its line, that nobody knows must say what it is that nobody knows.
  expect([textsIn('en').status('unknown'), textsIn('de').status('unknown')]).toEqual(['status unknown', 'Stand unbekannt'])
  const [attached] = (await PDFDocument.load(pdf)).getAttachments()
  expect(JSON.parse(Buffer.from(attached!.data).toString())).toEqual(bundle)
})

test('lines are broken at words, and words that are too long are broken', () => {
  const measure = (s: string): number => s.length
  expect(wrapped('one two three', 7, measure)).toEqual(['one two', 'three'])
  expect(wrapped('abcdefghij k', 4, measure)).toEqual(['abcd', 'efgh', 'ij k'])
  expect(wrapped('a\nb', 4, measure)).toEqual(['a', 'b'])
  expect(wrapped('', 4, measure)).toEqual([''])
})
