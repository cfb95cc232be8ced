/** FHIR R4's structure, indexed for walking a resource: what an element is called, what it may be, which codes it may hold. */
import type { CompactElement, CompactType } from './definitions.ts'
import { inherited } from './definitions.ts'

export type Shape = {
  readonly name: string
  /** Type code, e.g. `CodeableConcept`; for a backbone element the path under which its children are defined. */
  readonly type: string
  readonly repeats: boolean
  /** Allowed targets of a Reference, when they are limited. */
  readonly targets?: readonly string[]
  /** Canonical URL of the required value set. */
  readonly valueSet?: string
}
export type Fields = ReadonlyMap<string, Shape>
export type Codes = { readonly systems: ReadonlyMap<string, ReadonlySet<string>>; readonly all: ReadonlySet<string> }

export type Definitions = {
  readonly types: Readonly<Record<string, string>>
  /** JSON text of the expansions by value set. */
  readonly codes: string
}
export type Shapes = {
  readonly isResource: (type: string) => boolean
  /** Elements of a type or backbone path; undefined for primitives and what R4 does not know. */
  readonly fieldsOf: (type: string) => Fields | undefined
  readonly codesOf: (valueSet: string) => Codes | undefined
  readonly compact: (type: string) => CompactType | undefined
}

const capital = (s: string): string => s.charAt(0).toUpperCase() + s.slice(1)

function shapesOf(type: string, element: CompactElement): Shape[] {
  const [tail, cardinality, types, extra] = element
  const last = tail.slice(tail.lastIndexOf('.') + 1)
  const repeats = !/\.\.[01]$/.test(cardinality)
  const common = { repeats, ...(extra?.b ? { valueSet: extra.b } : {}) }
  if (extra?.r) return [{ name: last, type: extra.r, ...common }]
  // Types are separated by commas, targets of one Reference by bars.
  return types.split(',').map(item => {
    const open = item.indexOf('(')
    const code = open < 0 ? item : item.slice(0, open)
    const name = last.endsWith('[x]') ? last.slice(0, -3) + capital(code) : last
    const nested = code === 'BackboneElement' || code === 'Element'
    const targets = open < 0 ? {} : { targets: item.slice(open + 1, -1).split('|') }
    return { name, type: nested ? `${type}.${tail}` : code, ...common, ...targets }
  })
}

/** Indexes lazily: a type costs nothing until the first resource of it comes. */
export function shapes(definitions: Definitions): Shapes {
  const compacts = new Map<string, CompactType>()
  const fields = new Map<string, Map<string, Shape>>()
  const codes = new Map<string, Codes>()
  let expansions: Record<string, [string, string][]> | undefined

  const compact = (type: string): CompactType | undefined => {
    const source = Object.hasOwn(definitions.types, type) ? definitions.types[type] : undefined
    if (!source) return undefined
    let parsed = compacts.get(type)
    if (!parsed) {
      parsed = JSON.parse(source) as CompactType
      compacts.set(type, parsed)
    }
    return parsed
  }
  const add = (owner: string, shape: Shape): void => {
    const known = fields.get(owner) ?? new Map<string, Shape>()
    known.set(shape.name, shape)
    fields.set(owner, known)
  }
  const index = (type: string, definition: CompactType): void => {
    fields.set(type, new Map())
    const all: CompactElement[] = [...inherited(definition.i), ...definition.e]
    for (const element of all) {
      const dot = element[0].lastIndexOf('.')
      const owner = dot < 0 ? type : `${type}.${element[0].slice(0, dot)}`
      for (const shape of shapesOf(type, element)) add(owner, shape)
      if ((element[2] === 'BackboneElement' || element[2] === 'Element') && !element[3]?.o)
        for (const own of inherited(element[2])) for (const shape of shapesOf(type, own)) add(`${type}.${element[0]}`, shape)
    }
  }
  const fieldsOf = (type: string): Fields | undefined => {
    const known = fields.get(type)
    if (known) return known
    const root = type.split('.')[0]!
    const definition = compact(root)
    if (!definition || fields.has(root)) return undefined
    index(root, definition)
    return fields.get(type)
  }
  const codesOf = (valueSet: string): Codes | undefined => {
    expansions ??= JSON.parse(definitions.codes) as Record<string, [string, string][]>
    const list = expansions[valueSet]
    if (!list) return undefined
    let known = codes.get(valueSet)
    if (!known) {
      const systems = new Map(list.map(([system, text]) => [system, new Set(text.split('\n'))]))
      known = { systems, all: new Set([...systems.values()].flatMap(s => [...s])) }
      codes.set(valueSet, known)
    }
    return known
  }
  return {
    compact,
    fieldsOf,
    codesOf,
    isResource: type => compact(type)?.k === 'resource' && type !== 'Resource' && type !== 'DomainResource',
  }
}
