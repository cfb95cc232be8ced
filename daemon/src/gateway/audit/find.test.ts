import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Marks, openMarks } from '@keepwell/adapters/tokens/marks'
import { openTokens, type Tokens } from '@keepwell/adapters/tokens/sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Criteria, found, within } from './find.ts'
import { type KeptTrail, openTrail } from './kept.ts'
import { daysBetween } from './marks.ts'

const DAY = 86_400
const NOW = Date.UTC(2026, 10, 29) / 1000
const key = new Uint8Array(32)
let dir: string
let reads = 0
const tokensAt = (): Tokens => {
  const tokens = openTokens({ file: join(dir, 'trail.sqlite'), key, random: n => new Uint8Array(randomBytes(n)), clock: () => NOW })
  const get: Tokens['get'] = (kind, id) => {
    reads++
    return tokens.get(kind, id)
  }
  return { ...tokens, get }
}
const marksAt = (): Marks => openMarks({ file: join(dir, 'marks.sqlite'), key })
const open = (): Promise<KeptTrail> =>
  openTrail(tokensAt(), marksAt(), e => {
    throw e
  })

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'keepwell-find-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

/** A day has a hundred; one in 50 is of Grace, one in 100 refused. */
function note(trail: KeptTrail, from: number, to: number): void {
  for (let i = from; i <= to; i++)
    trail.note({
      at: NOW - Math.floor((to - i) / 100) * DAY,
      ...{ person: i % 50 ? 'Nurse Joy' : 'Grace Hopper (ghopper)', role: 'nurse', purpose: 'TREAT', patient: `p${i % 9}`, action: 'view' },
      ...(i % 100 ? {} : { refused: 'no consent' }),
      records: [],
    })
}

async function page(trail: KeptTrail, criteria: Criteria, size = 10, before?: number): Promise<number[]> {
  const numbers: number[] = []
  const patients = criteria.patient ? [criteria.patient] : null
  for await (const e of found(trail, { criteria, patients }, { now: NOW, ...(before ? { before } : {}) })) {
    numbers.push(e.n)
    if (numbers.length === size) break
  }
  return numbers
}

test('whoever is let in to see a person sees each of their records, also when only one was named, and nobody else’s', () => {
  const guest = { until: NOW + DAY, why: 'Case 12/3', from: null, to: null, patients: ['a1'] }
  const vaultsOf = (id: string) => (['a1', 'a2'].includes(id) ? ['a1', 'a2'] : [id])
  const seen = (patients: readonly string[] | null) => within({ criteria: {}, patients }, guest, vaultsOf).patients
  expect(seen(null)).toEqual(['a1', 'a2'])
  expect(seen(['a1', 'a2', 'b1'])).toEqual(['a1', 'a2'])
  expect(seen(['b1'])).toEqual([])
  expect(within({ criteria: {}, patients: ['b1'] }, undefined, vaultsOf).patients).toEqual(['b1'])
})

test('a page of a trail ten times as long reads no more entries', async () => {
  const trail = await open()
  const cost = async (criteria: Criteria, before?: number): Promise<number> => {
    reads = 0
    await page(trail, criteria, 2, before)
    return reads
  }
  const all: readonly (readonly [Criteria, number?])[] = [
    [{}],
    [{ person: 'ghopper' }],
    [{ outcome: 'refused', person: 'hopper' }],
    [{ patient: 'p3', to: '2026-11-28' }],
    [{ person: 'grace' }, 150],
  ]
  const costs = async () =>
    Promise.all(await all.reduce(async (done, [c, b]) => [...(await done), await cost(c, b)], Promise.resolve<number[]>([])))
  note(trail, 1, 200)
  await trail.settled()
  await page(trail, { person: 'grace' })
  const once = await costs()
  note(trail, 201, 2000)
  await trail.settled()
  expect(await costs()).toEqual(once.map(c => expect.toSatisfy((n: number) => n <= c + 2)))
  expect(await page(trail, { outcome: 'refused' }, 3)).toEqual([2000, 1900, 1800])
  expect(await page(trail, { outcome: 'refused' }, 30, 1900)).toHaveLength(18)
  await trail.close()
})

test('a trail that had no marks, or lost them, is marked before it is searched; what is forgotten is found no more', async () => {
  let trail = await open()
  note(trail, 1, 600)
  await trail.settled()
  await trail.close()
  for (const name of ['marks.sqlite', 'marks.sqlite-wal', 'marks.sqlite-shm']) rmSync(join(dir, name), { force: true })
  trail = await open()
  note(trail, 1, 50)
  expect(await page(trail, { outcome: 'refused' }, 9)).toEqual([600, 500, 400, 300, 200, 100])
  expect((await page(trail, { person: 'grace' }, 99)).length).toBe(13)
  await trail.drop(500)
  expect(await page(trail, { outcome: 'refused' }, 9)).toEqual([600, 400, 300, 200, 100])
  expect(await page(trail, {}, 3)).toEqual([650, 649, 648])
  await trail.close()
})

test('what a record turned out to be later is found', async () => {
  const trail = await open()
  const tell = trail.note({
    at: NOW,
    person: 'Joy',
    role: 'nurse',
    purpose: 'TREAT',
    patient: 'p',
    action: 'view',
    records: [{ id: 'ab' }],
  })
  await trail.settled()
  expect(await page(trail, { type: 'Observation' })).toEqual([])
  tell('ab', 'Observation/1')
  await expect.poll(() => page(trail, { type: 'Observation' })).toEqual([1])
  await trail.close()
})

test('days between two are each in one mark, whole months and years in one', () => {
  expect(daysBetween('2026-11-29', '2026-11-29')).toEqual(['day 2026-11-29'])
  expect(daysBetween('2026-01-30', '2026-03-02')).toEqual([
    'day 2026-01-30',
    'day 2026-01-31',
    'month 2026-02',
    'day 2026-03-01',
    'day 2026-03-02',
  ])
  expect(daysBetween('2024-01-01', '2026-01-31')).toEqual(['year 2024', 'year 2025', 'month 2026-01'])
  expect(daysBetween('2024-02-29', '2024-03-01')).toEqual(['day 2024-02-29', 'day 2024-03-01'])
  expect(daysBetween('2026-02-01', '2026-01-01')).toEqual([])
})
