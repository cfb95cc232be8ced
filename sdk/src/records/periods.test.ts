import { expect, test } from 'vitest'
import { histogram, stretches, teller, unitOf } from './periods.ts'

test('a stretch knows its unit', () => {
  expect(['', '201', '2014', '2014-03', '2014-03-07'].map(unitOf)).toEqual([null, 'decade', 'year', 'month', 'day'])
})

test('items fall into stretches, newest first; a vague date keeps what it has', () => {
  const items = ['2021-05-01', '2021-05', '2021-04-30T23:00:00Z', '2021', ''].map(date => ({ date }))
  expect(stretches(items, 'month').map(s => [s.key, s.items.length])).toEqual([
    ['2021-05', 2],
    ['2021-04', 1],
    ['2021', 1],
  ])
})

test('a histogram has its empty stretches, and coarsens until its bars can be told apart', () => {
  expect(histogram(['2019-12-30', '2020-02-01', '2020'], 'month')).toEqual({
    unit: 'month',
    bars: [
      { key: '2019-12', count: 1 },
      { key: '2020-01', count: 0 },
      { key: '2020-02', count: 1 },
    ],
  })
  expect(histogram(['1950-01-01', '2020-01-01'], 'day')).toMatchObject({ unit: 'year', bars: { length: 71 } })
  expect(histogram(['2020-02-28', '2020-03-01'], 'day').bars.map(b => b.key)).toEqual(['2020-02-28', '2020-02-29', '2020-03-01'])
  expect(histogram([], 'day').bars).toEqual([])
})

test('a histogram of a stretch spans all of it', () => {
  const keys = (unit: 'year' | 'month' | 'day', around: string) =>
    histogram([`${around}0`, '2016-02-03'], unit, around).bars.map(b => b.key)
  expect(keys('year', '201')).toEqual(['2010', '2011', '2012', '2013', '2014', '2015', '2016', '2017', '2018', '2019'])
  expect(keys('month', '2016')).toHaveLength(12)
  expect(keys('day', '2016-02')).toMatchObject({ length: 29, 0: '2016-02-01', 28: '2016-02-29' })
  expect(keys('day', '2016')).toHaveLength(12)
})

test('what is told of a time: stays and rare procedures before routine, each once', () => {
  const of = (type: string, title: string, code = '') => ({ type, title, date: '2020-01-01', codes: [{ code }] })
  const routine = Array.from({ length: 40 }, () => of('Procedure', 'Medication reconciliation'))
  const all = [
    ...routine,
    of('Encounter', 'Admission', 'IMP'),
    of('Encounter', 'Check-up', 'AMB'),
    of('Procedure', 'Hip replacement'),
    of('Condition', 'Full-time employment (finding)'),
    of('Observation', 'Weight'),
  ]
  expect(teller(all)(all, 2).map(i => i.title)).toEqual(['Admission', 'Hip replacement'])
  expect(teller(all)(all, 9).map(i => i.title)).not.toContain('Weight')
})
