import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { sessionKey } from '#gateway/core/pool'
import type { Actor, Gateway } from '#gateway/core/types'
import { type OutcomeIssue, outcome } from '#gateway/fhir/outcome'
import type { Gauge } from '#http/metrics'
import type { Plan } from './kick-off.ts'
import type { Memory } from './memory.ts'
import { newSheaf, type Segment, type Sheaf } from './sheaf.ts'
import { slotsOf } from './slots.ts'
import { carryOut, type Held, type LeftOut, PROBLEM, type Work } from './work.ts'

export type BulkLimits = {
  /** Exports that open records at the same time; others wait. */
  readonly together: number
  /** Exports that one caller has here, and all callers together, finished ones included. */
  readonly perActor: number
  readonly all: number
  /** Seconds after its end that an export is kept. */
  readonly keep: number
}

export const BULK_LIMITS: BulkLimits = { together: 2, perActor: 8, all: 64, keep: 3600 }

export type DeskInput = {
  readonly gateway: Gateway
  /** A folder of its own; emptied when the desk opens, for no key to what lies there is left. */
  readonly dir: string
  readonly memory: Memory
  readonly limits?: Partial<BulkLimits>
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

export type State =
  | { readonly is: 'waiting' }
  | { readonly is: 'running'; readonly done: number; readonly of: number }
  /** `until`: Unix seconds. */
  | { readonly is: 'done'; readonly until: number }
  | { readonly is: 'failed'; readonly until: number; readonly error: unknown }

/** One type's lines as they are to be had now, and how many. */
export type Output = { readonly type: string; readonly lines: number }

export type Export = {
  readonly id: string
  readonly actor: Actor
  readonly plan: Plan
  /** The address it was asked at. */
  readonly request: string
  /** Unix seconds: what was filed later may be missing. */
  readonly at: number
  state(): State
  outputs(): Output[]
  /** NDJSON. Throws GRANT_ENDED in the middle rather than leave out lines unseen, when a consent ends meanwhile. */
  read(type: string): AsyncIterable<Uint8Array>
}

export type Desk = {
  /** Throws RATE_LIMITED when too many are kept. */
  start(actor: Actor, plan: Plan, request: string): Export
  /** Null for one that is not there, is over, or is another's. */
  find(actor: Actor, id: string): Export | null
  /** Ends it where it stands, and removes what it made. */
  cancel(id: string): Promise<void>
  gauges(): Gauge[]
  close(): Promise<void>
}

type Job = Export & {
  readonly owner: string
  readonly stop: AbortController
  readonly held: Map<string, Held>
  /** Who is not in it, by logical id; the caller is told how many. */
  readonly left: Map<string, LeftOut>
  now: State
  run: Promise<void>
}

const CANCELLED = new KeepwellError('CANCELLED', 'The export was cancelled.')
const OTHER_RULES = new KeepwellError('DENIED', 'Other policies or rules of roles came into force since; export again.')
const SWEEP = 1000

/** Who may ask after an export: who asked for it, by the same system. */
const ownerOf = (actor: Actor): string => JSON.stringify([actor.client ?? '', sessionKey(actor, actor.patient ?? '')])

const dropAll = async ({ held }: Job): Promise<void> => {
  const all = [...held.values()]
  held.clear()
  await Promise.all(all.map(h => h.sheaf.drop()))
}

const dropFrom = async ({ held }: Job, patient: string): Promise<void> => {
  const found = held.get(patient)
  held.delete(patient)
  await found?.sheaf.drop()
}

/** Their consent ended after their lines were out. */
const dropEnded = async (job: Job, patient: string): Promise<void> => {
  if (job.held.has(patient)) job.left.set(patient, 'ended')
  await dropFrom(job, patient)
}

const of = (memory: Memory, owner: string): Work['remembered'] => ({
  read: patient => memory.read(owner, patient),
  write: (patient, taken) => memory.write(owner, patient, taken),
})

/** What was taken under other rules ends; what waits begins under the rules of then. */
function endStale(jobs: Iterable<Job>): void {
  for (const job of jobs) {
    if (job.now.is === 'running') job.stop.abort(OTHER_RULES)
    if (job.now.is !== 'done') continue
    job.now = { ...job.now, is: 'failed', error: OTHER_RULES }
    void dropAll(job).catch(() => {})
  }
}

/** Exports, from the asking to the end of their time. */
export function openDesk({ gateway, dir, memory, limits, pause }: DeskInput): Desk {
  const { together, perActor, all, keep } = { ...BULK_LIMITS, ...limits }
  const jobs = new Map<string, Job>()
  const slots = slotsOf(together)
  const ready = Promise.all([rm(dir, { recursive: true, force: true }), memory.keep(gateway.patients().map(p => p.id))])
  ready.catch(() => {})

  const forget = async (job: Job): Promise<void> => {
    jobs.delete(job.id)
    job.stop.abort(CANCELLED)
    await dropAll(job)
    await job.run
    await dropAll(job)
    await rm(join(dir, job.id), { recursive: true, force: true })
  }
  /** Sheaves whose consents all live; the others go at once. */
  const living = (job: Job): Sheaf[] =>
    [...job.held].flatMap(([patient, { sheaf, grants }]) => {
      if (gateway.holds(grants)) return [sheaf]
      void dropEnded(job, patient).catch(() => {})
      return []
    })

  async function run(job: Job): Promise<void> {
    const { id, actor, plan, stop, held } = job
    try {
      await slots.take(stop.signal)
    } catch {
      return
    }
    try {
      await ready
      await mkdir(join(dir, id), { recursive: true, mode: 0o700 })
      await carryOut({
        id,
        gateway,
        actor,
        plan,
        signal: stop.signal,
        pause,
        remembered: of(memory, job.owner),
        hold(patient) {
          const fresh: Held = { sheaf: newSheaf(join(dir, id, toHex(gateway.random(8))), gateway.random(32)), grants: [] }
          held.set(patient, fresh)
          return fresh
        },
        drop: patient => dropFrom(job, patient),
        leftOut: (patient, why) => void job.left.set(patient, why),
        progress(done, of) {
          job.now = { is: 'running', done, of }
        },
      })
      job.now = { is: 'done', until: gateway.clock() + keep }
    } catch (error) {
      job.now = { is: 'failed', until: gateway.clock() + keep, error }
      await dropAll(job).catch(() => {})
    } finally {
      slots.give()
    }
  }

  const stopListening = gateway.onEnded(patient => {
    for (const job of jobs.values()) void dropEnded(job, patient).catch(() => {})
    if (!gateway.patient(patient)?.read) void memory.forget(patient).catch(() => {})
  })
  const stopRules = gateway.onRules(() => endStale(jobs.values()))
  const timer = setInterval(() => {
    for (const job of jobs.values()) {
      if ('until' in job.now && gateway.clock() >= job.now.until) void forget(job).catch(() => {})
      else living(job)
    }
  }, SWEEP).unref()

  return {
    start(actor, plan, request) {
      const owner = ownerOf(actor)
      const mine = [...jobs.values()].filter(j => j.owner === owner).length
      ensure(mine < perActor && jobs.size < all, 'RATE_LIMITED', 'Too many exports are kept; delete those that were fetched.')
      const job: Job = {
        id: toHex(gateway.random(16)),
        actor,
        plan,
        request,
        at: gateway.clock(),
        owner,
        stop: new AbortController(),
        held: new Map(),
        left: new Map(),
        now: { is: 'waiting' },
        run: Promise.resolve(),
        state: () => job.now,
        outputs: () => outputsOf(living(job), toldOf(job)),
        read: type => readAll(living(job), type, toldOf(job)),
      }
      jobs.set(job.id, job)
      job.run = run(job)
      return job
    },
    find(actor, id) {
      const job = jobs.get(id)
      return job?.owner === ownerOf(actor) ? job : null
    },
    async cancel(id) {
      const job = jobs.get(id)
      if (job) await forget(job)
    },
    gauges: () => [{ name: 'keepwell_bulk_exports', about: 'Exports that are kept or made.', value: jobs.size }],
    async close() {
      clearInterval(timer)
      stopListening()
      stopRules()
      await Promise.all([...jobs.values()].map(forget))
      await ready.catch(() => {})
      await rm(dir, { recursive: true, force: true })
    },
  }
}

const WHY: Readonly<Record<LeftOut, (n: number) => string>> = {
  purpose: n => `${patients(n)} left out: the consent is for another purpose than that of the caller.`,
  ended: n => `${patients(n)} left out: the consent has ended.`,
}
const patients = (n: number): string => (n === 1 ? '1 patient is' : `${n} patients are`)

/** What the whole of an export has to say: what was asked for in vain, and how many are not in it, and why; never who. */
function toldOf({ plan, left }: Job): OutcomeIssue[] {
  const counts = Map.groupBy(left.values(), why => why)
  const missing = [...counts].map(([why, all]): OutcomeIssue => ({ severity: 'warning', code: 'suppressed', text: WHY[why](all.length) }))
  return [...plan.notes, ...missing]
}

function outputsOf(sheaves: readonly Sheaf[], notes: readonly OutcomeIssue[]): Output[] {
  const lines = new Map<string, number>(notes.length ? [[PROBLEM, 1]] : [])
  for (const s of sheaves.flatMap(x => x.segments)) lines.set(s.type, (lines.get(s.type) ?? 0) + s.lines)
  return [...lines].map(([type, n]) => ({ type, lines: n })).sort((a, b) => (a.type < b.type ? -1 : 1))
}

async function* readAll(sheaves: readonly Sheaf[], type: string, notes: readonly OutcomeIssue[]): AsyncGenerator<Uint8Array> {
  if (type === PROBLEM && notes.length) yield utf8(`${JSON.stringify(outcome(notes))}\n`)
  const all: { readonly sheaf: Sheaf; readonly segment: Segment }[] = sheaves.flatMap(sheaf =>
    sheaf.segments.filter(s => s.type === type).map(segment => ({ sheaf, segment })),
  )
  for (const { sheaf, segment } of all) yield await sheaf.read(segment)
}
