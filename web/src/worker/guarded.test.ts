import { ensure } from '@keepwell/sdk/base/error'
import { expect, test } from 'vitest'
import type { Call } from '#rpc/rpc.ts'
import { guarded } from './guarded.ts'
import { DEFAULT_LIMITS, type Moment, presence } from './presence.ts'

const MINUTE = 60

/** A record that is open under the usual limits, with a clock to move and one piece of long work. */
function opened() {
  let now: Moment = { wall: 1_790_000_000, ticks: 0 }
  const here = presence(() => now, DEFAULT_LIMITS)
  const state = { here, opening: null, closed: null as string | null }
  const closeIfOver = (): void => {
    state.closed ??= here.over()
    ensure(state.closed === null, 'LOCKED', 'The record is locked.')
  }
  /** Time goes by, and the worker looks as its timer does. */
  const pass = (minutes: number): void => {
    now = { wall: now.wall + minutes * MINUTE, ticks: now.ticks + minutes * MINUTE }
    state.closed ??= here.over()
  }
  /** Fetches page by page, ten minutes each; says what it has after each of them, or keeps silent. */
  const pull = async ({ pages, says }: { readonly pages: number; readonly says: boolean }, { progress }: Call): Promise<number> => {
    for (let page = 1; page <= pages; page++) {
      pass(10)
      if (says) progress({ type: 'Observation', filed: page * 50 })
    }
    return pages * 50
  }
  const api = guarded({ state, closeIfOver, grave: {}, holding: () => null, handlers: { pull, seen: async () => here.seen() } })
  return { api, state, pass }
}
const told = () => {
  const said: unknown[] = []
  return { said, call: { signal: new AbortController().signal, progress: (p: unknown) => void said.push(p) } }
}

test('a long pull that goes on keeps the record open, and each page is told; the minutes count from its end', async () => {
  const { api, state, pass } = opened()
  const { said, call } = told()
  expect(await api.pull({ pages: 12, says: true }, call)).toBe(600)
  expect([state.closed, said.length]).toEqual([null, 12])
  pass(14)
  expect(state.closed).toBeNull()
  pass(1)
  expect(state.closed).toBe('idle')
  await expect(api.seen()).rejects.toMatchObject({ code: 'LOCKED' })
})

test('work that says nothing is no sign of anybody, and none keeps a record open beyond its hours', async () => {
  const silent = opened()
  await silent.api.pull({ pages: 2, says: false }, told().call)
  expect(silent.state.closed).toBe('idle')
  const endless = opened()
  await endless.api.pull({ pages: 72, says: true }, told().call)
  expect(endless.state.closed).toBe('most')
})
