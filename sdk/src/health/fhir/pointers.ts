import { codings, field, isObject, type JsonObject, list, resourceTypeOf, string } from './read.ts'

/** A document that a resource points to instead of holding it (R4 Attachment with `url` and without `data`). */
export type Pointed = {
  readonly url: string
  readonly contentType?: string
  readonly title?: string
  /** FHIR date of care, of the resource that points. */
  readonly date?: string
  readonly codes: readonly { readonly system?: string; readonly code: string; readonly display?: string }[]
  /** What changes when the document does, as far as the resource says so. */
  readonly state: string
}

const MAX_POINTED = 20

/** Documents of a DocumentReference, a DiagnosticReport or a Media. */
export function documentsOf(resource: JsonObject): Pointed[] {
  const attachments =
    resourceTypeOf(resource) === 'DocumentReference'
      ? list(resource.content).map(c => field(c, 'attachment'))
      : resourceTypeOf(resource) === 'DiagnosticReport'
        ? list(resource.presentedForm)
        : resourceTypeOf(resource) === 'Media'
          ? list(resource.content)
          : []
  return attachments.slice(0, MAX_POINTED).flatMap(a => pointed(resource, a) ?? [])
}

function pointed(resource: JsonObject, attachment: unknown): Pointed | null {
  const url = string(field(attachment, 'url'))
  if (!url || url.length > 2000 || field(attachment, 'data') !== undefined) return null
  const contentType = string(field(attachment, 'contentType'))
  const title = string(field(attachment, 'title')) ?? string(resource.description)
  const date = string(resource.date) ?? string(resource.effectiveDateTime) ?? string(field(attachment, 'creation'))
  return {
    url,
    ...(contentType && /^[\w.+-]+\/[\w.+-]+(;[ -~]*)?$/.test(contentType) ? { contentType: contentType.slice(0, 200) } : {}),
    ...(title ? { title: title.slice(0, 300).toWellFormed() } : {}),
    ...(date && /^\d{4}/.test(date) ? { date: date.slice(0, 40) } : {}),
    codes: codings(resource.type ?? resource.code)
      .filter(c => c.code.length <= 200 && c.system.length <= 500 && (c.display ?? '').length <= 500)
      .slice(0, 4),
    state: JSON.stringify(
      ['hash', 'size', 'creation'].map(k => field(attachment, k) ?? null).concat(field(resource.meta, 'versionId') ?? null),
    ).slice(0, 2000),
  }
}

const MAX_DEPTH = 40
const MAX_REFERENCES = 2000

/** Where a resource points: every literal reference in it, as written; contained ones left out. */
export function referencesOf(resource: JsonObject): Set<string> {
  const found = new Set<string>()
  const walk = (x: unknown, depth: number): void => {
    if (depth > MAX_DEPTH || found.size >= MAX_REFERENCES) return
    if (Array.isArray(x)) for (const item of x) walk(item, depth + 1)
    else if (isObject(x))
      for (const [name, value] of Object.entries(x))
        if (name === 'reference' && typeof value === 'string' && !value.startsWith('#') && value.length <= 600) found.add(value)
        else walk(value, depth + 1)
  }
  walk(resource, 0)
  return found
}

/** `Type/id` of a reference to a resource of this server; null for any other. Versions are left out: what is asked for is the present. */
export function localReference(reference: string, base: string): { readonly type: string; readonly id: string } | null {
  const path = reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference
  const [, type, id] = /^([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/.exec(path) ?? []
  return type && id ? { type, id } : null
}
