import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { remaining, valuesIn } from '#base/residues.kit'
import { temporaryDirectory } from '#base/temporary.kit'
import { type Marks, openMarks } from './marks.ts'

let home: ReturnType<typeof temporaryDirectory>
let marks: Marks
const open = () => openMarks({ file: join(home.path, 'marks.sqlite'), key: new Uint8Array(32).fill(7) })

beforeEach(() => {
  home = temporaryDirectory()
  marks = open()
})
afterEach(async () => {
  await marks.close()
  home.remove()
})

/** Every number is of a ward; every third of Joy, every fifth refused. */
async function fill(from: number, to: number): Promise<void> {
  const all = Array.from({ length: to - from + 1 }, (_, i) => from + i)
  await Promise.all(all.map(n => marks.put(n, [`ward ${n % 7}`, n % 3 ? 'grace' : 'joy', ...(n % 5 ? [] : ['refused'])])))
}

test('gives those that bear one of each, the highest first, page by page, and each once', async () => {
  await fill(1, 4000)
  const wanted = [['joy'], ['refused'], ['ward 1', 'ward 2']]
  const expected = Array.from({ length: 4000 }, (_, i) => 4000 - i).filter(n => n % 15 === 0 && [1, 2].includes(n % 7))
  const found: number[] = []
  for (let before = Number.MAX_SAFE_INTEGER; ; before = found.at(-1)!) {
    const page = await marks.find(wanted, before, 7)
    found.push(...page)
    if (page.length < 7) break
  }
  expect(found).toEqual(expected)
  // Alternatives of which one ends long before the other.
  expect(await marks.find([['grace', 'joy']], 5000, 3000)).toEqual(Array.from({ length: 3000 }, (_, i) => 4000 - i))
  expect(await marks.find([['joy'], ['nobody']], 5000, 10)).toEqual([])
})

test('what is forgotten is found no more; what was marked twice is there once; all of it after a restart, and no word of it in the file', async () => {
  await fill(1, 30)
  await marks.put(30, ['joy', 'later'])
  await marks.drop(15)
  await marks.setWhole(30)
  await marks.close()
  expect(readFileSync(join(home.path, 'marks.sqlite')).includes('refused')).toBe(false)
  marks = open()
  expect(await marks.find([['joy'], ['refused']], 100, 10)).toEqual([30])
  expect([await marks.find([['later']], 100, 10), marks.whole()]).toEqual([[30], 30])
})

test('of a number that is forgotten no mark is left in any file, once scrubbed', async () => {
  const numbers = Array.from({ length: 2000 }, (_, i) => i + 1)
  await Promise.all(numbers.map(n => marks.put(n, [`only ${n}`, `and ${n}`])))
  const of = (where: string): Uint8Array[] => valuesIn(join(home.path, 'marks.sqlite'), `select mark from marks where ${where}`)
  const [gone, kept] = [of('n % 4 = 0'), of('n % 4 = 1')]
  await Promise.all(numbers.filter(n => n % 4 === 0).map(marks.drop))
  expect(remaining(home.path, gone)).toBeGreaterThan(0)
  await marks.scrub()
  expect([remaining(home.path, gone), remaining(home.path, kept)]).toEqual([0, 1000])
})
