import { digestOf } from '@keepwell/sdk/health/fhir/digest'
import { facts } from '@keepwell/sdk/health/fhir/facts'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import { type Entry, sealEntry } from '@keepwell/sdk/records/catalog'
import { packDigest } from '@keepwell/sdk/records/digest'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { describe, expect, test } from 'vitest'
import { watchEntries } from './entries.ts'
import { finder } from './find.ts'
import { excerptOf, fold, queryWords } from './fold.ts'

const key = new Uint8Array(32).fill(7)
const random = (n: number): Uint8Array => crypto.getRandomValues(new Uint8Array(n))
const did = `did:ethr:0x1:0x${'a'.repeat(40)}` as Entry['card']['author']
const ring = { did, catalog: key, compartments: [], contacts: [] }

function entryOf(resource: Record<string, unknown>): Entry {
  const { codes, title, dates, resourceType } = facts(resource)
  return {
    id: random(16),
    card: {
      v: 1,
      salt: random(32),
      author: did,
      kind: 'fhir',
      mediaType: 'application/fhir+json',
      resourceType,
      title,
      codes: codes.map(c => ({ ...c })),
      ...(dates.start ? { start: dates.start } : {}),
      size: 100,
    },
    cid: random(36),
    leaf: random(32),
    compartment: random(16),
    generation: 0,
    epoch: 0,
    seq: 1,
    hash: random(32),
    state: 'own',
    filedAt: 1_790_000_000,
    digest: packDigest(digestOf(resource)),
  }
}

async function opened(resources: readonly Record<string, unknown>[]) {
  const catalog = memoryCatalog()
  const rows = []
  for (const r of resources) {
    const e = entryOf(r)
    rows.push({ id: e.id, sealed: await sealEntry(key, e, random) })
  }
  await catalog.note(rows)
  const watched = await watchEntries(
    catalog,
    () => ring,
    () => {},
  )
  return { ...watched, find: finder(watched.entries) }
}

/** The same numbers at each run, up to a limit. */
const numbers = (seed: number) => {
  let x = seed
  return (below: number): number => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((x / 2 ** 32) * below)
  }
}

const note = (text: string, title = 'Visit note') => ({
  resourceType: 'DocumentReference',
  description: title,
  date: '2024-03-01',
  note: [{ text }],
})

describe('folding', () => {
  test('case, accents, marks and decimal commas make no difference', () => {
    expect(fold('Größe: 5,4 mg/dL (E11.9) – “naïve”…')).toBe(' grosse 5.4 mg dl e11.9 naive')
    expect(queryWords('  Über 5,4 über ')).toEqual([' uber', ' 5.4'])
  })

  test('an excerpt shows the line with most of the words, cut around the first, every hit marked', () => {
    const long = `${'Something else entirely. '.repeat(8)}The Ödem of the left ankle has gone. ${'And more. '.repeat(30)}`
    const found = excerptOf(`First line\n${long}`, [' odem', ' ankle'])!
    expect(found.filter(p => p.hit).map(p => p.text)).toEqual(['Ödem', 'ankle'])
    expect(found[0]!.text).toBe('… ')
    expect(found.map(p => p.text).join('').length).toBeLessThan(180)
    expect(excerptOf('nothing here', [' odem'])).toBe(null)
  })
})

