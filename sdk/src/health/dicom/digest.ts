/** What a device remembers of a DICOM file, so that lists of studies and series need not open it again. */
import type { Digest } from '#health/fhir/digest'
import { clean } from '#health/fhir/facts'
import type { DicomFacts } from './parse.ts'

/** A file as one part of a series. Numbers are absent where the file has none. */
export type SeriesPart = {
  readonly study: string
  readonly series: string
  readonly modality?: string
  readonly bodyPart?: string
  readonly studyDescription?: string
  readonly seriesDescription?: string
  readonly seriesNumber?: number
  readonly instanceNumber?: number
  /** Along the stack of slices, in millimetres. */
  readonly position?: number
  /** None for reports, curves and plans, which hold no picture. */
  readonly frames: number
}

const TEXTS = ['study', 'series', 'modality', 'bodyPart', 'studyDescription', 'seriesDescription'] as const
const NUMBERS = ['seriesNumber', 'instanceNumber', 'position', 'frames'] as const
const PREFIX = 'dicom.'

/** A file that names no study or series is one of its own. */
export function dicomDigest(about: DicomFacts): Digest {
  const own = about.sopInstanceUid ?? ''
  const part: SeriesPart = {
    ...about,
    study: about.studyInstanceUid || own,
    series: about.seriesInstanceUid || own,
    frames: about.rows && about.columns ? Math.max(1, about.frames ?? 1) : 0,
  }
  const told = [...TEXTS, ...NUMBERS].flatMap(name => {
    const text = part[name] === undefined ? '' : clean(String(part[name])).slice(0, 300).toWellFormed()
    return text ? [{ name: PREFIX + name, text }] : []
  })
  const words = [about.studyDescription, about.seriesDescription, about.bodyPart, about.manufacturer]
  return {
    text: words
      .map(w => clean(w ?? ''))
      .filter(Boolean)
      .join('\n'),
    measures: [],
    particulars: told,
  }
}

/** @returns what a digest says of a file, or null when it is not one of a DICOM file that names itself. */
export function seriesPart(digest: Pick<Digest, 'particulars'>): SeriesPart | null {
  const found = new Map(digest.particulars.flatMap(p => (p.name.startsWith(PREFIX) ? [[p.name.slice(PREFIX.length), p.text]] : [])))
  const texts = Object.fromEntries(TEXTS.flatMap(name => (found.has(name) ? [[name, found.get(name)!]] : [])))
  const numbers = Object.fromEntries(
    NUMBERS.flatMap(name => (Number.isFinite(Number(found.get(name) ?? 'x')) ? [[name, Number(found.get(name))]] : [])),
  )
  return found.has('series') ? ({ study: '', series: '', frames: 0, ...texts, ...numbers } as SeriesPart) : null
}

type Placed = Pick<SeriesPart, 'instanceNumber' | 'position'>

/** Parts of one series as they were meant to be looked at: by their numbers, or where these repeat or are missing by their places. */
export function inSeriesOrder<T extends Placed>(parts: readonly T[]): T[] {
  const distinct = (pick: (p: T) => number | undefined): boolean =>
    parts.every(p => pick(p) !== undefined) && new Set(parts.map(pick)).size === parts.length
  const by = distinct(p => p.instanceNumber) || !distinct(p => p.position) ? 'instanceNumber' : 'position'
  return parts.toSorted((a, b) => (a[by] ?? 0) - (b[by] ?? 0))
}
