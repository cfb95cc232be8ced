import { concat, utf8 } from '#base/bytes'
import { field, isObject, type JsonObject, list, resourceTypeOf, string } from './read.ts'
import { type FhirResourcePart, splitFhir } from './split.ts'

/** One page of a search, as its server gave it. */
export type Page = {
  readonly entries: readonly { readonly resource: JsonObject; readonly type: string }[]
  /** Entries without a resource that could be read. */
  readonly broken: number
  readonly total: number | null
  /** When the server searched, by its own clock; FHIR instant. */
  readonly searchedAt: string | null
  /** The newest change among its resources. */
  readonly newest: string | null
  readonly next: string | null
  /** Issue codes of what the server says about its own answer (R4 Search §outcome). */
  readonly outcomes: readonly string[]
  /** The page to be filed, bytes of each resource as they came; null when it holds none. */
  readonly bytes: Uint8Array | null
}

const OUTCOME = 'OperationOutcome'
const MAX_OUTCOMES = 20
const ID = /^[A-Za-z0-9.-]{1,64}$/
/** A time that can be compared and sent back as it stands. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/

/**
 * Null for what is no searchset: no JSON, another resource, a Bundle of another kind. Never throws. What is to be filed bears addresses below
 * `base`, the server's own, whatever the page says: behind proxies it may call itself something else, and it speaks for no other server.
 */
export async function readPage(bytes: Uint8Array, base: string): Promise<Page | null> {
  const bundle = parsed(bytes)
  if (resourceTypeOf(bundle) !== 'Bundle' || field(bundle, 'type') !== 'searchset') return null
  const found = list(field(bundle, 'entry')).map(e => field(e, 'resource'))
  const entries = found.flatMap(resource => {
    const type = resourceTypeOf(resource)
    return isObject(resource) && type && type !== OUTCOME ? [{ resource, type }] : []
  })
  const outcomes = found.filter(r => resourceTypeOf(r) === OUTCOME)
  const broken = found.length - entries.length - outcomes.length
  const { total } = bundle as { total?: unknown }
  return {
    entries,
    broken,
    total: typeof total === 'number' && Number.isSafeInteger(total) && total >= 0 ? total : null,
    searchedAt: instant(field(field(bundle, 'meta'), 'lastUpdated')),
    newest: newestOf(entries.map(e => instant(field(field(e.resource, 'meta'), 'lastUpdated')))),
    next:
      string(
        list(field(bundle, 'link'))
          .map(l => (field(l, 'relation') === 'next' ? field(l, 'url') : null))
          .find(Boolean),
      ) ?? null,
    outcomes: outcomes.flatMap(issueCodes).slice(0, MAX_OUTCOMES),
    bytes: entries.length + broken === 0 ? null : await toFile(bytes, base),
  }
}

/** JSON or undefined, for any bytes. */
export function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

const instant = (x: unknown): string | null => (typeof x === 'string' && INSTANT.test(x) && !Number.isNaN(Date.parse(x)) ? x : null)

function newestOf(times: readonly (string | null)[]): string | null {
  let newest: string | null = null
  for (const t of times) if (t !== null && (newest === null || Date.parse(t) > Date.parse(newest))) newest = t
  return newest
}

/** Codes of an OperationOutcome's issues that are more than a note. */
export const issueCodes = (outcome: unknown): string[] =>
  list(field(outcome, 'issue')).flatMap(i => {
    const code = string(field(i, 'code'))
    return code && field(i, 'severity') !== 'information' && /^[a-z-]{1,40}$/.test(code) ? [code] : []
  })

async function toFile(bytes: Uint8Array, base: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  const whole = (async function* () {
    yield bytes
  })()
  for await (const part of splitFhir(whole)) {
    if (part.bytes.length === 0 || (!part.error && part.resourceType === OUTCOME)) continue
    if (parts.length) parts.push(utf8(','))
    // What could not be taken apart is an entry as it came.
    if (part.error) parts.push(part.bytes)
    else parts.push(utf8(`{${addressOf(part, base)}"resource":`), part.bytes, utf8('}'))
  }
  return concat(utf8('{"resourceType":"Bundle","type":"searchset","entry":['), ...parts, utf8(']}'))
}

/** `urn:` addresses stay, for others on the page may point to them. */
function addressOf({ resourceType, resource, fullUrl }: FhirResourcePart, base: string): string {
  const id = string(resource.id)
  const address = fullUrl?.startsWith('urn:') ? fullUrl : id && ID.test(id) ? `${base}/${resourceType}/${id}` : null
  return address === null ? '' : `"fullUrl":${JSON.stringify(address)},`
}

/** One resource in a Bundle of its own, its bytes as they came, so that the address it was read from goes with it. */
export const alone = (fullUrl: string, bytes: Uint8Array): Uint8Array =>
  concat(
    utf8(`{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":${JSON.stringify(fullUrl)},"resource":`),
    bytes,
    utf8('}]}'),
  )
