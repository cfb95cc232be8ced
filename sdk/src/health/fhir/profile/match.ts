/** Fixed values, patterns and the discriminators of slices (R4 profiling.html#discriminator). */
import { isObject, type JsonObject, list, string } from '#health/fhir/read'
import type { Discriminator, Rule } from './types.ts'

/** True, false, or null: that cannot be told here. */
export type Verdict = boolean | null

/** What a discriminator needs to know beside the item. */
export type Around = {
  readonly contains: (valueSet: string, value: unknown) => Verdict
  /** Whether a resource keeps one of these profiles. */
  readonly keeps: (resource: JsonObject, profiles: readonly string[]) => Verdict
  /** What a reference leads to, when it is at hand. */
  readonly resolve: (reference: string) => JsonObject | null
  readonly typeOf: (profile: string) => string | null
}

export function equal(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, i) => equal(x, b[i]))
  if (!isObject(a)) return a === b
  if (!isObject(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(k => equal(a[k], b[k]))
}

/** R4 ElementDefinition.pattern[x]: what the pattern has must be there; each item of a list somewhere in the list. */
export function fits(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern)) return Array.isArray(value) && pattern.every(p => value.some(v => fits(v, p)))
  if (isObject(pattern)) return isObject(value) && Object.keys(pattern).every(k => fits(value[k], pattern[k]))
  return value === pattern
}

const both = (verdicts: readonly Verdict[]): Verdict => (verdicts.includes(false) ? false : verdicts.includes(null) ? null : true)
const either = (verdicts: readonly Verdict[]): Verdict => (verdicts.includes(true) ? true : verdicts.includes(null) ? null : false)

/** The values of an element, choices in whatever type they are. */
export function valuesOf(item: unknown, name: string): unknown[] {
  if (!isObject(item)) return []
  const choice = name.endsWith('[x]') ? name.slice(0, -3) : name
  const key = name in item ? name : Object.keys(item).find(k => k.startsWith(choice) && /^[A-Z]/.test(k.slice(choice.length)))
  const value = key === undefined || (name !== key && !name.endsWith('[x]')) ? undefined : item[key]
  return value === undefined ? [] : list(value).length ? [...list(value)] : [value]
}

/** Whether a value is as a rule fixes it, by itself, its value set or its elements; null when the rule fixes nothing. */
export function asFixed(value: unknown, rule: Rule, around: Around): Verdict {
  const told: Verdict[] = []
  if (rule.fixed !== undefined) told.push(equal(value, rule.fixed))
  if (rule.pattern !== undefined) told.push(fits(value, rule.pattern))
  if (rule.b !== undefined) told.push(around.contains(rule.b, value))
  for (const child of rule.of ?? []) {
    if (!fixes(child)) continue
    const values = valuesOf(value, child.n)
    told.push(values.length ? either(values.map(v => asFixed(v, child, around))) : false)
  }
  for (const slice of rule.slices ?? []) if ((slice.min ?? 0) > 0 && fixes(slice)) told.push(asFixed(value, slice, around))
  return told.length ? both(told) : null
}

const fixes = (rule: Rule): boolean =>
  rule.fixed !== undefined ||
  rule.pattern !== undefined ||
  rule.b !== undefined ||
  (rule.of ?? []).some(fixes) ||
  (rule.slices ?? []).some(s => (s.min ?? 0) > 0 && fixes(s))

/** `value` and `pattern`: the item at the path is what the slice fixes there. */
function byValue(item: unknown, rule: Rule, path: readonly string[], around: Around): Verdict {
  const [name, ...rest] = path
  if (name === undefined) return asFixed(item, rule, around)
  if (rule.p && name === 'url' && isObject(item)) return rule.p.includes(string(item.url) ?? '')
  if (rule.fixed !== undefined || rule.pattern !== undefined) return asFixed(item, { ...rule, of: [] }, around)
  const child = rule.of?.find(c => c.n === name || c.n === `${name}[x]`)
  if (!child) return null
  const values = valuesOf(item, child.n)
  const told = values.map(v => byValue(v, child, rest, around))
  // A list that is sliced itself: its required slices say what must be in it.
  const inner = (child.slices ?? []).filter(s => (s.min ?? 0) > 0)
  if (inner.length && !fixes({ ...child, slices: [] }))
    return values.length ? both(inner.map(s => either(values.map(v => byValue(v, s, rest, around))))) : false
  return values.length ? either(told) : false
}

function byExistence(item: unknown, rule: Rule, [name]: readonly string[]): Verdict {
  const child = rule.of?.find(c => c.n === name || c.n === `${name}[x]`)
  if (!child) return null
  const there = valuesOf(item, child.n).length > 0
  return child.max === 0 ? !there : (child.min ?? 0) > 0 ? there : null
}

/** The type of an item is told by its key in a choice, or by its resourceType. */
function byType(item: unknown, key: string, rule: Rule, path: readonly string[]): Verdict {
  const [name] = path
  const at = name === undefined ? rule : rule.of?.find(c => c.n === name || c.n === `${name}[x]`)
  if (!at?.t) return null
  if (name === undefined) return at.t.some(t => key.endsWith(t.charAt(0).toUpperCase() + t.slice(1)))
  const [value] = valuesOf(item, at.n)
  return isObject(value) && typeof value.resourceType === 'string' ? at.t.includes(value.resourceType) : value === undefined ? false : null
}

function byProfile(item: unknown, rule: Rule, path: readonly string[], around: Around): Verdict {
  if (path.join('.') === 'resolve()') {
    if (!rule.to) return null
    const reference = isObject(item) ? string(item.reference) : undefined
    const target = reference === undefined ? null : around.resolve(reference)
    return target && around.keeps(target, rule.to)
  }
  const [name] = path
  const at = name === undefined ? rule : rule.of?.find(c => c.n === name)
  const [value] = name === undefined ? [item] : valuesOf(item, name)
  if (!at || !isObject(value)) return null
  // A slice that names the type alone takes every resource of it.
  return at.p ? around.keeps(value, at.p) : at.t ? at.t.includes(String(value.resourceType)) : null
}

/** Whether an item belongs to a slice. `key` is the property it was found under. */
export function belongs(item: unknown, key: string, slice: Rule, by: readonly Discriminator[], around: Around): Verdict {
  return both(
    by.map(([type, path]): Verdict => {
      const parts =
        path === '$this' || path === ''
          ? []
          : path
              .replace(/^\$this\./, '')
              .replace(/\.ofType\(\w+\)/g, '')
              .split('.')
      if (type === 'profile') return byProfile(item, slice, parts, around)
      if (parts.some(p => p.endsWith(')'))) return null
      if (type === 'value' || type === 'pattern') return byValue(item, slice, parts, around)
      if (type === 'exists') return byExistence(item, slice, parts)
      return type === 'type' ? byType(item, key, slice, parts) : null
    }),
  )
}
