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
