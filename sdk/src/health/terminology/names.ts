/** Names for codes that came without one. Few sources name HL7's own codes (`active`, `pharmacy`, `HH`); people should not have to read them. */
import { MEASURES } from '#health/fhir/build-measurement'
import { SECTIONS } from '#health/fhir/ips/sections'
import { LAB_TESTS } from '#health/fhir/lab-tests'
import { codings, isObject, type JsonObject, string } from '#health/fhir/read'
import { plainCode } from './plain-code.ts'
import { COUNTRIES, LANGUAGES, LOINC } from './systems.ts'
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
  ['60591-5', 'Patient summary Document'],
  ...SECTIONS.map(s => [s.code, s.display] as const),
])

const US_CORE = 'http://hl7.org/fhir/us/core/CodeSystem'
/** Small code systems of US Core (CC0), which R4's own definitions do not hold. */
const US_CORE_NAMES: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  [`${US_CORE}/careplan-category`, new Map([['assess-plan', 'Assessment and plan of treatment']])],
  [
    `${US_CORE}/condition-category`,
    new Map([
      ['health-concern', 'Health concern'],
      ['problem-list-item', 'Problem list item'],
    ]),
  ],
  [
    `${US_CORE}/us-core-category`,
    new Map([
      ['sdoh', 'Social determinants of health'],
      ['functional-status', 'Functional status'],
      ['disability-status', 'Disability status'],
      ['cognitive-status', 'Cognitive status'],
      ['treatment-intervention-preference', 'Treatment intervention preference'],
      ['care-experience-preference', 'Care experience preference'],
    ]),
  ],
])

let loading: Promise<NameOf> | undefined

/** Loads the table (about 40 kB compressed) once; bundlers make a chunk of its own of it. */
export function loadNames(): Promise<NameOf> {
  loading ??= import('./names.generated.ts').then(({ names }) => named(names))
  return loading
}

function named(table: Readonly<Record<string, string>>): NameOf {
  const read = new Map<string, ReadonlyMap<string, string>>([[LOINC, COMMON_LOINC], [CVX, COMMON_CVX], ...US_CORE_NAMES])
  return (system, code) => {
    if (system === LANGUAGES) return ofKind('language', code)
    if (system === COUNTRIES) return ofKind('region', code)
    let names = read.get(system)
    if (!names && Object.hasOwn(table, system)) {
      names = new Map(table[system]!.split('\n').map(line => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]))
      read.set(system, names)
    }
    return names?.get(code)
  }
}

/** Languages and countries are known to whatever runs this. */
function ofKind(type: 'language' | 'region', code: string): string | undefined {
  try {
    return new Intl.DisplayNames(['en'], { type, fallback: 'none' }).of(code)
  } catch {
    return undefined
  }
}

const MAX_DEPTH = 40

/** What an object is shown as; undefined to look at what is inside. */
type Shown = (value: JsonObject) => JsonObject | undefined

/** A Coding, and not a Quantity, which has a system and a code of its unit. */
const isCoding = (x: JsonObject): boolean => typeof x.system === 'string' && typeof x.code === 'string' && x.value === undefined

/**
 * The resource with a display wherever a coding has none, for showing only: what is stored and signed stays as it came. Gives back the very
 * same object where nothing was to add.
 */
export function withNames(resource: JsonObject, nameOf: NameOf): JsonObject {
  const named: Shown = x => {
    if (!isCoding(x) || string(x.display)) return undefined
    const display = nameOf(x.system as string, x.code as string)
    return display ? { ...x, display } : undefined
  }
  return walk(resource, named, 0) as JsonObject
}

/** The same, and something to read for every concept: where it has no name at all, its code, said to be one. */
export const readable = (resource: JsonObject, nameOf: NameOf): JsonObject => walk(withNames(resource, nameOf), said, 0) as JsonObject

function said(x: JsonObject): JsonObject | undefined {
  if (Array.isArray(x.coding)) {
    const [first] = codings(x)
    const named = string(x.text) || codings(x).some(c => c.display)
    return named || !first ? x : { ...x, text: plainCode(first) }
  }
  if (!isCoding(x) || string(x.display)) return undefined
  return { ...x, display: plainCode({ system: x.system as string, code: x.code as string }) }
}

function walk(value: unknown, shown: Shown, depth: number): unknown {
  if (depth > MAX_DEPTH || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const out = value.map(item => walk(item, shown, depth + 1))
    return out.some((item, i) => item !== value[i]) ? out : value
  }
  if (!isObject(value)) return value
  const whole = shown(value)
  if (whole) return whole
  let out: Record<string, unknown> | undefined
  for (const key of Object.keys(value)) {
    const inner = walk(value[key], shown, depth + 1)
    if (inner === value[key]) continue
    out ??= { ...value }
    out[key] = inner
  }
  return out ?? value
}
