import { describe, expect, test } from 'vitest'
import { corpusTest, FHIR_FOLDERS, parseJson, resourcesOf } from './corpora.kit.ts'
import { facts } from './fhir/facts.ts'
import { type Measure, measuresOf } from './fhir/measures.ts'
import { type Measured, seriesOf } from './series.ts'

const LOINC = 'http://loinc.org'
type More = Partial<Measure> & { readonly date?: string; readonly of?: string; readonly category?: string }
const measured = (code: string, name: string, value: string | null, { date = '2024-01-01', of = 'x', category, ...more }: More = {}) =>
  ({
    measure: { codes: code ? [{ system: LOINC, code }] : [], name, ...(value === null ? {} : { value }), ...more },
    date,
    of,
    ...(category ? { category } : {}),
  }) satisfies Measured<string>
const mg = (value: string, date: string, more: More = {}) =>
  measured('2345-7', 'Glucose', value, { date, unit: 'mg/dL', ucum: 'mg/dL', ...more })
const mmol = (value: string, date: string, more: More = {}) =>
  measured('14749-6', 'Glucose [Moles/volume] in Serum', value, { date, unit: 'mmol/L', ucum: 'mmol/L', ...more })
const only = <T>(list: readonly T[]): T => {
  expect(list.length).toBe(1)
  return list[0]!
}

