import { expect, test } from 'vitest'
import { changed, draftOf, emptyDraft, inFuture, KINDS, problemsIn, shownFields, typedOf } from './type-in-fields.ts'

const NOW = new Date(2026, 4, 1, 9, 30)
const measures = {
  measures: [
    { name: 'weight', units: [{ code: 'kg', label: 'kg' }] },
    { name: 'blood-pressure', units: [{ code: 'mm[Hg]', label: 'mmHg' }] },
  ],
  units: [{ code: 'g/L', label: 'g/L' }],
}

test('every form begins with what it needs, but for what only the person knows', () => {
  for (const { kind } of KINDS) {
    const problems = [...problemsIn(kind, emptyDraft(kind, NOW)).values()]
    expect(problems.length, kind).toBeGreaterThan(0)
    expect(new Set(problems), kind).toEqual(new Set(['type.missing']))
  }
})

test('what was typed comes back into the form as it was', () => {
  const draft = { ...emptyDraft('vaccination', NOW), vaccine: 'Tetanus', dose: '3', date: '5.2025' }
  const typed = typedOf('vaccination', draft)
  expect(typed).toMatchObject({ kind: 'vaccination', vaccine: 'Tetanus', dose: 3, date: '2025-05' })
  expect(typedOf('vaccination', draftOf(typed))).toEqual(typed)
})

test('numbers are read with a comma too, and what is none is named', () => {
  const draft = { ...emptyDraft('measurement', NOW), value: '71,5' }
  expect(typedOf('measurement', draft)).toMatchObject({ what: 'weight', value: 71.5, second: null, unit: 'kg' })
  expect(problemsIn('measurement', { ...draft, value: 'much' }).get('value')).toBe('type.notNumber')
  expect(problemsIn('vaccination', { ...emptyDraft('vaccination', NOW), vaccine: 'x', dose: '1.5' }).get('dose')).toBe('type.notNumber')
})

test('what is measured decides what is asked, and in which unit', () => {
  const draft = changed(emptyDraft('measurement', NOW), 'what', 'blood-pressure', measures)
  expect(draft.unit).toBe('mm[Hg]')
  expect(shownFields('measurement', draft).map(f => f.label)).toEqual([
    'type.what',
    'type.upper',
    'type.lower',
    'type.unit',
    'type.when',
    'type.remark',
  ])
  expect(changed(draft, 'what', 'other', measures).unit).toBe('g/L')
})

test('a field that is not shown says nothing', () => {
  const draft = { ...emptyDraft('condition', NOW), name: 'Asthma', until: '2020' }
  expect(typedOf('condition', draft)).toMatchObject({ until: '' })
  expect(typedOf('condition', { ...draft, state: 'resolved' })).toMatchObject({ until: '2020' })
})

test('a day to come is noticed, at whatever precision', () => {
  const draft = emptyDraft('vaccination', NOW)
  expect(inFuture('vaccination', draft, NOW)).toBe(false)
  for (const date of ['2027', '2026-06', '2.5.2026']) expect(inFuture('vaccination', { ...draft, date }, NOW), date).toBe(true)
  expect(inFuture('vaccination', { ...draft, date: '2026' }, NOW)).toBe(false)
})
