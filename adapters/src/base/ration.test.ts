import { expect, test, vi } from 'vitest'
import { rationed } from './ration.ts'

test('what holds everybody up is done at once for two seconds, then a twentieth of the time, once for all who asked', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    let [now, done, fails] = [0, 0, false]
    const work = (): void => {
      now += 500
      if (fails) throw new Error('The disk is full.')
      done++
    }
    const rest = async (milliseconds: number): Promise<void> => {
      now += milliseconds
      await vi.advanceTimersByTimeAsync(milliseconds)
    }
    const ration = rationed(
      work,
      async () => {},
      () => now,
    )
    // The time that the work itself takes counts as time.
    expect([1, 2, 3, 4, 5].map(() => ration.ask())).toEqual([true, true, true, true, true])
    expect([ration.ask(), ration.ask(), done]).toEqual([false, false, 5])
    await rest(10_000)
    expect(done).toBe(6)
    await rest(60_000)
    expect(done).toBe(6)

    // Long at rest, it has two seconds again, and no more.
    now += 3_600_000
    expect([1, 2, 3, 4, 5, 6].map(() => ration.ask())).toEqual([true, true, true, true, true, false])
    // What failed is owed until it is done, by whom ever.
    fails = true
    await rest(20_000)
    expect(done).toBe(11)
    fails = false
    await ration.settle()
    expect(done).toBe(12)
    await ration.settle()
    expect(done).toBe(12)
    fails = true
    now += 3_600_000
    expect(() => ration.ask()).toThrow('full')
  } finally {
    vi.useRealTimers()
  }
})
