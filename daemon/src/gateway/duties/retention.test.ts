import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { remaining, valuesIn } from '@keepwell/adapters/base/residues.kit'
import { openMarks } from '@keepwell/adapters/tokens/marks'
import { openTokens, type Tokens } from '@keepwell/adapters/tokens/sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type KeptTrail, openTrail } from '#gateway/audit/kept'
import { type HoldStep, heldPatients, openHolds } from './holds.ts'
import { openBook } from './register.ts'
import { EXAMPLE, openRetention, type RetentionPolicy, type RetentionStep, readPolicy, ruleFor, type Shelf } from './retention.ts'

const DAY = 86_400
const KEEPER = { person: 'Immanuel Kant (mkant)', role: 'auditor' }
const policy = (days: number): RetentionPolicy => ({
  v: 1,
  name: 'p',
  under: ['DE'],
  rules: [{ kind: 'trail', jurisdiction: 'DE', days, law: '§ 630f' }],
})

let dir: string
let now: number
let turn = 0
let tokens: Tokens
let trailTokens: Tokens
let trail: KeptTrail
const random = (n: number): Uint8Array => new Uint8Array(createHash('sha512').update(String(turn++)).digest().subarray(0, n))

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'keepwell-retention-'))
  now = 1000 * DAY
  const open = (name: string) => openTokens({ file: join(dir, name), key: new Uint8Array(32), random, clock: () => now })
  tokens = open('duties.sqlite')
  trailTokens = open('trail.sqlite')
  trail = await openTrail(trailTokens, openMarks({ file: join(dir, 'marks.sqlite'), key: new Uint8Array(32) }), () => {})
})
afterEach(async () => {
  await tokens.close()
  await trail.close()
  rmSync(dir, { recursive: true })
})

const noted = (days: number, patient: string | null) =>
  trail.note({ at: now - days * DAY, person: 'Joy', role: 'nurse', purpose: 'TREAT', patient, action: 'view', records: [] })
const shelf = (fails = Number.POSITIVE_INFINITY): Shelf => {
  let dropped = 0
  return {
    kind: 'trail',
    async *items() {
      for await (const { n, at, patient, client } of trail.all()) if (!client) yield { id: String(n), at, patient }
    },
    async drop(id) {
      if (dropped++ >= fails) throw new Error('The power went out.')
      await trail.drop(Number(id))
    },
    scrub: trail.scrub,
  }
}
const clock = () => now
const holds = (keeper = KEEPER) => openHolds(openBook<HoldStep>({ name: 'hold register', tokens, trail, clock }), keeper, random, clock)
const held = async () => heldPatients(await openBook<HoldStep>({ name: 'hold register', tokens, trail, clock }).read(), now)
const retention = (s: Shelf = shelf(), keeper = KEEPER) =>
  openRetention({ book: openBook<RetentionStep>({ name: 'retention register', tokens, trail, clock }), keeper, shelves: [s], held, clock })
const left = async () => {
  const all: string[] = []
  for await (const e of trail.all()) if (!e.client) all.push(`${e.patient} ${(now - e.at) / DAY}`)
  return all
}
const hold = (patient: string, until: number | null = null) =>
  holds().place({ patient, did: 'did:ethr:0x1:0x00', reason: 'A court asks for it.', law: 'FRCP 37(e)', until })

