import type { Limits as RightsLimits } from '@keepwell/sdk/consent/limits'
import type { Did } from '@keepwell/sdk/identity/did'
import { expect, test } from 'vitest'
import { DEFAULT_LIMITS } from './presence.ts'
import { GRAVE, type Holding } from './presence-api.ts'

const free: Holding = { lock: DEFAULT_LIMITS, limits: null }
const under = (limits: Partial<RightsLimits>): Holding => ({
  ...free,
  limits: { v: 1, vault: 'did:ethr:0x1:0x0' as Did, at: 1, frozen: false, emergency: true, objects: [], closed: null, ...limits },
})

test('T37: withdrawing an objection wants a proof, whatever else is objected to with it; objecting to more does not', () => {
  const objecting = under({ objects: ['HPAYMT', 'HRESCH'] })
  const { objectPurposes } = GRAVE
  expect([[], ['HPAYMT'], ['HPAYMT', 'TREAT'], null].map(p => objectPurposes(p, objecting))).toEqual([true, true, true, true])
  expect(
    [
      ['HRESCH', 'HPAYMT'],
      ['HPAYMT', 'HRESCH', 'TREAT'],
    ].map(p => objectPurposes(p, objecting)),
  ).toEqual([false, false])
  expect(objectPurposes(['HPAYMT'], free)).toBe(false)
})

test('T37: letting emergencies into a freeze that keeps them out is loosening; freezing, with or without them, is not', () => {
  const { freeze } = GRAVE
  const shut = under({ frozen: true, emergency: false })
  expect(freeze({ frozen: true, emergency: true }, shut)).toBe(true)
  expect([free, under({ emergency: false }), under({ frozen: true })].map(h => freeze({ frozen: true, emergency: true }, h))).toEqual([
    false,
    false,
    false,
  ])
  expect([freeze({ frozen: true, emergency: false }, under({ frozen: true })), freeze({ frozen: true }, shut)]).toEqual([false, false])
  expect([freeze({ frozen: false }, shut), freeze(null, shut), freeze({}, free)]).toEqual([true, true, true])
})

test('T37: a lock that closes later in either way wants a proof, one that closes sooner does not', () => {
  const { setLimits } = GRAVE
  const wanted = (idleMinutes: number, mostHours: number) => setLimits({ idleMinutes, mostHours }, free)
  expect([wanted(60, 12), wanted(5, 24)]).toEqual([true, true])
  expect([wanted(15, 12), wanted(5, 12), wanted(15, 1)]).toEqual([false, false, false])
  // What nobody could have chosen counts as the default, which is longer than the shortest.
  const short: Holding = { ...free, lock: { idleMinutes: 5, mostHours: 1 } }
  expect([setLimits(null, short), setLimits({ idleMinutes: 1, mostHours: 1 }, short), setLimits({ idleMinutes: 5 }, short)]).toEqual([
    true,
    true,
    true,
  ])
})
