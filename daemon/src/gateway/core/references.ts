import { isObject, type JsonObject } from '@keepwell/sdk/health/fhir/read'

/** Gives the new form of a reference, or null to leave it. */
export type Renaming = (reference: string) => string | null

/** Deeper than anything that is taken in, so that no reference is overlooked. */
const MAX_DEPTH = 256

/**
 * The resource with each `Reference.reference` renamed, and each Attachment's URL of a Binary. What does not change is not copied. Contained
 * references (`#x`) are not asked about.
 */
export const renamed = (resource: JsonObject, rename: Renaming): JsonObject => walk(resource, rename, 0) as JsonObject

function walk(value: unknown, rename: Renaming, depth: number): unknown {
  if (depth > MAX_DEPTH) return value
  if (Array.isArray(value)) {
    let changed: unknown[] | null = null
    for (let i = 0; i < value.length; i++) {
      const before: unknown = value[i]
      if (typeof before !== 'object' || before === null) continue
      const after = walk(before, rename, depth + 1)
      if (after === before) continue
      changed ??= [...value]
      changed[i] = after
    }
    return changed ?? value
  }
  if (!isObject(value)) return value
  let changed: Record<string, unknown> | null = null
  for (const key in value) {
    const before = value[key]
    const after =
      typeof before === 'string' ? named(value, key, before, rename) : typeof before === 'object' ? walk(before, rename, depth + 1) : before
    if (after === before) continue
    changed ??= { ...value }
    changed[key] = after
  }
  return changed ?? value
}

function named(owner: JsonObject, key: string, text: string, rename: Renaming): string {
  const reference = key === 'reference' && !('resourceType' in owner)
  const attachment = key === 'url' && (BINARY.test(text) || text.startsWith('urn:uuid:'))
  return (reference || attachment) && !text.startsWith('#') ? (rename(text) ?? text) : text
}

const BINARY = /(^|\/)Binary\/[A-Za-z0-9\-.]{1,64}$/

export type Literal = { readonly base: string; readonly type: string; readonly id: string }

const LITERAL = /^(https?:\/\/\S{1,1000}\/)?([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9\-.]{1,64})(\/_history\/[A-Za-z0-9\-.]{1,64})?$/

/** A literal reference in its parts; `base` is empty for a relative one, and ends in a slash else. */
export function literal(reference: string): Literal | null {
  const match = LITERAL.exec(reference)
  return match ? { base: match[1] ?? '', type: match[2]!, id: match[3]! } : null
}
