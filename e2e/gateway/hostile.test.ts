import { deflateRawSync, gzipSync } from 'node:zlib'
import { dicomDrawer } from '@keepwell/daemon/bin/gateway'
import { quarantine } from '@keepwell/daemon/gateway/dicomweb/quarantine'
import { type Hl7v2Part, hl7v2File, hl7v2Part } from '@keepwell/daemon/gateway/hl7v2/part'
import { openSender } from '@keepwell/daemon/gateway/hl7v2/send'
import { openDesk } from '@keepwell/daemon/gateway/hl7v2/service'
import { concat, equal, utf8 } from '@keepwell/sdk/base/bytes'
import { header, PID } from '@keepwell/sdk/health/hl7v2/messages.kit'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type Ask, consents, type GatewayWorld, gatewayWorld, type Json, NURSE } from '#e2e/gateway.kit'

// What comes to a gateway's doors with ill intent, or out of a broken program: refused in the words of the standard it came in, kept where a
// person is to look at it, counted, and of no consequence to whoever asks next.

let world: GatewayWorld
let feed: Hl7v2Part
let id: string
let ask: Ask

beforeAll(async () => {
  world = await gatewayWorld({
    async parts(gateway, clinic) {
      const secret = clinic.session.state.ring.catalog
      feed = await hl7v2Part(gateway, { dir: clinic.folder, secret, listen: { host: '127.0.0.1', port: 0 }, look: 100 })
      return { parts: [feed] }
    },
  })
  ;({ id } = await consents(world, await world.patient('Ada')))
  ask = world.asking({ ...NURSE, 'x-keepwell-patient': id })
})
afterAll(() => world?.close())
// Whatever came before, the next is served.
afterEach(async () => {
  expect(
    (await ask('POST', 'Basic', { resourceType: 'Basic', code: { text: 'After' }, subject: { reference: `Patient/${id}` } })).status,
  ).toBe(201)
})

