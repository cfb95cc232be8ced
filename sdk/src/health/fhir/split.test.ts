import { describe, expect, test } from 'vitest'
import { concat, text, utf8 } from '#base/bytes'
import { corpusTest } from '#health/corpora.kit'
import { sampleBundleChunks, sampleNdjsonChunks } from '#sample/bundle'
import type { FhirPart, SplitLimits } from './split.ts'
import { SPLIT_LIMITS, splitFhir, splitNdjson } from './split.ts'

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
async function parts(input: string | Uint8Array, size = 4096, limits?: SplitLimits): Promise<FhirPart[]> {
  const out: FhirPart[] = []
  for await (const part of splitFhir(chunked(typeof input === 'string' ? utf8(input) : input, size), limits)) out.push(part)
  return out
}
const brief = (all: FhirPart[]): string[] => all.map(p => (p.error ? `!${p.error.code}` : p.resourceType))
const bundle = (...entries: string[]): string => `{"resourceType":"Bundle","type":"collection","entry":[${entries.join(',')}],"total":1}`
const now = 1_767_225_600

describe('shapes of documents', () => {
  test.each([1, 2, 3, 7, 64, 100_000])('a Bundle gives each resource with its exact bytes, in chunks of %i', async size => {
    const first = '{ "resourceType" : "Observation", "valueQuantity":{"value":1.50}, "note":[{"text":"a \\"b\\" } ] {"}] }'
    const second = '{"resourceType":"Patient","name":[{"family":"Ünï"}]}'
    const found = await parts(
      bundle(`{"fullUrl":"urn:uuid:1","resource": ${first} ,"request":{"method":"POST","url":"Observation"}}`, `\n {"resource":${second}}`),
      size,
    )
    expect(found.map(p => text(p.bytes))).toEqual([first, second])
    expect(found[0]).toMatchObject({ fullUrl: 'urn:uuid:1', request: { method: 'POST' }, index: 0, path: 'Bundle.entry[0].resource' })
    expect(found[1]).toMatchObject({ index: 1, path: 'Bundle.entry[1].resource', resourceType: 'Patient' })
  })
  test('arrays, NDJSON, concatenated JSON and single resources are taken as they come', async () => {
    expect(brief(await parts('[{"resourceType":"A"},{"resourceType":"B"}]'))).toEqual(['A', 'B'])
    expect(brief(await parts('{"resourceType":"A"}\n{"resourceType":"B"}\n'))).toEqual(['A', 'B'])
    expect(brief(await parts('{"resourceType":"A"} {"resourceType":"B"}'))).toEqual(['A', 'B'])
    expect(brief(await parts('{"id":"1","resourceType":"A"}'))).toEqual(['A'])
  })
  test('a byte order mark and white space around are no part of it', async () => {
    expect(brief(await parts('\uFEFF \r\n {"resourceType":"A"} \n\n'))).toEqual(['A'])
  })
  test('a List is not mistaken for a Bundle, nor a Bundle whose type comes last for a resource', async () => {
    expect(brief(await parts('{"entry":[{"item":{"reference":"a/b"}}],"resourceType":"List"}', 5))).toEqual(['List'])
    expect(brief(await parts('{"entry":[{"resource":{"resourceType":"A"}}],"resourceType":"Bundle"}', 5))).toEqual(['A'])
  })
  test('a Bundle inside a Bundle is one resource', async () => {
    expect(brief(await parts(bundle(`{"resource":${bundle('{"resource":{"resourceType":"A"}}')}}`)))).toEqual(['Bundle'])
  })
  test('an empty Bundle and an empty file give nothing', async () => {
    expect(await parts('{"resourceType":"Bundle","type":"searchset"}')).toEqual([])
    expect(await parts('')).toEqual([])
  })
})

