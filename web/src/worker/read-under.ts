import type { OpenedRecord, ReadUnder } from '#rpc/sharing.ts'
import type { Looked, ShareView, TrailView } from '#rpc/views.ts'

/** What was read under a share and under what was passed on from it; every line of it was checked with the trail. */
export function readUnder(trail: TrailView, shares: readonly Pick<ShareView, 'consents'>[]): ReadUnder {
  const ids = new Set(shares.flatMap(s => s.consents))
  const looked = trail.looked.filter(l => l.share !== null && ids.has(l.share) && !l.own)
  const allowed = looked.filter(l => !l.denied)
  return {
    looked,
    listed: allowed.filter(l => l.action === 'list').length,
    records: opened(allowed.filter(l => l.action === 'view')),
    problems: trail.problems.length,
  }
}

/** Each record once, the last opened first. */
function opened(views: readonly Looked[]): OpenedRecord[] {
  const out = new Map<string, OpenedRecord>()
  for (const { records, time, name } of views)
    for (const { id, title } of records) {
      const before = out.get(id)
      out.set(id, {
        id,
        title,
        times: (before?.times ?? 0) + 1,
        first: Math.min(before?.first ?? time, time),
        last: Math.max(before?.last ?? time, time),
        by: [...new Set([...(before?.by ?? []), name])],
      })
    }
  return [...out.values()].sort((a, b) => b.last - a.last)
}
