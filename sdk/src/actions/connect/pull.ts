import type { Ctx } from '#actions/context'
import type { Describer } from '#actions/records/import-describe'
import type { ImportItem, Verdict } from '#actions/records/import-item'
import { importItems } from '#actions/records/import-items'
import { publishState } from '#actions/records/publish-state'
import { fromHex } from '#base/bytes'
import { COURSES } from '#health/fhir/patient-set'
import { readCapabilities } from '#health/smart/discovery'
import { grantedFor } from '#health/smart/patient-scopes'
import { type Asking, asker } from './asker.ts'
import { type Connection, keepPullState, MAX_READ, type PullState, pullState } from './connections.ts'
import { capabilitiesOf } from './log-in.ts'
import type { Missing, Reason } from './missing.ts'
import { courseItems } from './pull-course.ts'
import { capped, fromTheBeginning, heldOf, miss, note, type Run } from './pull-run.ts'
import { paperItems, patientItem, pointedItems } from './pull-singles.ts'

type Pulling = Asking & Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session' | 'copies' | 'outbox'>

export type PullOptions = {
  /** From the beginning, whatever was pulled before. */
  readonly all?: boolean
  /** Where resources are checked and described; it is to know the connection's `base`. */
  readonly describe?: Describer
  /** Each type as its turn comes, and as its resources are filed: with what was filed so far. */
  readonly progress?: (type: string, filed: number) => void
  readonly signal?: AbortSignal
}

export type Pulled = {
  /** Records that are new here, and of those the ones that replace an earlier version, by resource type (or kind of document). */
  readonly filed: Readonly<Record<string, { readonly fresh: number; readonly changed: number }>>
  readonly already: number
  readonly missing: readonly Missing[]
  /** Why the pull ended before its end; null when it did not. */
  readonly stopped: Reason | null
}

/** A page of a hospital is a batch: what a server took minutes to give is soon on record. */
const BATCH = 100

/**
 * Pulls what is new of a patient's own record: the types of US Core and what else the server lists, whoever they point to, the documents they
 * point to, and who wrote each. Every resource is filed with its bytes and its address; one that is here as it is there is not filed again,
 * and one that changed is a new version. How far it is, is kept sealed after each page that the relay acknowledged, so a pull that was
 * broken off goes on there. What cannot be had is in `missing` and does not keep the rest back.
 * @throws KeepwellError for what ends an import (no relay, no space, cancelled). What a hospital does is never an error.
 */
export async function pull(ctx: Pulling, connection: Connection, options: PullOptions = {}): Promise<Pulled> {
  const kept = await pullState(ctx, connection.id)
  const before = options.all ? fromTheBeginning(kept) : kept
  const held = heldOf(before)
  const types = readCapabilities(await capabilitiesOf(ctx, connection.base).catch(() => undefined))
  const run: Run = {
    asker: asker(ctx, connection, options.signal),
    connection,
    has: type => (types === null ? null : types.get(type)?.search === true),
    held,
    waiting: new Set(held.waiting),
    papers: new Map(held.papers),
    steps: [],
    missing: [],
    came: new Map(),
    stopped: null,
    items: 0,
  }
  const counts = tally()
  let turn = ''
  const tell = (): void => options.progress?.(turn, counts.filed())
  const source = itemsOf(run, type => {
    turn = type
    tell()
  })
  const { describe, signal } = options
  const importing = { base: connection.base, current: true, batch: BATCH, ...(describe ? { describe } : {}), ...(signal ? { signal } : {}) }
  const keep = (more: Partial<PullState> = {}) => keepPullState(ctx, connection.id, { ...stateOf(run, before), ...more })
  try {
    for await (const verdict of importItems(ctx, source, importing)) {
      if (advance(run, verdict.item)) await keep()
      counts.add(verdict)
      if (turn) tell()
      if (verdict.outcome === 'failed')
        held.lost = note(held.lost, { type: verdict.resourceType ?? 'Binary', reason: 'not-kept', count: 1 })
    }
  } catch (e) {
    if (counts.filed()) await publishState(ctx).catch(() => {})
    throw e
  }
  advance(run, null)
  if (run.stopped === null && isFirst(before) && run.came.size > 0 && !run.came.has('Provenance')) authorship(run)
  const missing = run.missing.reduce(note, held.lost as readonly Missing[])
  await keep({ missing: [...missing], ...(run.stopped === null ? { pulledAt: ctx.clock() } : {}) })
  if (counts.filed()) await publishState(ctx)
  return { filed: counts.by(), already: counts.already(), missing, stopped: run.stopped }
}

const isFirst = (state: PullState): boolean => Object.values(state.courses).every(c => Object.keys(c.asks).length === 0)

function authorship(run: Run): void {
  if (!run.missing.some(m => m.type === 'Provenance')) run.held.lost = note(run.held.lost, { type: 'Provenance', reason: 'no-authorship' })
}

async function* itemsOf(run: Run, turn: (type: string) => void): AsyncGenerator<ImportItem> {
  yield* patientItem(run)
  const { scope } = run.connection
  for (const course of COURSES) {
    if (run.stopped) break
    const { type, core } = course
    if (core ? run.has(type) === false : run.has(type) !== true) {
      if (core) miss(run, { type, reason: 'not-offered' })
      continue
    }
    const granted = grantedFor(scope, type)
    if (granted !== 'all') miss(run, { type, reason: granted === 'none' ? 'not-permitted' : 'some-permitted' })
    if (granted === 'none') continue
    turn(type)
    yield* courseItems(run, course)
  }
  if (grantedFor(scope, 'Provenance') === 'none') miss(run, { type: 'Provenance', reason: 'not-permitted' })
  if (!run.stopped) yield* pointedItems(run)
  if (!run.stopped) yield* paperItems(run)
}

/** What stands before an item whose verdict is here was acknowledged; with null, everything. Whether anything moved. */
function advance(run: Run, item: string | null): boolean {
  let moved = false
  while (run.steps.length && (item === null || run.steps[0]!.item !== item)) {
    const step = run.steps.shift()!
    step.done()
    moved ||= step.item === null
  }
  return moved
}

const stateOf = (run: Run, before: PullState): PullState => ({
  courses: run.held.courses,
  waiting: capped.waiting(run.held),
  read: capped.read(run.held),
  papers: capped.papers(run.held),
  documents: [...run.held.documents].slice(-MAX_READ).map(fromHex),
  lost: run.held.lost,
  pulledAt: before.pulledAt,
  missing: before.missing,
})

function tally() {
  const by: Record<string, { fresh: number; changed: number }> = {}
  let [filed, already] = [0, 0]
  return {
    add({ outcome, resourceType, kind, prior }: Verdict): void {
      if (outcome === 'already-there') already++
      if (outcome === 'already-there' || outcome === 'failed') return
      const what = resourceType ?? kind ?? 'document'
      by[what] ??= { fresh: 0, changed: 0 }
      by[what][prior === undefined ? 'fresh' : 'changed']++
      filed++
    },
    filed: () => filed,
    already: () => already,
    by: () => by,
  }
}
