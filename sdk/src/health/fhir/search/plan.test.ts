import { expect, test } from 'vitest'
import { intersection, listPlan, type Plan } from './plan.ts'

/** Counts what it is asked. */
function counted(plan: Plan): { readonly plan: Plan; asked: number } {
  const out = {
    plan: {
      ...plan,
      has: (row: number) => {
        out.asked++
        return plan.has(row)
      },
    },
    asked: 0,
  }
  return out
}

test('a plan that has every row is not asked about any, one that lacks a row about each', () => {
  const few = listPlan([1, 3])
  const all = counted(listPlan([0, 1, 2, 3]))
  const most = counted(listPlan([0, 1, 2]))
  expect([intersection([few, all.plan], 4).rows(), all.asked]).toEqual([[1, 3], 0])
  expect([intersection([few, most.plan], 4).rows(), most.asked]).toEqual([[1], 2])
  expect(intersection([all.plan, all.plan], 4).rows()).toEqual([0, 1, 2, 3])
  expect([2, 3].map(row => intersection([few, all.plan], 4).has(row))).toEqual([false, true])
})

test('a size that is only a bound lets nothing pass unasked', () => {
  const bound = counted({ size: 4, rows: () => [1], has: row => row === 1 })
  expect([intersection([listPlan([1, 3]), bound.plan], 4).rows(), bound.asked]).toEqual([[1], 2])
})
