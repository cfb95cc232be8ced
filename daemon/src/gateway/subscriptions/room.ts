import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { type Runner, runner } from './runner.ts'
import type { Subscribed } from './types.ts'
import type { RunnerPorts } from './work.ts'

/** All subscriptions of a gateway, at work. */
export type Room = {
  all(): readonly Runner[]
  get(id: string): Runner | undefined
  /** Keeps a new or changed one, and sets it going. */
  place(sub: Subscribed): Promise<void>
  remove(id: string): Promise<void>
  /** After the signal aborted: resolves when nothing goes on any more. */
  close(): Promise<void>
}

type Pace = {
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>
  readonly lookEvery: number
  readonly tick: number
  readonly signal: AbortSignal
}

/** Of everybody together. */
const MAX_ALL = 10_000
/** Seconds between sweeps. */
const SWEEP_EVERY = 3600

/** Takes up again what was there before, and listens to the gateway until the signal aborts. */
export async function openRoom(ports: RunnerPorts, { pause, lookEvery, tick, signal }: Pace): Promise<Room> {
  const { gateway, kept } = ports
  const runners = new Map<string, Runner>()
  const nextLook = new Map<string, number>()
  const quietly = (work: Promise<unknown>): void => void work.catch(e => ports.failed(isKeepwellError(e) ? e.code : 'DEFECT'))

  /** Noted before it is looked into, so that a crash in between loses no event. */
  async function filed(patient: string, records: readonly string[]): Promise<void> {
    const due = [...runners.values()].filter(r => r.sub.status !== 'off' && (r.sub.patients?.includes(patient) ?? true))
    if (due.length === 0) return
    await kept.due(patient, records)
    await Promise.all(due.map(r => r.look(patient, records)))
    if (!signal.aborted) await kept.done(patient, records)
  }

  function lookAround(r: Runner, now: number): void {
    if ((nextLook.get(r.sub.id) ?? 0) > now || r.sub.patients === null || r.sub.status === 'off') return
    nextLook.set(r.sub.id, now + lookEvery)
    for (const patient of r.sub.patients) void r.look(patient)
  }

  async function keepTime(): Promise<void> {
    const ticking = new Set<Runner>()
    let nextSweep = 0
    while (!signal.aborted) {
      const now = gateway.clock()
      if (nextSweep <= now) {
        nextSweep = now + SWEEP_EVERY
        quietly(kept.sweep())
      }
      // One that waits for its endpoint keeps no other waiting.
      for (const r of [...runners.values()].filter(x => !ticking.has(x))) {
        ticking.add(r)
        lookAround(r, now)
        void r.tick().finally(() => ticking.delete(r))
      }
      await pause(tick, signal).catch(() => {})
    }
  }

  for (const sub of await kept.list()) {
    const r = runner(ports, sub)
    runners.set(sub.id, r)
    if (sub.status === 'requested') void r.begin(sub)
  }
  for (const { patient, records } of await kept.allDue()) quietly(filed(patient, records))
  const unlisten = [
    gateway.onFiled((patient, records) => quietly(filed(patient, records))),
    gateway.onEnded(patient => {
      for (const r of runners.values()) void r.consentEnded(patient)
    }),
    gateway.watch(() => [...runners.values()].flatMap(r => (r.sub.status === 'off' ? [] : (r.sub.patients ?? [])))),
  ]
  const timekeeping = keepTime()

  return {
    all: () => [...runners.values()],
    get: id => runners.get(id),
    async place(sub) {
      const known = runners.get(sub.id)
      ensure(known || runners.size < MAX_ALL, 'RATE_LIMITED', 'There are too many subscriptions at this gateway.')
      await kept.put(sub)
      const r = known ?? runner(ports, sub)
      runners.set(sub.id, r)
      nextLook.set(sub.id, gateway.clock() + lookEvery)
      void r.begin(sub)
    },
    async remove(id) {
      await runners.get(id)?.stop()
      runners.delete(id)
      nextLook.delete(id)
      await kept.drop(id)
    },
    async close() {
      for (const end of unlisten) end()
      await timekeeping
      await Promise.all([...runners.values()].map(r => r.stop()))
    },
  }
}
