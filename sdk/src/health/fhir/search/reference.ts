/** Literal references (https://hl7.org/fhir/R4/references.html#literal): what they lead to, as far as their text tells. */
import { field, string } from '#health/fhir/read'

export type Target = {
  /** `Type/id` for a resource of this store, else the absolute URL or URN; without a version. */
  readonly key: string
  readonly type: string | null
  readonly id: string | null
  readonly version: string | null
}

const REST = /^(?:(.+)\/)?([A-Z][A-Za-z]{1,60})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/([A-Za-z0-9\-.]{1,64}))?$/s

/** Reads the text of a reference; those to contained resources lead nowhere outside, and conditional ones not yet anywhere (null). */
export function targetOf(reference: string, bases: readonly string[]): Target | null {
  if (!reference || reference.startsWith('#') || reference.includes('?')) return null
  const m = REST.exec(reference)
  if (!m) return { key: reference, type: null, id: null, version: null }
  const [, base, type = null, id = null, version = null] = m
  const local = base === undefined || bases.includes(base)
  return { key: local ? `${type}/${id}` : `${base}/${type}/${id}`, type, id, version }
}

/** The literal text and the claimed type of a Reference or canonical. */
export function referenceOf(value: unknown): { readonly text: string | undefined; readonly type: string | undefined } {
  if (typeof value === 'string') return { text: value, type: undefined }
  return { text: string(field(value, 'reference')), type: string(field(value, 'type')) }
}
