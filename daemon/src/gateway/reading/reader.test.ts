import { deflateRawSync } from 'node:zlib'
import { concat, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { file, named } from '@keepwell/sdk/health/dicom/elements.kit'
import { readInstance } from '@keepwell/sdk/health/dicom/instance'
import { loadChecker } from '@keepwell/sdk/health/fhir/check'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { afterAll, afterEach, expect, test } from 'vitest'
import { Refusal } from '#gateway/fhir/outcome'
import { openReader } from './reader.ts'

const reader = openReader('test', { milliseconds: 4000, megabytes: 192, threads: 1, waiting: 8 })
afterAll(() => reader.close())

const basic = (text: string) => ({ resourceType: 'Basic', code: { text } })
const ended = (): number => reader.gauges()[0]!.value
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    e => (e instanceof Refusal ? [e.status, e.issues[0]!.code] : e.code),
  )

// Whatever came before, the next is served.
afterEach(async () => {
  const operations = [{ op: 'replace', path: '/code/text', value: 'after' }]
  expect(await reader.patched(basic('before'), { operations })).toEqual(basic('after'))
})

const deep = (levels: number): string => (levels ? `%resource.extension.where(${deep(levels - 1)}).exists()` : 'url.exists()')
const many = { ...basic('x'), extension: Array.from({ length: 60 }, (_, i) => ({ url: `http://x.example/${i}`, valueInteger: i })) }
const parameters = {
  resourceType: 'Parameters',
  parameter: [
    {
      name: 'operation',
      part: [
        { name: 'type', valueCode: 'delete' },
        { name: 'path', valueString: `Basic.extension.where(${deep(7)})` },
      ],
    },
  ],
}

test.each([
  ['asks its paths without end', { parameters }],
  ['doubles what it is applied to', { operations: Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '', path: `/x${i}` })) }],
])('a patch that %s is refused as too costly, and counted', async (_, patch) => {
  const before = ended()
  expect(await codeOf(reader.patched(many, patch))).toEqual([422, 'too-costly'])
  expect(ended()).toBe(before + 1)
})

test('a patch that is only wrong is refused in its own words, and ends nothing', async () => {
  const before = ended()
  expect(await codeOf(reader.patched(many, { operations: [{ op: 'remove', path: '/nothing' }] }))).toEqual([422, 'invalid'])
  expect(ended()).toBe(before)
})

test('an expression that is read for minutes costs its resource alone: refused where it is judged, kept as it came where it is filed', async () => {
  const expression = `1${'+1'.repeat(300_000)}`
  const resource = { ...basic('x'), extension: [{ url: 'http://x.example/e', valueExpression: { language: 'text/fhirpath', expression } }] }
  expect(await codeOf(reader.check(resource))).toEqual([422, 'too-costly'])
  const small = basic('small')
  const [hard, easy] = await reader.describe.resources([resource, small].map(r => ({ resource: r, bytes: utf8(JSON.stringify(r)) })))
  expect([hard!.kind, hard!.issues[0]!.code, easy!.kind, easy!.issues]).toEqual(['document', 'too-costly', 'fhir', []])
})

test('what is judged elsewhere is judged as here', async () => {
  const check = await loadChecker()
  const faulty = { ...many, extension: [...many.extension, ...Array.from({ length: 200 }, () => ({ url: 7 }))], code: 'x' }
  expect(await reader.check(faulty)).toEqual(check(faulty))
  expect(await reader.check(basic('x'))).toEqual([])
})

test('XML is read behind the fence, whatever its size', async () => {
  const xml = (inner: string, before = '') =>
    utf8(`${before}<Basic xmlns="http://hl7.org/fhir"><code><text value="${inner}"/></code></Basic>`)
  expect(await reader.xml(xml('fine'))).toEqual(basic('fine'))
  expect(await codeOf(reader.xml(xml('&e;', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>')))).toBe('BAD_INPUT')
  expect(await codeOf(reader.xml(utf8(`${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}`)))).toBe('TOO_LARGE')
})

/** A file whose header goes on and on, before or instead of its pixels. */
function swollen(file: Uint8Array, elements: number): Uint8Array {
  const at = file.findIndex((b, i) => b === 0xe0 && file[i + 1] === 0x7f && file[i + 2] === 0x10 && file[i + 3] === 0)
  const more = new DataView(new ArrayBuffer(8 * elements))
  for (let i = 0; i < elements; i++) {
    more.setUint32(8 * i, (((i & 0xffff) << 16) | (0x31 + (i >>> 16))) >>> 0, true)
    more.setUint16(8 * i + 4, 0x4c4f, false)
  }
  const out = new Uint8Array(file.length + more.byteLength)
  out.set(file.subarray(0, at))
  out.set(new Uint8Array(more.buffer), at)
  out.set(file.subarray(at), at + more.byteLength)
  return out
}

test('an image says the same of itself wherever it is read', async () => {
  const small = sampleDicom('small', { rows: 16, columns: 16 })
  const large = sampleDicom('large', { rows: 1024, columns: 1024 })
  for (const f of [small, large, swollen(large, 20_000)]) expect(await reader.instance(f)).toEqual(readInstance(f))
  for (const f of [small, large]) expect(await codeOf(reader.instance(f.slice(0, -100)))).toBe('UNREADABLE')
})

test('what may ask for more than its size shows never is read in place; what is small and plain always is', async () => {
  const nowhere = openReader('test', { milliseconds: 1000, megabytes: 192, threads: 0, waiting: 0 })
  const [small, large] = [sampleDicom('small', { rows: 16, columns: 16 }), sampleDicom('large', { rows: 1024, columns: 1024 })]
  const deflated = file([deflateRawSync(concat(...named('1.2.3.4.5')))], '1.2.840.10008.1.2.1.99')
  const crossing = {
    xml: codeOf(nowhere.xml(utf8('<Basic xmlns="http://hl7.org/fhir"/>'))),
    patch: codeOf(nowhere.patched(basic('x'), { operations: [] })),
    heavy: codeOf(nowhere.check(basic('x'.repeat(9000)))),
    deflated: codeOf(nowhere.instance(deflated)),
    swollen: codeOf(nowhere.instance(swollen(large, 20_000))),
  }
  for (const [name, work] of Object.entries(crossing)) expect([name, await work]).toEqual([name, 'RATE_LIMITED'])
  const staying = {
    light: codeOf(nowhere.check(basic('x'))),
    small: codeOf(nowhere.instance(small)),
    large: codeOf(nowhere.instance(large)),
  }
  for (const [name, work] of Object.entries(staying)) expect([name, await work]).toEqual([name, 'done'])
  expect((await reader.instance(deflated)).instance).toBe('1.2.3.4.5')
})

test('an image whose header ends the thread is unreadable, and still here to be put aside', async () => {
  const image = swollen(sampleDicom('swollen', { rows: 16, columns: 16 }), 1_900_000)
  const [before, first] = [ended(), toHex(image.subarray(0, 200))]
  expect(await codeOf(reader.instance(image))).toBe('UNREADABLE')
  expect([ended(), image.length > 15e6, toHex(image.subarray(0, 200))]).toEqual([before + 1, true, first])
})
