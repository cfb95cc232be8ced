import type { Marks } from '@keepwell/adapters/tokens/marks'
import type { Entry, KeptTrail } from './kept.ts'
import { marksOf } from './marks.ts'

/** Entries are looked through in pages of so many. */
const PAGE = 100

type Findable = {
  readonly marks: Marks
  readonly get: (n: number) => Promise<Entry | null>
  readonly settled: () => Promise<void>
  readonly first: () => number
  readonly last: () => number
}

/** Finds entries by their marks; closing closes these. */
export function finder({ marks, get, settled, first, last }: Findable): Pick<KeptTrail, 'newest'> & { close(): Promise<void> } {
  let marking: Promise<void> | null = null
  /** Marks what is not: all that was noted before there were marks, or after they were last known to be whole. */
  async function mark(): Promise<void> {
    await settled()
    const end = last()
    for (let n = Math.max(first(), marks.whole() + 1); n <= end; n += PAGE) {
      const page = await Promise.all(Array.from({ length: Math.min(PAGE, end - n + 1) }, (_, i) => get(n + i)))
      await Promise.all(page.map(e => e && marks.put(e.n, marksOf(e))))
      await marks.setWhole(Math.min(end, n + PAGE - 1))
    }
  }
  const marked = (): Promise<void> => {
    marking ??= mark().catch(e => {
      marking = null
      throw e
    })
    return marking
  }
  return {
    async *newest(terms, before) {
      await settled()
      if (terms.length) await marked()
      for (let at = Math.min(before, last() + 1); at > first(); ) {
        const start = at
        const numbers = terms.length
          ? await marks.find(terms, start, PAGE)
          : Array.from({ length: Math.min(PAGE, start - first()) }, (_, i) => start - 1 - i)
        if (numbers.length === 0) return
        for (const n of numbers) {
          const entry = await get(n)
          if (entry) yield entry
        }
        at = numbers.at(-1)!
      }
    },
    async close() {
      // What was noted since bears its marks; a crash costs marking it twice.
      if (marking) await marking.then(() => marks.setWhole(last()))
      await marks.close()
    },
  }
}
