/** FHIRPath Patch (R4 fhirpatch.html): operations in a Parameters resource on a copy of a resource. */
import { field, isObject, type JsonObject, list, string } from '#health/fhir/read'
import type { Shape, Shapes } from '#health/fhir/shapes'
import { locate, type Place, propertyOf } from './locate.ts'

/** What is wrong with an operation, by its number; `text` holds no value of patch or resource. */
export type Patched = { readonly resource: JsonObject } | { readonly operation: number; readonly text: string }

type Mutable = Record<string, unknown>
type Part = { readonly code?: string; readonly value?: unknown; readonly part?: readonly unknown[]; readonly more?: unknown }
type Op = {
  readonly type: string
  readonly path: string
  readonly name: string | undefined
  readonly value: Part | undefined
  readonly index: number | undefined
  readonly source: number | undefined
  readonly destination: number | undefined
}

class Wrong extends Error {}
const wrong = (text: string): Wrong => new Wrong(text)

const MAX_OPERATIONS = 1000

/** Applies a patch; the resource that was given stays as it was. */
export function fhirPathPatched(resource: JsonObject, patch: JsonObject, index: Shapes): Patched {
  const root = structuredClone(resource)
  const operations = list(patch.parameter)
  if (patch.resourceType !== 'Parameters' || operations.length > MAX_OPERATIONS)
    return { operation: 0, text: 'is no FHIRPath Patch: Parameters with at most 1000 operations' }
  for (const [i, parameter] of operations.entries()) {
    try {
      apply(root, operationOf(parameter), index)
    } catch (e) {
      // FHIRPath throws plain errors for what it cannot read.
      return { operation: i, text: e instanceof Wrong ? e.message : 'has a path that is no FHIRPath' }
    }
  }
  emptied(root)
  return { resource: root }
}

/** What has nothing left in it is gone: FHIR knows no empty elements. True when nothing is left. */
function emptied(value: unknown): boolean {
  if (Array.isArray(value)) {
    for (let i = value.length - 1; i >= 0; i--) if (isObject(value[i]) && emptied(value[i])) value.splice(i, 1)
    return value.every(v => v === null)
  }
  if (!isObject(value)) return false
  for (const key of Object.keys(value)) if (typeof value[key] === 'object' && emptied(value[key])) delete (value as Mutable)[key]
  return Object.keys(value).length === 0
}

function partOf(part: unknown): Part {
  if (!isObject(part)) return {}
  const key = Object.keys(part)
    .find(k => /^_?value[A-Z]/.test(k))
    ?.replace(/^_/, '')
  const inner = list(part.part)
  return {
    ...(key ? { code: key.slice('value'.length), value: part[key], more: part[`_${key}`] } : {}),
    ...(inner.length ? { part: inner } : {}),
  }
}

function operationOf(parameter: unknown): Op {
  if (field(parameter, 'name') !== 'operation') throw wrong('is none: its name is operation')
  const parts = new Map(list(field(parameter, 'part')).map(p => [string(field(p, 'name')) ?? '', partOf(p)]))
  const text = (name: string): string | undefined => string(parts.get(name)?.value)
  const whole = (name: string): number | undefined => {
    const value = parts.get(name)?.value
    if (value !== undefined && !(Number.isSafeInteger(value) && (value as number) >= 0)) throw wrong(`has no whole number as ${name}`)
    return value as number | undefined
  }
  const [type, path] = [text('type'), text('path')]
  if (!type || path === undefined) throw wrong('lacks its type or its path')
  return {
    type,
    path,
    name: text('name'),
    value: parts.get('value'),
    index: whole('index'),
    source: whole('source'),
    destination: whole('destination'),
  }
}

function apply(root: JsonObject, op: Op, index: Shapes): void {
  const places = locate(root, op.path, index)
  if (!places) throw wrong('has a path of a kind that is not taken here')
  const run = Object.hasOwn(TYPES, op.type) ? TYPES[op.type] : undefined
  if (!run) throw wrong('is of a type that there is not')
  run(places, op, index)
}

const TYPES: Readonly<Record<string, (places: readonly Place[], op: Op, index: Shapes) => void>> = {
  add: (places, op, index) => add(the(places), op, index),
  insert: (places, op, index) => insert(listAt(places), op, index),
  replace: (places, op, index) => replace(the(places), op, index),
  move: (places, op) => move(listAt(places), op),
  delete: places => {
    if (places.length > 1) throw wrong('would delete more than one element')
    if (places[0]) removed(places[0])
  },
}

function the(places: readonly Place[]): Place {
  if (places.length !== 1) throw wrong('has a path that does not lead to one element')
  return places[0]!
}

const capital = (s: string): string => s.charAt(0).toUpperCase() + s.slice(1)

