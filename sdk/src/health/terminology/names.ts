/** Names for codes that came without one. Few sources name HL7's own codes (`active`, `pharmacy`, `HH`); people should not have to read them. */
import { MEASURES } from '#health/fhir/build-measurement'
import { LAB_TESTS } from '#health/fhir/lab-tests'
import { isObject, type JsonObject, string } from '#health/fhir/read'
import { LOINC } from './systems.ts'
import { COMMON_CVX, CVX } from './vaccines.ts'

/** Undefined when the code is not in the table that ships. */
export type NameOf = (system: string, code: string) => string | undefined

/** LOINC (© Regenstrief Institute) of what is measured most. */
export const COMMON_LOINC: ReadonlyMap<string, string> = new Map([
  ...[...LAB_TESTS, ...Object.values(MEASURES)].map(t => [t.loinc, t.display] as const),
  ['8480-6', 'Systolic blood pressure'],
  ['8462-4', 'Diastolic blood pressure'],
  ['39156-5', 'Body mass index (BMI) [Ratio]'],
  ['72166-2', 'Tobacco smoking status'],
])

let loading: Promise<NameOf> | undefined

/** Loads the table (about 40 kB compressed) once; bundlers make a chunk of its own of it. */
export function loadNames(): Promise<NameOf> {
  loading ??= import('./names.generated.ts').then(({ names }) => named(names))
  return loading
}

function named(table: Readonly<Record<string, string>>): NameOf {
  const read = new Map<string, ReadonlyMap<string, string>>([
    [LOINC, COMMON_LOINC],
    [CVX, COMMON_CVX],
  ])
  return (system, code) => {
    let names = read.get(system)
    if (!names && Object.hasOwn(table, system)) {
      names = new Map(table[system]!.split('\n').map(line => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]))
      read.set(system, names)
    }
    return names?.get(code)
  }
}

const MAX_DEPTH = 40

/**
 * The resource with a display wherever a coding has none, for showing only: what is stored and signed stays as it came. Gives back the very
 * same object where nothing was to add.
 */
export function withNames(resource: JsonObject, nameOf: NameOf): JsonObject {
  return walk(resource, nameOf, 0) as JsonObject
}

function walk(value: unknown, nameOf: NameOf, depth: number): unknown {
  if (depth > MAX_DEPTH || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const out = value.map(item => walk(item, nameOf, depth + 1))
    return out.some((item, i) => item !== value[i]) ? out : value
  }
  if (!isObject(value)) return value
  const [system, code] = [value.system, value.code]
  if (typeof system === 'string' && typeof code === 'string' && value.value === undefined && !string(value.display)) {
    const display = nameOf(system, code)
    if (display) return { ...value, display }
  }
  let out: Record<string, unknown> | undefined
  for (const key of Object.keys(value)) {
    const inner = walk(value[key], nameOf, depth + 1)
    if (inner === value[key]) continue
    out ??= { ...value }
    out[key] = inner
  }
  return out ?? value
}