describe('finding', () => {
  test('every word must begin a word, in the card or in the content, and the content shows why', async () => {
    const { find } = await opened([
      note('Reports dizziness after gardening.'),
      note('Feels well.'),
      { resourceType: 'Condition', code: { text: 'Dizziness' } },
    ])
    const ask = (text: string) => {
      const { token, items, records } = find.find({ text })
      return { records, rows: find.window(token, 0, items).filter(i => !('year' in i)) }
    }
    expect(ask('dizz').records).toBe(2)
    expect(ask('visit GARDEN').records).toBe(1)
    expect(ask('ardening').records).toBe(0)
    expect(ask('dizziness unknown').records).toBe(0)
    const shown = ask('visit dizz').rows.map(r => 'excerpt' in r && r.excerpt?.filter(p => p.hit).map(p => p.text))
    expect(shown).toEqual([['dizziness']])
    expect(ask('dizz').rows.filter(r => 'excerpt' in r).length).toBe(1)
  })

  test('finds what a look through every text finds, in the same order, whatever is filed, replaced or dropped meanwhile', async () => {
    const next = numbers(7)
    const pick = <T>(from: readonly T[]): T => from[next(from.length)]!
    const WORDS = [
      'a',
      'an',
      'anaemia',
      'Anämie',
      'hypercholesterolaemia',
      '5,4',
      '5.41',
      'E11.9',
      'ß',
      'μmol',
      'x-ray',
      'année',
      '𝒜b',
      '2024-03',
    ]
    const text = (): string => Array.from({ length: next(9) }, () => pick(WORDS)).join(pick([' ', ', ', '\n', ' – ']))
    const any = () => ({ ...note(text(), pick(WORDS)), date: `20${10 + next(9)}-01-0${1 + next(9)}` })
    const { entries, find, catalog } = await opened(Array.from({ length: 60 }, any))
    const asked = [...WORDS, ...WORDS.map(w => w.slice(0, 1)), 'an 5', 'hyper ana', 'visit', 'b', '.', '', 'ss mol e11.9 a']
    const scanned = (query: string): string[] =>
      entries
        .current()
        .filter(i => queryWords(query).every(w => i.said().includes(w)))
        .map(i => i.row.id)
    const compare = (): number =>
      asked.reduce((sum, query) => {
        const ids = find.ids({ text: query })
        expect([query, ...ids]).toEqual([query, ...scanned(query)])
        return sum + ids.length
      }, 0)
    for (let round = 0; round < 25; round++) {
      expect(compare()).toBeGreaterThan(60)
      if (round % 3 === 2) await entries.learn(new AbortController().signal)
      const gone = Array.from({ length: next(4) }, () => pick(entries.current()).entry)
      const fresh = Array.from({ length: 1 + next(4) }, () => entryOf(any()))
      const replaced = Array.from({ length: next(3) }, () => pick(entries.current()).entry)
      const changed = [
        ...fresh,
        ...replaced.map(e => ({ ...entryOf(any()), ...(round % 2 ? { id: e.id } : {}), card: { ...entryOf(any()).card, prior: e.id } })),
      ]
      await catalog.note(await Promise.all(changed.map(async e => ({ id: e.id, sealed: await sealEntry(key, e, random) }))))
      await catalog.drop(gone.map(e => e.id))
    }
  })

  test('25,000 records are searched at once', { timeout: 120_000 }, async () => {
    const resources = (
      sampleBundle('find', { resources: 25_000, now: 1_790_000_000 }).entry as { resource: Record<string, unknown> }[]
    ).map(e => e.resource)
    const { entries, find } = await opened(resources)
    const cold = find.find({ text: 'zz' }).milliseconds
    const queries = ['a', 'glucose', 'dr. asthma', '4548-4', 'tablet once a day with water', 'follow up in four weeks', 'zzzz', '5.4']
    const times = queries.map(text => {
      const runs = Array.from({ length: 7 }, () => find.find({ text })).map(f => f.milliseconds + 0)
      const { token } = find.find({ text })
      const started = performance.now()
      find.window(token, 0, 100)
      return {
        text,
        ms: Math.round(runs.toSorted((x, y) => x - y)[3]! * 10) / 10,
        window: Math.round(performance.now() - started),
        records: find.find({ text }).records,
      }
    })
    const characters = [...entries.all()].reduce((sum, i) => sum + i.said().length, 0)
    console.log(
      `search over 25,000 records, ${(characters / 1e6).toFixed(1)} M characters: first ${cold.toFixed(0)} ms; ${JSON.stringify(times)}`,
    )
    expect(times.every(t => t.records >= 0)).toBe(true)
    expect(find.find({ text: 'glucose' }).records).toBeGreaterThan(0)
  })
})