/** The JSON of a `value` part. Elements without a type of their own are given as parts, by name (R4 fhirpatch.html). */
function jsonOf({ value, part, more }: Part, type: string, index: Shapes): unknown {
  if (more !== undefined) throw wrong('has a primitive value with extensions, which is not taken here')
  if (value !== undefined) return structuredClone(value)
  if (!part) throw wrong('lacks a value')
  const out: Mutable = {}
  for (const p of part) {
    const name = string(field(p, 'name'))
    if (!name) throw wrong('has a value without names')
    const inner = partOf(p)
    const { key, shape } = property(type, name, inner.code, index)
    const json = jsonOf(inner, shape.type, index)
    if (!shape.repeats) out[key] = json
    else out[key] = [...((out[key] as unknown[] | undefined) ?? []), json]
  }
  return out
}

/** The property that a name stands for; of a choice by the type of the value. */
function property(type: string, name: string, code: string | undefined, index: Shapes): { key: string; shape: Shape } {
  const fields = index.fieldsOf(type)
  const key = fields?.has(name) ? name : `${name}${code ?? ''}`
  const shape = fields?.get(key)
  if (!shape) throw wrong('names an element that is not defined there')
  return { key, shape }
}

const typeAt = (place: Place): string => (place.type === 'Resource' ? String(field(place.value, 'resourceType')) : place.type)

function add(place: Place, op: Op, index: Shapes): void {
  if (!op.name) throw wrong('lacks the name of what to add')
  if (!isObject(place.value)) throw wrong('adds to something that has no elements')
  const type = typeAt(place)
  const parent = place.value as Mutable
  const { key, shape } = property(type, op.name, op.value?.code, index)
  const json = jsonOf(op.value ?? {}, shape.type, index)
  if (shape.repeats) {
    const known = parent[key] as unknown[] | undefined
    parent[key] = [...(known ?? []), json]
    const beside = parent[`_${key}`]
    if (Array.isArray(beside)) beside.push(null)
  } else {
    if (propertyOf(place.value, op.name, type, index) && parent[key] !== undefined) throw wrong('adds what is there already')
    if (otherChoice(place.value, op.name, type, index)) throw wrong('adds what is there already')
    parent[key] = json
  }
}

function otherChoice(item: JsonObject, name: string, type: string, index: Shapes): boolean {
  if (index.fieldsOf(type)?.has(name)) return false
  return propertyOf(item, name, type, index) !== null
}

type List = { readonly parent: Mutable; readonly key: string; readonly items: unknown[]; readonly type: string }

/** The list that a path leads to, by its items. */
function listAt(places: readonly Place[]): List {
  const [first] = places
  if (!first?.parent || first.index === null) throw wrong('has a path that does not lead to a list')
  const { parent, key, type } = first
  if (places.some(p => p.parent !== parent || p.key !== key)) throw wrong('has a path that leads to several lists')
  return { parent, key, items: parent[key] as unknown[], type }
}

/** A list of primitives may have a list of their extensions beside it. */
const besides = ({ parent, key }: Pick<List, 'parent' | 'key'>): unknown[] | null => {
  const found = parent[`_${key}`]
  return Array.isArray(found) ? found : null
}

function insert(at: List, op: Op, index: Shapes): void {
  if (op.index === undefined || op.index > at.items.length) throw wrong('has an index beyond the list')
  at.items.splice(op.index, 0, jsonOf(op.value ?? {}, at.type, index))
  besides(at)?.splice(op.index, 0, null)
}

function move(at: List, { source, destination }: Op): void {
  if (source === undefined || destination === undefined || source >= at.items.length || destination >= at.items.length)
    throw wrong('moves beyond the list')
  for (const items of [at.items, besides(at)]) if (items) items.splice(destination, 0, ...items.splice(source, 1))
}

function removed({ parent, key, index }: Place): void {
  if (!parent) throw wrong('would delete the whole resource')
  if (index === null) {
    delete parent[key]
    delete parent[`_${key}`]
    return
  }
  const items = parent[key] as unknown[]
  items.splice(index, 1)
  besides({ parent, key })?.splice(index, 1)
  if (items.length === 0) {
    delete parent[key]
    delete parent[`_${key}`]
  }
}

function replace(place: Place, op: Op, index: Shapes): void {
  const { parent, key, index: at, type } = place
  if (!parent) throw wrong('would replace the whole resource')
  const json = jsonOf(op.value ?? {}, type, index)
  const code = op.value?.code
  // A choice takes the name of its new type.
  const stem = [type, ...(code ? [code] : [])]
    .map(capital)
    .map(t => (key.endsWith(t) ? key.slice(0, -t.length) : null))
    .find(Boolean)
  const choice = at === null && code && stem && !key.endsWith(code) ? `${stem}${code}` : key
  if (at !== null) {
    ;(parent[key] as unknown[])[at] = json
    const beside = besides({ parent, key })
    if (beside) beside[at] = null
    return
  }
  delete parent[`_${key}`]
  if (choice !== key) delete parent[key]
  parent[choice] = json
}
