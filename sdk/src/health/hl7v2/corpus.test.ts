import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { nameUuid } from '#crypto/name-uuid'
import { corpusTest, parseJson, resourcesOf } from '#health/corpora.kit'
import { loadChecker } from '#health/fhir/check'
import { sampleHl7v2 } from '#sample/messages'
import { prng } from '#sample/prng'
import { parseMessage, splitMessages } from './message.ts'
import { ADMISSION, letter, ORDER, RESULT, VACCINATION, VISIT } from './messages.kit.ts'
import { toFhir } from './to-fhir.ts'

type Expected = { type: string; version: string; messages_in_file: number; segments: Record<string, number> } & Record<string, unknown>

corpusTest('real messages are read as python-hl7 reads them, and map to sound FHIR without a failure', async ({ files, json }) => {
  const { files: expected } = json<{ files: Record<string, Expected> }>('hl7v2/expected-parse.json')
  const check = await loadChecker()
  let resources = 0
  let compared = 0
  for (const { name, bytes } of files('hl7v2/messages')) {
    const parts = splitMessages(bytes)
    const message = parseMessage(parts[0]!)
    const pid = message.segments.find(s => s.name === 'PID')
    const segments = Object.fromEntries([...Map.groupBy(message.segments, s => s.name)].map(([n, all]) => [n, all.length]))
    const want = expected[name.split('/').at(-1)!]
    if (want) {
      compared++
      expect({ n: parts.length, type: message.segments[0]!.fields[9], version: message.version, segments }, name).toEqual({
        n: want.messages_in_file,
        type: want.type,
        version: want.version,
        segments: want.segments,
      })
      for (const field of [3, 5, 7, 8]) expect(pid?.fields[field] ?? '', `${name} PID-${field}`).toBe(want[`PID-${field}`] ?? '')
    }
    for (const { resource, from } of toFhir(message, { uuid: nameUuid, received: '2026-01-01T00:00:00Z' }).resources) {
      resources++
      expect(
        check(resource).filter(i => i.severity === 'error'),
        `${name} ${from}`,
      ).toEqual([])
    }
  }
  console.log(`HL7v2: ${compared} messages as python-hl7 reads them, ${resources} resources, none invalid`)
  expect(compared).toBe(Object.keys(expected).length)
})

corpusTest('beside two other converters: how many resources of each type', ({ files }) => {
  const messages = new Map(files('hl7v2/messages').map(f => [f.name.split('/').at(-1)!.replace('.hl7', ''), f.bytes]))
  const counts = (resources: Iterable<Record<string, unknown>>): Record<string, number> => {
    const found: Record<string, number> = {}
    for (const r of resources) found[String(r.resourceType)] = (found[String(r.resourceType)] ?? 0) + 1
    return found
  }
  const total: Record<string, { ours: number; theirs: number; equal: number; files: number }> = {}
  let n = 0
  for (const { name, bytes } of files('hl7v2/expected-fhir-ms', '.gz')) {
    const source = messages.get(name.split('/').at(-1)!.replace('-expected.json.gz', ''))
    if (!source) continue
    n++
    const theirs = counts(resourcesOf(parseJson(gunzipSync(bytes))))
    const ours = counts(
      toFhir(parseMessage(splitMessages(source)[0]!), { uuid: nameUuid, received: '2026-01-01T00:00:00Z' }).resources.map(o => o.resource),
    )
    for (const type of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
      const row = total[type] ?? { ours: 0, theirs: 0, equal: 0, files: 0 }
      total[type] = row
      row.ours += ours[type] ?? 0
      row.theirs += theirs[type] ?? 0
      row.files++
      if (ours[type] === theirs[type]) row.equal++
    }
  }
  for (const [type, t] of Object.entries(total).toSorted((a, b) => b[1].files - a[1].files))
    console.log(`  ${type}: ours ${t.ours}, Microsoft's ${t.theirs}; equal in ${t.equal} of ${t.files} messages`)
  expect(n).toBeGreaterThan(60)
  // The kinds that both make of a segment: a drop here is a mapping lost.
  for (const [type, least] of [
    ['Patient', 0.9],
    ['Encounter', 0.85],
    ['AllergyIntolerance', 0.8],
    ['Coverage', 0.8],
    ['Immunization', 0.8],
  ] as const)
    expect(total[type]!.equal / total[type]!.files, type).toBeGreaterThanOrEqual(least)
})

const ROUNDS = process.env.KEEPWELL_DEEP ? 20_000 : 400

test('damaged messages end in FHIR or in a KeepwellError, soon', async () => {
  const check = await loadChecker()
  const random = prng('fuzz hl7v2')
  const messages = [ADMISSION, RESULT, VACCINATION, letter('T02'), ORDER, VISIT].map(m => m.join('\r'))
  const seeds = [sampleHl7v2('fuzz', { now: 1_767_225_600 }), ...messages].map(m => new TextEncoder().encode(m))
  const marks = [0x7c, 0x5e, 0x7e, 0x5c, 0x26, 0x0d, 0x0a, 0x22, 0x00, 0x1b, 0xff, 0x58]
  for (let i = 0; i < ROUNDS; i++) {
    const seed = random.pick(seeds)
    const bytes = seed.slice(0, random.int(0, 9) ? seed.length : random.int(1, seed.length))
    for (let n = random.int(1, 12); n > 0; n--)
      bytes[random.int(0, bytes.length - 1)] = random.int(0, 1) ? random.pick(marks) : random.int(0, 255)
    try {
      for (const part of splitMessages(bytes))
        for (const { resource, from } of toFhir(parseMessage(part), { uuid: nameUuid, received: '2026-01-01T00:00:00Z' }).resources)
          expect(
            check(resource).filter(x => x.severity === 'error'),
            `round ${i} ${from} ${JSON.stringify(resource)}`,
          ).toEqual([])
    } catch (e) {
      if ((e as { name?: string }).name !== 'KeepwellError') throw e
    }
  }
}, 600_000)
