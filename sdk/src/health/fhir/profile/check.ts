/** Checks resources against profiles, beyond what R4 itself asks: cardinalities, types, values, slices, value sets, invariants. */
import { evalFhirPathTyped, toTypedValue } from '@medplum/core'
import { type Issue, problem } from '#health/fhir/issue'
import { field, isObject, type JsonObject, list, string } from '#health/fhir/read'
import type { Codes, Shapes } from '#health/fhir/shapes'
import { bare } from './compile.ts'
import { type Around, belongs, equal, fits, type Verdict } from './match.ts'
import type { Profile, Rule } from './types.ts'

const HL7 = 'http://hl7.org/fhir/StructureDefinition/'
const MAX_ISSUES = 200
/** Profiles lead to profiles: of datatypes, of extensions, of what a Bundle holds. */
const MAX_DEPTH = 40
const MAX_STEPS = 2_000_000

export type ProfileEnvironment = {
  readonly index: Shapes
  /** By canonical URL, with or without a version; null when it is not known here. */
  readonly profile: (canonical: string) => Profile | null
  /** Value sets that the profiles' own packages spell out. */
  readonly codes: (valueSet: string) => Codes | null
}
export type ProfileOptions = {
  /** What a terminology says; null when it does not know. */
  readonly contains?: (valueSet: string, system: string | undefined, code: string) => boolean | null
}

type Walk = ProfileEnvironment &
  ProfileOptions & {
    readonly resource: JsonObject
    readonly bundle: JsonObject | null
    readonly profileTitle: string
    readonly issues: Issue[]
    readonly depth: number
    readonly budget: { left: number }
  }

const report = (w: Walk, code: string, path: string, text: string): void => {
  if (w.issues.length < MAX_ISSUES) w.issues.push(problem(code, path, `${w.profileTitle}: ${text}`))
}

/** The profiles that a resource claims to keep. */
export const claimed = (resource: unknown): string[] => list(field(field(resource, 'meta'), 'profile')).flatMap(p => string(p) ?? [])

function holds(w: Walk, valueSet: string, system: string | undefined, code: string): Verdict {
  const known = w.codes(valueSet) ?? w.index.codesOf(valueSet)
  if (known) return system === undefined ? known.all.has(code) : (known.systems.get(system) ?? known.systems.get(''))?.has(code) === true
  return w.contains?.(valueSet, system, code) ?? null
}

/** A code, a Coding, or a concept with a coding of the set; what has no code at all breaks no binding. */
function contains(w: Walk, valueSet: string, value: unknown): Verdict {
  if (typeof value === 'string') return holds(w, valueSet, undefined, value)
  const codings = list(field(value, 'coding')).length ? list(field(value, 'coding')) : [value]
  const told = codings.map(c => {
    const code = string(field(c, 'code'))
    return code === undefined ? false : holds(w, valueSet, string(field(c, 'system')), code)
  })
  return told.includes(true) ? true : told.includes(null) ? null : false
}

function resolved(w: Walk, reference: string): JsonObject | null {
  if (reference.startsWith('#'))
    return (list(w.resource.contained).find(c => field(c, 'id') === reference.slice(1)) as JsonObject | undefined) ?? null
  const tail = reference.split('/').slice(-2).join('/')
  const absolute = /^[a-z][a-z0-9+.-]*:/i.test(reference)
  for (const entry of list(w.bundle?.entry)) {
    const resource = field(entry, 'resource')
    if (!isObject(resource)) continue
    const local = `${String(resource.resourceType)}/${String(resource.id)}`
    const url = string(field(entry, 'fullUrl'))
    if (url === reference || (!absolute && (local === reference || url?.endsWith(`/${tail}`) === true))) return resource
  }
  return null
}

const typeOf = (w: Walk, canonical: string): string | null =>
  w.profile(canonical)?.type ??
  (canonical.startsWith(HL7) && w.index.compact(canonical.slice(HL7.length)) ? canonical.slice(HL7.length) : null)

