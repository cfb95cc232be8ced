import { facts } from '@keepwell/sdk/health/fhir/facts'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import type { PackedCatalog } from '@keepwell/sdk/ports/catalog'
import { type Entry, sealEntry } from '@keepwell/sdk/records/catalog'
import { samplePatient } from '@keepwell/sdk/sample/patient'
import { describe, expect, test } from 'vitest'
import type { Line } from '#rpc/timeline.ts'
import { type Entries, watchEntries } from './entries.ts'
import { lifeline } from './lifeline.ts'
import { medicineViews, overview, printable } from './overview.ts'

const NOW = 1_790_000_000
const key = new Uint8Array(32).fill(7)
const random = (n: number): Uint8Array => crypto.getRandomValues(new Uint8Array(n))
const did = `did:ethr:0x1:0x${'a'.repeat(40)}` as Entry['card']['author']
const ring = { did, catalog: key, compartments: [], contacts: [] }

function entryOf(resource: Record<string, unknown>): Entry {
  const { codes, title, dates, resourceType, encounter, id, category, status } = facts(resource)
  const start = dates.start ? { start: dates.start } : {}
  return {
    id: random(16),
    card: {
      ...{ v: 1, salt: random(32), author: did, kind: 'fhir', mediaType: 'application/fhir+json', resourceType, title, size: 100 },
      ...{ codes: [...codes], ...start, ...(dates.end ? { end: dates.end } : {}), ...(status ? { status } : {}) },
      ...(encounter ? { encounter } : {}),
      ...(category ? { category: [...category] } : {}),
      source: `${resourceType}/${id}`,
    },
    ...{ cid: random(36), leaf: random(32), compartment: random(16), generation: 0, epoch: 0, seq: 1, hash: random(32) },
    ...{ state: 'own', filedAt: NOW },
  }
}

/** A catalog with packs, in memory, as the browser's keeps them. */
function packable(): PackedCatalog & { packs: Uint8Array[] | null } {
  const inner = memoryCatalog()
  const changed = new Set<string>()
  return {
    ...inner,
    packs: null,
    async note(rows) {
      await inner.note(rows)
      for (const r of rows) changed.add(r.id.join())
    },
    async packed() {
      const { packs } = this
      if (!packs) return null
      const rows = []
      for await (const row of inner.all()) if (changed.has(row.id.join())) rows.push(row)
      return {
        packs: (async function* () {
          yield* packs
        })(),
        changed: rows,
      }
    },
    packing() {
      changed.clear()
      return async packs => {
        this.packs = [...packs]
      }
    },
    async unpacked() {
      let count = 0
      for await (const _ of inner.all()) count++
      return count
    },
  }
}

const noted = async (catalog: PackedCatalog, entries: readonly Entry[]): Promise<void> =>
  catalog.note(await Promise.all(entries.map(async e => ({ id: e.id, sealed: await sealEntry(key, e, random) }))))
const watched = (catalog: Parameters<typeof watchEntries>[0]) =>
  watchEntries(
    catalog,
    () => ring,
    () => {},
  )
const titles = (entries: Entries): string[] => entries.current().map(i => i.row.title)

test('who looked, published for somebody who may read that, is no record of the timeline; it is filed all the same', async () => {
  const [record, part] = [...samplePatient('looked', { resources: 2, now: NOW })].map(entryOf) as [Entry, Entry]
  const audit = { id: random(16), name: 'audit', generation: 1, roots: [] }
  const catalog = packable()
  await noted(catalog, [record, { ...part, compartment: audit.id, card: { ...part.card, title: 'Who looked: 1–7' } }])
  const { entries } = await watchEntries(
    catalog,
    () => ({ ...ring, compartments: [audit] }),
    () => {},
  )
  expect(titles(entries)).toEqual([record.card.title])
  expect(entries.having(['who'])).toEqual([])
  expect([...entries.all()]).toHaveLength(2)
})