/** The sum of a metric over its labels, of those lines that `which` finds. */
async function counted(metric: string, which = ''): Promise<number> {
  const { text } = await world.ask('GET', `${world.running.url}/metrics`)
  const lines = text.split('\n').filter(line => line.startsWith(metric) && line.includes(which))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

const nested = (levels: number): string =>
  `{"resourceType":"Basic","code":{"text":"x"}${',"extension":[{"url":"http://x.example"'.repeat(levels)}${'}]'.repeat(levels)}}`
const xml = (inner: string, before = ''): string =>
  `<?xml version="1.0"?>${before}<Basic xmlns="http://hl7.org/fhir"><code><text value="${inner}"/></code></Basic>`
const LAUGHS = `<!DOCTYPE x [<!ENTITY a "ha">${[...'bcdefghij'].map((c, i) => `<!ENTITY ${c} "${`&${'abcdefghi'[i]};`.repeat(10)}">`).join('')}]>`

type Evil = {
  readonly body: string | Uint8Array
  readonly headers?: Record<string, string>
  readonly status: number
  readonly code: string
}
const XML = { 'content-type': 'application/fhir+xml' }
const JSON_OF = (charset: string) => ({ 'content-type': `application/fhir+json; charset=${charset}` })
const FHIR: Record<string, Evil> = {
  'JSON of 10,000 levels': { body: nested(10_000), status: 400, code: 'invalid' },
  'XML of 10,000 levels': { body: `${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}`, headers: XML, status: 413, code: 'too-long' },
  'an external entity': {
    body: xml('&e;', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
    headers: XML,
    status: 400,
    code: 'invalid',
  },
  'a billion laughs': { body: xml('&j;', LAUGHS), headers: XML, status: 400, code: 'invalid' },
  'a packed body that would grow': {
    body: gzipSync(new Uint8Array(64 << 20)),
    headers: { 'content-encoding': 'gzip' },
    status: 415,
    code: 'not-supported',
  },
  'Latin-1 that is said to be UTF-8': {
    body: concat(utf8('{"resourceType":"Basic","code":{"text":"M'), Uint8Array.of(0xfc), utf8('ller"}}')),
    status: 400,
    code: 'structure',
  },
  'Latin-1 in XML that says so': {
    body: concat(
      utf8('<?xml version="1.0" encoding="ISO-8859-1"?>'),
      utf8(xml('M').slice(21, -26)),
      Uint8Array.of(0xfc),
      utf8('ller"/></code></Basic>'),
    ),
    headers: XML,
    status: 400,
    code: 'invalid',
  },
  'another character set': { body: '{}', headers: JSON_OF('iso-8859-1'), status: 415, code: 'not-supported' },
  'half a surrogate pair': { body: '{"resourceType":"Basic","code":{"text":"\\ud83d"}}', status: 422, code: 'value' },
  'a key that would change every object': {
    body: '{"resourceType":"Basic","__proto__":{"polluted":true},"code":{"text":"x"}}',
    status: 422,
    code: 'structure',
  },
  'a script in a narrative': {
    body: JSON.stringify({
      resourceType: 'Basic',
      code: { text: 'x' },
      text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></div>' },
    }),
    status: 422,
    code: 'invalid',
  },
}

const codeOf = ({ status, body }: Answer): unknown[] => [status, body?.resourceType, body?.issue?.[0]?.code]

describe('at the FHIR door', () => {
  test('XML that is sound is taken: the refusals are for what is wrong with the rest', async () => {
    expect((await ask('POST', 'Basic', xml('fine'), XML)).status).toBe(201)
  })
  test.each(Object.entries(FHIR))(
    '%s is refused with an OperationOutcome, and counted',
    async (_, { body, headers = {}, status, code }) => {
      const before = await counted('keepwell_http_requests_total', `"${status}"`)
      const answer = await ask('POST', 'Basic', body, headers)
      expect(codeOf(answer)).toEqual([status, 'OperationOutcome', code])
      expect(await counted('keepwell_http_requests_total', `"${status}"`)).toBe(before + 1)
    },
  )
})

describe('what asks for more than its size shows', () => {
  const deep = (levels: number): string => (levels ? `%resource.extension.where(${deep(levels - 1)}).exists()` : 'url.exists()')
  const operation = (path: string) => ({
    resourceType: 'Parameters',
    parameter: [
      {
        name: 'operation',
        part: [
          { name: 'type', valueCode: 'delete' },
          { name: 'path', valueString: path },
        ],
      },
    ],
  })
  const doubling = JSON.stringify(Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '', path: `/x${i}` })))
  test.each([
    ['a path without end', operation(`Basic.extension.where(${deep(7)})`), {}],
    ['a patch that doubles the resource sixty times', doubling, { 'content-type': 'application/json-patch+json' }],
  ])('%s is refused as too costly, counted, and others are served meanwhile', async (_, body, headers) => {
    const extension = Array.from({ length: 60 }, (_, i) => ({ url: `http://x.example/${i}`, valueInteger: i }))
    const kept = { resourceType: 'Basic', code: { text: 'x' }, subject: { reference: `Patient/${id}` }, extension }
    const { body: made } = await ask('POST', 'Basic', kept)
    const before = await counted('keepwell_reading_ended_total')
    const refused = ask('PATCH', `Basic/${made.id}`, body, headers)
    expect((await ask('GET', 'metadata')).status).toBe(200)
    expect(codeOf(await refused)).toEqual([422, 'OperationOutcome', 'too-costly'])
    expect(await counted('keepwell_reading_ended_total')).toBe(before + 1)
    expect((await ask('GET', `Basic/${made.id}`)).body.meta.versionId).toBe(made.meta.versionId)
  })
})

describe('in bulk', () => {
  test('a line that is no resource costs itself alone', async () => {
    const line = (text: string): string =>
      JSON.stringify({ resourceType: 'Basic', code: { text }, subject: { reference: `Patient/${id}` } })
    const body = [line('one'), nested(10_000), '{"resourceType":"Basic"', line("'; DROP TABLE records; --")].join('\n')
    const { status, text } = await ask('POST', '$import', body, { 'content-type': 'application/fhir+ndjson' })
    const said = text
      .trim()
      .split('\n')
      .map(l => JSON.parse(l) as Json)
    expect([status, said.map(o => [o.id, o.issue[0].severity])]).toEqual([
      200,
      [
        ['line-1', 'information'],
        ['line-2', 'error'],
        ['line-3', 'error'],
        ['line-4', 'information'],
        ['summary', expect.anything()],
      ],
    ])
  })
})

describe('words of another language in a name', () => {
  test('are a name: kept as they are, found as they are, and of no effect', async () => {
    const family = `Robert'); DROP TABLE records;-- <script>alert("x")</script> \${7*7} ../../etc`
    const { body: made } = await ask('POST', 'Practitioner', { resourceType: 'Practitioner', name: [{ family }] })
    const found = (await ask('GET', `Practitioner?family=${encodeURIComponent(family.replace(/,/g, '\\,'))}`)).body
    expect(found.entry.map((e: Json) => [e.resource.id, e.resource.name[0].family])).toEqual([[made.id, family]])
    expect((await ask('GET', `Practitioner?family=${encodeURIComponent("' OR 1=1 --")}`)).body.total).toBe(0)
    const asXml = (await ask('GET', `Practitioner/${made.id}?_format=xml`)).text
    expect(asXml).toContain('&lt;script')
    expect(asXml).not.toContain('<script')
  })
})

