/** Every version of every resource, and the order in which they came. */
import { dateRange } from './dates.ts'
import type { Version } from './types.ts'

/** Unix milliseconds of a version's `lastUpdated`. */
export const madeAt = ({ lastUpdated }: Version): number => dateRange(lastUpdated)?.[0] ?? 0

export type Versions = {
  /** Files a version by its time; false when a later one is there already. */
  readonly write: (version: Version) => boolean
  readonly forget: (type: string, id: string) => boolean
  /** Oldest first. */
  readonly of: (type: string, id: string) => readonly Version[]
  /** All there are, in the order they came. */
  readonly log: () => readonly Version[]
}

/** Forgotten versions stay in the log until there are so many. */
const SWEEP = 1000

export function versions(): Versions {
  const histories = new Map<string, Version[]>()
  const forgotten = new Set<Version>()
  let log: Version[] = []

  const settle = (): void => {
    if (!forgotten.size) return
    log = log.filter(v => !forgotten.has(v))
    forgotten.clear()
  }
  return {
    write: version => {
      const key = `${version.type}/${version.id}`
      log.push(version)
      const known = histories.get(key)
      if (!known) {
        histories.set(key, [version])
        return true
      }
      let at = known.length
      while (at > 0 && madeAt(known[at - 1]!) > madeAt(version)) at--
      known.splice(at, 0, version)
      return at === known.length - 1
    },
    forget: (type, id) => {
      const key = `${type}/${id}`
      const gone = histories.get(key)
      if (!gone) return false
      histories.delete(key)
      for (const version of gone) forgotten.add(version)
      if (forgotten.size > SWEEP && forgotten.size > log.length / 2) settle()
      return true
    },
    of: (type, id) => histories.get(`${type}/${id}`) ?? [],
    log: () => {
      settle()
      return log
    },
  }
}
