import { describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS, FRESH, limitsFrom, type Moment, presence } from './presence.ts'

const START = 1_790_000_000

/** Both clocks, moved by hand. */
function clocks() {
  let now: Moment = { wall: START, ticks: 0 }
  const move = (wall: number, ticks: number): void => {
    now = { wall: now.wall + wall, ticks: now.ticks + ticks }
  }
  return {
    now: () => now,
    awake: (seconds: number) => move(seconds, seconds),
    asleep: (seconds: number) => move(seconds, 0),
    setBack: (seconds: number) => move(-seconds, 0),
  }
}
const refused = { code: 'PROVE_AGAIN' }

describe('T37: who opened a record is asked again before what is grave', () => {
  test('unlocking counts for five minutes, and so does each proof after it; being there does not', () => {
    const c = clocks()
    const p = presence(c.now, DEFAULT_LIMITS)
    c.awake(FRESH - 1)
    p.ensureFresh()
    p.seen()
    c.awake(1)
    expect(() => p.ensureFresh()).toThrow(expect.objectContaining(refused))
    p.proved()
    c.awake(FRESH - 1)
    p.ensureFresh()
  })
  test('a device that slept, and a clock that was set back, make no proof last longer', () => {
    const c = clocks()
    const p = presence(c.now, DEFAULT_LIMITS)
    c.asleep(FRESH)
    expect(() => p.ensureFresh()).toThrow(expect.objectContaining(refused))
    p.proved()
    c.setBack(200)
    c.awake(FRESH)
    expect(() => p.ensureFresh()).toThrow(expect.objectContaining(refused))
    p.proved()
    c.setBack(86_400)
    expect(() => p.ensureFresh()).toThrow(expect.objectContaining(refused))
  })
  test('a made-up record asks for nothing', () => {
    const c = clocks()
    const p = presence(c.now, DEFAULT_LIMITS, false)
    c.awake(FRESH * 2)
    p.ensureFresh()
  })
})

describe('T37: an open record closes by itself', () => {
  test('after the minutes without a sign, asleep or awake', () => {
    const c = clocks()
    const p = presence(c.now, { idleMinutes: 15, mostHours: 12 })
    c.awake(899)
    expect(p.over()).toBeNull()
    p.seen()
    c.awake(899)
    expect(p.over()).toBeNull()
    c.asleep(1)
    expect(p.over()).toBe('idle')
  })
  test('after the hours, whatever is done meanwhile and whatever is said of the person', () => {
    const c = clocks()
    const p = presence(c.now, { idleMinutes: 60, mostHours: 1 })
    for (let i = 0; i < 59; i++) {
      c.awake(60)
      p.seen()
      p.proved()
      expect(p.over()).toBeNull()
    }
    c.awake(60)
    p.proved()
    expect(p.over()).toBe('most')
  })
  test('a clock that is put right by a minute closes nothing, one that is set back by a day does', () => {
    const c = clocks()
    const p = presence(c.now, DEFAULT_LIMITS)
    c.setBack(60)
    expect(p.over()).toBeNull()
    c.setBack(86_400)
    expect(p.over()).not.toBeNull()
  })
  test('settings that nobody could have chosen are not kept to', () => {
    expect(limitsFrom({ idleMinutes: 1e9, mostHours: 1e9 })).toEqual(DEFAULT_LIMITS)
    expect(limitsFrom(undefined)).toEqual({ idleMinutes: 15, mostHours: 12 })
    expect(limitsFrom({ idleMinutes: 60, mostHours: 24 })).toEqual({ idleMinutes: 60, mostHours: 24 })
  })
})
