import { afterEach, expect, test } from 'vitest'
import { fenced } from './fenced.ts'

const fence = fenced<string, string>({ module: new URL('./fenced.kit.ts', import.meta.url), milliseconds: 1500, megabytes: 64 })
afterEach(() => fence.close())

test('what loops, eats memory or ends its thread costs its own call; the next one works', async () => {
  const calls = ['one', 'loop', 'two', 'eat', 'three', 'exit', 'four'].map(c => fence.run(c).catch((e: { code?: string }) => e.code))
  expect(await Promise.all(calls)).toEqual(['ONE', 'UNREADABLE', 'TWO', 'UNREADABLE', 'THREE', 'UNREADABLE', 'FOUR'])
})

test('a refusal keeps its code; any other failure says nothing of what was read', async () => {
  await expect(fence.run('refuse')).rejects.toMatchObject({ code: 'TOO_LARGE', message: 'too large' })
  await expect(fence.run('throw')).rejects.toMatchObject({ code: 'UNREADABLE', message: expect.not.stringContaining('secret') as string })
  expect(await fence.run('print')).toBe('PRINT')
})

test('of two threads one may hang while the other answers; who finds no room to wait is told so at once', async () => {
  const module = new URL('./fenced.kit.ts', import.meta.url)
  const two = fenced<string, string>({ module, milliseconds: 3000, megabytes: 64, threads: 2, waiting: 1 })
  const codes = (calls: readonly Promise<string>[]) => Promise.all(calls.map(c => c.catch((e: { code?: string }) => e.code)))
  const hanging = codes([two.run('wait')])
  expect([await two.run('one'), await two.run('two')]).toEqual(['ONE', 'TWO'])
  expect(await codes(['wait', 'three', 'four'].map(two.run))).toEqual(['UNREADABLE', 'THREE', 'RATE_LIMITED'])
  expect([await hanging, two.counts.ended]).toEqual([['UNREADABLE'], 2])
  await two.close()
})
