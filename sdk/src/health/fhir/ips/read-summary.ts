/** A patient summary of whatever origin, as lines for a page or for paper. Total over any input. */
import { facts, personName } from '#health/fhir/facts'
import { at, codings, conceptText, field, isObject, type JsonObject, list, resourceTypeOf, string } from '#health/fhir/read'
import { markupText } from '#health/xml'
import { finder } from './references.ts'
import { type Line, lineOf } from './section-text.ts'

export type ReadSection = {
  readonly title: string
  readonly code: string
  readonly lines: readonly Line[]
  readonly words: string
  /** It says of itself that there is no information, which is not "none". */
  readonly unavailable: boolean
}
export type ReadSummary = {
  readonly title: string
  readonly date: string
  readonly name: string
  readonly birthDate: string
  readonly sections: readonly ReadSection[]
}

/** Null for what is no document Bundle with a Composition. */
export function readSummary(bundle: unknown): ReadSummary | null {
  const entries = list(field(bundle, 'entry')).filter(isObject)
  const resources = entries.map(e => e.resource).filter(isObject)
  const composition = resources.find(r => resourceTypeOf(r) === 'Composition')
  if (field(bundle, 'type') !== 'document' || !composition) return null
  const urls = new Map(entries.map(e => [e.resource, string(e.fullUrl)]))
  const find = finder(resources, r => urls.get(r))
  const followed = (value: unknown): JsonObject | undefined => find(string(field(value, 'reference')) ?? '')
  const titleOf = (r: JsonObject): string => {
    const target = followed(r.medicationReference) ?? followed(r.device)
    return (target && (conceptText(target.code) ?? facts(target).title)) ?? facts(r).title
  }
  const patient = followed(composition.subject) ?? resources.find(r => resourceTypeOf(r) === 'Patient')
  const sections = list(composition.section).map(s => ({
    title: string(field(s, 'title')) ?? '',
    code: string(at(s, 'code', 'coding', 'code')) ?? '',
    lines: list(field(s, 'entry')).flatMap(e => {
      const r = followed(e)
      return r ? [lineOf(r, titleOf(r))] : []
    }),
    words: [...markupText(string(at(s, 'text', 'div')) ?? '')].join(' ').slice(0, 4000),
    unavailable: codings(field(s, 'emptyReason')).some(c => c.code === 'unavailable'),
  }))
  return {
    title: string(composition.title) ?? 'Summary',
    date: string(composition.date) ?? '',
    name: personName(patient?.name) ?? '',
    birthDate: string(patient?.birthDate) ?? '',
    sections,
  }
}