/** Whether a resource keeps one of these profiles; R4's own types are profiles too. */
function keeps(w: Walk, resource: JsonObject, canonicals: readonly string[]): Verdict {
  const told = canonicals.map((canonical): Verdict => {
    const type = typeOf(w, canonical)
    if (type === null) return null
    if (type !== resource.resourceType) return type === 'Resource'
    const profile = w.profile(canonical)
    if (!profile || claimed(resource).some(c => bare(c) === profile.url)) return true
    return w.depth < MAX_DEPTH && inside(w, resource, profile, '').length === 0
  })
  return told.includes(true) ? true : told.includes(null) ? null : false
}

function around(w: Walk): Around {
  return {
    contains: (set, value) => contains(w, set, value),
    keeps: (resource, profiles) => keeps(w, resource, profiles),
    resolve: reference => resolved(w, reference),
    typeOf: canonical => typeOf(w, canonical),
  }
}

type Found = { readonly value: unknown; readonly path: string; readonly key: string }

/** The values of an element with their places. A primitive that only has extensions is there as well. */
function found(item: JsonObject, name: string, path: string): Found[] {
  const choice = name.endsWith('[x]')
  const stem = choice ? name.slice(0, -3) : name
  const isIt = (key: string): boolean => (choice ? key.startsWith(stem) && /^[A-Z]/.test(key.slice(stem.length)) : key === name)
  const keys = new Set(
    Object.keys(item)
      .map(k => k.replace(/^_/, ''))
      .filter(isIt),
  )
  return [...keys].flatMap(key => {
    const [value, more] = [item[key], item[`_${key}`]]
    if (!Array.isArray(value) && !Array.isArray(more)) return [{ value: value ?? more, path: `${path}.${key}`, key }]
    const length = Math.max(list(value).length, list(more).length)
    return Array.from({ length }, (_, i) => ({ value: list(value)[i] ?? list(more)[i], path: `${path}.${key}[${i}]`, key }))
  })
}

function counted(w: Walk, rule: Rule, n: number, path: string, what: string): void {
  if (n < (rule.min ?? 0)) report(w, 'required', path, `${what} is needed at least ${times(rule.min!)}`)
  if (rule.max !== undefined && n > rule.max)
    report(w, 'structure', path, rule.max ? `${what} may be there at most ${times(rule.max)}` : `${what} may not be there`)
}
const times = (n: number): string => (n === 1 ? 'once' : `${n} times`)

function members(w: Walk, item: unknown, rule: Rule, path: string): void {
  if (!isObject(item)) return
  for (const child of rule.of ?? []) {
    const all = found(item, child.n, path)
    counted(w, child, all.length, `${path}.${child.n.replace('[x]', '')}`, child.n)
    for (const one of all) {
      typed(w, child, one)
      value(w, child, one)
    }
    if (child.slices) sliced(w, child, all, `${path}.${child.n.replace('[x]', '')}`)
  }
}

function typed(w: Walk, rule: Rule, { value: v, path, key }: Found): void {
  if (!rule.t) return
  const kind = isObject(v) && typeof v.resourceType === 'string' ? v.resourceType : null
  const right = kind
    ? rule.t.includes(kind)
    : !rule.n.endsWith('[x]') || rule.t.some(t => key.endsWith(t.charAt(0).toUpperCase() + t.slice(1)))
  if (!right) report(w, 'structure', path, `${rule.n} is of a type that is not allowed`)
}

/** Everything a rule asks of one value. */
function value(w: Walk, rule: Rule, { value: v, path }: Found): void {
  if (w.budget.left-- <= 0) return
  if (rule.fixed !== undefined && !equal(v, rule.fixed)) report(w, 'value', path, 'the value is not the one that is fixed')
  if (rule.pattern !== undefined && !fits(v, rule.pattern)) report(w, 'value', path, 'the value does not fit the pattern')
  if (rule.b !== undefined && contains(w, rule.b, v) === false) report(w, 'code-invalid', path, 'no code of the value set that is required')
  if (rule.to) leads(w, rule.to, v, path)
  if (rule.p) ofProfile(w, rule.p, v, path)
  invariants(w, rule, v, path)
  members(w, v, rule, path)
}

const LITERAL = /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/