describe('series', () => {
  test('one analyte under two codes and in two units is one series, in the unit most used, with its ranges', () => {
    const s = only(
      seriesOf([
        mmol('5.5', '2023-05-01', { low: '3.9', high: '5.5' }),
        mg('95', '2022-01-01'),
        mg('126', '2024-02-01', { low: '70', high: '99' }),
      ]),
    )
    expect([s.identity, s.unit, s.units, s.group]).toEqual(['glucose', 'mg/dL', ['mg/dL', 'mmol/L'], 'metabolism'])
    const { points } = only(s.lines)
    expect(points.map(p => [p.date, Number(p.value.toFixed(2)), p.converted, p.outside])).toEqual([
      ['2022-01-01', 95, false, undefined],
      ['2023-05-01', 99.09, true, undefined],
      ['2024-02-01', 126, false, 'high'],
    ])
    expect([points[1]!.low, points[1]!.high].map(n => Number(n!.toFixed(1)))).toEqual([70.3, 99.1])
  })

  test('another unit can be asked for', () => {
    const s = only(seriesOf([mg('90', '2022-01-01'), mg('95', '2023-01-01'), mmol('5', '2024-01-01')], { glucose: 'mmol/L' }))
    expect([s.unit, ...s.lines[0]!.points.map(p => Number(p.value.toFixed(2)))]).toEqual(['mmol/L', 5, 5.27, 5])
    expect(only(seriesOf([mg('90', '2022-01-01')], { glucose: 'furlong' })).unit).toBe('mg/dL')
  })

  test('what cannot be converted, has no number or no day stands apart and says why', () => {
    const s = only(
      seriesOf([
        mg('90', '2022-01-01'),
        mg('90', '2022-02-01'),
        mg('7', '2022-03-01', { unit: 'drops', ucum: 'drops' }),
        mg('88', ''),
        measured('2345-7', 'Glucose', null, { text: 'hemolysed', flag: 'A' }),
      ]),
    )
    expect(s.lines[0]!.points.length).toBe(2)
    expect(s.apart.map(a => [a.why, a.measure.value ?? a.measure.text, a.outside]).toSorted()).toEqual([
      ['undated', '88', undefined],
      ['unit', '7', undefined],
      ['words', 'hemolysed', 'abnormal'],
    ])
  })

  test('both numbers of a blood pressure are one pair', () => {
    const bp = (s: string, d: string, date: string) => [
      measured('8480-6', 'Systolic', s, { date, of: date, unit: 'mmHg' }),
      measured('8462-4', 'Diastolic', d, { date, of: date, unit: 'mm[Hg]' }),
    ]
    const pair = only(seriesOf([...bp('128', '82', '2023-01-01'), ...bp('121', '79', '2024-01-01')]))
    expect([pair.identity, pair.lines.map(l => [l.role, l.points.map(p => p.value)])]).toEqual([
      'blood-pressure',
      [
        ['systolic', [128, 121]],
        ['diastolic', [82, 79]],
      ],
    ])
  })

  test('names join where codes are missing, if the unit agrees; other specimens do not', () => {
    const named = (name: string, unit: string) => measured('', name, '5', { unit })
    const all = seriesOf([
      mg('90', '2022-01-01'),
      named('GLUKOSE, SERUM', 'mmol/l'),
      named('Glucose in Urine', 'mg/dL'),
      named('Glucose', 'U/L'),
    ])
    expect(all.map(s => [s.identity, s.lines[0]!.points.length])).toEqual([
      ['glucose', 2],
      ['name glucose in urine|g1 m-3', 1],
      ['name glucose|m-3 mol1 s-1', 1],
    ])
    const rare = [measured('9999-1', 'Rare factor', '5', { unit: 'mg/L' }), named('rare factor', 'ug/L'), named('rare factor', '%')]
    expect(seriesOf(rare).map(s => [s.identity, s.lines[0]!.points.length])).toEqual([
      ['loinc 9999-1', 2],
      ['name rare factor|', 1],
    ])
  })

  test('outside is what its flag or its range says; a limit only points one way', () => {
    const outside = (value: string, more: More) => only(seriesOf([mg(value, '2024-01-01', more)])).lines[0]!.points[0]!.outside
    expect(outside('100', { low: '70', high: '99' })).toBe('high')
    expect(outside('60', { low: '70' })).toBe('low')
    expect(outside('70', { low: '70', high: '99' })).toBe(undefined)
    expect(outside('80', { flag: 'HH' })).toBe('high')
    expect(outside('80', { flag: 'A' })).toBe('abnormal')
    expect(outside('100', { low: '70', high: '99', flag: 'N' })).toBe('high')
    expect(outside('120', { high: '99', comparator: '<' })).toBe(undefined)
    expect(outside('60', { low: '70', comparator: '>' })).toBe(undefined)
  })

  test('a range in another unit than its value is brought into the same', () => {
    const s = only(seriesOf([mg('90', '2024-01-01', { low: '3.9', high: '5.5', rangeUnit: 'mmol/L' })]))
    expect(s.lines[0]!.points[0]!.high).toBeCloseTo(99.09, 2)
    const odd = only(seriesOf([mg('90', '2024-01-01', { low: '3.9', rangeUnit: 'stone' })]))
    expect(odd.lines[0]!.points[0]!.low).toBe(undefined)
  })

  test('HbA1c in percent and in mmol/mol are one series', () => {
    const s = only(
      seriesOf([
        measured('4548-4', 'HbA1c', '6.5', { date: '2023-01-01', unit: '%', ucum: '%' }),
        measured('59261-8', 'HbA1c', '53', { date: '2024-01-01', unit: 'mmol/mol', ucum: 'mmol/mol' }),
        measured('4548-4', 'HbA1c', '6.8', { date: '2022-01-01', unit: '%', ucum: '%' }),
      ]),
    )
    expect([s.unit, s.lines[0]!.points.map(p => p.value.toFixed(1))]).toEqual(['%', ['6.8', '6.5', '7.0']])
  })

  test('100,000 points are gathered soon', () => {
    const many = Array.from({ length: 100_000 }, (_, i) => mg(String(80 + (i % 40)), new Date(i * 3_600_000).toISOString()))
    const started = performance.now()
    expect(only(seriesOf(many)).lines[0]!.points.length).toBe(100_000)
    console.log(`100,000 measures in ${(performance.now() - started).toFixed(0)} ms`)
  })
})

corpusTest('real results make series, and none is lost', ({ files }) => {
  const measures: Measured<string>[] = []
  for (const { name, bytes } of FHIR_FOLDERS.flatMap(f => files(f, '.json'))) {
    let parsed: unknown
    try {
      parsed = parseJson(bytes)
    } catch {
      continue
    }
    for (const resource of resourcesOf(parsed))
      for (const measure of measuresOf(resource)) measures.push({ measure, date: facts(resource).dates.start ?? '', of: name })
  }
  const all = seriesOf(measures)
  const points = all.flatMap(s => s.lines.flatMap(l => l.points))
  const apart = all.flatMap(s => s.apart)
  expect(points.length + apart.length).toBe(measures.length)
  expect(points.every(p => Number.isFinite(p.value) && Number.isFinite(p.at))).toBe(true)
  const why = Object.groupBy(apart, a => a.why)
  console.log(
    `series: ${all.length} of ${measures.length} measures, ${points.filter(p => p.converted).length} converted, apart: ` +
      `${why.words?.length ?? 0} words, ${why.undated?.length ?? 0} undated, ${why.unit?.length ?? 0} by unit`,
  )
})
