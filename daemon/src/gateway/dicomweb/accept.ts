import { ensure } from '@keepwell/sdk/base/error'
import { mediaType } from '@keepwell/sdk/health/dicom/multipart'

/** One thing a client takes. `inner` is the type of the parts when `type` is multipart/related; `syntax` null when it was not named. */
export type Wanted = {
  readonly type: string
  readonly inner: string
  readonly syntax: string | null
  readonly parameters: ReadonlyMap<string, string>
}

const MAX_WANTED = 64

/** Splits at commas outside quotes. */
const entries = (header: string): string[] => header.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? []

/**
 * What the client takes, best first (RFC 9110 §12.5.1); the query parameter `accept` counts before the header (PS3.18 §8.3.3.1). A missing
 * header takes anything.
 */
export function wanted(header: string | undefined, parameter: string | null): Wanted[] {
  const told = parameter ?? header ?? '*/*'
  const all = entries(told).map(entry => {
    const { type, parameters } = mediaType(entry.trim())
    const q = Number(parameters.get('q') ?? 1)
    return {
      type,
      inner: (parameters.get('type') ?? '*/*').toLowerCase(),
      syntax: parameters.get('transfer-syntax') ?? null,
      parameters,
      q,
    }
  })
  ensure(all.length <= MAX_WANTED, 'BAD_INPUT', `More than ${MAX_WANTED} media types are asked for.`)
  return all
    .filter(w => w.type !== '' && w.q > 0)
    .toSorted((a, b) => b.q - a.q)
    .map(({ q: _q, ...w }) => w)
}

/** Whether `*` and `image/*` take a type. */
export function takes(range: string, type: string): boolean {
  return range === '*/*' || range === type || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)))
}
