/**
 * A date as precise as a person knows it, as FHIR writes it: `2019`, `4/2019`, `2019-4-3`, `3.4.2019`. Null for what is none, and for
 * `3/4/2019`, which half of the world reads as another day.
 */
export function partialDate(text: string): string | null {
  const t = text.trim()
  const year = /^(\d{4})$/.exec(t)
  if (year) return year[1]!
  const month = /^(\d{4})-(\d{1,2})$/.exec(t) ?? flip(/^(\d{1,2})[./](\d{4})$/.exec(t), [2, 1])
  if (month) return inside(month[1]!, month[2]!)
  const day = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(t) ?? flip(/^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})$/.exec(t), [3, 2, 1])
  return day ? inside(day[1]!, day[2]!, day[3]!) : null
}

const flip = (m: readonly string[] | null, order: readonly number[]): readonly string[] | null => m && [m[0]!, ...order.map(i => m[i]!)]

function inside(year: string, month: string, day?: string): string | null {
  const [m, d] = [month.padStart(2, '0'), day?.padStart(2, '0')]
  const whole = `${year}-${m}-${d ?? '01'}`
  const real = new Date(`${whole}T00:00:00Z`)
  // 31 February becomes March, and so is no date.
  if (Number.isNaN(real.getTime()) || real.toISOString().slice(0, 10) !== whole) return null
  return d ? whole : `${year}-${m}`
}

const two = (n: number): string => String(n).padStart(2, '0')

/** The day where the person is. */
export const today = (now: Date): string => `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
/** Day and minute where the person is, as a field of a form takes them. */
export const minute = (now: Date): string => `${today(now)}T${two(now.getHours())}:${two(now.getMinutes())}`

/** A form's local minute as an instant that means the same everywhere; a day stays a day. */
export const instantOf = (local: string): string => (local.includes('T') ? new Date(local).toISOString().replace('.000Z', 'Z') : local)
/** An instant as a form takes it here; a day begins at noon. */
export const localOf = (fhir: string): string => (fhir.includes('T') ? minute(new Date(fhir)) : `${fhir}T12:00`)
