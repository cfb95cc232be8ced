/** FHIR dates as the ranges they stand for (https://hl7.org/fhir/R4/search.html#date): half open, Unix milliseconds. */

export type Range = readonly [from: number, to: number]

const DATE = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/

const offsetOf = (zone: string | undefined): number =>
  !zone || zone === 'Z' ? 0 : (zone[0] === '-' ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))) * 60_000

function lengthOf(seconds: string | undefined, fraction: string | undefined): number {
  if (seconds === undefined) return 60_000
  return fraction === undefined ? 1000 : Math.max(1, 1000 / 10 ** fraction.length)
}

/** A date, dateTime or instant; one without a zone is taken as UTC. Null when it is none. */
export function dateRange(text: unknown): Range | null {
  if (typeof text !== 'string') return null
  const m = DATE.exec(text)
  if (!m) return null
  const year = Number(m[1])
  if (m[2] === undefined) return [Date.UTC(year, 0), Date.UTC(year + 1, 0)]
  const month = Number(m[2])
  if (month < 1 || month > 12) return null
  if (m[3] === undefined) return [Date.UTC(year, month - 1), Date.UTC(year, month)]
  const day = Number(m[3])
  const midnight = Date.UTC(year, month - 1, day)
  if (day < 1 || day > 31 || (day > 28 && new Date(midnight).getUTCDate() !== day)) return null
  if (m[4] === undefined) return [midnight, midnight + 86_400_000]
  const [hour, minute, second] = [Number(m[4]), Number(m[5]), Number(m[6] ?? 0)]
  if (hour > 24 || minute > 59 || second > 60) return null
  const part = m[7] === undefined ? 0 : Math.floor(Number(`0.${m[7]}`) * 1000)
  const from = midnight + hour * 3_600_000 + minute * 60_000 + second * 1000 + part - offsetOf(m[8])
  return [from, from + lengthOf(m[6], m[7])]
}

/** From the first to the last of several ranges; null of none. */
export function extent(ranges: readonly (Range | null)[]): Range | null {
  let out: Range | null = null
  for (const r of ranges) if (r) out = out ? [Math.min(out[0], r[0]), Math.max(out[1], r[1])] : r
  return out
}
