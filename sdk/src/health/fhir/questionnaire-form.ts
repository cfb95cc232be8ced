import { type CheckOptions, type Issue, problem, warning } from './issue.ts'
import { checkResponse } from './questionnaire.ts'
import type { ValueSetCodes } from './questionnaire-answer.ts'
import { field, isObject, type JsonObject, list, resourceTypeOf, string } from './read.ts'
import type { Shapes } from './shapes.ts'

const contained = (resource: JsonObject, reference: string): JsonObject | undefined =>
  list(resource.contained)
    .filter(isObject)
    .find(c => c.id === reference.slice(1))

/** The codes that a value set lists one by one, or was expanded to; null when it names whole systems or other sets. */
export function listedCodes(valueSet: unknown): ValueSetCodes | null {
  const found: { system: string | undefined; code: string; display: string | undefined }[] = []
  const note = (system: string | undefined, c: unknown): void =>
    void found.push({ system, code: String(field(c, 'code')), display: string(field(c, 'display')) })
  const expanded = list(field(field(valueSet, 'expansion'), 'contains'))
  for (const c of expanded) note(string(field(c, 'system')), c)
  if (!expanded.length)
    for (const include of list(field(field(valueSet, 'compose'), 'include'))) {
      const concepts = list(field(include, 'concept'))
      if (!concepts.length) return null
      for (const c of concepts) note(string(field(include, 'system')), c)
    }
  if (!found.length) return null
  return { has: (system, code) => found.some(f => f.code === code && (system === undefined || f.system === system)) }
}

/** Which Questionnaire a response answers; null when it is not here, with what is wrong about the way it is named. */
function formOf(response: JsonObject, index: Shapes, options: CheckOptions, issues: Issue[]): JsonObject | null {
  const canonical = string(response.questionnaire)
  if (!canonical) return null
  const found = canonical.startsWith('#') ? contained(response, canonical) : options.questionnaire?.(canonical)
  const named = /\/([A-Z][A-Za-z]+)\/[^/]+$/.exec(canonical.split('|')[0]!)?.[1]
  const type = resourceTypeOf(found) ?? (named && index.isResource(named) ? named : 'Questionnaire')
  if (type !== 'Questionnaire')
    issues.push(problem('invalid', 'QuestionnaireResponse.questionnaire', 'The URL is that of a resource that is no Questionnaire'))
  else if (!found)
    issues.push(
      warning('required', 'QuestionnaireResponse', 'The questionnaire is not known here; the answers were not checked against it'),
    )
  return isObject(found) && type === 'Questionnaire' ? found : null
}

/** Issues of a QuestionnaireResponse against the Questionnaire it names: a contained one, or one that `options.questionnaire` finds. */
export function checkForm(response: JsonObject, index: Shapes, options: CheckOptions): Issue[] {
  const issues: Issue[] = []
  const form = formOf(response, index, options, issues)
  if (!form) return issues
  const valueSet = (url: string): ValueSetCodes | null => {
    if (url.startsWith('#')) return listedCodes(contained(form, url) ?? contained(response, url))
    const bound = index.codesOf(url.split('|')[0]!)
    const known: ValueSetCodes | null = bound
      ? { has: (system, code) => (system === undefined ? bound.all.has(code) : bound.systems.get(system)?.has(code) === true) }
      : null
    return known ?? options.valueSet?.(url) ?? null
  }
  return [...issues, ...checkResponse(response, form, { valueSet, isType: index.isResource })]
}
