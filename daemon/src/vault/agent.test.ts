import { KeepwellError } from '@keepwell/sdk/base/error'
import { expect, test } from 'vitest'
import { type Agent, type AgentState, type Job, nextRun, runAgent, type Said } from './agent.ts'

/** An agent on a clock that its pauses move; it stops after so many of them. */
function stage(jobs: readonly Job[], { pauses = 0, kept = null }: { pauses?: number; kept?: AgentState | null } = {}) {
  const stop = new AbortController()
  const seen = { now: 1_000_000, left: pauses, saved: kept, warned: [] as string[], lines: [] as string[], deaf: false }
  const agent: Agent = {
    jobs,
    clock: () => seen.now,
    signal: stop.signal,
    load: async () => seen.saved,
    async save(state) {
      seen.saved = state
    },
    log: line => seen.lines.push(line),
    async warn({ text }) {
      if (seen.deaf) throw new KeepwellError('RELAY_UNREACHABLE', 'Gone.')
      seen.warned.push(text)
    },
    async pause(seconds) {
      seen.now += seconds
      if (seen.left-- <= 0) stop.abort()
    },
  }
  return { agent, seen, stop }
}

const counted = (name: string, every: number, run: (n: number) => Said) => {
  const job = { name, every, ran: 0, run: async () => run(++job.ran) }
  return job
}

test('each job runs when it is due; what ran before this process counts', async () => {
  const often = counted('often', 60, () => ({ said: 'done' }))
  const daily = counted('daily', 86_400, () => ({ said: 'done' }))
  const { agent, seen } = stage([often, daily], { pauses: 9 })
  await runAgent(agent)
  expect([often.ran, daily.ran]).toEqual([10, 1])
  const again = stage([often, daily], { kept: seen.saved })
  again.seen.now = seen.now
  await runAgent(again.agent)
  expect(daily.ran).toBe(1)
  // A clock that was put back must not stop it for as long.
  const back = stage([daily], { kept: seen.saved })
  back.seen.now = 900_000
  await runAgent(back.agent)
  expect(daily.ran).toBe(2)
})

test('what fails is tried again less and less often, told by its code alone, once, and tomorrow’s success ends it', async () => {
  const failing = counted('copies', 86_400, n => {
    if (n < 6) throw new Error('CANARY: Ada has diabetes')
    return { said: 'done' }
  })
  const { agent, seen } = stage([failing], { pauses: 40 })
  const state = await runAgent(agent)
  expect(failing.ran).toBe(6)
  expect(state.jobs).toMatchObject([{ failures: 0, failed: null, warning: null, said: 'done' }])
  expect(seen.warned).toEqual(['Your vault could not finish “copies” (DEFECT).'])
  expect(JSON.stringify([seen.lines, seen.warned, seen.saved])).not.toContain('CANARY')
  const tries = [1, 2, 3, 4].map(failures => nextRun(failing, { ...state.jobs[0]!, started: 0, failures }))
  expect(tries).toEqual([60, 120, 240, 480])
})

const full = { text: 'full', code: 'full', values: {} }

test('a warning is told once, again when it was gone, and later when nobody could be told', async () => {
  const said = [full, full, null, full].map(warning => ({ said: 'done', ...(warning ? { warning } : {}) }))
  const job = counted('backup', 60, n => said[(n - 1) % 4]!)
  const { agent, seen } = stage([job], { pauses: 3 })
  await runAgent(agent)
  expect(seen.warned).toEqual(['full', 'full'])
  const deaf = stage([counted('backup', 60, () => ({ said: 'done', warning: full }))])
  deaf.seen.deaf = true
  expect((await runAgent(deaf.agent)).jobs[0]!.warning).toBeNull()
})

test('told to stop, it finishes the job under way and begins no other', async () => {
  const second = counted('second', 60, () => ({ said: 'done' }))
  const first = counted('first', 60, () => {
    stop.abort()
    return { said: 'finished' }
  })
  const { agent, seen, stop } = stage([first, second])
  await runAgent(agent)
  expect([second.ran, seen.saved!.jobs[0]!.said]).toEqual([0, 'finished'])
})
