/** The committed table of search parameters, made usable: what may be asked of each resource type. */
import { type Path, readPath } from './compile.ts'

export type ParameterType = 'token' | 'string' | 'date' | 'number' | 'quantity' | 'reference' | 'uri' | 'composite'

export type CompactComponent = readonly [code: string, type: ParameterType, paths: readonly string[]]
/** `paths` are texts of `compile.ts`; of a composite parameter they lead to the elements its components begin at, with `k` beside each. */
export type CompactParameter = readonly [
  code: string,
  type: ParameterType,
  paths: readonly string[],
  extra?: {
    /** Canonical URL, when it is not HL7's `<type>-<code>`. */
    readonly u?: string
    /** Types of resource a reference may lead to, separated by blanks; `*` for any. */
    readonly t?: string
    /** Components, for each of `paths`. */
    readonly k?: readonly (readonly CompactComponent[])[]
  },
]
export type ParameterTable = {
  /** JSON text of the parameters by type; those of `Resource` apply to all. */
  readonly parameters: Readonly<Record<string, string>>
  /** JSON text: the reference parameters that put a resource of a type into the Patient compartment. */
  readonly patient: string
  /** JSON text: summary and mandatory elements by type. */
  readonly outlines: string
}

export type Component = { readonly code: string; readonly type: ParameterType; readonly paths: readonly Path[] }
export type Parameter = {
  readonly code: string
  readonly type: ParameterType
  readonly url: string
  readonly paths: readonly Path[]
  /** Types of resource a reference may lead to; null for any. */
  readonly targets: readonly string[] | null
  /** Components of a composite parameter, for each of its paths. */
  readonly components: readonly (readonly Component[])[]
}

function expand(base: string, [code, type, paths, extra = {}]: CompactParameter): Parameter {
  return {
    code,
    type,
    url: extra.u ?? `http://hl7.org/fhir/SearchParameter/${base}-${code.replace(/^_/, '')}`,
    paths: paths.map(readPath),
    targets: extra.t === undefined || extra.t === '*' ? null : extra.t.split(' '),
    components: (extra.k ?? []).map(list => list.map(([c, t, p]) => ({ code: c, type: t, paths: p.map(readPath) }))),
  }
}

export type Registry = {
  readonly types: readonly string[]
  readonly isType: (type: string) => boolean
  /** Parameters of a type by code, those of every resource included; empty for what R4 does not know. */
  readonly of: (type: string) => ReadonlyMap<string, Parameter>
  readonly compartment: ReadonlyMap<string, readonly string[]>
  readonly outline: (type: string) => readonly [summary: readonly string[], mandatory: readonly string[]]
}

/** Reads the table lazily: a type costs nothing until it is used. */
export function registry(table: ParameterTable): Registry {
  const known = new Map<string, ReadonlyMap<string, Parameter>>()
  const outlines = JSON.parse(table.outlines) as Record<string, readonly [string, string]>
  const read = (type: string): Parameter[] =>
    Object.hasOwn(table.parameters, type) ? (JSON.parse(table.parameters[type]!) as CompactParameter[]).map(p => expand(type, p)) : []
  const words = (text: string): string[] => (text ? text.split(' ') : [])
  const isType = (type: string): boolean => Object.hasOwn(outlines, type) && type !== 'Resource' && type !== 'DomainResource'
  return {
    isType,
    types: Object.keys(outlines).filter(isType),
    of: type => {
      let all = known.get(type)
      if (!all) {
        all = new Map(isType(type) ? [...read('Resource'), ...read('DomainResource'), ...read(type)].map(p => [p.code, p]) : [])
        known.set(type, all)
      }
      return all
    },
    compartment: new Map(
      Object.entries(JSON.parse(table.patient) as Record<string, string>).map(([type, list]) => [type, list.split(' ')]),
    ),
    outline: type => {
      const [summary, mandatory] = isType(type) ? outlines[type]! : ['', '']
      return [words(summary), words(mandatory)]
    },
  }
}
