import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { remaining, valuesIn } from '@keepwell/adapters/base/residues.kit'
import { temporaryDirectory } from '@keepwell/adapters/base/temporary.kit'
import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import { expect, test, vi } from 'vitest'
import { keptIn } from './kept.ts'
import { openRoom } from './room.ts'
import type { RunnerPorts } from './work.ts'

test('an event that was kept for thirty days is removed by itself, and left in no file', async () => {
  const dir = temporaryDirectory()
  const file = join(dir.path, 'subscriptions.sqlite')
  let now = 1_800_000_000
  const clock = () => now
  const tokens = openTokens({ file, key: new Uint8Array(32), random: n => new Uint8Array(randomBytes(n)), clock })
  const kept = keptIn(tokens, clock)
  const failed: string[] = []
  const gateway = { clock, onFiled: () => () => {}, onEnded: () => () => {}, watch: () => () => {} }
  const stop = new AbortController()
  const pause = (milliseconds: number) => new Promise<void>(resolve => setTimeout(resolve, milliseconds))
  const ports = { gateway, kept, failed: (code: string) => failed.push(code) } as unknown as RunnerPorts
  const room = await openRoom(ports, { pause, lookEvery: 900, tick: 5, signal: stop.signal })
  try {
    const event = (number: number) => ({
      number,
      at: now,
      patient: 'ada',
      record: 'r',
      seq: 1,
      type: 'Observation',
      id: 'o',
      method: 'PUT' as const,
    })
    const events = () => valuesIn(file, "select sealed from things where kind = 'subscription event'")
    await kept.note(
      's',
      Array.from({ length: 200 }, (_, i) => event(i + 1)),
    )
    const first = events()
    now += 30 * 86_400 - 4000
    await kept.note('s', [event(201)])
    now += 4000
    await vi.waitFor(() => expect(events()).toHaveLength(1), { timeout: 20_000, interval: 20 })
    await vi.waitFor(() => expect(remaining(dir.path, first)).toBe(0), { timeout: 20_000, interval: 20 })
    expect((await kept.happened('s', 1, 300)).map(e => e.number)).toEqual([201])
    expect(failed).toEqual([])
  } finally {
    stop.abort()
    await room.close()
    await tokens.close()
    dir.remove()
  }
})
