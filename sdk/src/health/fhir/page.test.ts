import { expect, test } from 'vitest'
import { concat, utf8 } from '#base/bytes'
import { prng } from '#sample/prng'
import { alone, readPage } from './page.ts'
import { documentsOf, localReference, referencesOf } from './pointers.ts'
import { isObject } from './read.ts'
import { splitFhir } from './split.ts'

const BASE = 'https://west.example/fhir'
const page = (more: object, entry: readonly unknown[] = []): Uint8Array =>
  utf8(JSON.stringify({ resourceType: 'Bundle', type: 'searchset', ...more, entry }))

test('what is no page of a search is none, whatever it is', async () => {
  const none = [
    '',
    'null',
    '[]',
    '<html>',
    '{"resourceType":"OperationOutcome"}',
    '{"resourceType":"Bundle","type":"history"}',
    '{"resourceType":"Bundle"',
  ]
  for (const text of none) expect(await readPage(utf8(text), BASE), text).toBeNull()
  expect(await readPage(new Uint8Array([0xff, 0xfe, 0x00]), BASE)).toBeNull()
  expect(await readPage(utf8('['.repeat(200_000)), BASE)).toBeNull()
})

test('a time, a total or a link that is not one is left out, and nothing of it is believed', async () => {
  const odd = { meta: { lastUpdated: '2026-99-99' }, total: -3, link: [{ relation: 'next', url: 7 }, 'next', null] }
  expect(await readPage(page(odd, [null, 7, {}, { resource: { resourceType: '' } }]), BASE)).toMatchObject({
    searchedAt: null,
    newest: null,
    total: null,
    next: null,
    broken: 4,
  })
  const times = ['2026-01-01T00:00:00Z', '2026-01-01T01:30:00+02:00', 'soon'].map(lastUpdated => ({
    resource: { resourceType: 'Condition', meta: { lastUpdated } },
  }))
  expect(await readPage(page({}, times), BASE)).toMatchObject({ newest: '2026-01-01T00:00:00Z' })
})

test('resources keep their bytes when what the server says beside them is taken out, and when one stands alone', async () => {
  const odd = '{ "resourceType" : "Condition", "id":"c","x":1.50 }'
  const whole = utf8(
    `{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"OperationOutcome","issue":[{"severity":"warning","code":"suppressed"}]}},{"fullUrl":"${BASE}/Condition/c","resource":${odd}}]}`,
  )
  const read = (await readPage(whole, BASE))!
  expect([read.outcomes, read.entries.length]).toEqual([['suppressed'], 1])
  for (const bytes of [read.bytes!, alone(`${BASE}/Condition/c`, utf8(odd))]) {
    const parts = []
    for await (const part of splitFhir(one(bytes))) parts.push(part)
    expect(parts).toHaveLength(1)
    expect(parts[0]).toMatchObject({ bytes: utf8(odd), fullUrl: `${BASE}/Condition/c` })
  }
})

test('a server speaks for itself only: what it files under another’s address stands under its own', async () => {
  const entry = [
    { fullUrl: 'https://east.example/fhir/Condition/c', resource: { resourceType: 'Condition', id: 'c' } },
    { fullUrl: 'urn:uuid:1', resource: { resourceType: 'Condition', id: 'd' } },
    { resource: { resourceType: 'Condition', id: 'a b/../c' } },
  ]
  const urls: (string | undefined)[] = []
  for await (const part of splitFhir(one((await readPage(page({}, entry), BASE))!.bytes!))) if (!part.error) urls.push(part.fullUrl)
  expect(urls).toEqual([`${BASE}/Condition/c`, 'urn:uuid:1', undefined])
})

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

test('documents are those that a resource points to, not those it holds; references are those to this server', () => {
  const attachment = { contentType: 'application/pdf', url: 'Binary/1', title: 'Letter', hash: 'x' }
  const reference = {
    resourceType: 'DocumentReference',
    date: '2026-01-01',
    content: [{ attachment }, { attachment: { ...attachment, data: 'eA==' } }, {}],
  }
  expect(documentsOf(reference)).toMatchObject([{ url: 'Binary/1', title: 'Letter', date: '2026-01-01', contentType: 'application/pdf' }])
  const changed = { ...reference, content: [{ attachment: { ...attachment, hash: 'y' } }] }
  expect(documentsOf(changed)[0]!.state).not.toBe(documentsOf(reference)[0]!.state)
  expect(
    documentsOf({ resourceType: 'DocumentReference', content: [{ attachment: { ...attachment, contentType: 'a/b\r\nX: y' } }] })[0],
  ).not.toHaveProperty('contentType')
  const pointing = {
    a: { reference: `${BASE}/Practitioner/1/_history/2` },
    b: [{ reference: '#contained' }, { reference: 'Organization/2' }],
    c: { reference: 'https://else.example/fhir/Organization/3' },
  }
  const found = [...referencesOf(pointing as never)].map(r => localReference(r, BASE))
  expect(found).toEqual([{ type: 'Practitioner', id: '1' }, { type: 'Organization', id: '2' }, null])
  for (const bad of [
    'Practitioner/../Patient',
    'Practitioner/1?x',
    'practitioner/1',
    `${BASE}@evil.example/Practitioner/1`,
    'Practitioner/',
  ])
    expect(localReference(bad, BASE), bad).toBeNull()
})

const ROUNDS = process.env.KEEPWELL_DEEP ? 50_000 : 1000

test('altered pages end in a page or in none, never in an error, and what is to be filed can be taken apart', async () => {
  const random = prng('pages')
  const seed = page(
    { total: 3, meta: { lastUpdated: '2026-01-01T00:00:00Z' }, link: [{ relation: 'next', url: `${BASE}/Condition?page=2` }] },
    [
      { fullUrl: `${BASE}/Condition/1`, resource: { resourceType: 'Condition', id: '1', subject: { reference: 'Patient/1' } } },
      { resource: { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', code: 'suppressed' }] } },
      {
        resource: { resourceType: 'DocumentReference', id: '2', content: [{ attachment: { url: 'Binary/2', contentType: 'text/plain' } }] },
      },
    ],
  )
  let pages = 0
  for (let i = 0; i < ROUNDS; i++) {
    let bytes: Uint8Array = seed.slice()
    for (let n = random.int(1, 4); n > 0; n--) {
      const at = random.int(0, bytes.length - 1)
      if (random.int(0, 3) === 0) bytes = concat(bytes.subarray(0, at), bytes.subarray(at + random.int(1, 30)))
      else bytes[at] = random.pick([0x22, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x5c, 0x31, 0x6e, random.int(0, 255)])
    }
    const read = await readPage(bytes, BASE)
    if (!read) continue
    pages++
    for (const { resource } of read.entries)
      for (const found of [documentsOf(resource), [...referencesOf(resource)]]) expect(Array.isArray(found)).toBe(true)
    if (read.bytes) for await (const part of splitFhir(one(read.bytes))) if (!part.error) expect(isObject(part.resource)).toBe(true)
  }
  expect(pages).toBeGreaterThan(ROUNDS / 20)
})
