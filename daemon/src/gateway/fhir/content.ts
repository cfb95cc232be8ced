import { ensure } from '@keepwell/sdk/base/error'
import { isObject, type JsonObject } from '@keepwell/sdk/health/fhir/read'
import { refuse } from './outcome.ts'

export type Format = 'json' | 'xml'
const JSON_TYPES = new Set(['application/fhir+json', 'application/json', 'text/json', 'application/json+fhir', 'json'])
const XML_TYPES = new Set(['application/fhir+xml', 'application/xml', 'text/xml', 'application/xml+fhir', 'xml'])
const ANY = new Set(['*/*', 'application/*', ''])

export const bare = (type: string | undefined): string => (type ?? '').split(';')[0]!.trim().toLowerCase()

const formatOf = (type: string): Format | null => (JSON_TYPES.has(type) ? 'json' : XML_TYPES.has(type) ? 'xml' : null)

/** The format an answer is wanted in: `_format` before `Accept` (R4 http.html §3.1.0.1.11). Throws 406 when it is none of ours. */
export function wanted(format: string | null, accept: string | undefined): Format {
  if (format) {
    const found = formatOf(bare(format.replace(/ /g, '+')))
    if (!found) throw refuse(406, 'not-supported', '_format is neither JSON nor XML.', 'http._format')
    return found
  }
  const asked = (accept ?? '').split(',').map(part => {
    const q = /;\s*q=([\d.]+)/.exec(part)?.[1]
    return { type: bare(part), q: q === undefined ? 1 : Number(q) }
  })
  for (const { type } of asked.filter(a => a.q > 0).sort((a, b) => b.q - a.q)) {
    const found = ANY.has(type) ? 'json' : formatOf(type)
    if (found) return found
  }
  // A browser that asks for a page is shown JSON.
  if (asked.some(a => a.type.startsWith('text/html'))) return 'json'
  throw refuse(406, 'not-supported', 'FHIR is served here as JSON and XML.', 'http.Accept')
}

/** Nesting beyond which no FHIR resource is honest. */
const MAX_DEPTH = 80

/** Objects, lists and what stands in them: three bytes may be a value, and a value takes some fifty. */
export const MAX_VALUES = 1_000_000

/**
 * A JSON body as a resource. Depth and number of values are bounded before anything is made of it; `take` is told of that number, and may
 * refuse. Throws BAD_INPUT, TOO_LARGE.
 */
export function parseJson(bytes: Uint8Array, take: (values: number) => void = () => {}): JsonObject {
  const { deepest, values } = extentOf(bytes)
  ensure(deepest <= MAX_DEPTH, 'BAD_INPUT', `The body is nested deeper than ${MAX_DEPTH} levels.`)
  ensure(values <= MAX_VALUES, 'TOO_LARGE', `The body has more than ${MAX_VALUES} values; send several.`)
  take(values)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw refuse(400, 'structure', 'The body is not JSON in UTF-8.')
  }
  if (!isObject(value)) throw refuse(400, 'structure', 'The body is not a JSON object.')
  return value
}

function extentOf(bytes: Uint8Array): { readonly deepest: number; readonly values: number } {
  let depth = 0
  let deepest = 0
  let values = 1
  let quoted = false
  for (let i = 0; i < bytes.length; i++) {
    const b = bytes[i]!
    if (quoted) {
      if (b === 0x5c) i++
      else if (b === 0x22) quoted = false
    } else if (b === 0x22) quoted = true
    else if (b === 0x2c) values++
    else if (b === 0x7b || b === 0x5b) {
      values++
      if (++depth > deepest) deepest = depth
    } else if (b === 0x7d || b === 0x5d) depth--
  }
  return { deepest, values }
}

/** The format of a body by its type; throws 415. */
export function bodyFormat(type: string): Format {
  const found = formatOf(type)
  if (!found) throw refuse(415, 'not-supported', 'The body is neither FHIR JSON nor FHIR XML.', 'http.Content-Type')
  return found
}

/** FHIR travels in UTF-8 alone (R4 http.html §3.1.0.1.10); throws 415 where a type says something else. */
export function demandUtf8(type: string | undefined): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(type ?? '')?.[1]
  if (charset && !/^utf-?8$/i.test(charset)) throw refuse(415, 'not-supported', 'FHIR is taken here in UTF-8 only.', 'http.Content-Type')
}

export const resourceType = (resource: JsonObject): string => {
  if (typeof resource.resourceType !== 'string' || !/^[A-Z][A-Za-z]{1,63}$/.test(resource.resourceType))
    throw refuse(400, 'structure', 'The body names no resourceType.', 'resourceType')
  return resource.resourceType
}
