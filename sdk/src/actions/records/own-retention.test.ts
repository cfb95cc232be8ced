import { expect, test } from 'vitest'
import { draft, person, world } from '#actions/story.kit'
import { toHex } from '#base/bytes'
import { isKeepwellError } from '#base/error'
import { eraseRecords } from './erase-records.ts'
import { fileRecords } from './file-records.ts'
import { planOwnRetention, readOwnRules, samePlan } from './own-retention.ts'

const DAY = 86_400
const rules = (...all: readonly (readonly [string, number])[]) => ({
  v: 1,
  rules: all.map(([compartment, days]) => ({ compartment, days })),
})

test('a patient’s own rules hit what is older in that part and nothing else, by the date of care, and are carried out as shown or not at all', async () => {
  const w = await world(['http://home.test'], 'own retention')
  const ada = await person(w, 'Ada', 'http://home.test')
  const iso = (days: number) => new Date((w.now - days * DAY) * 1000).toISOString()
  const file = async (part: string, title: string, start?: string) => {
    const d = draft(ada, part, title)
    return (await fileRecords(ada, [{ ...d, facts: { ...d.facts, ...(start ? { start } : {}) } }]))[0]!
  }
  const old = await file('wearables', 'old', iso(800))
  await file('wearables', 'young', iso(10))
  await file('wearables', 'no date')
  // A year is as young as its last day.
  await file('wearables', 'that year', String(new Date((w.now - 730 * DAY) * 1000).getUTCFullYear()))
  await file('laboratory', 'old elsewhere', iso(800))
  const plan = await planOwnRetention(ada, rules(['wearables', 730]))
  expect([plan.due.map(e => e.card.title), plan.byPart]).toEqual([['old'], [{ part: 'wearables', days: 730, due: 1 }]])
  // What is young falls due on its day, and the next to fall due is named first.
  expect(plan.later.map(l => l.entry.card.title)).toEqual(['that year', 'young', 'no date'])
  expect(plan.later[1]!.on).toBe(w.now + 720 * DAY)
  expect((await planOwnRetention(ada, rules(['wearables', 730], ['wearables', 900]))).due).toEqual([])
  const code = (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      e => (isKeepwellError(e) ? e.code : String(e)),
    )
  expect(await code(planOwnRetention(ada, rules(['attic', 730])))).toBe('UNKNOWN_COMPARTMENT')
  expect(await code(samePlan(ada, rules(['wearables', 5]), plan.hash))).toBe('BAD_INPUT')
  await file('wearables', 'old too', iso(900))
  expect(await code(samePlan(ada, rules(['wearables', 730]), plan.hash))).toBe('BAD_INPUT')
  const now = await planOwnRetention(ada, rules(['wearables', 730]))
  const same = await samePlan(ada, rules(['wearables', 730]), now.hash)
  await eraseRecords(
    ada,
    same.due.map(e => e.id),
  )
  expect(same.due.map(e => toHex(e.id))).toContain(toHex(old.id))
  expect((await planOwnRetention(ada, rules(['wearables', 730]))).due).toEqual([])
  expect((await planOwnRetention(ada, rules(['laboratory', 730]))).due.map(e => e.card.title)).toEqual(['old elsewhere'])
  for (const bad of ['no', '{}', '{"v":1,"rules":[{"compartment":"x","days":0}]}']) expect(() => readOwnRules(bad)).toThrow()
})
