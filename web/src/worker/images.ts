import { inSeriesOrder, type SeriesPart, seriesPart } from '@keepwell/sdk/health/dicom/digest'
import { readDigest } from '@keepwell/sdk/records/digest'
import type { ImagesView, OpenSeries, SeriesView, StudyView } from '#rpc/images.ts'
import type { Entries, Item } from './entries.ts'

type Part = SeriesPart & { readonly item: Item }

type Series = { readonly uid: string; readonly study: string; readonly parts: readonly Part[]; readonly view: SeriesView }

/** Every series that this device knows of, from what it remembers of each file; nothing is opened. */
function seriesIn(entries: Entries): { readonly series: readonly Series[]; readonly unread: number } {
  let unread = 0
  const parts: Part[] = []
  for (const item of entries.current()) {
    if (item.entry.card.kind !== 'dicom') continue
    const digest = readDigest(item.entry)
    const part = digest && seriesPart(digest)
    if (!digest) unread++
    else if (part && part.frames > 0) parts.push({ ...part, item })
  }
  const series = [...Map.groupBy(parts, p => `${p.study} ${p.series}`).values()].map(group => seriesOf(inSeriesOrder(group)))
  return { series, unread }
}

const told = <T>(parts: readonly Part[], pick: (p: Part) => T | undefined): T | undefined =>
  parts.map(pick).find(v => v !== undefined && v !== '')

function seriesOf(parts: readonly Part[]): Series {
  const [first] = parts
  const { uid, study } = { uid: first!.series, study: first!.study }
  const middle = parts[parts.length >> 1]!.item.row
  const view = {
    ...(middle.picture ? { cover: middle.id } : {}),
    id: first!.item.row.id,
    title: told(parts, p => p.seriesDescription) ?? '',
    modality: told(parts, p => p.modality) ?? '',
    bodyPart: told(parts, p => p.bodyPart) ?? '',
    number: told(parts, p => p.seriesNumber) ?? null,
    pictures: parts.reduce((sum, p) => sum + p.frames, 0),
  }
  return { uid, study, parts, view }
}

const dateOf = (series: readonly Series[]): string => series.flatMap(s => s.parts.map(p => p.item.row.date)).find(Boolean) ?? ''
const titleOf = (series: readonly Series[]): string =>
  told(
    series.flatMap(s => s.parts),
    p => p.studyDescription,
  ) ?? ''

/** Studies, newest first. */
export function imagesOf(entries: Entries): ImagesView {
  const { series, unread } = seriesIn(entries)
  const studies = [...Map.groupBy(series, s => s.study).values()].map((group): StudyView => {
    const sorted = group.toSorted((a, b) => (a.view.number ?? 0) - (b.view.number ?? 0))
    return { id: sorted[0]!.view.id, title: titleOf(group), date: dateOf(group), series: sorted.map(s => s.view) }
  })
  return { studies: studies.toSorted((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0)), unread }
}

/** The series that a record is a file of. */
export function seriesWith(entries: Entries, record: string): OpenSeries | null {
  const { series } = seriesIn(entries)
  const found = series.find(s => s.parts.some(p => p.item.row.id === record))
  if (!found) return null
  return {
    ...found.view,
    study: titleOf(series.filter(s => s.study === found.study)),
    date: dateOf([found]),
    files: found.parts.map(p => ({ id: p.item.row.id, frames: p.frames })),
  }
}

/** Series whose own identifier, or whose study's, is among those that a resource names. */
export const seriesNamed = (entries: Entries, uids: readonly string[]): SeriesView[] =>
  seriesIn(entries)
    .series.filter(s => uids.includes(s.uid) || uids.includes(s.study))
    .map(s => s.view)