describe('damage', () => {
  const good = (type: string): string => `{"fullUrl":"u","resource":{"resourceType":"${type}"}}`
  test.each([
    ['a bad literal', '{"fullUrl":"u","resource":{"resourceType":"B","x":nope}}'],
    ['a lost quote', '{"fullUrl":"u","resource":{"resourceType":"B","x":"Smith}}'],
    ['a lost brace', '{"fullUrl":"u","resource":{"resourceType":"B","x":1}'],
    ['a lost bracket', '{"fullUrl":"u","resource":{"resourceType":"B","x":[1}}'],
    ['a superfluous brace', '{"fullUrl":"u","resource":{"resourceType":"B"}}}'],
    ['garbage', 'garbage'],
    ['a raw line feed in a string', '{"fullUrl":"u","resource":{"resourceType":"B","x":"a\nb"}}'],
  ])('%s costs one entry and not its neighbours', async (_, bad) => {
    for (const size of [3, 4096]) {
      const found = brief(await parts(bundle(good('A'), bad, good('C'), good('D')), size))
      expect(found.filter(x => !x.startsWith('!'))).toEqual(['A', ...(bad.endsWith('}}}') ? ['B'] : []), 'C', 'D'])
      expect(found.filter(x => x === '!malformed').length).toBeGreaterThan(0)
    }
  })
  test('what was whole before a file ends early is given, then where it ended', async () => {
    const whole = bundle(good('A'), good('B'), good('C'))
    for (let length = 1; length < whole.length; length++) {
      const found = await parts(whole.slice(0, length), 16)
      const last = found.at(-1)
      expect(last?.error?.code).toBe('truncated')
      expect(last?.error?.at).toBeLessThanOrEqual(length)
      expect(found.length - 1).toBe(found.filter(p => !p.error).length)
    }
  })
  test('the bytes of a broken entry are kept', async () => {
    const bad = '{"fullUrl":"u","resource":{"resourceType":"B","x":nope}}'
    const found = await parts(`[${'{"resourceType":"A","x":nope}'},{"resourceType":"C"}]`)
    expect(text(found[0]!.bytes)).toContain('nope')
    expect(text((await parts(bundle(bad)))[0]!.bytes)).toContain('nope')
  })
  test('an entry without a resource is reported, not lost', async () => {
    expect(brief(await parts(bundle('{"request":{"method":"DELETE","url":"Patient/1"}}', good('A'))))).toEqual(['!not-a-resource', 'A'])
  })
  test('invalid UTF-8 is an error of its entry alone', async () => {
    const bytes = concat(utf8('[{"resourceType":"A","x":"'), Uint8Array.of(0xff, 0xfe), utf8('"},{"resourceType":"B"}]'))
    expect(brief(await parts(bytes))).toEqual(['!not-utf8', 'B'])
  })
  test('too deep and too large entries are refused one by one', async () => {
    const limits = { ...SPLIT_LIMITS, maxEntryBytes: 1000 }
    const deep = `{"resource":{"resourceType":"B","x":${'['.repeat(80)}${']'.repeat(80)}}}`
    const bottomless = `{"resource":{"resourceType":"B","x":${'['.repeat(100_000)}`
    const large = `{"resource":{"resourceType":"B","x":"${'x'.repeat(5000)}"}}`
    expect(brief(await parts(bundle(good('A'), deep, large, good('C')), 100, limits))).toEqual(['A', '!too-deep', '!too-large', 'C'])
    expect(brief(await parts(bundle(bottomless), 4096))).toContain('!malformed')
  })
  test('a document of errors ends after the limit', async () => {
    const found = await parts(bundle(...Array.from({ length: 3000 }, () => '{"fullUrl":"u","resource":5}')))
    expect(found.length).toBeLessThanOrEqual(SPLIT_LIMITS.maxErrors + 1)
    expect(found.at(-1)?.error?.code).toBe('too-many-errors')
  })
  test('hostile damage stays linear: each entry start tempts the search for the next one', async () => {
    const found = await parts(bundle(`{"resource":{"x":[${'{"resource":'.repeat(200_000)}`), 65_536, {
      ...SPLIT_LIMITS,
      maxEntryBytes: 1_000_000,
    })
    // Were it quadratic, the runner's own limit would end it.
    expect(found.some(p => p.error)).toBe(true)
  })
})

describe('NDJSON', () => {
  test('a bad line is one error and never touches its neighbours', async () => {
    const out: FhirPart[] = []
    for await (const p of splitNdjson(chunked(utf8('\uFEFF{"resourceType":"A"}\r\n{"resourceType":"B}\n\n[]\n{"resourceType":"C"}'), 3)))
      out.push(p)
    expect(brief(out)).toEqual(['A', '!malformed', '!not-a-resource', 'C'])
    expect(out.map(p => p.path)).toEqual(['line 0', 'line 1', 'line 3', 'line 4'])
  })
  test('an exported sample comes back whole', async () => {
    let n = 0
    for await (const p of splitNdjson(sampleNdjsonChunks('x', { resources: 500, now }))) if (!p.error) n++
    expect(n).toBe(500)
  })
})

test('a Bundle of 25,000 entries and 60 MB passes through without being held', async () => {
  // The splitter holds one entry; so does this test: what it keeps is counters.
  let entries = 0
  let bytes = 0
  let largest = 0
  const total = { bytes: 0 }
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of sampleBundleChunks('large', 25_000, { now, noteBytes: 14_000 })) {
      total.bytes += chunk.length
      yield chunk
    }
  }
  const before = process.memoryUsage().arrayBuffers
  let peak = 0
  for await (const part of splitFhir(counted())) {
    expect(part.error).toBeUndefined()
    entries++
    bytes += part.bytes.length
    largest = Math.max(largest, part.bytes.length)
    if (entries % 5000 === 0) peak = Math.max(peak, process.memoryUsage().arrayBuffers - before)
  }
  expect(entries).toBe(25_000)
  expect(total.bytes).toBeGreaterThan(60_000_000)
  expect(bytes).toBeGreaterThan(0.8 * total.bytes)
  console.info(
    `splitter: ${(total.bytes / 1e6).toFixed(0)} MB, largest entry ${largest} B, buffers at most ${(peak / 1e6).toFixed(1)} MB above the start`,
  )
})

corpusTest('every Bundle of the corpora splits into the counts that another program found', async ({ files, json }) => {
  const { files: expected } = json<{ files: Record<string, { by_type: Record<string, number> }> }>('fhir/expected-counts.json')
  const all = [...files('fhir/synthea-r4'), ...files('fhir/synthea-us-core'), ...files('ips', '.json')]
  let compared = 0
  for (const file of all) {
    const want = expected[file.name]
    if (!want) continue
    const counts: Record<string, number> = {}
    for (const part of await parts(file.bytes, 65_536)) if (!part.error) counts[part.resourceType] = (counts[part.resourceType] ?? 0) + 1
    expect(counts, file.name).toEqual(want.by_type)
    compared++
  }
  console.info(`splitter: ${compared} Bundles have the expected counts`)
  expect(compared).toBe(Object.keys(expected).length)
})
