/** Where a FHIRPath leads in a resource: places, not values, so that they can be written to. */
import { evalFhirPathTyped, toTypedValue } from '@medplum/core'
import { isObject, type JsonObject } from '#health/fhir/read'
import type { Shapes } from '#health/fhir/shapes'

/** `parent[key]`, or `parent[key][index]` in a list; the resource itself has no parent. */
export type Place = {
  readonly parent: Record<string, unknown> | null
  readonly key: string
  readonly index: number | null
  /** Type, or the path under which the children of a backbone element are defined. */
  readonly type: string
  readonly value: unknown
}

type Step = { readonly name: string; readonly argument: string | null }

const MAX_STEPS = 64

/** Splits at dots outside of brackets and quotes; null for what is no path of names, indexes and filters. */
export function stepsOf(path: string): Step[] | null {
  const steps: Step[] = []
  let rest = path.trim()
  while (rest) {
    const name = /^(?:`([^`]+)`|([A-Za-z_][A-Za-z0-9_]*))/.exec(rest)
    if (!name || steps.length > MAX_STEPS) return null
    rest = rest.slice(name[0].length)
    if (rest.startsWith('(')) {
      const end = closing(rest)
      if (end < 0) return null
      steps.push({ name: `${name[0]}()`, argument: rest.slice(1, end).trim() })
      rest = rest.slice(end + 1)
    } else steps.push({ name: name[1] ?? name[2]!, argument: null })
    for (let index = /^\[\s*(\d{1,6})\s*\]/.exec(rest); index; index = /^\[\s*(\d{1,6})\s*\]/.exec(rest)) {
      steps.push({ name: '[]', argument: index[1]! })
      rest = rest.slice(index[0].length)
    }
    if (rest === '') break
    if (!/^\.\S/.test(rest)) return null
    rest = rest.slice(1)
  }
  return steps.length ? steps : null
}

/** The bracket that closes the first character; quotes and escapes are stepped over. */
function closing(text: string): number {
  let depth = 0
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (quote) {
      if (c === '\\') i++
      else if (c === quote) quote = ''
    } else if (c === "'" || c === '`') quote = c
    else if (c === '(') depth++
    else if (c === ')' && --depth === 0) return i
  }
  return -1
}

const capital = (s: string): string => s.charAt(0).toUpperCase() + s.slice(1)

/** The property of an element by its FHIRPath name: a choice is there under the name of its type. */
export function propertyOf(item: JsonObject, name: string, type: string, index: Shapes): string | null {
  if (index.fieldsOf(type)?.has(name)) return name
  const choices = [...(index.fieldsOf(type)?.keys() ?? [])].filter(k => k.startsWith(name) && /^[A-Z]/.test(k.slice(name.length)))
  return choices.find(k => Object.hasOwn(item, k) || Object.hasOwn(item, `_${k}`)) ?? null
}

function children(place: Place, name: string, index: Shapes): Place[] {
  if (!isObject(place.value)) return []
  const own = place.type === 'Resource' ? String(place.value.resourceType) : place.type
  const key = propertyOf(place.value, name, own, index)
  if (key === null) return []
  const parent = place.value as Record<string, unknown>
  const { type } = index.fieldsOf(own)!.get(key)!
  const value = parent[key] ?? (Object.hasOwn(parent, `_${key}`) ? null : undefined)
  if (value === undefined) return []
  if (!Array.isArray(value)) return [{ parent, key, index: null, type, value }]
  return value.map((v: unknown, i) => ({ parent, key, index: i, type, value: v }))
}

function meets(place: Place, criterion: string, root: JsonObject): boolean {
  const resource = toTypedValue(root)
  const told = evalFhirPathTyped(criterion, [toTypedValue(place.value)], { '%resource': resource, '%context': resource })
  return told.length === 1 && told[0]!.value === true
}

const WORD = /^'([^'\\]*)'$/

/** The functions that lead to places; anything else would make new values, which cannot be written to. */
const FUNCTIONS: Readonly<Record<string, (places: Place[], argument: string, root: JsonObject, index: Shapes) => Place[] | null>> = {
  'where()': (places, argument, root) => places.filter(p => meets(p, argument, root)),
  'first()': places => places.slice(0, 1),
  'last()': places => places.slice(-1),
  'single()': places => (places.length <= 1 ? places : null),
  'tail()': places => places.slice(1),
  'ofType()': (places, argument) =>
    places.filter(p => p.type === argument.replace(/^(FHIR|System)\./, '') || p.key.endsWith(capital(argument))),
  'extension()': (places, argument, _root, index) => {
    const url = WORD.exec(argument)?.[1]
    if (url === undefined) return null
    return places.flatMap(p => children(p, 'extension', index)).filter(p => isObject(p.value) && p.value.url === url)
  },
}

/** The places that a path leads to; null for a path that is not understood here. Throws what FHIRPath throws of a wrong filter. */
export function locate(root: JsonObject, path: string, index: Shapes): Place[] | null {
  const steps = stepsOf(path)
  if (!steps) return null
  const type = String(root.resourceType)
  let places: Place[] = [{ parent: null, key: '', index: null, type, value: root }]
  for (const [i, { name, argument }] of steps.entries()) {
    if (i === 0 && argument === null && (name === type || name === 'Resource' || name === 'DomainResource')) continue
    if (name === '[]') places = places.slice(Number(argument), Number(argument) + 1)
    else if (argument === null) places = places.flatMap(p => children(p, name, index))
    else {
      const next = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name]!(places, argument, root, index) : null
      if (!next) return null
      places = next
    }
  }
  return places
}
