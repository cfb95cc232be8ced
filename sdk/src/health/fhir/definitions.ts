/**
 * The committed, trimmed form of FHIR R4's definitions and how it becomes StructureDefinitions again.
 * `tools/gen-fhir.ts` writes it and proves that `expandType` gives back what the validator reads.
 */

/** [path below the type, cardinality `min..max`, types, extra]. A type is `code` or `Reference(A|B)`. */
export type CompactElement = readonly [path: string, cardinality: string, types: string, extra?: CompactExtra]
export type CompactExtra = {
  /** Error-level invariants that are evaluated as FHIRPath: [key, human text, expression]. */
  readonly c?: readonly (readonly [key: string, human: string, expression: string])[]
  /** contentReference: the path whose definition applies. */
  readonly r?: string
  /** Required binding: canonical URL of the ValueSet without version. */
  readonly b?: string
  /** True when the element does not repeat although its base does, or the reverse: base.max. */
  readonly m?: string
  /** True when the children that its type gives every such element are spelled out after it. */
  readonly o?: boolean
}
export type CompactType = {
  /** `resource`, `complex-type` or `primitive-type`. */
  readonly k: string
  /** Name when it is not the type (SimpleQuantity and MoneyQuantity are profiles of Quantity used as types). */
  readonly n?: string
  /** The type, when the name is another. */
  readonly t?: string
  /** Which inherited elements are left out: those of Resource, DomainResource, Element or BackboneElement. */
  readonly i?: string
  readonly c?: CompactExtra['c']
  readonly e: readonly CompactElement[]
}
/** One code system inside a value set: the system (empty when it does not matter) and its codes, newline separated. */
export type CompactCodes = readonly (readonly [system: string, codes: string])[]

export type ElementShape = {
  path: string
  min: number
  max: string
  base: { path: string; min: number; max: string }
  type?: { code: string }[]
  constraint?: { key: string; severity: 'error'; human: string; expression: string }[]
  contentReference?: string
  binding?: { strength: 'required'; valueSet: string }
}
export type DefinitionShape = {
  resourceType: 'StructureDefinition'
  url: string
  name: string
  type: string
  kind: string
  snapshot: { element: ElementShape[] }
}

const BASE = 'http://hl7.org/fhir/StructureDefinition/'
const INHERITED: Readonly<Record<string, readonly CompactElement[]>> = {
  Element: [
    ['id', '0..1', 'string'],
    ['extension', '0..*', 'Extension'],
  ],
  BackboneElement: [
    ['id', '0..1', 'string'],
    ['extension', '0..*', 'Extension'],
    ['modifierExtension', '0..*', 'Extension'],
  ],
  Resource: [
    ['id', '0..1', 'id'],
    ['meta', '0..1', 'Meta'],
    ['implicitRules', '0..1', 'uri'],
    ['language', '0..1', 'code'],
  ],
  DomainResource: [
    ['id', '0..1', 'id'],
    ['meta', '0..1', 'Meta'],
    ['implicitRules', '0..1', 'uri'],
    ['language', '0..1', 'code'],
    ['text', '0..1', 'Narrative'],
    ['contained', '0..*', 'Resource'],
    ['extension', '0..*', 'Extension'],
    ['modifierExtension', '0..*', 'Extension'],
  ],
}

/** The inherited elements of a base type, as compact elements; empty for none. */
export const inherited = (base: string | undefined): readonly CompactElement[] => (base ? (INHERITED[base] ?? []) : [])

/** Targets of references stay out: `rules.ts` judges them, with a better eye for absolute and conditional references. */
const parseTypes = (types: string): NonNullable<ElementShape['type']> => types.split(',').map(item => ({ code: item.replace(/\(.*/, '') }))

function constraints(c: CompactExtra['c']): Pick<ElementShape, 'constraint'> {
  return c ? { constraint: c.map(([key, human, expression]) => ({ key, severity: 'error', human, expression })) } : {}
}

function expandElement(type: string, element: CompactElement): ElementShape {
  const [tail, cardinality, types, extra] = element
  const [min, max] = cardinality.split('..') as [string, string]
  const path = `${type}.${tail}`
  return {
    path,
    min: Number(min),
    max,
    base: { path, min: Number(min), max: extra?.m ?? max },
    ...(types ? { type: parseTypes(types) } : {}),
    ...constraints(extra?.c),
    ...(extra?.r ? { contentReference: `#${extra.r}` } : {}),
    ...(extra?.b ? { binding: { strength: 'required' as const, valueSet: extra.b } } : {}),
  }
}

/** A StructureDefinition snapshot with just the fields that @medplum/core's validator reads. */
export function expandType(type: string, compact: CompactType): DefinitionShape {
  const name = compact.n ?? type
  const root: ElementShape = { path: type, min: 0, max: '*', base: { path: type, min: 0, max: '*' }, ...constraints(compact.c) }
  const element: ElementShape[] = [root]
  for (const e of inherited(compact.i)) element.push(expandElement(type, e))
  for (const e of compact.e) {
    element.push(expandElement(type, e))
    if ((e[2] === 'BackboneElement' || e[2] === 'Element') && !e[3]?.o)
      for (const i of inherited(e[2])) element.push(expandElement(type, [`${e[0]}.${i[0]}`, i[1], i[2]]))
  }
  return { resourceType: 'StructureDefinition', url: BASE + name, name, type, kind: compact.k, snapshot: { element } }
}