describe('a retention policy', () => {
  test('is data with the law in it, of several rules that bind the longest counts, and what is no policy is refused', () => {
    expect(ruleFor(EXAMPLE, 'trail')).toMatchObject({ jurisdiction: 'EU', days: 1096 })
    expect(ruleFor({ ...EXAMPLE, under: ['EU', 'US'] }, 'trail')).toMatchObject({ jurisdiction: 'US', days: 2192 })
    expect(ruleFor({ ...EXAMPLE, under: ['US'] }, 'trail')).toMatchObject({ jurisdiction: 'US', days: 2192 })
    expect(ruleFor({ ...EXAMPLE, under: [] }, 'images')).toMatchObject({ jurisdiction: '*', days: 90 })
    expect(ruleFor({ ...EXAMPLE, under: [] }, 'messages')).toBeNull()
    const read = (change: object) => () => readPolicy(JSON.stringify({ ...EXAMPLE, ...change }))
    expect(read({})()).toEqual(EXAMPLE)
    expect(read({ rules: [{ ...EXAMPLE.rules[0], law: ' ' }] })).toThrow()
    expect(read({ rules: [{ ...EXAMPLE.rules[0], days: 0 }] })).toThrow()
    expect(read({ more: 1 })).toThrow()
  })

  test('is simulated: what would be deleted, when and why; nothing is touched, and what is exactly due is due', async () => {
    for (const days of [99, 100, 101, 300]) noted(days, 'p1')
    const plan = await retention().simulate(policy(100))
    expect(plan.kinds).toMatchObject([{ kept: 4, due: 3, held: 0, from: now - 300 * DAY, to: now - 100 * DAY, next: now + DAY }])
    expect(plan.kinds[0]!.rule).toMatchObject({ days: 100, law: '§ 630f' })
    expect(await left()).toHaveLength(4)
    expect((await retention().simulate({ ...policy(100), under: [] })).hits).toEqual([])
  })

  test('runs only as it was simulated: not without, not another, not twice, and not by another role', async () => {
    for (const days of [50, 150, 250]) noted(days, 'p1')
    await expect(retention().run(policy(100))).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await retention().simulate(policy(100))
    await expect(retention().run(policy(40))).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await expect(retention().run({ ...policy(100), name: 'q' })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    for (const role of ['nurse', 'physician', 'system']) expect(() => retention(shelf(), { person: 'Joy', role })).toThrow(/role/)
    expect(await left()).toHaveLength(3)
    // Time that passes meanwhile makes nothing more due.
    now += 60 * DAY
    expect(await retention().run(policy(100))).toMatchObject({ deleted: 2, kept: 0, resumed: false })
    expect(await left()).toEqual(['p1 110'])
    await expect(retention().run(policy(100))).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })

  test('a run that is cut short is finished by the next, and deletes nothing else', async () => {
    for (let i = 0; i < 10; i++) noted(200 + i, `p${i}`)
    noted(10, 'p1')
    await retention().simulate(policy(100))
    await expect(retention(shelf(4)).run(policy(100))).rejects.toThrow('The power went out.')
    expect(await left()).toHaveLength(7)
    noted(500, 'p1')
    expect(await retention().run(policy(100))).toMatchObject({ deleted: 6, resumed: true })
    expect(await left()).toEqual(['p1 10', 'p1 500'])
  })

  test('a run leaves nothing of what it deleted in any file, while the gateway has the trail open', async () => {
    const entries = () => valuesIn(join(dir, 'trail.sqlite'), "select sealed from things where kind = 'audit'")
    for (let i = 0; i < 300; i++) noted(i % 2 ? 200 : 10, `p${i % 7}`)
    await trail.settled()
    const before = entries()
    await retention().simulate(policy(100))
    expect(await retention().run(policy(100))).toMatchObject({ deleted: 150 })
    const kept = entries()
    const gone = before.filter(v => !kept.some(k => Buffer.compare(k, v) === 0))
    expect(gone).toHaveLength(150)
    expect([remaining(dir, gone), remaining(dir, kept)]).toEqual([0, kept.length])
  })
})

describe('a legal hold', () => {
  test('keeps what is due of that patient, and what may be theirs; others go', async () => {
    for (const patient of ['p1', 'p2', null]) noted(200, patient)
    await hold('p1')
    const plan = await retention().simulate(policy(100))
    expect(plan.kinds).toMatchObject([{ due: 1, held: 2 }])
    expect(await retention().run(policy(100))).toMatchObject({ deleted: 1 })
    expect(await left()).toEqual(['p1 200', 'null 200'])
  })

  test('placed between simulation and run it stops the run; placed while it runs it is kept to', async () => {
    for (let i = 0; i < 60; i++) noted(200 + i, 'p1')
    for (let i = 0; i < 60; i++) noted(300 + i, 'p2')
    await retention().simulate(policy(100))
    const h = await hold('p2')
    await expect(retention().run(policy(100))).rejects.toMatchObject({ code: 'BAD_INPUT' })
    expect(await left()).toHaveLength(120)
    await holds().lift(h.id)
    const stopping = shelf()
    let dropped = 0
    const during: Shelf = {
      ...stopping,
      async drop(id) {
        if (dropped++ === 60) await hold('p2')
        await stopping.drop(id)
      },
    }
    await retention().simulate(policy(100))
    const done = await retention(during).run(policy(100))
    // It is looked at every fifty things.
    expect([done.deleted, done.kept]).toEqual([100, 20])
    expect((await left()).every(l => l.startsWith('p2'))).toBe(true)
  })

  test('ends by itself or when it is lifted, once, and by no other role; the trail’s own end keeps to it', async () => {
    expect(() => holds({ person: 'Joy', role: 'nurse' })).toThrow(/role/)
    for (const patient of ['p1', 'p2']) noted(200, patient)
    const h = await hold('p1', now + 10 * DAY)
    expect([...(await held())]).toEqual(['p1'])
    await trail.settled()
    expect(await trail.forget(now - 100 * DAY, await held())).toBe(1)
    expect(await left()).toEqual(['p1 200'])
    now += 10 * DAY
    expect([...(await held())]).toEqual([])
    await expect(holds().lift(h.id)).rejects.toMatchObject({ code: 'BAD_INPUT' })
    expect(await trail.forget(now - 100 * DAY, await held())).toBe(1)
    await expect(hold('p1', now - 1)).rejects.toMatchObject({ code: 'BAD_INPUT' })
    const other = await hold('p1')
    await holds().lift(other.id)
    expect([...(await held())]).toEqual([])
    await expect(holds().lift(other.id)).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })
})