describe('at the DICOM door', () => {
  const small = { rows: 16, columns: 16 }
  const drawer = async () =>
    quarantine(await dicomDrawer(world.clinic.folder), world.clinic.session.state.ring.catalog, world.gateway.random)
  const stow = (file: Uint8Array): Promise<Answer> =>
    ask(
      'POST',
      `${world.running.url}/dicomweb/studies`,
      concat(utf8('--b\r\ncontent-type: application/dicom\r\n\r\n'), file, utf8('\r\n--b--')),
      {
        'content-type': 'multipart/related; type="application/dicom"; boundary=b',
        accept: 'application/dicom+json',
      },
    )
  const lying = sampleDicom('lying', small).slice(0, -100)
  test.each([
    ['a length that lies', lying],
    ['a data set that grows without measure', bomb()],
    ['what is no DICOM', utf8('<html><script>alert(1)</script></html>')],
  ])('%s is answered with why, quarantined as it came, and counted', async (_, file) => {
    const before = await counted('keepwell_dicom_quarantined_total')
    const answer = await stow(file)
    expect(answer.status).toBe(409)
    expect(answer.text).toContain(`"00081197":{"vr":"US","Value":[${0xc000}]}`)
    expect(await counted('keepwell_dicom_quarantined_total')).toBe(before + 1)
    const held = await drawer()
    const files = await Promise.all((await held.names()).map(async name => (await held.open(name))!.file))
    expect(files.some(f => equal(f, file))).toBe(true)
  })
})

/** A deflated Part 10 file of some kilobytes that says it holds 64 MiB of pixels. */
function bomb(): Uint8Array {
  const text = (s: string): Uint8Array => utf8(s.length % 2 ? `${s}\0` : s)
  const element = (group: number, number: number, vr: string, value: Uint8Array): Uint8Array => {
    const long = vr === 'OB' || vr === 'OW'
    const head = new DataView(new ArrayBuffer(long ? 12 : 8))
    head.setUint16(0, group, true)
    head.setUint16(2, number, true)
    head.setUint8(4, vr.charCodeAt(0))
    head.setUint8(5, vr.charCodeAt(1))
    if (long) head.setUint32(8, value.length, true)
    else head.setUint16(6, value.length, true)
    return concat(new Uint8Array(head.buffer), value)
  }
  const meta = concat(
    element(2, 2, 'UI', text('1.2.840.10008.5.1.4.1.1.2')),
    element(2, 3, 'UI', text('1.2.3.4')),
    element(2, 0x10, 'UI', text('1.2.840.10008.1.2.1.99')),
  )
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, meta.length, true)
  const body = concat(element(8, 0x18, 'UI', text('1.2.3.4')), element(0x7fe0, 0x10, 'OW', new Uint8Array(64 << 20)))
  return concat(new Uint8Array(128), utf8('DICM'), element(2, 0, 'UL', length), meta, new Uint8Array(deflateRawSync(body)))
}

describe('at the HL7 v2 door', () => {
  const desk = () =>
    openDesk({ file: hl7v2File(world.clinic.folder), secret: world.clinic.session.state.ring.catalog, random: world.gateway.random })
  test.each([
    ['bytes that are in no character set', 'AR', Uint8Array.from({ length: 400 }, (_, i) => (i * 7919) % 251)],
    ['a page of the Web', 'AR', utf8('<html><script>alert(1)</script></html>')],
    ['a message of another kind', 'AR', utf8([header('QRY^A19', '+0000', "1'; DROP TABLE x; --"), PID].join('\r'))],
    ['a message without a patient', 'AE', utf8(header('ADT^A08', '+0000', 'X2'))],
  ])('%s is answered %s, kept as it came, and counted', async (_, code, message) => {
    const before = [
      await counted(`keepwell_hl7v2_${code === 'AE' ? 'errors' : 'rejected'}_total`),
      await counted('keepwell_hl7v2_quarantined'),
    ]
    const sender = await openSender({ host: '127.0.0.1', port: feed.port })
    const answer = await sender.send(message.filter(b => b !== 0x0b && b !== 0x1c))
    await sender.close()
    expect(answer.code).toBe(code)
    expect(answer.text).not.toBe('')
    expect([
      await counted(`keepwell_hl7v2_${code === 'AE' ? 'errors' : 'rejected'}_total`),
      await counted('keepwell_hl7v2_quarantined'),
    ]).toEqual(before.map(n => n + 1))
    const d = desk()
    const kept = await Promise.all(d.list('quarantined').map(async r => (await d.original(r.seq))!))
    await d.close()
    expect(
      kept.some(k =>
        equal(
          k,
          message.filter(b => b !== 0x0b && b !== 0x1c),
        ),
      ),
    ).toBe(true)
  })
})
