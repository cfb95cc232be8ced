import type { OpenedRecord, RangedRecord, Refused, SessionRecord } from '@keepwell/sdk/actions/access/open-session'
import { toHex } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { describe, expect, test } from 'vitest'
import { openAll, type Sink } from './opening.ts'

const record = (n: number, resourceType = 'Observation', kind = 'fhir'): SessionRecord => ({
  id: new Uint8Array(16).fill(n),
  card: { kind, resourceType, size: 100 } as SessionRecord['card'],
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
  const parts: number[] = []
  const { promise: gate, resolve: start } = Promise.withResolvers<void>()
  const reader = {
    async open(ids: readonly Uint8Array[], refused?: Refused): Promise<OpenedRecord[]> {
      await gate
      const numbers = ids.map(i => i[0]!)
      asked.push(numbers)
      const good = numbers.filter(n => {
        const failure = bad(n)
        if (failure?.code === 'DENIED') throw failure
        if (failure) refused?.(toHex(new Uint8Array(16).fill(n)), failure)
        return !failure
      })
      // In another order than asked for.
      return good.toReversed().map(n => ({ meta: { id: new Uint8Array(16).fill(n) } }) as OpenedRecord)
    },
    async ranges(ids: readonly Uint8Array[]): Promise<RangedRecord[]> {
      await gate
      asked.push(ids.map(i => i[0]!))
      return ids.map(id => ({ meta: { id } }) as RangedRecord)
    },
  }
  const sink: Sink = {
    whole: records => void out.push(...records.map(r => r.meta.id[0]!)),
    parts: records => void parts.push(...records.map(r => r.meta.id[0]!)),
    problem: (id, code) => void problems.push(`${id.slice(0, 2)} ${code}`),
    failed: e => void failures.push(e),
  }
  return { out, parts, problems, failures, asked, reader, start, opening: openAll(sink, work => work) }
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
    // And no second receipt.
    expect(d.asked).toHaveLength(1)
  })

  test('letters that are FHIR and letters that are files are one type, and each is read in its own way', async () => {
    const d = desk()
    d.opening.add([record(1, 'DocumentReference'), record(2, '', 'note'), record(3, 'DocumentReference')], d.reader)
    d.opening.listed()
    d.start()
    await d.opening.ready(['DocumentReference'])
    expect([d.out, d.parts, d.problems]).toEqual([[1, 3], [2], []])
  })

  test('images are opened many with one receipt, for only their ends are fetched; whole resources and small files by their bytes', async () => {
    const pages = async (card: { kind: 'fhir' | 'dicom'; resourceType?: string; size: number }) => {
      const d = desk()
      d.opening.add(
        Array.from({ length: 100 }, (_, n) => ({ ...record(n), card: card as SessionRecord['card'] })),
        d.reader,
      )
      d.opening.listed()
      d.start()
      await d.opening.ready(null)
      return d.asked.map(ids => ids.length)
    }
    expect(await pages({ kind: 'dicom', size: 20 << 20 })).toEqual([64, 36])
    expect(await pages({ kind: 'dicom', size: 256_000 })).toEqual([32, 32, 32, 4])
    expect(await pages({ kind: 'fhir', resourceType: 'Observation', size: 4 << 20 })).toEqual(Array.from({ length: 50 }, () => 2))
  })

  test('images are opened for whoever asks for them, or for everything: storing some, or reading other things, reads none', async () => {
    const d = desk()
    const image = (n: number) => ({ ...record(n), card: { kind: 'dicom', size: 20 << 20 } as SessionRecord['card'] })
    d.opening.add([image(1), record(2), record(3, 'ImagingStudy')], d.reader)
    d.start()
    d.opening.listed()
    await d.opening.opened()
    await d.opening.ready(['Observation'])
    // A study that is FHIR costs what any resource costs.
    expect([d.out.toSorted(), d.parts, d.opening.filled()]).toEqual([[2, 3], [], false])
    await d.opening.ready(['ImagingStudy'])
    expect([d.parts, d.opening.filled()]).toEqual([[1], true])
    // Who looked at images once has those that come later; what was whole once stays so.
    d.opening.add([image(4)], d.reader)
    expect(d.opening.filled()).toBe(true)
    await expect.poll(() => d.parts).toEqual([1, 4])

    const other = desk()
    other.opening.add([image(1)], other.reader)
    other.start()
    other.opening.listed()
    expect(other.opening.whole(null)).toBe(false)
    await expect.poll(() => other.parts).toEqual([1])
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

  test('what is asked for comes first, the rest when all is listed, and nothing is whole before', async () => {
    const d = desk()
    d.opening.add([...Array.from({ length: 150 }, (_, n) => record(n)), record(200, 'Condition'), record(201, 'Encounter')], d.reader)
    let ready = false
    const waits = d.opening.ready(['Condition']).then(() => {
      ready = true
    })
    d.start()
    await expect.poll(() => d.out).toEqual([200])
    expect([ready, d.opening.whole(['Condition'])]).toEqual([false, false])
    d.opening.listed()
    await waits
    expect(d.opening.whole(['Condition'])).toBe(true)
    await d.opening.ready(null)
    expect(d.out).toHaveLength(152)
  })

  test('types that are asked for take turns, so that a small one does not wait for a large one', async () => {
    const d = desk()
    d.opening.add([...Array.from({ length: 250 }, (_, n) => record(n)), record(251, 'Condition')], d.reader)
    const both = [d.opening.ready(['Observation']), d.opening.ready(['Condition'])]
    d.opening.listed()
    d.start()
    await Promise.all(both)
    // The first two pages were on their way when the other was asked for.
    expect(d.asked.map(page => page.length)).toEqual([64, 128, 1, 58])
  })

  test('whoever says that a part will do is told of each page that was listed or opened, and of the end', async () => {
    const d = desk()
    d.start()
    let told = d.opening.more()
    let news = false
    void told.then(() => {
      news = true
    })
    // A question is no news.
    expect(d.opening.whole(['Observation'])).toBe(false)
    await Promise.resolve()
    await Promise.resolve()
    expect(news).toBe(false)
    d.opening.add(
      Array.from({ length: 150 }, (_, n) => record(n)),
      d.reader,
    )
    await told
    expect(d.opening.whole(['Observation'])).toBe(false)
    told = d.opening.more()
    await told
    expect(d.out.length).toBeGreaterThan(0)
    expect(d.out.length).toBeLessThan(150)
    told = d.opening.more()
    d.opening.stop(new KeepwellError('GRANT_ENDED', 'x'))
    await expect(told).rejects.toMatchObject({ code: 'GRANT_ENDED' })
    await expect(d.opening.more()).rejects.toMatchObject({ code: 'GRANT_ENDED' })
  })

  test('the newest come first, but never before what they replace; of the patient the oldest', async () => {
    const d = desk()
    const replacing = (n: number, prior: number): SessionRecord => {
      const plain = record(n)
      return { ...plain, card: { ...plain.card, prior: new Uint8Array(16).fill(prior) } }
    }
    d.opening.add([...Array.from({ length: 150 }, (_, n) => record(n)), replacing(150, 149), replacing(151, 3)], d.reader)
    d.opening.add([record(160, 'Patient'), record(161, 'Patient')], d.reader)
    d.opening.listed()
    d.start()
    await d.opening.ready(null)
    expect(d.out.slice(0, 2)).toEqual([160, 161])
    expect(d.asked[1]).toEqual([3, ...Array.from({ length: 127 }, (_, i) => i + 25)])
    expect(d.asked[2]).toHaveLength(24)
    expect(new Set(d.out).size).toBe(154)
  })

  test('a chain of versions that is longer than a page is opened from its beginning', async () => {
    const d = desk()
    const chain = Array.from({ length: 200 }, (_, n) => record(n)).map((r, n, all) =>
      n === 0 ? r : { ...r, card: { ...r.card, prior: all[n - 1]!.id } },
    )
    d.opening.add(chain, d.reader)
    d.opening.listed()
    d.start()
    await d.opening.ready(null)
    expect(d.out).toEqual(chain.map(r => r.seq))
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
