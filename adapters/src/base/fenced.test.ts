import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { fenced } from './fenced.ts'

const fence = fenced<string, string>({ module: new URL('./fenced.kit.ts', import.meta.url), milliseconds: 1500, megabytes: 64 })
afterEach(() => fence.close())

test('what loops, eats memory or ends its thread costs its own call; the next one works', async () => {
  const calls = ['one', 'loop', 'two', 'eat', 'three', 'exit', 'four'].map(c => fence.run(c).catch((e: { code?: string }) => e.code))
  expect(await Promise.all(calls)).toEqual(['ONE', 'UNREADABLE', 'TWO', 'UNREADABLE', 'THREE', 'UNREADABLE', 'FOUR'])
})

test('memory that one call of the engine asks for, where it cannot be stopped, ends another process than this one', async () => {
  const before = fence.counts.ended
  expect(await fence.run('parse').catch((e: { code?: string }) => e.code)).toBe('UNREADABLE')
  expect([await fence.run('one'), fence.counts.ended]).toEqual(['ONE', before + 1])
})

test.runIf(process.platform === 'linux')('a process that was killed leaves none behind that goes on reading for it', async () => {
  const asks = `
    import { fenced } from ${JSON.stringify(new URL('./fenced.ts', import.meta.url).href)}
    const fence = fenced({ module: new URL(${JSON.stringify(new URL('./fenced.kit.ts', import.meta.url).href)}), milliseconds: 600_000, megabytes: 64 })
    await fence.run('one')
    void fence.run('loop')
    console.log('looping')`
  const asking = spawn(process.execPath, ['--input-type=module', '--eval', asks], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(asking.stdout, 'data')
  const [reading] = readFileSync(`/proc/${asking.pid}/task/${asking.pid}/children`, 'utf8').trim().split(' ')
  const there = (): boolean => existsSync(`/proc/${reading}/exe`)
  expect(there()).toBe(true)
  asking.kill('SIGKILL')
  await expect.poll(there).toBe(false)
})

test('where no process can be begun whoever asks is told so, and the next one is served', async () => {
  const { execPath } = process
  process.execPath = '/nowhere/node'
  try {
    expect(await fence.run('one').catch((e: { code?: string }) => e.code)).toBe('UNREADABLE')
  } finally {
    process.execPath = execPath
  }
  expect(await fence.run('two')).toBe('TWO')
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
  // Both have begun: from here on a call takes no time to speak of beside the limit.
  await Promise.all(['here', 'there'].map(two.run))
  const hanging = codes([two.run('wait')])
  expect([await two.run('one'), await two.run('two')]).toEqual(['ONE', 'TWO'])
  expect(await codes(['wait', 'three', 'four'].map(two.run))).toEqual(['UNREADABLE', 'THREE', 'RATE_LIMITED'])
  expect([await hanging, two.counts.ended]).toEqual([['UNREADABLE'], 2])
  await two.close()
})
