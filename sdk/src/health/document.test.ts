import { expect, test } from 'vitest'
import { utf8 } from '#base/bytes'
import { sampleCcda, sampleHl7v2 } from '#sample/messages'
import { samplePdf } from '#sample/pdf'
import { corpusTest } from './corpora.kit.ts'
import { detect } from './detect.ts'
import { documentFacts, hl7Date, titleFromName } from './document.ts'
import { readXml, unescapeXml } from './xml.ts'

const now = 1_767_225_600
const read = (name: string, bytes: Uint8Array) => documentFacts(name, bytes, detect(name, bytes))

test('a document is named after its file, and dated by it', () => {
  expect(read('/home/me/lab_report 2024-03-05.pdf', samplePdf('x'))).toMatchObject({
    kind: 'pdf',
    title: 'lab report 2024-03-05',
    dates: { start: '2024-03-05' },
  })
  expect(titleFromName('.profile')).toBe('.profile')
  expect(titleFromName('')).toBe('Document')
})
test('a C-CDA gives title, type, patient and time', () => {
  const facts = read('x.xml', utf8(sampleCcda('x', { now })))
  expect(facts).toMatchObject({
    kind: 'ccda',
    title: 'Continuity of care document (made up)',
    dates: { start: '2026-01-01T00:00:00+00:00' },
    codes: [{ system: 'http://loinc.org', code: '34133-9' }],
  })
  expect(facts.patientName).toMatch(/^\S+ \S+$/)
})
test('an HL7 v2 message gives its type, patient and what it is about, with escapes read', () => {
  const message =
    'MSH|^~\\&|A|B|C|D|20240101||ORU^R01|1|P|2.5\rPID|1||77^^^X||M\\T\\M^A\\S\\B\rOBR|1|||x^Urine \\X28\\x\\X29\\|||20240305\r'
  expect(read('m.hl7', utf8(message))).toMatchObject({
    messageType: 'ORU^R01',
    patientId: '77',
    patientName: 'A^B M&M',
    title: 'Urine (x)',
    dates: { start: '2024-03-05' },
  })
  expect(read('', utf8(sampleHl7v2('x', { now, type: 'VXU^V04' }))).title).toBe('Vaccination update')
})
test('HL7 times become FHIR dates, and nonsense nothing', () => {
  expect(['1972', '197203', '19720305', '197203051015', '19720305101500.123+0200', '19721399', 'x', ''].map(hl7Date)).toEqual([
    '1972',
    '1972-03',
    '1972-03-05',
    '1972-03-05',
    '1972-03-05T10:15:00+02:00',
    undefined,
    undefined,
    undefined,
  ])
})
test('no entity is expanded and no external thing is read', () => {
  const bomb = `<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;"><!ENTITY x SYSTEM "file:///etc/passwd">]><ClinicalDocument xmlns="urn:hl7-org:v3"><title>&m;&x;</title></ClinicalDocument>`
  expect(read('', utf8(bomb)).title).toBe('&m;&x;')
  expect(unescapeXml('&#65;&#x42;&amp;lt;&#0;&#xD800;&#99999999;')).toBe('AB&lt;&#0;&#xD800;&#99999999;')
})
test('the XML reader survives what is not XML', () => {
  for (const odd of [
    '<',
    '<<<',
    '<a',
    '<a b="',
    '</a></a>',
    '<a/><',
    '<!DOCTYPE',
    '<![CDATA[',
    '<?',
    '<!--',
    '<a b=c d>',
    '<>'.repeat(1000),
    '<a>'.repeat(10_000),
  ])
    expect([...readXml(odd)].length).toBeGreaterThanOrEqual(0)
})
type Cda = { docType?: string; title?: string | null; xml_error?: unknown; patient?: { given: string[]; family: string } }
corpusTest('C-CDA documents of many vendors give what an XML parser finds', ({ files, json }) => {
  const { files: expected } = json<{ files: Record<string, Cda> }>('ccda/expected-facts.json')
  let n = 0
  for (const f of files('ccda')) {
    const want = expected[f.name.slice('ccda/'.length)]
    if (!want?.docType || want.xml_error) continue
    const got = read(f.name, f.bytes)
    const name = [...(want.patient?.given ?? []), want.patient?.family ?? ''].join(' ').replace(/\s+/g, ' ').trim()
    expect({ code: got.codes[0]?.code, name: got.patientName ?? '' }, f.name).toEqual({ code: want.docType, name })
    if (want.title?.trim()) expect(got.title, f.name).toBe(want.title.replace(/\s+/g, ' ').trim().slice(0, 120))
    n++
  }
  console.info(`C-CDA: ${n} documents`)
  expect(n).toBeGreaterThan(40)
})
type Hl7 = { type?: string; 'PID-3'?: string }
corpusTest('HL7 v2 messages give what python-hl7 gives', ({ files, json }) => {
  const { files: expected } = json<{ files: Record<string, Hl7> }>('hl7v2/expected-parse.json')
  const all = files('hl7v2/messages')
  for (const f of all) {
    const want = expected[f.name.slice('hl7v2/messages/'.length)]!
    const got = read(f.name, f.bytes)
    const id = want['PID-3']?.split('~')[0]?.split('^')[0]?.split('&')[0] ?? ''
    expect({ type: got.messageType, id: got.patientId ?? '' }, f.name).toEqual({
      type: want.type?.split('^').slice(0, 2).filter(Boolean).join('^'),
      id,
    })
  }
  console.info(`HL7 v2: ${all.length} messages`)
  expect(all.length).toBeGreaterThan(60)
})
