/** The rules of FHIR R4 that @medplum/core does not check, in one walk over the resource. */

import { brokenInvariants } from './invariants.ts'
import type { CheckOptions, Issue } from './issue.ts'
import { problem, warning } from './issue.ts'
import { danglingLinks, narrativeProblem } from './narrative.ts'
import type { JsonObject } from './read.ts'
import { field, isObject, list, string } from './read.ts'
import type { Shape, Shapes } from './shapes.ts'

export type Walked = {
  readonly issues: Issue[]
  /** Resource types that occur. */
  readonly types: Set<string>
  /** FHIRPath that occurs, by path. */
  readonly expressions: readonly (readonly [path: string, expression: string])[]
  readonly tooBig: boolean
}

const MAX_DEPTH = 64
const MAX_NODES = 500_000

type Walk = {
  readonly index: Shapes
  readonly issues: Issue[]
  readonly types: Set<string>
  readonly expressions: [string, string][]
  readonly options: CheckOptions
  nodes: number
  deepest: number
  /** Ids of resources contained in the resource at hand, and which of them something points to. */
  contained: { ids: Set<string>; used: Set<string>; anchors: Set<string>; links: [string, string][] } | null
  /** Id of the contained resource at hand; empty outside of any. */
  inside: string
}

const ID = /^[A-Za-z0-9\-.]{1,64}$/
const UUID = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const OID = /^urn:oid:[0-2](\.(0|[1-9]\d*)){2,}$/
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:/i
/** [base/]Type/id[/_history/version]; the base is anything. */
const LITERAL = /(?:^|\/)([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?(?:#.*)?$/

function checkUri(w: Walk, value: string, path: string): void {
  if (value.startsWith('urn:uuid:') && !UUID.test(value)) w.issues.push(problem('invalid', path, 'A urn:uuid must be a UUID in lower case'))
  if (value.startsWith('urn:oid:') && !OID.test(value)) w.issues.push(problem('invalid', path, 'A urn:oid must be a valid OID'))
  if (/^\s|\s$/.test(value)) w.issues.push(problem('invalid', path, 'A URI may not begin or end with white space'))
}

function checkCode(w: Walk, value: unknown, shape: Shape, path: string): void {
  const codes = shape.valueSet ? w.index.codesOf(shape.valueSet) : undefined
  if (!codes) return
  if (shape.type === 'code') {
    if (typeof value === 'string' && !codes.all.has(value))
      w.issues.push(problem('code-invalid', path, 'Not one of the codes that FHIR requires here'))
    return
  }
  const given = shape.type === 'CodeableConcept' ? list(field(value, 'coding')) : shape.type === 'Coding' ? [value] : []
  if (given.length === 0) return
  const fits = given.some(c => codes.systems.get(string(field(c, 'system')) ?? '')?.has(string(field(c, 'code')) ?? ''))
  if (!fits) w.issues.push(problem('code-invalid', path, 'None of the codings is of the value set that FHIR requires here'))
}

function checkReference(w: Walk, value: JsonObject, shape: Shape, path: string): void {
  const reference = value.reference
  if (reference === undefined) {
    if (value.identifier === undefined && value.display === undefined && value.extension === undefined)
      w.issues.push(problem('invariant', path, 'A reference needs a reference, an identifier or a display'))
    return
  }
  if (typeof reference !== 'string') return
  if (reference.startsWith('#')) {
    const id = reference.slice(1)
    if (w.contained && id && !w.contained.ids.has(id))
      w.issues.push(problem('invariant', path, 'The reference points to a contained resource that is not there'))
    // A bare # is the container; a contained resource that names it is tied to it as well.
    if (w.contained) w.contained.used.add(id || w.inside)
    return
  }
  checkUri(w, reference, `${path}.reference`)
  const literal = LITERAL.exec(reference)
  const conditional = /^([A-Z][A-Za-z]+)\?/.exec(reference)
  const type = literal?.[1] ?? conditional?.[1]
  if (!type) {
    if (!ABSOLUTE.test(reference))
      w.issues.push(problem('invalid', `${path}.reference`, 'Not a reference: expected Type/id, an absolute URL, a urn or #id'))
    return
  }
  const relative = !ABSOLUTE.test(reference)
  if (!w.index.isResource(type)) {
    if (relative) w.issues.push(problem('invalid', `${path}.reference`, 'The reference names a type that FHIR R4 does not have'))
    return
  }
  if (shape.targets && !shape.targets.includes(type))
    w.issues.push(problem('structure', path, 'The reference points to a type that is not allowed here'))
  const told = string(value.type)
  if (told && told !== type && !told.includes('/'))
    w.issues.push(problem('structure', `${path}.type`, 'Reference.type differs from the type in the reference'))
}

function checkExpression(w: Walk, value: JsonObject, path: string): void {
  if (value.language === 'text/fhirpath' && typeof value.expression === 'string')
    w.expressions.push([`${path}.expression`, value.expression])
}

const base64Bytes = (data: string): number => {
  const clean = data.replace(/\s/g, '')
  return Math.floor((clean.length * 3) / 4) - (clean.endsWith('==') ? 2 : clean.endsWith('=') ? 1 : 0)
}

function checkAttachment(w: Walk, value: JsonObject, path: string): void {
  if (typeof value.data !== 'string') return
  if (typeof value.size === 'number' && value.size !== base64Bytes(value.data))
    w.issues.push(problem('invalid', `${path}.size`, 'The size differs from the length of the data'))
}

/** One instant in milliseconds, taken to the first or the last moment of a partial date; NaN when it is no date. */
function moment(value: unknown, last: boolean): number {
  const m = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(T.+)?)?)?$/.exec(typeof value === 'string' ? value : '')
  if (!m) return Number.NaN
  if (m[4]) return Date.parse(/(Z|[+-]\d{2}:\d{2})$/.test(value as string) ? (value as string) : `${value as string}Z`)
  const [year, month, day] = [Number(m[1]), m[2] ? Number(m[2]) - 1 : 0, m[3] ? Number(m[3]) : 1]
  if (!last) return Date.UTC(year, month, day)
  return m[3] ? Date.UTC(year, month, day + 1) - 1 : m[2] ? Date.UTC(year, month + 1, 1) - 1 : Date.UTC(year + 1, 0, 1) - 1
}

function checkPeriod(w: Walk, value: JsonObject, path: string): void {
  // A day of slack, because a partial date has no time zone.
  const slack = String(value.start).includes('T') === String(value.end).includes('T') ? 0 : 86_400_000
  if (moment(value.start, false) > moment(value.end, true) + slack)
    w.issues.push(problem('invariant', path, 'The period ends before it starts'))
}

function checkCoding(w: Walk, value: JsonObject, path: string): void {
  const system = value.system
  if (typeof system === 'string' && system && !ABSOLUTE.test(system))
    w.issues.push(problem('code-invalid', `${path}.system`, 'The code system must be an absolute URI'))
  if (typeof system === 'string' && /^https?:\/\/hl7\.org\/fhir\/(R4\/)?ValueSet\//.test(system))
    w.issues.push(problem('code-invalid', `${path}.system`, 'The code system is the URL of a value set'))
  if (value.code !== undefined && system === undefined)
    w.issues.push(warning('code-invalid', path, 'A code without a system means nothing to another system'))
}

function checkExtension(w: Walk, value: JsonObject, path: string): void {
  const url = value.url
  let values = 0
  for (const key in value) if (key.startsWith('value') || key.startsWith('_value')) values++
  const nested = Array.isArray(value.extension) && value.extension.length > 0
  if (nested === values > 0) w.issues.push(problem('invariant', path, 'An extension has either a value or extensions, not both or neither'))
  if (typeof url !== 'string') return
  if (!/\.extension\[\d+\]\.extension\[\d+\]$/.test(path) && !ABSOLUTE.test(url))
    w.issues.push(problem('invalid', `${path}.url`, 'The URL of an extension must be absolute'))
}

function checkQuantity(w: Walk, value: JsonObject, path: string): void {
  if (value.code !== undefined && value.system === undefined) w.issues.push(problem('invariant', path, 'A unit code needs its system'))
}

function checkIdentifier(w: Walk, value: JsonObject, path: string): void {
  if (typeof value.system === 'string' && value.system && !ABSOLUTE.test(value.system))
    w.issues.push(problem('invalid', `${path}.system`, 'The system of an identifier must be an absolute URI'))
  if (value.system === 'urn:ietf:rfc3986' && typeof value.value === 'string') {
    if (!ABSOLUTE.test(value.value))
      w.issues.push(problem('invalid', `${path}.value`, 'With the system urn:ietf:rfc3986 the value must be an absolute URI'))
    else checkUri(w, value.value, `${path}.value`)
  }
}

function checkNarrative(w: Walk, value: JsonObject, path: string): void {
  if (typeof value.div !== 'string') return
  const found = narrativeProblem(value.div)
  if (found) w.issues.push(problem('invalid', `${path}.div`, found))
  else for (const id of danglingLinks(value.div)) w.contained?.links.push([`${path}.div`, id])
}

const BY_TYPE: Readonly<Record<string, (w: Walk, value: JsonObject, path: string) => void>> = {
  Attachment: checkAttachment,
  Expression: checkExpression,
  Period: checkPeriod,
  Coding: checkCoding,
  Extension: checkExtension,
  Identifier: checkIdentifier,
  Narrative: checkNarrative,
  Quantity: checkQuantity,
  Age: checkQuantity,
  Duration: checkQuantity,
  Distance: checkQuantity,
  Count: checkQuantity,
  Money: () => undefined,
}

export const UNKNOWN_PROPERTY = 'Property that FHIR R4 does not know here'
const HTML = /<[a-z!/][^>]*>/i

function checkPrimitive(w: Walk, value: unknown, shape: Shape, path: string): void {
  if (typeof value !== 'string') return
  if (!value.isWellFormed()) w.issues.push(problem('value', path, 'Text that is no Unicode: half of a surrogate pair'))
  if (value.startsWith('#')) w.contained?.used.add(value.slice(1))
  if (shape.type === 'uri' || shape.type === 'url' || shape.type === 'canonical') checkUri(w, value, path)
  if (shape.type === 'id' && !ID.test(value)) w.issues.push(problem('value', path, 'An id has 1 to 64 letters, digits, hyphens or dots'))
  if (shape.type === 'string' && shape.name === 'id' && /\s/.test(value))
    w.issues.push(problem('value', path, 'An element id may not hold white space'))
  if ((shape.type === 'string' || shape.type === 'markdown') && value.includes('<') && HTML.test(value))
    w.issues.push({
      severity: w.options.htmlInText ?? 'warning',
      code: 'security',
      path,
      text: 'Text that looks like HTML; it is shown as plain text',
    })
}

/** A search parameter is of the type, and for the resources, of the one it is derived from. */
function checkDerived(w: Walk, value: JsonObject, path: string): void {
  const from = w.options.searchParameter?.(string(value.derivedFrom) ?? '')
  if (!from) return
  if (value.type !== from.type)
    w.issues.push(problem('business-rule', path, 'The search parameter is of another type than the one it is derived from'))
  if (list(value.base).some(b => typeof b === 'string' && !from.bases.has(b)))
    w.issues.push(problem('business-rule', path, 'The search parameter is for a resource that the one it is derived from is not for'))
}

/** What a server says of a search parameter agrees with its definition. */
function checkTold(w: Walk, value: JsonObject, path: string): void {
  list(value.rest).forEach((rest, i) => {
    list(field(rest, 'resource')).forEach((resource, j) => {
      list(field(resource, 'searchParam')).forEach((told, k) => {
        const known = w.options.searchParameter?.(string(field(told, 'definition')) ?? '')
        if (known && known.type !== field(told, 'type'))
          w.issues.push(
            problem('invalid', `${path}.rest[${i}].resource[${j}].searchParam[${k}]`, 'The search parameter is defined with another type'),
          )
      })
    })
  })
}

/** What definitions say of themselves: where they are, which systems they draw from, what they are made of. */
function checkDefinition(w: Walk, value: JsonObject, type: string, path: string): void {
  const url = string(value.url)
  const canonical = w.index.fieldsOf(type)?.get('url')?.type === 'uri' && w.index.fieldsOf(type)?.has('status')
  if (canonical && url && !ABSOLUTE.test(url) && !url.startsWith('#'))
    w.issues.push(problem('invalid', `${path}.url`, 'A canonical URL must be absolute'))
  if (type === 'ValueSet')
    list(field(value.compose, 'include')).forEach((include, i) => {
      const system = string(field(include, 'system'))
      if (system && !ABSOLUTE.test(system))
        w.issues.push(problem('invalid', `${path}.compose.include[${i}].system`, 'The code system must be an absolute URI'))
    })
  if (type === 'SearchParameter') checkDerived(w, value, path)
  if (type === 'CapabilityStatement') checkTold(w, value, path)
  if (type === 'SearchParameter' && value.type === 'composite' && list(value.component).length < 2)
    w.issues.push(problem('business-rule', path, 'A composite search parameter has two or more components'))
}

function visit(w: Walk, value: unknown, shape: Shape, path: string, depth: number): void {
  if (depth > w.deepest) w.deepest = depth
  if (depth > MAX_DEPTH || ++w.nodes > MAX_NODES) return
  if (Array.isArray(value)) {
    if (value.length === 0) w.issues.push(problem('structure', path, 'An array may not be empty'))
    for (let i = 0; i < value.length; i++) visitOne(w, value[i], shape, `${path}[${i}]`, depth + 1)
  } else visitOne(w, value, shape, path, depth)
}

function visitOne(w: Walk, value: unknown, shape: Shape, path: string, depth: number): void {
  if (value === null || value === undefined) return
  if (shape.valueSet) checkCode(w, value, shape, path)
  if (!isObject(value)) {
    if (Array.isArray(value)) w.issues.push(problem('structure', path, 'An array inside an array'))
    else checkPrimitive(w, value, shape, path)
    return
  }
  const inner = shape.type === 'Resource' ? (string(value.resourceType) ?? 'Resource') : shape.type
  if (shape.type === 'Resource') {
    resource(w, value, inner, path, depth + 1)
    return
  }
  BY_TYPE[inner]?.(w, value, path)
  for (const text of brokenInvariants(inner, value)) w.issues.push(problem('invariant', path, text))
  if (inner === 'Reference') checkReference(w, value, shape, path)
  members(w, value, inner, path, depth + 1)
}

function members(w: Walk, value: JsonObject, type: string, path: string, depth: number): void {
  const fields = w.index.fieldsOf(type)
  if (typeof value.id === 'string') w.contained?.anchors.add(value.id)
  for (const key in value) {
    const shape = fields?.get(key)
    if (shape) visit(w, value[key], shape, `${path}.${key}`, depth)
    else if (key.startsWith('_') && fields?.has(key.slice(1))) visit(w, value[key], PRIMITIVE_EXTENSION, `${path}.${key}`, depth)
    else {
      // To the validator these are known, as every object has them.
      if (key in {} || key.slice(1) in {}) w.issues.push(problem('structure', `${path}.?`, UNKNOWN_PROPERTY))
      if (isObject(value[key]) || Array.isArray(value[key])) measure(w, value[key], depth)
    }
  }
}

const PRIMITIVE_EXTENSION: Shape = { name: '', type: 'Element', repeats: false }

/** What FHIR does not know is only measured, so that the limits hold everywhere. */
function measure(w: Walk, value: unknown, depth: number): void {
  if (depth > w.deepest) w.deepest = depth
  if (depth > MAX_DEPTH || ++w.nodes > MAX_NODES) return
  if (Array.isArray(value)) for (const item of value) measure(w, item, depth + 1)
  else if (isObject(value)) for (const key in value) if (typeof value[key] === 'object') measure(w, value[key], depth + 1)
}

/** A resource: its contained ones first, so that references into them can be judged. */
function resource(w: Walk, value: JsonObject, type: string, path: string, depth: number): void {
  w.types.add(type)
  const inside = /\.contained\[\d+\]$/.test(path)
  const outer = w.contained
  if (!inside)
    w.contained = {
      ids: new Set(list(value.contained).flatMap(c => string(field(c, 'id')) ?? [])),
      used: new Set(),
      anchors: new Set(),
      links: [],
    }
  if (inside) {
    checkContained(w, value, path)
    w.inside = string(value.id) ?? ''
  }
  checkDefinition(w, value, type, path)
  members(w, value, type, path, depth)
  if (inside) w.inside = ''
  if (!inside && w.contained) {
    for (const id of w.contained.ids)
      if (!w.contained.used.has(id)) w.issues.push(problem('invariant', `${path}.contained`, 'A contained resource that nothing refers to'))
    for (const [place, id] of w.contained.links)
      if (!w.contained.anchors.has(id)) w.issues.push(problem('invalid', place, 'A link in the narrative leads to nothing in the resource'))
    w.contained = outer
  }
}

function checkContained(w: Walk, value: JsonObject, path: string): void {
  if (value.contained !== undefined)
    w.issues.push(problem('invariant', `${path}.contained`, 'A contained resource may not contain resources'))
  if (string(value.id) === undefined) w.issues.push(problem('invariant', path, 'A contained resource needs an id'))
  const meta = value.meta
  if (field(meta, 'versionId') !== undefined || field(meta, 'lastUpdated') !== undefined)
    w.issues.push(problem('invariant', `${path}.meta`, 'A contained resource has no version of its own'))
  if (field(meta, 'security') !== undefined)
    w.issues.push(problem('invariant', `${path}.meta`, 'A contained resource has no security label of its own'))
}

export function walkResource(value: JsonObject, type: string, index: Shapes, options: CheckOptions): Walked {
  const w: Walk = { index, options, issues: [], types: new Set(), expressions: [], nodes: 0, deepest: 0, contained: null, inside: '' }
  resource(w, value, type, type, 0)
  const tooDeep = w.deepest > MAX_DEPTH
  if (tooDeep) w.issues.push(problem('too-long', type, `Nested deeper than ${MAX_DEPTH} levels`))
  const tooMany = w.nodes > MAX_NODES
  if (tooMany) w.issues.push(warning('too-costly', type, 'Too large to be examined in full'))
  return { issues: w.issues, types: w.types, expressions: w.expressions, tooBig: tooDeep || tooMany }
}
