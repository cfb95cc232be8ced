/** How many backups are kept: the newest of each of so many days, weeks and months (UTC) that have one. */
export type Generations = { readonly days: number; readonly weeks: number; readonly months: number }

export const DEFAULT_GENERATIONS: Generations = { days: 7, weeks: 4, months: 12 }

const DAY = 86_400
/** 1 January 1970 was a Thursday; weeks begin on Mondays. */
const MONDAY = 3 * DAY

const day = (time: number): string => String(Math.floor(time / DAY))
const week = (time: number): string => String(Math.floor((time + MONDAY) / (7 * DAY)))
const month = (time: number): string => new Date(time * 1000).toISOString().slice(0, 7)

/** Which of the times (Unix seconds) stay; the newest of all always does. */
export function keptTimes(times: readonly number[], keep: Generations): Set<number> {
  const newest = times.toSorted((a, b) => b - a)
  const firstOf = (period: (time: number) => string, count: number): number[] =>
    [...new Map(newest.toReversed().map(t => [period(t), t])).values()].sort((a, b) => b - a).slice(0, count)
  return new Set([...newest.slice(0, 1), ...firstOf(day, keep.days), ...firstOf(week, keep.weeks), ...firstOf(month, keep.months)])
}
