import type { OpenedRecord, SessionRecord } from '@keepwell/sdk/actions/access/open-session'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { describe, expect, test } from 'vitest'
import { openAll, type Sink } from './opening.ts'

const record = (n: number, resourceType = 'Observation'): SessionRecord => ({
  id: new Uint8Array(16).fill(n),
  card: { kind: 'fhir', resourceType, size: 100 } as SessionRecord['card'],
  compartment: new Uint8Array(16),
  epoch: 1,
  cid: new Uint8Array(0),
  seq: n,
})

/** What came out, and a reader that fails on what it is told to. */
function desk(bad: (n: number) => KeepwellError | null = () => null) {
  const out: number[] = []
  const problems: string[] = []
  const failures: unknown[] = []
  const asked: number[][] = []
  const { promise: gate, resolve: start } = Promise.withResolvers<void>()
  const reader = {
    async open(ids: readonly Uint8Array[]): Promise<OpenedRecord[]> {
      await gate
      const numbers = ids.map(i => i[0]!)
      asked.push(numbers)
      for (const n of numbers) {
        const failure = bad(n)
        if (failure) throw failure
      }
      // In another order than asked for.
      return numbers.toReversed().map(n => ({ meta: { id: new Uint8Array(16).fill(n) } }) as OpenedRecord)
    },
    ranges: async () => [],
  }
  const sink: Sink = {
    whole: records => void out.push(...records.map(r => r.meta.id[0]!)),
    parts: () => {},
    problem: (id, code) => void problems.push(`${id.slice(0, 2)} ${code}`),
    failed: e => void failures.push(e),
  }
  return { out, problems, failures, asked, reader, start, opening: openAll(sink) }
}

describe('opening what a session lists', () => {
  test('one bad record costs one record', async () => {
    const d = desk(n => (n === 5 ? new KeepwellError('BAD_SIGNATURE', 'x') : null))
    d.opening.add(
      [1, 2, 3, 4, 5, 6, 7].map(n => record(n)),
      d.reader,
    )
    d.opening.listed()
    d.start()
    await d.opening.ready(null)
    expect([d.out.toSorted(), d.problems, d.failures]).toEqual([[1, 2, 3, 4, 6, 7], ['05 BAD_SIGNATURE'], []])
  })

  test('a refusal is the end of it, and whoever waits is told', async () => {
    const d = desk(() => new KeepwellError('DENIED', 'x'))
    d.opening.add([record(1), record(2)], d.reader)
    d.start()
    const waits = d.opening.ready(['Observation'])
    await expect.poll(() => d.failures.length).toBe(1)
    d.opening.stop(new KeepwellError('GRANT_ENDED', 'x'))
    await expect(waits).rejects.toMatchObject({ code: 'GRANT_ENDED' })
    await expect(d.opening.ready(null)).rejects.toMatchObject({ code: 'GRANT_ENDED' })
    expect(d.asked).toHaveLength(1)
  })

  test('what is asked for comes first, and is not ready before the list is whole', async () => {
    const d = desk()
    d.opening.add([...Array.from({ length: 150 }, (_, n) => record(n)), record(200, 'Condition')], d.reader)
    let ready = false
    const waits = d.opening.ready(['Condition']).then(() => {
      ready = true
    })
    d.start()
    await expect.poll(() => d.out.length).toBe(151)
    expect(ready).toBe(false)
    d.opening.listed()
    await waits
    // The page that was on its way when it was asked for, then that.
    expect(d.asked[1]).toEqual([200])
  })

  test('whoever says that a part will do is answered with the first page, while the list still grows', async () => {
    const d = desk()
    d.opening.add(
      Array.from({ length: 150 }, (_, n) => record(n)),
      d.reader,
    )
    const some = d.opening.some('Observation')
    d.start()
    await some
    expect(d.out.length).toBeLessThan(150)
    expect(d.out.length).toBeGreaterThan(0)
    const nothing = d.opening.some('Condition')
    d.opening.listed()
    await nothing
  })

  test('within a type records come in the order in which they were filed, whatever the order of the answer', async () => {
    const d = desk()
    d.opening.add(
      [1, 2, 3, 4].map(n => record(n)),
      d.reader,
    )
    d.opening.listed()
    d.start()
    await d.opening.ready(null)
    expect(d.out).toEqual([1, 2, 3, 4])
  })
})
