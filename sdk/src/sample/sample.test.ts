import { describe, expect, test } from 'vitest'
import { text, utf8 } from '#base/bytes'
import { sampleBundleChunks } from './bundle.ts'
import { sampleDicom, sampleSeries } from './dicom.ts'
import { sampleCcda, sampleHl7v2, sampleVcf, sampleWearable } from './messages.ts'
import { samplePatient } from './patient.ts'
import { samplePdf } from './pdf.ts'
import { prng } from './prng.ts'

const now = 1_767_225_600

test('the random stream is xoshiro128** and never changes', () => {
  const random = prng('keepwell')
  expect([random.uint32(), random.uint32(), random.uint32()]).toMatchInlineSnapshot(`
    [
      451659880,
      3932789385,
      1008105960,
    ]
  `)
  expect(prng('a').fork('x').uint32()).toBe(prng('a').fork('x').uint32())
  const spread = Array.from({ length: 10_000 }, () => random.int(0, 9)).reduce(
    (counts, n) => counts.with(n, counts[n]! + 1),
    new Array<number>(10).fill(0),
  )
  for (const count of spread) expect(count).toBeGreaterThan(850)
  expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

describe('patients', () => {
  test('the same seed gives the same life, another seed another', () => {
    const life = (seed: string): string => JSON.stringify([...samplePatient(seed, { resources: 200, now })])
    expect(life('a')).toBe(life('a'))
    expect(life('a')).not.toBe(life('b'))
  })
  test('exactly as many resources as asked come, references only point backwards, and nothing lies in the future', () => {
    for (const resources of [1, 2, 9, 10, 50, 1234]) {
      const seen = new Set<string>()
      let n = 0
      for (const resource of samplePatient('count', { resources, now })) {
        for (const [, reference] of JSON.stringify(resource).matchAll(/"reference":"([^"]+)"/g))
          expect(seen.has(reference!), reference).toBe(true)
        for (const [, date] of JSON.stringify(resource).matchAll(
          /"(?:effectiveDateTime|authoredOn|occurrenceDateTime|onsetDateTime|started)":"([^"]+)"/g,
        ))
          expect(Date.parse(date!)).toBeLessThan(now * 1000)
        seen.add(`${resource.resourceType}/${resource.id}`)
        n++
      }
      expect(n).toBe(resources)
    }
  })
  test('all the usual types occur', () => {
    const types = new Set([...samplePatient('types', { resources: 400, now })].map(r => r.resourceType))
    const wanted =
      'Patient Organization Practitioner Encounter Condition Observation MedicationRequest AllergyIntolerance Immunization Procedure DiagnosticReport DocumentReference CarePlan ImagingStudy'
    expect(types).toEqual(new Set(wanted.split(' ')))
  })
  test('a life may be as large as one likes, and no two of its resources share an id', () => {
    const ids = new Set<unknown>()
    for (const r of samplePatient('large', { resources: 100_000, now })) ids.add(r.id)
    expect(ids.size).toBe(100_000)
  })
  test('a Bundle streams in chunks and is well-formed', async () => {
    let all = ''
    for await (const chunk of sampleBundleChunks('stream', 300, { now })) all += text(chunk)
    const bundle = JSON.parse(all) as { entry: { fullUrl: string; resource: { id: string } }[] }
    expect(bundle.entry).toHaveLength(300)
    expect(bundle.entry.every(e => e.fullUrl === `urn:uuid:${e.resource.id}`)).toBe(true)
  })
})

describe('files', () => {
  test('DICOM files are repeatable, and of the asked size', () => {
    const image = { rows: 20, columns: 30, frames: 2 }
    expect(sampleDicom('x', image)).toEqual(sampleDicom('x', image))
    expect(sampleDicom('x', image).length).toBeGreaterThan(20 * 30 * 2 * 2)
    expect([...sampleSeries('x', { instances: 3, rows: 8, columns: 8 })]).toHaveLength(3)
  })
  test('every offset in the PDF table points at its object', () => {
    const pdf = text(samplePdf('Hello (world) \\ äöü\nline two'))
    const at = Number(/startxref\n(\d+)/.exec(pdf)![1])
    expect(pdf.slice(at, at + 4)).toBe('xref')
    const offsets = [...pdf.slice(at).matchAll(/^(\d{10}) 00000 n/gm)].map(m => Number(m[1]))
    offsets.forEach((offset, i) => {
      expect(pdf.slice(offset).startsWith(`${i + 1} 0 obj`)).toBe(true)
    })
    expect(offsets).toHaveLength(5)
    expect(pdf).toContain('(Hello \\(world\\) \\\\ ???) Tj')
  })
  test('messages of other standards have their form', () => {
    expect(sampleHl7v2('x', { now })).toMatch(/^MSH\|\^~\\&\|[^\r]+\rPID\|1\|[^\r]+\rOBR\|1\|/)
    expect(sampleCcda('x', { now })).toContain('<ClinicalDocument xmlns="urn:hl7-org:v3"')
    expect(sampleWearable('x', { now, days: 2 }).match(/<Record /g)).toHaveLength(2 * 31)
    expect(JSON.parse(sampleWearable('x', { now, days: 3, format: 'open-mhealth' }))).toHaveLength(3)
    const rows = sampleVcf('x')
      .trim()
      .split('\n')
      .filter(l => !l.startsWith('##'))
    expect(new Set(rows.map(r => r.split('\t').length))).toEqual(new Set([10]))
    expect(utf8(sampleVcf('x'))).toEqual(utf8(sampleVcf('x')))
  })
})
