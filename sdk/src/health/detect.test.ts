import { expect, test } from 'vitest'
import { concat, utf8 } from '#base/bytes'
import { sampleBundleChunks } from '#sample/bundle'
import { sampleDicom } from '#sample/dicom'
import { sampleCcda, sampleHl7v2, sampleVcf, sampleWearable } from '#sample/messages'
import { samplePdf } from '#sample/pdf'
import { corpusTest } from './corpora.kit.ts'
import { detect } from './detect.ts'

const now = 1_767_225_600
const kind = (bytes: Uint8Array | string, name = ''): string => detect(name, typeof bytes === 'string' ? utf8(bytes) : bytes).kind

test('content decides, whatever the name says', async () => {
  for await (const chunk of sampleBundleChunks('x', 5, { now })) expect(kind(chunk, 'x.pdf')).toBe('fhir-json')
  expect(kind(samplePdf('x'), 'x.json')).toBe('pdf')
  expect(kind(sampleHl7v2('x', { now }), 'x.txt')).toBe('hl7v2')
  expect(kind(`\uFEFF\u000b${sampleHl7v2('x', { now })}`)).toBe('hl7v2')
  expect(kind(sampleCcda('x', { now }), 'x.txt')).toBe('ccda')
  expect(kind(sampleWearable('x', { now }), 'x.xml')).toBe('apple-health')
  expect(kind(sampleVcf('x'))).toBe('vcf')
  expect(kind('{"resourceType":"A"}\n{"resourceType":"B"}\n')).toBe('fhir-ndjson')
  expect(kind('{"resourceType":"A"}', 'a.ndjson')).toBe('fhir-ndjson')
  expect(kind('{\n "resourceType":"A"\n}')).toBe('fhir-json')
  expect(kind('<?xml version="1.0"?><!-- x --><Patient xmlns="http://hl7.org/fhir"/>')).toBe('fhir-xml')
  expect(kind('{"verifiableCredential":["eyJ.a.b"]}')).toBe('shc')
  expect(kind('shc:/5676')).toBe('shc')
  expect(kind('hello')).toBe('text')
  expect(kind('{"a":1}')).toBe('text')
})
test('a byte order mark and UTF-16 do not hide what it is', () => {
  expect(kind('\uFEFF{"resourceType":"A"}')).toBe('fhir-json')
  const wide = new Uint8Array(Uint16Array.from(`\uFEFF${sampleCcda('x', { now })}`, c => c.charCodeAt(0)).buffer)
  expect(kind(wide)).toBe('ccda')
})
test('DICOM is known with and without its preamble', () => {
  const file = sampleDicom('x')
  expect(kind(file)).toBe('dicom')
  expect(kind(file.subarray(132), 'IM0001')).toBe('dicom')
  const implicit = concat(Uint8Array.of(8, 0, 0x16, 0, 4, 0, 0, 0), utf8('1.2 '), Uint8Array.of(8, 0, 0x60, 0, 2, 0, 0, 0), utf8('CT'))
  expect(kind(implicit)).toBe('dicom')
})
test('images, archives and the unknown', () => {
  expect(detect('', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10)).mediaType).toBe('image/png')
  expect(detect('', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)).mediaType).toBe('image/jpeg')
  expect(kind(concat(utf8('PK\u0003\u0004'), utf8('x'.repeat(26)), utf8('apple_health_export/export.xml')))).toBe('apple-health')
  expect(detect('a.docx', utf8('PK\u0003\u0004xxxx')).mediaType).toContain('wordprocessingml')
  expect(detect('a.vcf.gz', Uint8Array.of(0x1f, 0x8b, 8, 0)).kind).toBe('vcf')
  expect(detect('', Uint8Array.of(0, 1, 2, 3))).toEqual({ kind: 'binary', mediaType: 'application/octet-stream' })
  expect(detect('', new Uint8Array(0)).kind).toBe('binary')
})
corpusTest('files of the corpora are what their folders say', ({ files }) => {
  const wrong: string[] = []
  let n = 0
  const expectKind = (folder: string, ending: string, wanted: string): void => {
    for (const f of files(folder, ending)) {
      n++
      for (const name of [f.name, 'unnamed'])
        if (detect(name, f.bytes).kind !== wanted) wrong.push(`${f.name}: ${detect(name, f.bytes).kind}`)
    }
  }
  expectKind('fhir/hl7-r4-examples', '.json', 'fhir-json')
  expectKind('fhir/hl7-r4-examples', '.xml', 'fhir-xml')
  expectKind('fhir/us-core-examples', '.json', 'fhir-json')
  expectKind('fhir/synthea-r4', '.json', 'fhir-json')
  expectKind('ips', '.json', 'fhir-json')
  expectKind('ccda/onc-certification', '', 'ccda')
  expectKind('ccda/ms-samples', '', 'ccda')
  expectKind('hl7v2/messages', '', 'hl7v2')
  expectKind('dicom', '.dcm', 'dicom')
  expectKind('genomics', '.vcf', 'vcf')
  expectKind('wearables/apple-health', '', 'apple-health')
  console.info(`detect: ${n} files`)
  expect(wrong).toEqual([])
  expect(n).toBeGreaterThan(350)
})
