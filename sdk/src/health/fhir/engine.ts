/** The heavy half of `check.ts`: @medplum/core's validator, fed with trimmed definitions, joined with the own rules. */
import { indexStructureDefinitionBundle, isResourceType, parseFhirPath, validateResource } from '@medplum/core'
import type { Resource, StructureDefinition } from '@medplum/fhirtypes'
import { checkBundle } from './bundle-rules.ts'
import { expandType } from './definitions.ts'
import type { CheckOptions, Issue } from './issue.ts'
import { problem } from './issue.ts'
import { checkForm } from './questionnaire-form.ts'
import { isObject, resourceTypeOf } from './read.ts'
import { UNKNOWN_PROPERTY, walkResource } from './rules.ts'
import type { Definitions, Shapes } from './shapes.ts'
import { shapes } from './shapes.ts'

type OutcomeIssue = { severity?: string; code?: string; details?: { text?: string }; expression?: string[] }

/** Texts of the validator that repeat something of the input, and what is said instead. */
const REWORDED: readonly (readonly [RegExp, string])[] = [
  [/^Invalid additional property/, UNKNOWN_PROPERTY],
  [/^Invalid reference/, ''],
  [/^Unknown data type/, 'Holds a resource of a type that FHIR R4 does not have'],
  [/^Conflicting choice of type properties/, 'More than one type of a choice element is present'],
]

/** Keeps indexes and names that FHIR itself defines; a name from the input becomes `?`. */
function safePath(path: string, known: ReadonlySet<string>): string {
  return path
    .split('.')
    .map(part => {
      const name = part.replace(/\[\d+\]$/, '').replace(/^_/, '')
      return known.has(name) ? part : '?'
    })
    .join('.')
}

function elementNames(definitions: Definitions, index: Shapes): Set<string> {
  const names = new Set<string>(['resourceType'])
  for (const type of Object.keys(definitions.types)) {
    names.add(type)
    for (const [tail, , types] of index.compact(type)?.e ?? [])
      for (const part of tail.split('.')) {
        names.add(part)
        if (part.endsWith('[x]')) {
          names.add(part.slice(0, -3))
          for (const t of types.split(',')) names.add(part.slice(0, -3) + t.charAt(0).toUpperCase() + t.replace(/\(.*/, '').slice(1))
        }
      }
  }
  for (const base of ['id', 'extension', 'modifierExtension', 'meta', 'implicitRules', 'language', 'text', 'contained', 'div'])
    names.add(base)
  return names
}

function translate(issue: OutcomeIssue, known: ReadonlySet<string>): Issue | null {
  let text = issue.details?.text ?? 'Invalid'
  for (const [pattern, instead] of REWORDED) if (pattern.test(text)) text = instead
  if (!text) return null
  const severity = issue.severity === 'warning' || issue.severity === 'information' ? 'warning' : 'error'
  return { severity, code: issue.code ?? 'structure', path: safePath(issue.expression?.[0] ?? '', known), text }
}

/** What the validator says; a throw for any other reason than issues is itself an issue. */
function validated(resource: Resource, known: ReadonlySet<string>): Issue[] {
  let found: OutcomeIssue[]
  try {
    found = validateResource(resource, { base64BinaryMaxBytes: 64 * 1024 * 1024 }) as OutcomeIssue[]
  } catch (thrown) {
    const outcome = isObject(thrown) ? thrown.outcome : undefined
    const issues = isObject(outcome) && Array.isArray(outcome.issue) ? (outcome.issue as OutcomeIssue[]) : null
    if (!issues) return [problem('exception', resource.resourceType, 'The structure could not be examined to its end')]
    found = issues
  }
  return found.map(i => translate(i, known)).filter(i => i !== null)
}

/** Whether an expression can be read as FHIRPath at all. */
function expressionProblem([path, expression]: readonly [string, string]): Issue[] {
  try {
    parseFhirPath(expression)
    return []
  } catch {
    return [problem('invalid', path, 'The expression is no FHIRPath')]
  }
}

const MAX_ISSUES = 200

/** At most one issue per place and code: two rules often see the same fault. */
function distinct(issues: readonly Issue[]): Issue[] {
  const seen = new Set<string>()
  const out: Issue[] = []
  for (const i of issues) {
    const key = `${i.severity} ${i.path} ${i.text}`
    if (seen.has(key) || out.length >= MAX_ISSUES) continue
    seen.add(key)
    out.push(i)
  }
  return out
}

export function checker(definitions: Definitions): (resource: unknown, options?: CheckOptions) => Issue[] {
  const index = shapes(definitions)
  const known = elementNames(definitions, index)
  const loaded = new Set<string>()

  const load = (type: string): void => {
    if (loaded.has(type)) return
    loaded.add(type)
    const compact = index.compact(type)
    if (compact) indexStructureDefinitionBundle([expandType(type, compact) as unknown as StructureDefinition])
  }
  for (const type of Object.keys(definitions.types)) {
    const compact = index.compact(type)!
    if (compact.k === 'resource' && type !== 'Resource' && type !== 'DomainResource') continue
    loaded.add(type)
    const of = compact.t ?? type
    indexStructureDefinitionBundle([expandType(of, compact) as unknown as StructureDefinition])
  }

  return (resource, options = {}) => {
    const type = resourceTypeOf(resource)
    if (!isObject(resource) || !type) return [problem('structure', '', 'Not a resource: there is no resourceType')]
    if (!index.isResource(type)) return [problem('not-supported', '', 'A resourceType that FHIR R4 does not have')]
    try {
      const own = walkResource(resource, type, index, options)
      if (own.tooBig) return own.issues
      for (const t of own.types) load(t)
      const base = isResourceType(type) ? validated(resource as unknown as Resource, known) : []
      const bundle = type === 'Bundle' ? checkBundle(resource) : []
      const form = type === 'QuestionnaireResponse' ? checkForm(resource, index, options) : []
      return distinct([...base, ...own.issues, ...own.expressions.flatMap(expressionProblem), ...bundle, ...form])
    } catch {
      return [problem('exception', type, 'The resource could not be examined to its end')]
    }
  }
}
