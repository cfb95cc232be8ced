/** StructureDefinitions with snapshots (R4 structuredefinition.html, profiling.html) become rules; what R4 asks by itself is left out. */
import type { CompactElement } from '#health/fhir/definitions'
import { inherited } from '#health/fhir/definitions'
import { field, isObject, type JsonObject, list, string } from '#health/fhir/read'
import type { Shapes } from '#health/fhir/shapes'
import type { CodeSet, Discriminator, Profile, Rule } from './types.ts'

const HL7 = 'http://hl7.org/fhir/StructureDefinition/'
const MAX_ELEMENTS = 20_000

type Node = { readonly name: string; element: JsonObject | null; readonly children: Map<string, Node>; readonly slices: Map<string, Node> }
type Slice = Rule & { readonly slice: string }
type Base = { readonly type: string; readonly tail: string } | null

export const bare = (canonical: string): string => canonical.replace(/\|[^|]*$/, '')

const node = (name: string): Node => ({ name, element: null, children: new Map(), slices: new Map() })

function get(map: Map<string, Node>, key: string, name: string): Node {
  const known = map.get(key) ?? node(name)
  map.set(key, known)
  return known
}

/** Ids say where an element is: `Composition.section:sectionProblems.entry:problem`. */
function treeOf(elements: readonly unknown[]): Node {
  const root = node('')
  for (const element of elements) {
    if (!isObject(element)) continue
    let at = root
    const [, ...parts] = (string(element.id) ?? string(element.path) ?? '').split('.')
    for (const part of parts) {
      const [name = '', slice] = part.split(':')
      at = get(at.children, name, name)
      if (slice !== undefined) at = get(at.slices, slice, name)
    }
    at.element = element
  }
  return root
}

/** R4's own element at a place, and where its children are defined. */
function baseAt(index: Shapes, base: Base, name: string): { readonly element: CompactElement | null; readonly below: Base } {
  const none = { element: null, below: null }
  if (!base) return none
  const compact = index.compact(base.type)
  if (!compact) return none
  const tail = base.tail ? `${base.tail}.${name}` : name
  const own = compact.e.find(e => e[0] === tail)
  const element = own ?? inherited(base.tail ? 'BackboneElement' : compact.i).find(e => e[0] === name) ?? null
  if (!element) return none
  if (element[3]?.r) return { element, below: { type: base.type, tail: element[3].r.slice(base.type.length + 1) } }
  const code = element[2].replace(/\(.*/, '')
  const nested = code === 'BackboneElement' || code === 'Element'
  return { element, below: nested && own ? { type: base.type, tail } : { type: code, tail: '' } }
}

const many = (max: string | undefined): number => (max === undefined || max === '*' ? Number.POSITIVE_INFINITY : Number(max))

const prefixed = (element: JsonObject, prefix: string): unknown => {
  const key = Object.keys(element).find(k => k.startsWith(prefix) && /^[A-Z]/.test(k.slice(prefix.length)))
  return key === undefined ? undefined : element[key]
}

type Mutable = { -readonly [K in keyof Rule]: Rule[K] }

/** Invariants of R4's own types are checked with the type; those of profiles, R4's included, are not. */
const isOwn = (c: unknown, index: Shapes): boolean => {
  const source = string(field(c, 'source'))
  return source === undefined
    ? /^(ele|ext|dom)-\d$/.test(string(field(c, 'key')) ?? '')
    : index.compact(source.replace(HL7, '')) !== undefined
}

function constraints(element: JsonObject, index: Shapes): NonNullable<Rule['c']> {
  return list(element.constraint).flatMap(c => {
    const [key, human, expression] = [string(field(c, 'key')), string(field(c, 'human')), string(field(c, 'expression'))]
    return field(c, 'severity') === 'error' && key && expression && !isOwn(c, index) ? [[key, human ?? '', expression] as const] : []
  })
}

function typesInto(rule: Mutable, element: JsonObject, base: CompactElement | null): void {
  const types = list(element.type)
  const codes = types.flatMap(t => string(field(t, 'code')) ?? [])
  if (rule.n.endsWith('[x]') && codes.length && (!base || codes.length < base[2].split(',').length)) rule.t = codes
  // A slice of Bundle entries narrows the resource.
  if (base?.[2] === 'Resource' && codes.length && !codes.includes('Resource')) rule.t = codes
  const profiles = (t: unknown, name: string): string[] => list(field(t, name)).flatMap(p => (typeof p === 'string' ? [bare(p)] : []))
  const [only] = types
  if (types.length === 1 && field(only, 'code') !== 'Reference') {
    const own = profiles(only, 'profile')
    if (own.length) rule.p = own
  }
  const references = types.filter(t => field(t, 'code') === 'Reference')
  const to = references.flatMap(t => profiles(t, 'targetProfile'))
  const allowed = /Reference\(([^)]*)\)/.exec(base?.[2] ?? '')?.[1]?.split('|') ?? ['Resource']
  if (to.length && to.join() !== allowed.map(a => HL7 + a).join()) rule.to = to
}

