import { expect, test } from 'vitest'
import { anew, pending, single } from './turns.ts'

/** Work that ends when it is told to, and gives the number of its run. */
function work() {
  const ends: (() => void)[] = []
  const run = (): Promise<number> => {
    const mine = ends.length + 1
    return new Promise(resolve => ends.push(() => resolve(mine)))
  }
  return { run, ends }
}

test('whoever asks for what is there now gets a run that began after they asked, and all who wait share it', async () => {
  const { run, ends } = work()
  const ask = anew(run)
  const first = ask()
  const [second, third] = [ask(), ask()]
  expect(ends).toHaveLength(1)
  ends[0]!()
  expect(await first).toBe(1)
  await Promise.resolve()
  const during = ask()
  expect(ends).toHaveLength(2)
  ends[1]!()
  expect(await Promise.all([second, third])).toEqual([2, 2])
  await Promise.resolve()
  ends[2]!()
  expect(await during).toBe(3)
  const later = ask()
  ends[3]!()
  expect(await later).toBe(4)
})

test('a run that fails keeps nobody from the next', async () => {
  let runs = 0
  const ask = anew(async () => {
    if (++runs === 1) throw new Error('no')
    return runs
  })
  const [first, second] = [ask(), ask()]
  await expect(first).rejects.toThrow('no')
  expect(await second).toBe(2)
})

test('of work that is enough once, whoever asks meanwhile shares the run', async () => {
  const { run, ends } = work()
  const ask = single(run)
  const both = [ask(), ask()]
  ends[0]!()
  expect(await Promise.all(both)).toEqual([1, 1])
})

test('what is asked for while other work goes on is done once, when the last of it has ended', () => {
  let done = 0
  const turn = pending(() => void done++)
  turn.ask()
  expect(done).toBe(1)
  turn.begin()
  turn.begin()
  turn.ask()
  turn.ask()
  turn.end()
  expect([done, turn.idle()]).toEqual([1, false])
  turn.end()
  expect([done, turn.idle()]).toEqual([2, true])
  turn.begin()
  turn.end()
  expect(done).toBe(2)
})