describe('a packed catalog', () => {
  const life = [...samplePatient('packs', { resources: 1300, now: NOW })].map(entryOf)

  test('opens to what its rows hold, with what changed since', async () => {
    const catalog = packable()
    await noted(catalog, life)
    const first = await watched(catalog)
    await first.tidy()
    expect(catalog.packs).toHaveLength(3)
    const renamed = { ...life[5]!, card: { ...life[5]!.card, title: 'Renamed since' } }
    await noted(catalog, [renamed])
    const again = await watched(catalog)
    expect(titles(again.entries)).toContain('Renamed since')
    expect([...titles(again.entries), life[5]!.card.title].sort()).toEqual([...titles(first.entries), 'Renamed since'].sort())
  })

  test('one that is damaged is read by its rows', async () => {
    const catalog = packable()
    await noted(catalog, life)
    const first = await watched(catalog)
    await first.tidy()
    catalog.packs![1]![40]! ^= 1
    expect(titles((await watched(catalog)).entries)).toEqual(titles(first.entries))
  })
})

describe('a long life', () => {
  const of = async (resources: number) => {
    const entries = [...samplePatient('life', { resources, now: NOW })].map(entryOf)
    const items = new Map<string, Entry>()
    for (const e of entries) items.set(e.id.join(), e)
    const catalog = packable()
    await noted(catalog, entries)
    return (await watched(catalog)).entries
  }
  const all = (
    line: ReturnType<typeof lifeline>,
    life: ReturnType<ReturnType<typeof lifeline>['look']>,
    open: readonly string[],
  ): Line[] => [...line.lines({ token: life.token, open, from: 0, to: 1e6 })!.lines]

  test('from every distance, each record counts once', async () => {
    const line = lifeline(await of(2000))
    for (const zoom of ['decade', 'year', 'month'] as const) {
      const life = line.look({ zoom })
      const counts = all(line, life, []).map(l => (l.kind === 'period' ? l.count : l.kind === 'row' ? 1 : 0))
      expect(counts.reduce((a, b) => a + b, 0)).toBe(2000)
    }
    const days = line.look({ zoom: 'day' })
    const open = all(line, days, []).flatMap(l => (l.kind === 'occasion' ? l.key : []))
    const rows = all(line, days, open).filter(l => l.kind === 'row')
    expect(new Set(rows.map(l => l.kind === 'row' && l.row.id)).size).toBe(2000)
  })

  test('filters by who, when and what; a stretch is a part of time', async () => {
    const line = lifeline(await of(600))
    const { bars } = line.look({ zoom: 'year' }).bars
    const year = bars.findLast(b => b.count)!
    expect(line.look({ zoom: 'month', stretch: year.key }).records).toBe(year.count)
    expect(line.look({ zoom: 'day', from: `${year.key}-01-01`, to: `${year.key}-12-31` }).records).toBe(year.count)
    expect(line.look({ zoom: 'day', author: 'own' }).records).toBe(600)
    expect(line.look({ zoom: 'day', author: 'Somebody' }).records).toBe(0)
  })

  test('a hundred thousand records are looked at in a moment', { timeout: 120_000 }, async () => {
    const entries = await of(4000)
    const all = Array.from({ length: 25 }, () => entries.current().map(i => ({ ...i }))).flat()
    const many = { ...entries, current: () => all }
    const line = lifeline(many)
    line.look({ zoom: 'day' })
    const started = performance.now()
    for (const zoom of ['day', 'year', 'decade'] as const) line.look({ zoom, author: 'own' })
    // Far above what it takes, for machines that do other things as well.
    expect(performance.now() - started).toBeLessThan(6000)
  })

  test('the summary of a life without end shows a few of each and counts all', async () => {
    const entries = await of(3000)
    const found = overview(entries, { shares: 0, requests: 0, names: [], now: NOW, before: null })
    for (const section of Object.values(found.sections)) {
      expect(section.facts.length).toBeLessThanOrEqual(6)
      expect(section.count).toBeGreaterThanOrEqual(section.facts.length)
    }
    expect(new Set(medicineViews(entries, NOW).map(m => m.title)).size).toBe(medicineViews(entries, NOW).length)
    // Parts that were not chosen give nothing.
    expect(printable(entries, { sections: ['conditions'], parts: [] }, NOW).sections.conditions?.count).toBe(0)
  })
})
