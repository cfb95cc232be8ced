import { openFileBlocks } from '@keepwell/adapters/blocks/file'
import { openSqliteEnvelopes } from '@keepwell/adapters/envelopes/sqlite'
import { inHome } from '@keepwell/daemon/bin/home'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { cidFromBytes } from '@keepwell/sdk/base/cid'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Phase } from '#e2e/faults/steps'
import {
  checkInvariants,
  checkNewKeys,
  checkRecords,
  DEEP,
  erase,
  file,
  give,
  heldBy,
  type Place,
  readAll,
  some,
  startPlace,
  takeBack,
  type World,
} from '#e2e/faults/world'
import { didOf } from '#e2e/story'

let place: Place
let w: World
const covered = new Map<string, string[]>()

beforeAll(async () => {
  place = await startPlace()
})
// New people for each verb, so that the trail that is checked after every kill stays short.
beforeEach(async () => {
  w = await place.people()
  await file(w, 'first')
  await w.order({ do: 'anchor' })
})
// A test that failed may have left a plan behind; the next one begins with a relay that has none.
afterEach(async context => {
  if (context.task.result?.state !== 'fail') return
  await place.process().kill()
  await place.restart()
})
afterAll(async () => {
  for (const [verb, points] of covered) console.info(`kill -9 in ${verb}: ${points.join(', ')}`)
  await place.close()
})

type Verb<T> = {
  readonly name: string
  /** What has to be there first. */
  readonly prepare: () => Promise<T>
  readonly run: (before: T) => Promise<unknown>
  /** What a person does after a failure; default: the same again. */
  readonly repeat?: (before: T) => Promise<unknown>
  readonly after?: (before: T) => Promise<unknown>
  /** In a shortened run, one of so many points. */
  readonly every: number
  readonly from: number
}

const PHASES: readonly Phase[] = ['before', 'inside', 'after']

async function stepsOf<T>(verb: Verb<T>): Promise<string[]> {
  const before = await verb.prepare()
  await w.order({ do: 'trace' })
  await verb.run(before)
  const { steps } = await w.order({ do: 'steps' })
  await verb.after?.(before)
  return [...(steps ?? [])]
}

/** False when the verb was done without coming to that step. */
async function killAt<T>(verb: Verb<T>, { step, phase }: { step: number; phase: Phase }): Promise<boolean> {
  const before = await verb.prepare()
  await w.order({ do: 'die', step, phase })
  const code = await codeOf(() => verb.run(before))
  if (code === 'no error') {
    await w.order({ do: 'live' })
    return false
  }
  expect(['RELAY_UNREACHABLE', 'Error: the relay is gone'], 'the verb failed as if the line were cut').toContain(code)
  await w.restart()
  await checkInvariants(w)
  await (verb.repeat ?? verb.run)(before)
  await verb.after?.(before)
  await checkRecords(w)
  return true
}

async function killEverywhere<T>(verb: Verb<T>): Promise<void> {
  const steps = await stepsOf(verb)
  const points = steps.flatMap((name, step) =>
    PHASES.filter(p => p !== 'inside' || name === 'transact').map(phase => ({ name, step, phase })),
  )
  // Dying before a step leaves on the disk what dying after the one before it leaves: a shortened run does without.
  const chosen = DEEP
    ? points
    : some(
        points.filter(p => p.phase !== 'before'),
        verb.every,
        verb.from,
      )
  const reached: string[] = []
  for (const point of chosen) if (await killAt(verb, point)) reached.push(`${point.phase} ${point.step} ${point.name}`)
  covered.set(`${verb.name} (${reached.length} of ${points.length} points)`, reached)
  expect(reached.length, 'the plan met the steps').toBeGreaterThanOrEqual(chosen.length - 1)
  await checkInvariants(w)
  if (!w.model.erased.size) return
  // One more, so that the destruction is seen to be done with the erasure and not at the next start only.
  await erase(w, await file(w, 'the last to be erased'))
  await nothingErasedIsLeft()
}

const LONG = 600_000

describe('kill -9 of the relay at each step of each verb: what was acknowledged stands, what was not is whole or absent', () => {
  test(
    'submit',
    () =>
      killEverywhere({
        name: 'submit',
        every: 2,
        from: 1,
        prepare: async () => 'record',
        run: () => file(w, 'filed', 300_000),
        // A person syncs and files what is not there: an id is used once.
        repeat: async () => {
          await receiveRecords(w.patient)
          await file(w, 'filed again', 1000)
        },
      }),
    LONG,
  )

  test(
    'grant',
    () => killEverywhere({ name: 'grant', every: 2, from: 0, prepare: async () => null, run: () => give(w), after: () => readNewest() }),
    LONG,
  )

  test(
    'read',
    () => killEverywhere({ name: 'read', every: 2, from: 1, prepare: () => give(w), run: commitment => readAll(w, commitment) }),
    LONG,
  )

  test(
    'revoke',
    () =>
      killEverywhere({
        name: 'revoke',
        every: 4,
        from: 1,
        prepare: async () => {
          const commitment = await give(w)
          return { commitment, held: heldBy(w, commitment) }
        },
        run: ({ commitment }) => takeBack(w, commitment),
        after: ({ held }) => checkNewKeys(w, held),
      }),
    LONG,
  )

  test(
    'erase',
    () => killEverywhere({ name: 'erase', every: 4, from: 1, prepare: () => file(w, 'to be erased'), run: entry => erase(w, entry) }),
    LONG,
  )

  test(
    'anchor',
    () =>
      killEverywhere({ name: 'anchor', every: 3, from: 0, prepare: () => file(w, 'to be anchored'), run: () => w.order({ do: 'anchor' }) }),
    LONG,
  )
})

/** Looks into the stores themselves. */
async function nothingErasedIsLeft(): Promise<void> {
  await place.process().stop()
  const at = inHome(w.dir)
  const blocks = await openFileBlocks({ dir: at.blocks })
  const envelopes = await openSqliteEnvelopes({ file: at.envelopes })
  for (const entry of w.model.erased.values()) {
    expect(await blocks.has(cidFromBytes(entry.cid))).toBe(false)
    expect(await envelopes.read(didOf(w.patient), rows => rows.get('id', entry.id))).toBeNull()
  }
  expect(await envelopes.vaults('doomed'), 'nothing waits for its destruction').toEqual([])
  await blocks.close()
  await envelopes.close()
  await place.restart()
}

async function readNewest(): Promise<void> {
  const commitment = await give(w)
  expect(await readAll(w, commitment)).toBeGreaterThan(0)
}
