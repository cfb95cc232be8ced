import type { Terms } from '@keepwell/sdk/consent/terms'
import { describe, expect, test } from 'vitest'
import type { Looked, TrailView } from '#rpc/views.ts'
import { readUnder } from './read-under.ts'
import { sharesOf } from './shares.ts'
import { consentsFor } from './sharing.ts'

const id = (n: number, length = 32): Uint8Array => new Uint8Array(length).fill(n)
const hex = (n: number, length = 32): string => n.toString(16).padStart(2, '0').repeat(length)
const NAMES = [{ id: id(1, 16), name: 'laboratory' }]
const TERMS: Terms = {
  v: 1,
  patient: 'did:ethr:0x1:0xa',
  grantee: 'did:ethr:0x1:0xb',
  holder: '0x1',
  chainId: 1,
  contract: '0x2',
  level: 'read',
  compartments: [id(1, 16)],
  records: [],
  purposes: ['TREAT'],
  from: 0,
  to: 9,
  notBefore: 1000,
  expiry: 5000,
  salt: id(9),
  under: null,
}
const consent = (n: number, change: Partial<Terms> = {}, ended = false) => ({
  id: id(n),
  did: 'did:ethr:0x1:0xb',
  name: 'Ben',
  of: null,
  by: null,
  at: 1000,
  ended,
  terms: { ...TERMS, ...change },
})

describe('shares of consents', () => {
  test('to look after and to add, given in one go, is one share that reads by the first and adds by the second', () => {
    const [only, ...rest] = sharesOf([consent(5, { level: 'write' }), consent(6, { level: 'admin' })], NAMES, 2000)
    expect(rest).toEqual([])
    expect(only).toMatchObject({ id: hex(6), consents: [hex(6), hex(5)], level: 'admin', mayAdd: true, compartments: ['laboratory'] })
  })

  test('many named records are one share, and each is counted once', () => {
    const named = (n: number, ...records: number[]) => consent(n, { compartments: [], records: records.map(r => id(r, 16)) })
    expect(sharesOf([named(5, 1, 2), named(6, 2, 3)], NAMES, 2000)).toMatchObject([{ records: 3, consents: [hex(5), hex(6)] }])
  })

  test('other terms are another share: person, time, purpose, part, or under which it was passed on', () => {
    const others: Partial<Terms>[] = [
      { expiry: 6000 },
      { notBefore: 1001 },
      { purposes: ['HRESCH'] },
      { compartments: [id(2, 16)] },
      { under: id(7) },
    ]
    expect(sharesOf([consent(1), ...others.map((o, i) => consent(20 + i, o))], NAMES, 2000)).toHaveLength(6)
  })

  test('is live until the last of its consents ended, and expired from its very second', () => {
    const state = (ended: readonly boolean[], now: number) =>
      sharesOf(
        ended.map((e, i) => consent(i + 1, {}, e)),
        NAMES,
        now,
      )[0]!.state
    expect([state([true, false], 2000), state([true, true], 2000), state([false], 4999), state([false], 5000)]).toEqual([
      'live',
      'revoked',
      'live',
      'expired',
    ])
  })
})

describe('consents for named records', () => {
  test('hold all of them once, as few as their keys fit in, and never more than terms can name', () => {
    const ids = Array.from({ length: 2500 }, (_, i) => String(i))
    const small = consentsFor(ids, () => 50)
    expect(small.flat()).toEqual(ids)
    expect(small.map(c => c.length)).toEqual([1000, 1000, 500])
    const large = consentsFor(ids.slice(0, 100), () => 5000)
    expect(large.flat()).toEqual(ids.slice(0, 100))
    for (const c of large) expect(c.length * 5100).toBeLessThanOrEqual(180_000)
  })
})

describe('what was read under a share', () => {
  const line = (change: Partial<Looked>): Looked => ({
    seq: 1,
    index: 0,
    did: 'did:b',
    time: 100,
    name: 'Ben',
    own: false,
    person: null,
    role: null,
    action: 'view',
    denied: false,
    reasons: [],
    purpose: 'TREAT',
    compartments: [],
    records: [{ id: 'a', title: 'HbA1c', type: null }],
    reader: 'verified',
    share: hex(1),
    by: null,
    credential: null,
    hash: hex(9),
    ...change,
  })
  const trail = (looked: readonly Looked[]): TrailView => ({
    looked,
    relay: 'did:r',
    receipts: looked.length,
    logSize: looked.length,
    anchored: null,
    unbroken: null,
    problems: [],
    checkedAt: 0,
  })

  test('counts each record, not each look; refusals, other shares and the owner’s own are not readings', () => {
    const found = readUnder(
      trail([
        line({ time: 300, name: 'Clinic' }),
        line({ time: 200, records: [{ id: 'b', title: null, type: null }] }),
        line({}),
        line({ action: 'list', records: [] }),
        line({ action: 'deny', denied: true, records: [{ id: 'c', title: 'no', type: null }] }),
        line({ share: hex(2), records: [{ id: 'd', title: 'other', type: null }] }),
        line({ own: true, records: [{ id: 'e', title: 'own', type: null }] }),
      ]),
      [{ consents: [hex(1)] }],
    )
    expect(found.listed).toBe(1)
    expect(found.records).toEqual([
      { id: 'a', title: 'HbA1c', times: 2, first: 100, last: 300, by: ['Clinic', 'Ben'] },
      { id: 'b', title: null, times: 1, first: 200, last: 200, by: ['Ben'] },
    ])
  })

  test('what was passed on from it counts as well', () => {
    const found = readUnder(trail([line({}), line({ share: hex(3), records: [{ id: 'z', title: 'CT', type: null }] })]), [
      { consents: [hex(1)] },
      { consents: [hex(3)] },
    ])
    expect(found.records.map(r => r.id).sort()).toEqual(['a', 'z'])
  })
})
