/** When are two resources the same content, and what is a resource's identity at its source. */
import canonicalize from 'canonicalize'
import { utf8 } from '#base/bytes'
import { KeepwellError } from '#base/error'
import type { JsonObject } from './read.ts'
import { field, isObject, list, resourceTypeOf, string } from './read.ts'

/** Written by the server at each storing, not by the author: they differ between two exports of one and the same content. */
const SERVER_META = new Set(['versionId', 'lastUpdated', 'source'])
/** Tag and label by which a server marks that it shortened or made up what it returned. */
const SERVER_TAGS = new Set(['SUBSETTED', 'ELIDED'])

function authorMeta(meta: unknown): JsonObject | undefined {
  if (!isObject(meta)) return undefined
  const out: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(meta)) {
    if (SERVER_META.has(key) || SERVER_META.has(key.replace(/^_/, ''))) continue
    const kept = key === 'tag' ? list(value).filter(t => !SERVER_TAGS.has(String(field(t, 'code')))) : value
    if (!(Array.isArray(kept) && kept.length === 0)) out[key] = kept
  }
  return Object.keys(out).length ? out : undefined
}

/**
 * The bytes to hash for "already there": JCS (RFC 8785) of the resource without what a server adds, which is exactly
 * `id`, `meta.versionId`, `meta.lastUpdated`, `meta.source`, SUBSETTED and ELIDED tags, a `meta` left empty by that,
 * and a narrative that its own status calls `generated` (renderers differ between exports). Everything else counts.
 * The `id` goes because it is identity, which {@link sourceId} compares, not content.
 * @throws KeepwellError BAD_INPUT for what is not a JSON object (or holds lone surrogates).
 */
export function canonicalBytes(resource: unknown): Uint8Array {
  if (!isObject(resource)) throw new KeepwellError('BAD_INPUT', 'Only a JSON object has a canonical form as a resource.')
  const { id: _, meta, text, ...rest } = resource
  const kept = authorMeta(meta)
  const content = {
    ...rest,
    ...(kept ? { meta: kept } : {}),
    ...(text !== undefined && field(text, 'status') !== 'generated' ? { text } : {}),
  }
  try {
    return utf8(canonicalize(content) ?? '')
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'The resource holds text that is not valid Unicode, so it has no canonical form.', { cause })
  }
}

export type SourceContext = {
  /** `Bundle.entry.fullUrl` of the entry. */
  readonly fullUrl?: string
  /** Base URL of the server, or any stable name of the source, for resources that carry only an id. */
  readonly base?: string
}

const ABSOLUTE = /^(https?:\/\/\S+?)(\/_history\/[^/]+)?$/

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/**
 * A stable identity at the source: the same thing exported twice gets the same one. Best first: an absolute http(s) fullUrl without
 * version; type and id under `base`; type and an id that is a UUID; the first business identifier with a system; type and id alone
 * (which two sources may share: pass `base`); an urn fullUrl. Null when it has none of these.
 */
export function sourceId(resource: unknown, context: SourceContext = {}): string | null {
  const type = resourceTypeOf(resource) ?? 'Unknown'
  const absolute = ABSOLUTE.exec(context.fullUrl ?? '')
  if (absolute) return absolute[1]!
  const id = string(field(resource, 'id'))
  if (id && context.base) return `${context.base.replace(/\/$/, '')}/${type}/${id}`
  if (id && UUID.test(id)) return `${type}/${id.toLowerCase()}`
  for (const identifier of list(field(resource, 'identifier'))) {
    const system = string(field(identifier, 'system'))
    const value = string(field(identifier, 'value'))
    if (system && value) return `${type}?identifier=${system}|${value}`
  }
  return id ? `${type}/${id}` : (context.fullUrl ?? null)
}
