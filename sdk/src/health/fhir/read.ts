/** Total readers for foreign JSON: they never throw and give `undefined` or an empty list for anything of another shape. */
import { plainCode } from '#health/terminology/plain-code'

export type JsonObject = { readonly [key: string]: unknown }

export const isObject = (x: unknown): x is JsonObject => typeof x === 'object' && x !== null && !Array.isArray(x)

/** The own property `key` of an object; inherited names such as `constructor` are not data. */
export const field = (x: unknown, key: string): unknown => (isObject(x) && Object.hasOwn(x, key) ? x[key] : undefined)

/** Follows a path of own properties; an array on the way is entered at its first element. */
export function at(x: unknown, ...path: readonly string[]): unknown {
  let here = x
  for (const key of path) here = field(Array.isArray(here) ? here[0] : here, key)
  return here
}

export const string = (x: unknown): string | undefined => (typeof x === 'string' && x.trim() ? x : undefined)

/** An array as it is, nothing as an empty list, anything else as a list of one: foreign data often drops the brackets. */
export const list = (x: unknown): readonly unknown[] => (Array.isArray(x) ? x : x === undefined || x === null ? [] : [x])

/** The resource type of anything that claims to be a resource. */
export const resourceTypeOf = (x: unknown): string | undefined => string(field(x, 'resourceType'))

export type Coding = { readonly system: string; readonly code: string; readonly display?: string }

/** The codings of a CodeableConcept, a Coding or a list of either; those without a code are left out. */
export function codings(x: unknown): Coding[] {
  const out: Coding[] = []
  for (const item of list(x)) {
    const inner = field(item, 'coding')
    for (const c of inner === undefined ? [item] : list(inner)) {
      const code = string(field(c, 'code'))
      if (!code) continue
      const display = string(field(c, 'display'))
      out.push({ system: string(field(c, 'system')) ?? '', code, ...(display ? { display } : {}) })
    }
  }
  return out
}

/** What a person reads for a CodeableConcept or Coding: its text, else the first display, else the first code, said to be one. */
export function conceptText(x: unknown): string | undefined {
  for (const item of list(x)) {
    const own = string(field(item, 'text')) ?? string(field(item, 'display'))
    if (own) return own
    const all = codings(item)
    const named = all.find(c => c.display)?.display
    if (named) return named
    if (all[0]) return plainCode(all[0])
  }
  return undefined
}
