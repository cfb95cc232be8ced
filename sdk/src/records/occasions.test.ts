import { describe, expect, test } from 'vitest'
import { belonging, encountersOf, type Happening, occasions } from './occasions.ts'

let next = 0
const item = (h: Partial<Happening>): Happening => ({ id: `i${next++}`, date: '', type: 'Observation', author: 'me', ...h })
const gather = (items: readonly Happening[], all = items) => {
  const encounterOf = encountersOf(all)
  return occasions(items, item => belonging(item, encounterOf))
}

describe('occasions', () => {
  test('an encounter gathers what refers to it, however the reference is written', () => {
    const visit = item({ type: 'Encounter', date: '2020-05-05T09:00:00Z', source: 'Encounter/aaaa-1' })
    const items = [
      item({ date: '2020-05-05T09:30:00Z', encounter: 'urn:uuid:AAAA-1' }),
      visit,
      item({ date: '2020-05-05', encounter: 'https://hospital.example/fhir/Encounter/aaaa-1' }),
    ]
    const [only, ...more] = gather(items)
    expect(more).toEqual([])
    expect(only?.encounter).toBe(visit)
    expect(only?.items[0]).toBe(visit)
    expect(only?.items).toHaveLength(3)
    expect(only?.date).toBe(visit.date)
  })

  test('what is dated years from its encounter stays where it is dated; a result that comes later does not', () => {
    const visit = item({ type: 'Encounter', date: '2020-05-05', source: 'Encounter/1' })
    const old = item({ type: 'Condition', date: '1998-01-01', encounter: 'Encounter/1' })
    const late = item({ date: '2020-05-20', encounter: 'Encounter/1' })
    expect(gather([late, visit, old]).map(o => o.items.length)).toEqual([2, 1])
  })

  test('without an encounter, a day and a hand make an occasion', () => {
    const items = [
      item({ date: '2021-02-03T10:00:00Z' }),
      item({ date: '2021-02-03', author: 'clinic' }),
      item({ date: '2021-02-03T08:00:00Z' }),
    ]
    expect(gather(items).map(o => o.items.length)).toEqual([2, 1])
  })

  test('a reference to an encounter nobody has still holds its day together', () => {
    const items = [item({ date: '2021-02-03', encounter: 'Encounter/9' }), item({ date: '2021-02-03', encounter: 'Encounter/9' })]
    expect(gather(items)).toMatchObject([{ encounter: null, items: [{}, {}] }])
  })

  test('two sources that share an id are told apart by the day', () => {
    const a = item({ type: 'Encounter', date: '2020-01-01', source: 'https://a.example/Encounter/1' })
    const b = item({ type: 'Encounter', date: '2021-01-01', source: 'https://b.example/Encounter/1' })
    const mine = item({ date: '2021-01-01', encounter: 'Encounter/1' })
    expect(gather([mine, b, a])[0]).toMatchObject({ encounter: b, items: [b, mine] })
  })

  test('what has no date belongs to no occasion', () => {
    expect(gather([item({ type: 'Patient' })])).toEqual([])
  })
})
