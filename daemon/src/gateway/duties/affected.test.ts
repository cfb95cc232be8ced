import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMarks } from '@keepwell/adapters/tokens/marks'
import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type KeptTrail, openTrail } from '#gateway/audit/kept'
import { affectedBy, type Question } from './affected.ts'

const dir = mkdtempSync(join(tmpdir(), 'keepwell-affected-'))
let trail: KeptTrail
let turn = 0
/** The same numbers every time. */
const dice = (below: number): number => createHash('sha256').update(`affected ${turn++}`).digest().readUInt32BE() % below
const of = <T>(all: readonly T[]): T => all[dice(all.length)]!

const PATIENTS = Array.from({ length: 40 }, (_, i) => `patient-${i}`)
const PERSONS = ['Joy (joy)', 'Joyce (joyce)', 'Ward system', 'Grace (grace)']
const ACTIONS = ['list', 'view', 'create', 'export', 'deny', 'emergency'] as const
const REFERENCES = ['Observation/1', 'Condition/2', 'ObservationDefinition/3', null]
const entries = Array.from({ length: 600 }, () => ({
  at: 1000 + dice(500),
  person: of(PERSONS),
  role: 'nurse',
  purpose: of(['TREAT', 'HPAYMT'] as const),
  ...(dice(3) ? {} : { client: of(['app-a', 'app-b']) }),
  patient: dice(20) ? of(PATIENTS) : null,
  action: of(ACTIONS),
  ...(dice(6) ? {} : { refused: 'no consent' }),
  records: Array.from({ length: dice(4) }, () => ({ id: String(dice(1000)), reference: of(REFERENCES) })),
}))

const open = () =>
  openTokens({ file: join(dir, 'trail.sqlite'), key: new Uint8Array(32), random: n => new Uint8Array(n).fill(turn++), clock: () => 0 })
beforeAll(async () => {
  trail = await openTrail(open(), openMarks({ file: join(dir, 'marks.sqlite'), key: new Uint8Array(32) }), () => {})
  for (const e of entries) trail.note(e)
  await trail.settled()
})
afterAll(async () => {
  await trail.close()
  rmSync(dir, { recursive: true })
})

const ALL: Question = { from: 0, to: 9999, persons: [], apps: [], types: [], purposes: [] }
const ask = async (q: Partial<Question>) => affectedBy(trail, { patient: did => did }, { ...ALL, ...q })
const opened = entries.filter(e => e.patient !== null && e.refused === undefined && e.action !== 'create' && e.action !== 'deny')
const whose = (all: readonly (typeof entries)[number][]): string[] => [...new Set(all.map(e => e.patient!))].sort()

test('who is affected: not one too many and not one too few, by window, person, app and purpose', async () => {
  const found = async (q: Partial<Question>) => (await ask(q)).affected.map(a => a.patient).sort()
  for (let round = 0; round < 12; round++) {
    const from = 1000 + dice(500)
    const to = from + dice(60)
    const inside = opened.filter(e => e.at >= from && e.at <= to)
    expect(await found({ from, to })).toEqual(whose(inside))
    expect(await found({ from, to, persons: ['joy'] })).toEqual(whose(inside.filter(e => e.person === 'Joy (joy)')))
    const both = { apps: ['app-a'], purposes: ['HPAYMT'] }
    expect(await found({ from, to, ...both })).toEqual(whose(inside.filter(e => e.client === 'app-a' && e.purpose === 'HPAYMT')))
  }
  // The ends belong to it, and of one person everything is counted.
  const [one] = opened
  const exact = await ask({ from: one!.at, to: one!.at })
  const mine = opened.filter(e => e.at === one!.at && e.patient === one!.patient)
  expect(exact.affected.find(a => a.patient === one!.patient)?.events).toHaveLength(mine.length)
})

test('by kind of record: certain where the trail says so, “cannot be ruled out” where it does not, nobody else', async () => {
  const { affected, unsure } = await ask({ types: ['Observation'] })
  const has = (e: (typeof entries)[number]) => e.records.some(r => r.reference === 'Observation/1')
  const certain = whose(opened.filter(has))
  const open = opened.filter(e => e.action === 'list' || e.records.length === 0 || e.records.some(r => r.reference === null))
  expect(affected.map(a => a.patient).sort()).toEqual(certain)
  expect(unsure.map(a => a.patient).sort()).toEqual(whose(open).filter(p => !certain.includes(p)))
  for (const a of affected) expect(a.types.filter(t => t !== 'Observation')).toEqual([])
})
