import { type CcdaReport, openCcda } from '@keepwell/adapters/ccda/ccda'
import type { FeedMapping, FeedReport } from '@keepwell/sdk/actions/records/map-feeds'
import type { Args } from './command.ts'
import type { Io } from './io.ts'
import { count, safe } from './show.ts'

/** Lines of what found no place, at most for one file. */
const SHOWN = 12

/** Maps C-CDA on a fenced thread, and says of each file what of it found no place. Close it when done. */
export function feedMapping(io: Io, args: Pick<Args, 'json'>): { readonly mapping: FeedMapping; close(): Promise<void> } {
  const ccda = openCcda()
  return {
    mapping: {
      async ccda(bytes) {
        const { resources, report } = await ccda.read(bytes)
        return { resources, left: leftOf(report) }
      },
      report: found => (args.json ? io.print(JSON.stringify({ mapped: found })) : print(io, found)),
    },
    close: ccda.close,
  }
}

/** Each section with entries that were not mapped, and each element that was struck out. */
const leftOf = ({ sections, struck }: CcdaReport): string[] => [
  ...sections.flatMap(s =>
    Object.entries(s.left).map(([why, n]) => `section ${s.code} ${s.title}: ${n} of ${count(s.entries, 'entry', 'entries')} ${why}`),
  ),
  ...Object.entries(struck).map(([path, n]) => `struck out ${n} ×: ${path}`),
]

function print(io: Io, { item, resources, left, why }: FeedReport): void {
  if (why !== undefined) {
    io.print(`not mapped: ${safe(item)}: ${safe(why)}`)
    return
  }
  io.print(`mapped: ${safe(item)}: ${count(resources, 'resource')}${left.length ? `; without a place: ${left.length}` : ''}`)
  for (const line of left.slice(0, SHOWN)) io.print(`  ${safe(line)}`)
  if (left.length > SHOWN) io.print(`  … and ${left.length - SHOWN} more`)
}
