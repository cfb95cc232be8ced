import { describe, expect, test } from 'vitest'
import type { ShareView } from '#rpc/views.ts'
import { type Draft, firstDraft, isShort, MOST, missing, OWN, shareOf, untilOf, yearsAgo } from './share-draft.ts'
import { now } from './share-terms.tsx'

const DRAFT: Draft = {
  to: 'did:b',
  level: 'read',
  scope: 'parts',
  parts: ['general'],
  since: '',
  records: [],
  purpose: 'TREAT',
  span: '90',
  date: '',
  whileVouched: true,
}
const later = now() + 90 * 86_400
const parts = ['general', 'laboratory'].map(name => ({ name, count: 1 }))
const basis = { contacts: [], parts, request: undefined, replaces: null, to: 'did:b', records: [] }

describe('a share as a form makes it', () => {
  test('named records name no part, so that nothing but they is shared', () => {
    const draft = { ...DRAFT, scope: 'records', records: ['a', 'b'] } as const
    expect(shareOf(draft, later, {})).toMatchObject({ compartments: [], records: ['a', 'b'] })
    // Whoever adds or looks after does so to parts, whatever was ticked before.
    for (const level of ['write', 'admin'] as const) {
      const share = shareOf({ ...draft, level }, later, {})
      expect(share).toMatchObject({ compartments: ['general'], level })
      expect(share.records).toBeUndefined()
    }
  })

  test('years back narrow what may be read, and nothing else', () => {
    expect(shareOf({ ...DRAFT, since: '2' }, later, {}).since).toBe(yearsAgo(2))
    for (const level of ['write', 'admin'] as const) expect(shareOf({ ...DRAFT, since: '2', level }, later, {}).since).toBeUndefined()
  })

  test('a caregiver may share on for care, whatever purpose was chosen before', () => {
    expect(shareOf({ ...DRAFT, level: 'admin', purpose: 'HRESCH' }, later, {}).purposes).toEqual(['FAMRQT', 'TREAT', 'CAREMGT'])
  })

  test('lasts to the last second of the day chosen here, and none chosen is none', () => {
    const until = untilOf({ span: OWN, date: '2031-05-06' }, 0)
    expect(new Date(until * 1000).toString()).toMatch(/May 06 2031 23:59:59/)
    expect(untilOf({ span: OWN, date: '' }, 0)).toBe(0)
    expect([isShort(now() + 86_400), isShort(later)]).toEqual([true, false])
  })

  test('says what is missing: nothing chosen, too much, a day gone by, nobody', () => {
    expect(missing(DRAFT, later)).toBeNull()
    expect(missing({ ...DRAFT, parts: [] }, later)).toBe('new.missing')
    expect(missing({ ...DRAFT, scope: 'records' }, later)).toBe('sharing.missingRecords')
    const many = Array.from({ length: MOST + 1 }, (_, i) => String(i))
    expect(missing({ ...DRAFT, scope: 'records', records: many }, later)).toBe('sharing.tooMany')
    expect(missing(DRAFT, now() - 1)).toBe('new.missing')
    expect(missing({ ...DRAFT, to: '' }, later)).toBe('new.missing')
  })

  test('one that replaces another begins with its person, level, records and end', () => {
    const share = { did: 'did:c', level: 'read', records: 2, compartments: [], purposes: ['HRESCH'], until: later } as unknown as ShareView
    expect(firstDraft({ ...basis, replaces: { share, records: ['a', 'b'] } })).toMatchObject({
      to: 'did:c',
      scope: 'records',
      records: ['a', 'b'],
      purpose: 'HRESCH',
      span: OWN,
      date: new Date(later * 1000).toISOString().slice(0, 10),
    })
  })
})