function ruleOf(at: Node, index: Shapes, base: Base, slice: boolean): Rule | null {
  const { element, below } = at.name ? baseAt(index, base, at.name) : { element: null, below: base }
  const own = at.element ?? {}
  const rule: Mutable = { n: at.name }
  const [baseMin, baseMax] = slice || !element ? ['0', '*'] : (element[1].split('..') as [string, string])
  const min = Number(own.min ?? 0)
  if (at.name && min > Number(baseMin)) rule.min = min
  if (at.name && many(string(own.max)) < many(baseMax)) rule.max = many(string(own.max))
  const c = constraints(own, index)
  if (c.length) rule.c = c
  const [fixed, pattern] = [prefixed(own, 'fixed'), prefixed(own, 'pattern')]
  if (fixed !== undefined) rule.fixed = fixed
  if (pattern !== undefined) rule.pattern = pattern
  const binding = field(own.binding, 'strength') === 'required' ? string(field(own.binding, 'valueSet')) : undefined
  if (binding && bare(binding) !== element?.[3]?.b) rule.b = bare(binding)
  if (at.name) typesInto(rule, own, element)
  const [type] = list(own.type).flatMap(t => string(field(t, 'code')) ?? [])
  const inner = below && below.tail === '' && type && at.name ? { type, tail: '' } : below
  const of = [...at.children.values()].flatMap(child => ruleOf(child, index, inner, false) ?? [])
  if (of.length) rule.of = of
  slicesInto(rule, at, index, base)
  return Object.keys(rule).length > 1 || slice || !at.name ? rule : null
}

const IMPLIED: Readonly<Record<string, Discriminator>> = { extension: ['value', 'url'], modifierExtension: ['value', 'url'] }

function slicesInto(rule: Mutable, at: Node, index: Shapes, base: Base): void {
  const told = field(at.element, 'slicing')
  const by = list(field(told, 'discriminator')).map((d): Discriminator => [string(field(d, 'type')) ?? '', string(field(d, 'path')) ?? ''])
  const implied = IMPLIED[at.name] ?? (at.name.endsWith('[x]') ? (['type', '$this'] as const) : undefined)
  const how = by.length ? by : implied ? [implied] : []
  const slices = [...at.slices].flatMap(([name, s]): Slice[] => {
    // A slice of a slice says more of the same items; it is left out rather than taken for another slice.
    if (name.includes('/')) return []
    return [{ ...ruleOf(s, index, base, true)!, slice: name }]
  })
  if (!slices.length || !how.length) return
  rule.slicing = { by: how, ...(field(told, 'rules') === 'closed' ? { closed: true as const } : {}) }
  rule.slices = slices
}

/** The rules of a profile; null for what is none, or has no snapshot. */
export function compileProfile(definition: unknown, index: Shapes): Profile | null {
  if (!isObject(definition) || definition.resourceType !== 'StructureDefinition' || definition.derivation !== 'constraint') return null
  const [url, type] = [string(definition.url), string(definition.type)]
  const elements = list(field(definition.snapshot, 'element'))
  if (!url || !type || !index.compact(type) || !elements.length || elements.length > MAX_ELEMENTS) return null
  const rule = ruleOf(treeOf(elements), index, { type, tail: '' }, false)!
  const title = string(definition.title) ?? string(definition.name) ?? type
  return { url, version: string(definition.version) ?? '', type, title, rule }
}

/** The codes of a value set that spells them out; null when it needs a terminology. */
export function compileValueSet(resource: unknown): readonly [url: string, codes: CodeSet] | null {
  const url = isObject(resource) && resource.resourceType === 'ValueSet' ? string(resource.url) : undefined
  const compose = field(resource, 'compose')
  const includes = list(field(compose, 'include'))
  if (!url || !includes.length || list(field(compose, 'exclude')).length) return null
  const codes = includes.map(i => {
    const listed = list(field(i, 'concept')).flatMap(c => string(field(c, 'code')) ?? [])
    const system = string(field(i, 'system'))
    return system && listed.length && !list(field(i, 'valueSet')).length ? ([system, listed] as const) : null
  })
  return codes.every(c => c !== null) ? [url, codes] : null
}
