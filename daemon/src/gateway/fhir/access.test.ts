import { openStore } from '@keepwell/sdk/health/fhir/search/store'
import { describe, expect, test } from 'vitest'
import type { Actor, Scope } from '#gateway/core/types'
import { demand, granted, mayTouch, type Right } from './access.ts'

const scope = (type: string, rights: string, query: Scope['query'] = []): Scope => ({
  context: 'patient',
  type,
  ...(Object.fromEntries(['c', 'r', 'u', 'd', 's'].map(r => [r, rights.includes(r)])) as Record<Right, boolean>),
  query,
})
const actor = (...scopes: Scope[]): Actor => ({ person: 'p', role: 'r', purpose: 'TREAT', scopes, patient: null })
const LAB: Scope['query'] = [['category', 'laboratory']]

describe('scopes', () => {
  test('give each letter for itself, and nothing to a type that none of them names', () => {
    const a = actor(scope('Observation', 'rs'), scope('Condition', 'c'))
    const all: Right[] = ['c', 'r', 'u', 'd', 's']
    expect(all.filter(r => granted(a, 'Observation', r))).toEqual(['r', 's'])
    expect(all.filter(r => granted(a, 'Condition', r))).toEqual(['c'])
    expect(all.filter(r => granted(a, 'Patient', r))).toEqual([])
    expect(() => demand(a, 'Observation', 'u')).toThrow(expect.objectContaining({ code: 'DENIED' }))
    expect(() => demand(actor(), 'Patient', 'r')).toThrow()
  })

  test('of * are of every type; null is the organisation’s own and everything', () => {
    expect(granted(actor(scope('*', 'r')), 'Patient', 'r')).toBe(true)
    expect(granted({ scopes: null }, 'Patient', 'd')).toBe(true)
  })

  test('with search arguments narrow, until another scope gives the whole type', () => {
    expect(granted(actor(scope('Observation', 'r', LAB)), 'Observation', 'r')).toEqual([LAB])
    expect(granted(actor(scope('Observation', 'r', LAB), scope('Observation', 'r')), 'Observation', 'r')).toBe(true)
    const store = openStore()
    const put = (id: string, code: string) =>
      store.put({
        resourceType: 'Observation',
        id,
        meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' },
        category: [{ coding: [{ code }] }],
      })
    const lab = put('a', 'laboratory')
    const vital = put('b', 'vital-signs')
    const a = actor(scope('Observation', 'r', LAB))
    expect([lab, vital].map(v => mayTouch(a, store, v, 'r', 0))).toEqual([true, false])
  })
})
