import { describe, expect, test } from 'vitest'
import { equal, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { sha256 } from '#crypto/hash'
import type { Slot } from '#ports/ledger'
import { type AccessRequest, type AccessState, decide } from './decide.ts'
import { checkTerms, commitmentOf, LEVELS, narrower, PURPOSES, slotTimes, type Terms } from './terms.ts'

const DEEP = typeof process !== 'undefined' && process.env.KEEPWELL_DEEP === '1'
const RUNS = DEEP ? 200_000 : 4000

/** Small worlds, so that generated things meet: a handful of ids, epochs, times and people. */
function dice(seed: number) {
  let n = 0
  let pool = new Uint8Array(0)
  const byte = (): number => {
    if (n % 32 === 0) pool = new Uint8Array(sha256(encode([seed, n])))
    return pool[n++ % 32]!
  }
  const int = (max: number): number => byte() % (max + 1)
  const pick = <T>(list: readonly T[]): T => list[int(list.length - 1)]!
  const some = <T>(list: readonly T[]): T[] => list.filter(() => byte() % 2 === 0)
  return { int, pick, some }
}
type Dice = ReturnType<typeof dice>

const ID = (n: number): Uint8Array => new Uint8Array(16).fill(n)
const COMPARTMENTS = [1, 2, 3].map(ID)
const RECORDS = [11, 12, 13].map(ID)
const PEOPLE = ['did:ethr:0x1:0xa', 'did:ethr:0x1:0xb', 'did:ethr:0x1:0xc']
const SOME_PURPOSES = PURPOSES.slice(0, 3)

const makeTerms = (d: Dice): Terms => {
  const named = d.int(3) === 0
  return {
    v: 1,
    patient: 'did:ethr:0x1:0xp',
    grantee: d.pick(PEOPLE),
    holder: '0xh',
    chainId: 1,
    contract: '0xc',
    level: d.pick(LEVELS),
    compartments: named ? [] : d.some(COMPARTMENTS),
    records: named ? d.some(RECORDS) : [],
    purposes: d.some(SOME_PURPOSES),
    from: d.int(6),
    to: d.int(6),
    notBefore: d.int(6),
    expiry: d.int(8),
    salt: new Uint8Array(32).fill(d.int(255)),
    under: null,
  }
}
const makeRequest = (d: Dice): AccessRequest => ({
  action: d.pick(['list', 'open', 'write']),
  reader: d.pick(PEOPLE),
  purpose: d.pick(SOME_PURPOSES),
  records: d.some(RECORDS).map(id => ({ id, compartment: d.pick(COMPARTMENTS), epoch: d.int(6) })),
  compartments: d.some(COMPARTMENTS),
})
/** A request that fits the terms as often as not. */
function fitting(t: Terms, d: Dice): AccessRequest {
  const r = makeRequest(d)
  const record = (id: Uint8Array) => ({ id, compartment: t.compartments[0] ?? d.pick(COMPARTMENTS), epoch: t.from + d.int(1) })
  return {
    action: t.level === 'write' ? 'write' : d.pick(['list', 'open']),
    reader: d.int(9) ? t.grantee : r.reader,
    purpose: t.purposes[0] ?? r.purpose,
    records: (t.records.length ? d.some(t.records) : d.some(RECORDS)).map(record),
    compartments: d.int(9) ? t.compartments.slice(d.int(1)) : r.compartments,
  }
}
const makeSlot = (d: Dice): Slot | null =>
  d.int(7) === 0 ? null : { notBefore: d.int(4), expiry: d.int(8), level: d.pick([1, 2, 3]), state: d.int(4) === 0 ? 'revoked' : 'live' }
const makeState = (d: Dice): AccessState => ({
  now: d.int(8),
  slot: makeSlot(d),
  revoked: d.int(7) === 0,
  ledgerAge: d.pick([0, 600, 601]),
  credential: d.pick(['none-needed', 'live', 'dead']),
})
/** A state that agrees with the terms, so that generated requests are allowed often enough to say something. */
const kind = (t: Terms, d: Dice): AccessState => ({
  now: d.int(8),
  slot: { notBefore: 0, expiry: 9, level: ({ read: 1, write: 2, admin: 3 } as const)[t.level], state: 'live' },
  revoked: false,
  ledgerAge: 0,
  credential: 'none-needed',
})
const has = (list: readonly Uint8Array[], id: Uint8Array): boolean => list.some(x => equal(x, id))

describe('decide', () => {
  test('never allows what terms or slot forbid', () => {
    let allowed = 0
    for (let i = 0; i < RUNS; i++) {
      const d = dice(i)
      const t = makeTerms(d)
      const r = i % 4 ? fitting(t, d) : makeRequest(d)
      const s = i % 8 ? kind(t, d) : makeState(d)
      const verdict = decide(t, r, s)
      expect(verdict.allow).toBe(verdict.reasons.length === 0)
      if (!verdict.allow) continue
      allowed++
      const { slot } = s
      expect(r.reader).toBe(t.grantee)
      expect(t.purposes).toContain(r.purpose)
      expect(slot?.state).toBe('live')
      expect(slot?.level).toBe({ read: 1, write: 2, admin: 3 }[t.level])
      expect([s.revoked, s.credential === 'dead', s.ledgerAge > 600]).toEqual([false, false, false])
      expect(s.now >= t.notBefore && s.now >= slot!.notBefore && s.now < t.expiry && s.now < slot!.expiry).toBe(true)
      expect(r.action === 'write').toBe(t.level === 'write')
      for (const c of r.compartments) expect(t.records.length === 0 && has(t.compartments, c)).toBe(true)
      for (const record of r.records)
        if (t.records.length) expect(has(t.records, record.id)).toBe(true)
        else expect(has(t.compartments, record.compartment) && record.epoch >= t.from && record.epoch <= t.to).toBe(true)
    }
    expect(allowed).toBeGreaterThan(RUNS / 200)
  })

  test('what is allowed stays allowed when less is asked, and is refused once revoked, expired or asked by another', () => {
    let seen = 0
    for (let i = 0; i < RUNS; i++) {
      const d = dice(i + 1e6)
      const t = makeTerms(d)
      const r = fitting(t, d)
      const s = kind(t, d)
      if (!decide(t, r, s).allow) continue
      seen++
      expect(decide(t, { ...r, records: r.records.slice(1), compartments: r.compartments.slice(1) }, s).allow).toBe(true)
      expect(decide(t, r, { ...s, revoked: true }).reasons).toContain('revoked')
      expect(decide(t, r, { ...s, slot: { ...s.slot!, state: 'revoked' } }).reasons).toContain('revoked')
      expect(decide(t, r, { ...s, slot: null }).reasons).toContain('no-slot')
      expect(decide(t, r, { ...s, now: t.expiry }).reasons).toContain('expired')
      expect(decide(t, { ...r, reader: 'did:ethr:0x1:0xz' }, s).reasons).toContain('not-the-grantee')
      expect(decide(t, { ...r, records: [...r.records, { id: ID(99), compartment: ID(98), epoch: 3 }] }, s).allow).toBe(false)
    }
    expect(seen).toBeGreaterThan(RUNS / 100)
  })
})

describe('narrower', () => {
  test('is sound: whatever narrower terms allow, the outer terms allow its reader to see as well', () => {
    let inside = 0
    for (let i = 0; i < RUNS * 4; i++) {
      const d = dice(i + 2e6)
      const outer: Terms = { ...makeTerms(d), level: d.int(5) ? 'admin' : d.pick(LEVELS) }
      const inner: Terms =
        i % 2
          ? makeTerms(d)
          : { ...makeTerms(d), compartments: outer.compartments.slice(d.int(1)), purposes: outer.purposes.slice(d.int(1)) }
      if (!narrower(inner, outer)) continue
      inside++
      const r = fitting(inner, d)
      for (let now = 0; now <= 8; now++) {
        const s = { ...kind(inner, d), now }
        const mine = { ...r, reader: inner.grantee }
        if (!decide(inner, mine, s).allow) continue
        const asOuter = { ...mine, reader: outer.grantee, action: 'open' as const }
        expect(decide(outer, asOuter, { ...kind(outer, d), now }).reasons).toEqual([])
      }
      expect([outer.level, inner.level === 'admin', inner.records.length]).toEqual(['admin', false, 0])
    }
    expect(inside).toBeGreaterThan(RUNS / 100)
  })
})

describe('terms', () => {
  test('any other byte of the terms is another commitment', () => {
    const base = makeTerms(dice(7))
    const others: Terms[] = [
      { ...base, salt: new Uint8Array(32).fill(77) },
      { ...base, expiry: base.expiry + 1 },
      { ...base, chainId: 2 },
      { ...base, contract: '0xd' },
      { ...base, grantee: 'did:ethr:0x1:0xz' },
      { ...base, level: base.level === 'read' ? 'write' : 'read' },
      { ...base, under: ID(1) },
    ]
    expect(new Set([base, ...others].map(t => toHex(commitmentOf(t)))).size).toBe(8)
  })

  test('the ledger’s hours never end before the terms do, nor begin after them, and are off by less than an hour', () => {
    for (let i = 0; i < 2000; i++) {
      const t = { ...makeTerms(dice(i)), notBefore: 1_700_000_000 + i * 37, expiry: 1_700_000_000 + i * 911 + 4000 }
      const slot = slotTimes(t)
      expect(slot.notBefore <= t.notBefore && slot.expiry >= t.expiry).toBe(true)
      expect(t.notBefore - slot.notBefore < 3600 && slot.expiry - t.expiry < 3600).toBe(true)
      expect(slot.notBefore % 3600 === 0 && slot.expiry % 3600 === 0).toBe(true)
    }
  })

  test('terms that contradict themselves are not signed', () => {
    const good: Terms = {
      ...makeTerms(dice(1)),
      compartments: [ID(1)],
      records: [],
      purposes: ['TREAT'],
      from: 1,
      to: 2,
      notBefore: 1,
      expiry: 2,
    }
    checkTerms(good)
    const bad: Partial<Terms>[] = [
      { expiry: 1 },
      { to: 0 },
      { purposes: [] },
      { records: [ID(2)] },
      { compartments: [] },
      { grantee: good.patient },
    ]
    for (const change of bad) expect(() => checkTerms({ ...good, ...change })).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  })
})
