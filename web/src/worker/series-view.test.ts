import { type Measured, seriesOf } from '@keepwell/sdk/health/series'
import { describe, expect, test } from 'vitest'
import { lineView, rowsOf, seriesView } from './series-view.ts'

const LOINC = 'http://loinc.org'
type Of = { readonly item: { readonly row: never }; readonly performer: string }
const of = (id: string, author?: string) => ({
  item: { row: { id, trust: 'own', ...(author ? { author } : {}) } as never },
  performer: 'Lab',
})
const measured = (code: string, value: string, unit: string, date: string, whose: Of, more: object = {}): Measured<Of> => ({
  measure: { codes: [{ system: LOINC, code }], name: code, value, unit, ucum: unit, ...more },
  date,
  of: whose,
})

describe('series as the page sees them', () => {
  test('a pair is one row of the table and one line of the list; a half that is missing is said', () => {
    const a = of('a', 'Dr. Rivera')
    const b = of('b')
    const [s] = seriesOf([
      measured('8480-6', '128', 'mm[Hg]', '2023-01-01', a),
      measured('8462-4', '81', 'mm[Hg]', '2023-01-01', a),
      measured('8480-6', '120', 'mm[Hg]', '2024-01-01', b),
    ])
    expect(rowsOf(s!, 0, 10).map(r => [r.record, r.values, r.author])).toEqual([
      ['b', [120, null], null],
      ['a', [128, 81], 'Dr. Rivera'],
    ])
    expect(lineView('k', s!)).toMatchObject({ key: 'k', latest: [120], date: '2024-01-01', count: 2, from: [null, 'Dr. Rivera'] })
  })

  test('converted values are four digits exact and say what was written', () => {
    const glucose = [
      measured('2345-7', '90', 'mg/dL', '2022-01-01', of('a')),
      measured('2345-7', '95', 'mg/dL', '2023-01-01', of('b')),
      measured('14749-6', '5.5', 'mmol/L', '2024-01-01', of('c'), { low: '3.9', high: '5.5' }),
    ]
    const [s] = seriesOf(glucose)
    expect(rowsOf(s!, 0, 1)[0]).toMatchObject({ values: [99.09], low: 70.26, high: 99.09, written: '5.5 mmol/L', performer: 'Lab' })
    expect(seriesView('k', s!)).toMatchObject({ unit: 'mg/dL', rows: 3, converted: [{ unit: 'mmol/L', count: 1 }] })
    expect(rowsOf(s!, 1, 2)[0]!.written).toBe('')
  })

  test('a small drawing keeps the outliers of a long series', () => {
    const many = Array.from({ length: 5000 }, (_, i) =>
      measured('2345-7', i === 2345 ? '900' : '90', 'mg/dL', new Date(i * 86_400_000).toISOString(), of(String(i))),
    )
    const [spark] = lineView('k', seriesOf(many)[0]!).spark
    expect(spark!.y.length).toBeLessThan(60)
    expect(Math.max(...spark!.y)).toBe(1)
  })
})
