/** FHIR R4's terminology operations as Parameters: what is asked, what is answered, and how a client reads it (https://hl7.org/fhir/R4/terminology-service.html). */
import { field, isObject, type JsonObject, list, string } from '#health/fhir/read'
import type { Designation, ExpandedConcept, Expansion, Subsumption, TermCoding, TermConcept, Translation, Validation } from './concepts.ts'

/** Arguments from a query or from a Parameters body, by name. */
export type OperationArguments = {
  text(name: string): string | undefined
  all(name: string): readonly string[]
  resource(name: string): JsonObject | undefined
  codings(name: string): readonly TermCoding[]
}

const scalar = (p: unknown): string | undefined => {
  if (!isObject(p)) return undefined
  const key = Object.keys(p).find(k => k.startsWith('value'))
  const value = key ? p[key] : undefined
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

const codingOf = (c: unknown): TermCoding[] => {
  const code = string(field(c, 'code'))
  const display = string(field(c, 'display'))
  return code ? [{ system: string(field(c, 'system')) ?? '', code, ...(display ? { display } : {}) }] : []
}

const parameterOf = (parameters: unknown): readonly unknown[] => list(field(parameters, 'parameter'))
const named = (parameters: unknown, name: string): readonly unknown[] => parameterOf(parameters).filter(p => field(p, 'name') === name)

export function argumentsOf(query: URLSearchParams, body: JsonObject | null): OperationArguments {
  const all = (name: string): string[] => [...query.getAll(name), ...named(body, name).flatMap(p => scalar(p) ?? [])]
  return {
    all,
    text: name => all(name)[0],
    resource: name =>
      named(body, name)
        .map(p => field(p, 'resource'))
        .find(isObject),
    codings: name =>
      named(body, name).flatMap(p => [
        ...codingOf(field(p, 'valueCoding')),
        ...list(field(field(p, 'valueCodeableConcept'), 'coding')).flatMap(codingOf),
      ]),
  }
}

type Part = { readonly name: string; readonly [value: string]: unknown }
const parameters = (parameter: readonly Part[]): JsonObject => ({ resourceType: 'Parameters', parameter })
const some = (name: string, key: string, value: unknown): Part[] => (value === undefined || value === '' ? [] : [{ name, [key]: value }])

const property = (code: string, value: Part): Part => ({ name: 'property', part: [{ name: 'code', valueCode: code }, value] })

export function lookupAnswer(c: TermConcept): JsonObject {
  return parameters([
    { name: 'name', valueString: c.name },
    ...some('version', 'valueString', c.version),
    { name: 'display', valueString: c.display },
    ...c.designations.map(d => ({
      name: 'designation',
      part: [
        ...some('language', 'valueCode', d.language),
        ...(d.use ? [{ name: 'use', valueCoding: { code: d.use } }] : []),
        { name: 'value', valueString: d.value },
      ],
    })),
    property('inactive', { name: 'value', valueBoolean: c.inactive ?? false }),
    ...(c.abstract ? [property('notSelectable', { name: 'value', valueBoolean: true })] : []),
    ...c.parents.map(code => property('parent', { name: 'value', valueCode: code })),
    ...c.children.map(code => property('child', { name: 'value', valueCode: code })),
    ...c.properties.filter(([key]) => !BY_NAME.has(key)).map(([key, value]) => property(key, { name: 'value', valueString: value })),
  ])
}
const BY_NAME = new Set(['inactive', 'notSelectable', 'parent', 'child', 'abstract'])

export function readLookup(answer: unknown, asked: TermCoding): TermConcept {
  const text = (name: string): string | undefined => named(answer, name).map(scalar)[0]
  const pairs = named(answer, 'property').map(p => {
    const part = (name: string): string => scalar(list(field(p, 'part')).find(x => field(x, 'name') === name)) ?? ''
    return [part('code'), part('value')] as const
  })
  const of = (name: string): string[] => pairs.filter(p => p[0] === name).map(p => p[1])
  const version = text('version')
  return {
    system: asked.system,
    name: text('name') ?? asked.system,
    ...(version ? { version } : {}),
    code: asked.code,
    display: text('display') ?? asked.code,
    ...(of('inactive')[0] === 'true' ? { inactive: true } : {}),
    ...(of('notSelectable')[0] === 'true' ? { abstract: true } : {}),
    designations: named(answer, 'designation').map(readDesignation),
    parents: of('parent'),
    children: of('child'),
    properties: pairs.filter(([key]) => !BY_NAME.has(key)),
  }
}

function readDesignation(p: unknown): Designation {
  const part = (name: string): unknown => list(field(p, 'part')).find(x => field(x, 'name') === name)
  const language = scalar(part('language'))
  const use = string(field(field(part('use'), 'valueCoding'), 'code'))
  return { value: scalar(part('value')) ?? '', ...(language ? { language } : {}), ...(use ? { use } : {}) }
}

/** R4 knows yes and no only: what cannot be judged is a no that says why, with an `inconclusive` beside it for who understands it. */
export function validationAnswer(v: Validation, code: string): JsonObject {
  return parameters([
    { name: 'result', valueBoolean: v.verdict === 'valid' },
    ...some('message', 'valueString', v.message),
    ...some('display', 'valueString', v.display),
    { name: 'code', valueCode: code },
    ...some('system', 'valueUri', v.system),
    ...(v.inactive ? [{ name: 'inactive', valueBoolean: true }] : []),
    ...(v.verdict === 'unknown' ? [{ name: 'inconclusive', valueBoolean: true }] : []),
  ])
}

export function readValidation(answer: unknown): Validation {
  const text = (name: string): string | undefined => named(answer, name).map(scalar)[0]
  const valid = text('result') === 'true'
  const [system, display, message] = [text('system'), text('display'), text('message')]
  return {
    verdict: valid ? 'valid' : text('inconclusive') === 'true' ? 'unknown' : 'invalid',
    ...(system ? { system } : {}),
    ...(display ? { display } : {}),
    ...(text('inactive') === 'true' ? { inactive: true } : {}),
    ...(message ? { message } : {}),
  }
}

/** @param at FHIR instant of the answer. */
export function expansionAnswer(valueSet: JsonObject, e: Expansion, { at, id }: { at: string; id: string }): JsonObject {
  const { compose: _, expansion: __, text: ___, ...about } = valueSet
  const contains = e.contains.map(c => ({
    system: c.system,
    ...(c.abstract ? { abstract: true } : {}),
    ...(c.inactive ? { inactive: true } : {}),
    code: c.code,
    display: c.display,
  }))
  const expansion = { identifier: id, timestamp: at, total: e.total, offset: e.offset, ...(contains.length ? { contains } : {}) }
  return { resourceType: 'ValueSet', status: 'active', ...about, expansion }
}

export function readExpansion(valueSet: unknown): Expansion {
  const expansion = field(valueSet, 'expansion')
  const contains = list(field(expansion, 'contains')).flatMap((c): ExpandedConcept[] =>
    codingOf(c).map(coding => ({
      ...coding,
      display: coding.display ?? coding.code,
      ...(field(c, 'inactive') === true ? { inactive: true } : {}),
      ...(field(c, 'abstract') === true ? { abstract: true } : {}),
    })),
  )
  const number = (name: string, without: number): number => {
    const value = field(expansion, name)
    return typeof value === 'number' ? value : without
  }
  return { total: number('total', contains.length), offset: number('offset', 0), contains }
}

export function translationAnswer(found: readonly Translation[]): JsonObject {
  const real = found.some(t => t.equivalence !== 'unmatched' && t.equivalence !== 'disjoint')
  return parameters([
    { name: 'result', valueBoolean: real },
    ...(real ? [] : [{ name: 'message', valueString: 'No map that is loaded here leads to another code.' }]),
    ...found.map(t => ({
      name: 'match',
      part: [
        { name: 'equivalence', valueCode: t.equivalence },
        { name: 'concept', valueCoding: t.concept },
        ...some('source', 'valueUri', t.map),
      ],
    })),
  ])
}

export function readTranslations(answer: unknown): Translation[] {
  return named(answer, 'match').flatMap(p => {
    const part = (name: string): unknown => list(field(p, 'part')).find(x => field(x, 'name') === name)
    const map = scalar(part('source'))
    return codingOf(field(part('concept'), 'valueCoding')).map(concept => ({
      equivalence: scalar(part('equivalence')) ?? 'relatedto',
      concept,
      ...(map ? { map } : {}),
    }))
  })
}

export const subsumptionAnswer = (outcome: Subsumption): JsonObject => parameters([{ name: 'outcome', valueCode: outcome }])

const OUTCOMES: readonly Subsumption[] = ['equivalent', 'subsumes', 'subsumed-by', 'not-subsumed']
export const readSubsumption = (answer: unknown): Subsumption | null =>
  OUTCOMES.find(o => o === named(answer, 'outcome').map(scalar)[0]) ?? null
