import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { draft, person, world } from '@keepwell/sdk/actions/story.kit'
import { expect, test } from 'vitest'
import { watchEntries } from './entries.ts'
import { retention, signRetention, simulateRetention } from './retention.ts'
import type { OpenVault } from './vault.ts'

test('what was shown is signed, and nothing else: a record more, or another rule, is to be seen first', async () => {
  const w = await world(['http://home.test'], 'retention in the app')
  const ctx = await person(w, 'Ada', 'http://home.test')
  const file = async (title: string, start: string) => {
    const d = draft(ctx, 'laboratory', title)
    await fileRecords(ctx, [{ ...d, facts: { ...d.facts, start } }])
  }
  await file('old', '2009-05-04')
  const { entries } = await watchEntries(
    ctx.catalog,
    () => ctx.session.state.ring,
    () => {},
  )
  const vault = { ctx, entries, run: (work: (c: typeof ctx) => Promise<unknown>) => work(ctx) } as unknown as OpenVault
  const wanted = { rules: [{ part: 'laboratory', days: 3653 }], notice: 14 * 86_400 }
  const { plan, counts } = await simulateRetention(vault, wanted)
  expect(counts).toEqual({ now: 1, year: 0, later: 0 })
  const other = { ...wanted, rules: [{ part: 'laboratory', days: 365 }] }
  await expect(signRetention(vault, { ...other, plan })).rejects.toMatchObject({ code: 'PLAN_CHANGED' })
  await file('old too', '2010-05-04')
  await expect(signRetention(vault, { ...wanted, plan })).rejects.toMatchObject({ code: 'PLAN_CHANGED' })
  expect(await retention(vault)).toMatchObject({ signed: null, invalid: false, waiting: null })
  await signRetention(vault, { ...wanted, plan: (await simulateRetention(vault, wanted)).plan })
  expect((await retention(vault)).signed).toMatchObject(wanted)
})
