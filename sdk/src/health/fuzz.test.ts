import { expect, test } from 'vitest'
import { concat, utf8 } from '#base/bytes'
import { sampleBundle } from '#sample/bundle'
import { sampleDicom } from '#sample/dicom'
import { sampleCcda, sampleHl7v2, sampleWearable } from '#sample/messages'
import { prng } from '#sample/prng'
import { detect } from './detect.ts'
import { parseDicom } from './dicom/parse.ts'
import { documentFacts } from './document.ts'
import { canonicalBytes, sourceId } from './fhir/canonical.ts'
import { loadChecker } from './fhir/check.ts'
import { facts } from './fhir/facts.ts'
import { splitFhir, splitNdjson } from './fhir/split.ts'
import { file } from './filing.ts'
import { readBrands } from './smart/brands.ts'

// Mutated input must end in an answer or a KeepwellError, soon. KEEPWELL_DEEP=1 does fifty times as much.

const now = 1_767_225_600
const ROUNDS = process.env.KEEPWELL_DEEP ? 20_000 : 400

/** Flips, cuts, repeats and inserts; biased to bytes that mean something. */
function mutated(random: ReturnType<typeof prng>, input: Uint8Array): Uint8Array {
  let out: Uint8Array = input.slice()
  for (let n = random.int(1, 6); n > 0; n--) {
    const at = random.int(0, Math.max(0, out.length - 1))
    const length = random.int(1, 40)
    const kind = random.int(0, 5)
    if (kind === 0) out[at] = random.int(0, 255)
    else if (kind === 1) out[at] = random.pick([0x22, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x5c, 0x3c, 0x3e, 0x26, 0, 255, 0x1b])
    else if (kind === 2) out = out.slice(0, at)
    else if (kind === 3) out = concat(out.subarray(0, at), out.subarray(at + length))
    else if (kind === 4) out = concat(out.subarray(0, at + length), out.subarray(at))
    else
      out = concat(
        out.subarray(0, at),
        Uint8Array.from({ length }, () => random.int(0, 255)),
        out.subarray(at),
      )
  }
  return out
}

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function rounds(
  name: string,
  seeds: readonly Uint8Array[],
  run: (bytes: Uint8Array, random: ReturnType<typeof prng>) => unknown,
): Promise<void> {
  const random = prng(`fuzz ${name}`)
  for (let i = 0; i < ROUNDS; i++) {
    const bytes = mutated(random, random.pick(seeds))
    try {
      await run(bytes, random)
    } catch (e) {
      expect(e, `${name}, round ${i}`).toMatchObject({ name: 'KeepwellError' })
    }
  }
}

const bundle = utf8(JSON.stringify(sampleBundle('fuzz', { resources: 30, now, noteBytes: 40 })))
const deep = 600_000

test('T28: splitters', { timeout: deep }, async () => {
  await rounds('split', [bundle, utf8('[{"resourceType":"A"},{"resourceType":"B"}]')], async (bytes, random) => {
    let covered = 0
    for await (const part of splitFhir(chunked(bytes, random.int(1, 5000)))) covered += part.bytes.length
    expect(covered).toBeLessThanOrEqual(bytes.length)
    for await (const part of splitNdjson(chunked(bytes, random.int(1, 5000)))) expect(part.bytes.length).toBeLessThanOrEqual(bytes.length)
  })
})
test('T28: resources that survive parsing: check, facts, filing, canonical form', { timeout: deep }, async () => {
  const check = await loadChecker()
  await rounds('resources', [bundle], async bytes => {
    for await (const part of splitFhir(chunked(bytes, 65_536))) {
      if (part.error) continue
      for (const issue of check(part.resource)) expect(issue.text).toBeTruthy()
      expect(facts(part.resource).title).toBeTruthy()
      file(part.resource)
      sourceId(part.resource)
      canonicalBytes(part.resource)
    }
  })
})
test('T28: lists of hospitals', { timeout: deep }, async () => {
  const address = 'https://fhir.example/r4'
  const entry = [
    { resource: { resourceType: 'Endpoint', id: 'e', status: 'active', connectionType: { code: 'hl7-fhir-rest' }, address } },
    {
      resource: {
        resourceType: 'Organization',
        id: 'a',
        name: 'West',
        alias: ['W'],
        address: [{ city: 'Napa' }],
        endpoint: [{ reference: 'Endpoint/e' }],
      },
    },
    { resource: { resourceType: 'Organization', id: 'b', name: 'Child', partOf: { reference: 'Organization/a' } } },
  ]
  await rounds('brands', [utf8(JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry }))], async (bytes, random) => {
    for (const { name, servers } of await readBrands(chunked(bytes, random.int(1, 400)))) {
      expect(name).toBeTruthy()
      for (const { base } of servers) expect(new URL(base).protocol).toBe('https:')
    }
  })
})
test('T28: DICOM', { timeout: deep }, async () => {
  const whole = sampleDicom('fuzz', { rows: 8, columns: 8, frames: 2 })
  await rounds('dicom', [whole, whole.subarray(132)], bytes => void parseDicom(bytes))
})
test('T28: detection and documents', { timeout: deep }, async () => {
  const seeds = [
    utf8(sampleCcda('f', { now })),
    utf8(sampleHl7v2('f', { now })),
    utf8(sampleWearable('f', { now, days: 1 })),
    bundle,
    sampleDicom('f', { rows: 4, columns: 4 }),
  ]
  await rounds('documents', seeds, bytes => {
    const media = detect('x', bytes)
    expect(documentFacts('x', bytes, media).title).toBeTruthy()
    for (const kind of ['ccda', 'hl7v2'] as const) expect(documentFacts('x', bytes, { ...media, kind }).title).toBeTruthy()
  })
})
