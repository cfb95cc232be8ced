import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inHome } from '@keepwell/daemon/bin/home'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  checkInvariants,
  checkRecords,
  DEEP,
  erase,
  file,
  give,
  type Place,
  readAll,
  startPlace,
  takeBack,
  type World,
} from '#e2e/faults/world'

/**
 * A power cut leaves less than `kill -9` does: of what was written after the last sync, any beginning may be on the disk. Each case kills the
 * relay where one file alone has such a tail, cuts it at a random byte, and starts again.
 */
let place: Place
let w: World
beforeAll(async () => {
  place = await startPlace()
})
beforeEach(async () => {
  w = await place.people()
  await file(w, 'first', 2000)
})
afterAll(() => place.close())

const ROUNDS = DEEP ? 25 : 2
const LONG = 600_000

/** The same places in every run. */
function places(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 4) % Math.max(1, below)
  }
}

const newest = (dir: string, pattern: RegExp): string => {
  const names = readdirSync(dir).filter(n => pattern.test(n))
  const [last] = names.sort((a, b) => statSync(join(dir, b)).mtimeMs - statSync(join(dir, a)).mtimeMs)
  if (!last) throw new Error(`nothing in ${dir} is called like ${pattern}`)
  return join(dir, last)
}

const contents = (path: string): Buffer => {
  try {
    return readFileSync(path)
  } catch {
    return Buffer.alloc(0)
  }
}

/** Undoes the writes after a random byte of the first to the last one that differs, as if the disk had not come so far. */
function tear(path: string, before: Buffer, at: (below: number) => number): number {
  const now = contents(path)
  let first = 0
  while (first < now.length && first < before.length && now[first] === before[first]) first++
  const cut = first + at(now.length - first + 1)
  writeFileSync(path, Buffer.concat([now.subarray(0, cut), before.subarray(cut)]))
  return now.length - cut
}

describe('torn files', () => {
  test(
    'a segment of blocks that was written and not synced may end anywhere',
    async () => {
      const at = places(1)
      for (let round = 0; round < ROUNDS; round++) {
        const segment = newest(inHome(w.dir).blocks, /seg/)
        const { size } = statSync(segment)
        await w.order({ do: 'die-unsynced' })
        expect(await codeOf(() => file(w, 'torn', 40_000))).toBe('RELAY_UNREACHABLE')
        await w.process().gone
        const grown = statSync(segment).size
        expect(grown, 'the bytes had been written').toBeGreaterThan(size)
        truncateSync(segment, size + at(grown - size + 1))
        await w.restart()
        await checkInvariants(w)
        await file(w, 'whole again', 1000)
      }
      await checkRecords(w)
    },
    LONG,
  )

  const DATABASES = [
    {
      what: 'the database’s log after a submission',
      file: () => `${inHome(w.dir).envelopes}-wal`,
      step: 1,
      run: () => file(w, 'torn commit'),
    },
    {
      what: 'the access log’s, so that a receipt lacks its leaf',
      file: () => `${inHome(w.dir).log}-wal`,
      step: 2,
      run: () => file(w, 'x'),
    },
  ]
  for (const { what, file: path, step, run } of DATABASES) {
    test(
      `${what} may be torn anywhere in the last commit`,
      async () => {
        const at = places(step + 7)
        for (let round = 0; round < ROUNDS; round++) {
          await w.order({ do: 'trace' })
          await run()
          const { steps } = await w.order({ do: 'steps' })
          const wanted = step === 1 ? 'transact' : 'log.append'
          const number = (steps ?? []).lastIndexOf(wanted)
          expect(number, `a submission has a step ${wanted}`).toBeGreaterThanOrEqual(0)
          const before = contents(path())
          await w.order({ do: 'die', step: number, phase: 'after' })
          expect(await codeOf(run)).toBe('RELAY_UNREACHABLE')
          await w.process().gone
          tear(path(), before, at)
          await w.restart()
          await checkInvariants(w)
        }
        expect(await readAll(w, await give(w))).toBeGreaterThan(0)
        await erase(w, await file(w, 'to be erased'))
        await checkInvariants(w)
      },
      LONG,
    )
  }

  test(
    'a ledger whose log is torn either has every block it acknowledged, or says that it has not; it never goes on with less',
    async () => {
      const at = places(3)
      const ledger = inHome(w.dir).ledger
      const outcomes: string[] = []
      for (let round = 0; round < ROUNDS; round++) {
        const commitment = await give(w)
        await w.process().kill()
        const saved = join(w.dir, 'ledger-saved')
        cpSync(ledger, saved, { recursive: true })
        const log = newest(join(ledger, 'db'), /\.log$/)
        const { size } = statSync(log)
        const cut = at(Math.min(size, 4000))
        truncateSync(log, size - cut)
        const started = await w.restart().then(
          () => 'went on',
          error => /LEDGER_CORRUPT|damaged/.exec(String(error))?.[0] ?? String(error),
        )
        outcomes.push(started)
        if (started === 'went on') {
          expect(cut, 'it lost nothing').toBe(0)
        } else {
          expect(['LEDGER_CORRUPT', 'damaged']).toContain(started)
          rmSync(ledger, { recursive: true })
          cpSync(saved, ledger, { recursive: true })
          await w.restart()
        }
        rmSync(saved, { recursive: true })
        await takeBack(w, commitment)
        await checkRecords(w)
      }
      console.info(`torn ledger: ${outcomes.join(', ')}`)
    },
    LONG,
  )
})
