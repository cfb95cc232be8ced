import { conceptText, field, isObject, type JsonObject, list, string } from './read.ts'

/** What a summary tells of a resource beyond its title and dates. */
export type Details = {
  /** FHIR Dosages as they stand; their words are a matter of language. */
  readonly dosage?: readonly JsonObject[]
  readonly criticality?: string
  readonly reactions?: readonly string[]
  readonly reason?: string
  /** Who says so: a person or a place, as the resource names them. */
  readonly by?: string
}

const BY = ['recorder', 'requester', 'informationSource', 'asserter', 'performer', 'author', 'serviceProvider', 'manufacturer', 'source']

/** The display of a reference, or of the actor in it. */
const nameOf = (x: unknown): string | undefined => {
  for (const one of list(x)) {
    const told =
      string(field(one, 'display')) ?? string(field(field(one, 'actor'), 'display')) ?? (typeof one === 'string' ? string(one) : undefined)
    if (told) return told
  }
  return undefined
}

/** Total: what is not there, or is of another shape, is left out. */
export function detailsOf(resource: unknown): Details {
  const dosage = [...list(field(resource, 'dosageInstruction')), ...list(field(resource, 'dosage'))].filter(isObject)
  const criticality = string(field(resource, 'criticality'))
  const reactions = list(field(resource, 'reaction')).flatMap(r => list(field(r, 'manifestation')).flatMap(m => conceptText(m) ?? []))
  const reason = conceptText(field(resource, 'reasonCode')) ?? nameOf(field(resource, 'reasonReference'))
  const by = BY.map(name => nameOf(field(resource, name))).find(Boolean)
  return {
    ...(dosage.length ? { dosage } : {}),
    ...(criticality ? { criticality } : {}),
    ...(reactions.length ? { reactions: [...new Set(reactions)] } : {}),
    ...(reason ? { reason } : {}),
    ...(by ? { by } : {}),
  }
}
