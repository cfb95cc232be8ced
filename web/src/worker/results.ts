import { lacksDigest } from '@keepwell/sdk/actions/records/digest-body'
import { concat, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import type { Digest as Read } from '@keepwell/sdk/health/fhir/digest'
import { type Measured, type Series, seriesOf } from '@keepwell/sdk/health/series'
import type { Entry } from '@keepwell/sdk/records/catalog'
import { type Digest, readDigest } from '@keepwell/sdk/records/digest'
import type { ResultLine, ResultsView, SeriesQuery, SeriesRow, SeriesView } from '#rpc/results.ts'
import type { Entries, Item } from './entries.ts'
import { lineView, rowsOf, seriesView } from './series-view.ts'

/** Whose a measure is: its record, and who measured it. */
export type Origin = { readonly item: Pick<Item, 'row'>; readonly performer: string; readonly category?: string }

/** Series over everything the device knows, made when they are asked for and kept until records change. */
export type Results = {
  list(): ResultsView
  series(query: SeriesQuery): SeriesView
  rows(query: SeriesQuery, from: number, to: number): readonly SeriesRow[]
}

const VOID = new Set(['entered-in-error', 'cancelled'])

/** Where measures come from: all of them, how many records are not read yet, and a number that changes with either. */
export type Source = { version(): number; measures(): Iterable<Measured<Origin>>; unread(): number }

/** Over the own record, as far as this device has read it. */
export function resultsOf(entries: Entries, secret: () => Uint8Array): Results {
  const read = reader()
  const unread = (): number => [...entries.all()].filter(({ entry }) => lacksDigest(entry)).length
  return resultsOver({ version: entries.version, measures: () => measured(entries, read), unread }, secret)
}

/** @param secret makes names of series that mean nothing to anyone else: they stand in the browser's history. */
export function resultsOver(source: Source, secret: () => Uint8Array): Results {
  let made: {
    readonly version: number
    readonly byKey: ReadonlyMap<string, Series<Origin>>
    readonly inUnit: Map<string, Series<Origin>>
  } | null = null
  const now = () => {
    const version = source.version()
    if (made?.version !== version) made = { version, byKey: named(seriesOf(source.measures()), secret()), inUnit: new Map() }
    return made
  }
  const one = ({ key, unit }: SeriesQuery): Series<Origin> => {
    const { byKey, inUnit } = now()
    const found = byKey.get(key)
    if (!found) throw new KeepwellError('NOT_FOUND', 'There is no such series on this device.')
    if (!unit || unit === found.unit) return found
    const name = `${key} ${unit}`
    const before = inUnit.get(name)
    if (before) return before
    // The same measures once more, in the unit asked for.
    const measures = [...found.lines.flatMap(l => l.points), ...found.apart].map(p => measuredAgain(p))
    const other = seriesOf(measures, { [found.identity]: unit })[0] ?? found
    inUnit.set(name, other)
    return other
  }
  return {
    list() {
      const lines: ResultLine[] = []
      for (const [key, s] of now().byKey) lines.push(lineView(key, s))
      return { lines, unread: source.unread() }
    },
    series: query => seriesView(query.key, one(query)),
    rows: (query, from, to) => rowsOf(one(query), from, to),
  }
}

const measuredAgain = ({ measure, date, of }: Pick<Measured<Origin>, 'measure' | 'date' | 'of'>): Measured<Origin> => {
  const { category } = of
  return { measure, date, of, ...(category ? { category } : {}) }
}

/** Decoded once; an entry that changes is another object. */
function reader(): (e: Entry) => Digest | null {
  const known = new WeakMap<Uint8Array, Digest>()
  return e => {
    if (!e.digest) return null
    const before = known.get(e.digest.rest)
    if (before) return before
    const digest = readDigest(e)
    if (digest) known.set(e.digest.rest, digest)
    return digest
  }
}

function* measured(entries: Entries, read: (e: Entry) => Digest | null): Generator<Measured<Origin>> {
  for (const item of entries.current()) {
    const { entry } = item
    if (entry.card.resourceType !== 'Observation' || VOID.has(entry.card.status ?? '')) continue
    const digest = read(entry)
    if (!digest?.measures.length) continue
    yield* measuresOf(item, entry.card, digest)
  }
}

/** The measures of one record, with whose they are. */
export function* measuresOf(
  item: Pick<Item, 'row'>,
  card: Entry['card'],
  digest: Pick<Read, 'measures' | 'particulars'>,
): Generator<Measured<Origin>> {
  const category = card.category?.[0]
  const performer = digest.particulars.find(p => p.name === 'performer')?.text ?? ''
  const of = { item, performer, ...(category ? { category } : {}) }
  for (const measure of digest.measures) yield measuredAgain({ measure, date: card.start ?? '', of })
}

function named(all: readonly Series<Origin>[], secret: Uint8Array): Map<string, Series<Origin>> {
  const nameOf = (identity: string): string => toHex(sha256(concat(utf8('kw1/series'), secret, utf8(identity))).subarray(0, 8))
  return new Map(all.map(s => [nameOf(s.identity), s]))
}