function leads(w: Walk, to: readonly string[], v: unknown, path: string): void {
  const reference = isObject(v) ? string(v.reference) : undefined
  const target = reference === undefined ? null : resolved(w, reference)
  const type = target ? String(target.resourceType) : LITERAL.exec(reference ?? '')?.[1]
  const types = to.map(t => typeOf(w, t))
  if (type === undefined || !w.index.isResource(type) || types.includes(null) || types.includes('Resource')) return
  if (!types.includes(type)) report(w, 'structure', path, 'the reference leads to a type that is not allowed')
}

/** A datatype, an extension or a resource within: any of the profiles will do. */
function ofProfile(w: Walk, canonicals: readonly string[], v: unknown, path: string): void {
  const profiles = canonicals.map(w.profile)
  if (!isObject(v) || profiles.some(p => p === null) || w.depth > MAX_DEPTH) return
  const told = profiles.map(p => inside(w, v, p!, path))
  if (!told.some(t => t.length === 0)) w.issues.push(...told[0]!.slice(0, Math.max(0, MAX_ISSUES - w.issues.length)))
}

function inside(w: Walk, v: JsonObject, profile: Profile, path: string): Issue[] {
  const resource = typeof v.resourceType === 'string' ? v : w.resource
  const bundle = v.resourceType === 'Bundle' ? v : w.bundle
  const inner: Walk = { ...w, resource, bundle, profileTitle: profile.title, issues: [], depth: w.depth + 1 }
  value(inner, profile.rule, { value: v, path: path || profile.type, key: '' })
  return inner.issues
}

function invariants(w: Walk, rule: Rule, v: unknown, path: string): void {
  for (const [key, human, expression] of rule.c ?? []) {
    if (isBroken(w, expression, v)) report(w, 'invariant', path, `${human} (${key})`)
  }
}

/** An expression that cannot be evaluated here (`memberOf`, `conformsTo`) is not judged. */
function isBroken(w: Walk, expression: string, v: unknown): boolean {
  try {
    const resource = toTypedValue(w.resource)
    const told = evalFhirPathTyped(expression, [toTypedValue(v)], {
      '%resource': resource,
      '%rootResource': resource,
      '%context': toTypedValue(v),
    })
    return told.length === 1 && told[0]!.value === false
  } catch {
    return false
  }
}

/** Each item goes to the slice it belongs to. Where that cannot be told of an item, the slices' counts are not judged. */
function sliced(w: Walk, rule: Rule, all: readonly Found[], path: string): void {
  const near = around(w)
  const taken = new Set<Found>()
  let unsure = false
  for (const slice of rule.slices ?? []) {
    const told = all.map(one => belongs(one.value, one.key, slice, rule.slicing!.by, near))
    const unknown = told.includes(null)
    unsure ||= unknown
    const mine = all.filter((_, i) => told[i] === true)
    for (const one of mine) {
      taken.add(one)
      value(w, slice, one)
    }
    if (mine.length > (slice.max ?? Number.POSITIVE_INFINITY) || !unknown) counted(w, slice, mine.length, path, `the slice ${slice.slice}`)
  }
  if (rule.slicing?.closed && !unsure)
    for (const one of all) if (!taken.has(one)) report(w, 'structure', one.path, 'belongs to no slice, and others are not allowed')
}

/** What breaks a profile. Never throws; issues never hold a value of the resource. */
export function checkProfile(
  resource: JsonObject,
  profile: Profile,
  environment: ProfileEnvironment,
  options: ProfileOptions = {},
  bundle: JsonObject | null = null,
): Issue[] {
  if (resource.resourceType !== profile.type)
    return [problem('invalid', String(profile.type), `${profile.title}: a profile of another type`)]
  const own = resource.resourceType === 'Bundle' ? resource : bundle
  const w: Walk = {
    ...environment,
    ...options,
    resource,
    bundle: own,
    profileTitle: profile.title,
    issues: [],
    depth: 0,
    budget: { left: MAX_STEPS },
  }
  value(w, profile.rule, { value: resource, path: profile.type, key: '' })
  return w.issues
}
