import { expect, test } from 'vitest'
import { measured } from './measure.ts'
import { around, slicesOf } from './slices.ts'

const mm = { spacing: { rows: 2, columns: 0.5, at: 'patient' as const }, columns: 4, values: null }
const bare = { spacing: undefined, columns: 4, values: null }

test('a length counts pixels of unequal sides by their own sides, and is in pixels where no scale is known', () => {
  const points = [
    [0, 0],
    [6, 2],
  ] as const
  expect(measured({ kind: 'length', points }, mm)).toEqual({ kind: 'length', length: 5 })
  expect(measured({ kind: 'length', points }, bare)).toEqual({ kind: 'length', length: Math.hypot(6, 2) })
  expect(measured({ kind: 'length', points: [[0, 0]] }, mm)).toBeNull()
})

test('an angle is the lesser one at the middle point', () => {
  const at = (x: number, y: number) => ({
    kind: 'angle' as const,
    points: [
      [1, 0],
      [0, 0],
      [x, y],
    ] as [number, number][],
  })
  expect(measured(at(0, 1), bare)).toMatchObject({ degrees: 90 })
  expect((measured(at(-1, -0.001), bare) as { degrees: number }).degrees).toBeCloseTo(180, 0)
})

test('an ellipse takes the values inside it and leaves the corners of its box', () => {
  const values = [9, 1, 9, 0, 1, 1, 1, 0, 9, 1, 9, 0]
  const found = measured(
    {
      kind: 'ellipse',
      points: [
        [0, 0],
        [2, 2],
      ],
    },
    { ...bare, values },
  )
  expect(found).toEqual({ kind: 'ellipse', area: Math.PI, mean: 1, deviation: 0 })
})

test('frames of files stand in order, and what lies next to a picture comes first', () => {
  expect(
    slicesOf([
      { file: 'a', frames: 0 },
      { file: 'b', frames: 2 },
    ]),
  ).toEqual([
    { file: 'a', frame: 1 },
    { file: 'b', frame: 1 },
    { file: 'b', frame: 2 },
  ])
  expect(slicesOf([{ file: 'c', frames: 4_000_000_000 }])).toHaveLength(20_000)
  expect(around(1, 5, { ahead: 3, behind: 2 })).toEqual([2, 0, 3, 4])
})
