import { expect, test } from 'vitest'
import { concat, equal } from '#base/bytes'
import { corpusTest } from '#health/corpora.kit'
import { sampleDicom, sampleSeries } from '#sample/dicom'
import { dicomDigest, inSeriesOrder, seriesPart } from './digest.ts'
import { asPart10, undrawable } from './drawable.ts'
import { parseDicom } from './parse.ts'

const small = { rows: 16, columns: 16 } as const
const whole = sampleDicom('drawn', small)

test('a whole image is drawn; a cut one, one too large and one in an unknown coding are not', () => {
  const facts = parseDicom(whole)
  expect(undrawable(facts)).toBeNull()
  expect(undrawable(parseDicom(whole.subarray(0, whole.length - 10)))).toBe('cut')
  expect(undrawable({ ...facts, rows: 60_000, columns: 60_000 })).toBe('large')
  expect(undrawable({ ...facts, transferSyntax: '1.2.840.10008.1.2.4.103' })).toBe('coding')
  expect(undrawable({ ...facts, bitsAllocated: 12 })).toBe('odd')
})

test('a report has no picture to draw', () => {
  const { pixelBytes, rows, columns, ...report } = parseDicom(whole)
  expect([pixelBytes, rows, columns].every(n => n !== undefined)).toBe(true)
  expect(undrawable(report)).toBe('no-image')
})

test('a data set without preamble or meta group becomes a file that viewers can read', () => {
  const meta = new DataView(whole.buffer, whole.byteOffset).getUint32(140, true)
  const bare = whole.subarray(144 + meta)
  const facts = parseDicom(bare)
  expect(parseDicom(asPart10(bare, facts))).toMatchObject({ rows: 16, pixelBytes: 512, issues: [] })
  const headed = whole.subarray(132)
  expect(equal(asPart10(headed, parseDicom(headed)), concat(new Uint8Array(128), whole.subarray(128)))).toBe(true)
  expect(asPart10(whole, facts)).toBe(whole)
})

test('pixels have the size the file states, and none where it states none', () => {
  expect(parseDicom(whole).spacing).toEqual({ rows: 0.5, columns: 0.5, at: 'patient' })
  expect(parseDicom(sampleDicom('s', { ...small, spacing: [0.7, 0.3] })).spacing).toEqual({ rows: 0.7, columns: 0.3, at: 'patient' })
  expect(parseDicom(sampleDicom('s', { ...small, spacing: null })).spacing).toBeUndefined()
})

test('what a device remembers of an image comes back as it was, and orders a series', () => {
  const files = [...sampleSeries('order', { ...small, instances: 4 })].map(parseDicom)
  const parts = files.map(f => seriesPart(dicomDigest(f))!)
  expect(parts[2]).toMatchObject({
    study: files[0]!.studyInstanceUid,
    series: files[0]!.seriesInstanceUid,
    modality: 'CT',
    instanceNumber: 3,
    position: 10,
    frames: 1,
  })
  expect(inSeriesOrder(parts.toReversed()).map(p => p.instanceNumber)).toEqual([1, 2, 3, 4])
  const unnumbered = parts.map(({ instanceNumber, ...p }) => ({ ...p, was: instanceNumber }))
  expect(inSeriesOrder(unnumbered.toReversed()).map(p => p.was)).toEqual([1, 2, 3, 4])
  expect(seriesPart({ particulars: [{ name: 'dose', text: '5 mg' }] })).toBeNull()
})

corpusTest('of real files each is drawn or says why', ({ files }) => {
  const verdicts = files('dicom', '.dcm').map(f => undrawable(parseDicom(f.bytes)) ?? 'drawn')
  const counts = Object.fromEntries([...Map.groupBy(verdicts, v => v)].map(([v, all]) => [v, all.length]))
  console.log('DICOM files by verdict:', counts)
  expect(counts.drawn).toBeGreaterThan(15)
})
