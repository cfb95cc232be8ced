/** The mapping file of a migration: how columns of a table become FHIR. Its form is in `docs/migration.md`. */
import { KeepwellError } from '#base/error'
import { field, isObject, type JsonObject, list, string } from '#health/fhir/read'
import { zoneOf } from '#health/hl7v2/datatypes'

export type CodeMap = Readonly<Record<string, JsonObject>>

export type ResourceRule = {
  /** Made only for rows in which this column holds something. */
  readonly when?: string
  readonly template: JsonObject
}

export type Mapping = {
  /** Names the source: ids are made of it and of the row's key. */
  readonly namespace: string
  /** Columns that together name a row. */
  readonly key: readonly string[]
  readonly delimiter: string
  readonly encoding: string
  /** Orders of day, month and year that dates are written in, tried one after the other. */
  readonly dates: readonly string[]
  /** Of times that name no zone; without it such a time is a day. */
  readonly zone?: string
  /** `,` or `.`. */
  readonly decimal: string
  readonly codes: Readonly<Record<string, CodeMap>>
  /** Units as the table writes them → UCUM. */
  readonly units: Readonly<Record<string, string>>
  readonly resources: readonly ResourceRule[]
}

const wrong = (what: string): KeepwellError => new KeepwellError('BAD_INPUT', `The mapping file: ${what}`)

const texts = (value: unknown, name: string): string[] =>
  list(value).map(v => {
    const s = string(v)
    if (s === undefined) throw wrong(`"${name}" is a list of names.`)
    return s
  })

const KNOWN = new Set([
  'version',
  'namespace',
  'key',
  'delimiter',
  'encoding',
  'dates',
  'zone',
  'decimal',
  'codes',
  'units',
  'resources',
  'about',
])
/** Every directive a template may hold, and what it must be. */
const DIRECTIVES = new Set(['$column', '$quantity', '$concept', '$reference'])

/** Reads a mapping file. @throws KeepwellError BAD_INPUT that says where it is wrong. */
export function readMapping(json: string): Mapping {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'The mapping file is not well-formed JSON.', { cause })
  }
  if (!isObject(value)) throw wrong('it is a JSON object.')
  const unknown = Object.keys(value).find(k => !KNOWN.has(k))
  if (unknown) throw wrong(`"${unknown}" means nothing here.`)
  if (value.version !== 1) throw wrong('"version" is 1.')
  const namespace = string(value.namespace)
  if (!namespace) throw wrong('"namespace" names the source, best as a URL.')
  const key = texts(value.key, 'key')
  if (!key.length) throw wrong('"key" lists the columns that name a row.')
  const dates = value.dates === undefined ? ['YYYY-MM-DD'] : texts(value.dates, 'dates')
  const bad = dates.find(d => !/^(?=.*Y)[YMD]+([^A-Za-z0-9]?[YMD]+){0,2}$/.test(d))
  if (bad) throw wrong(`"${bad}" is no form of dates; write it as DD.MM.YYYY.`)
  const zone = string(value.zone)
  if (zone && !zoneOf(zone.replace(':', ''))) throw wrong('"zone" is an offset such as +01:00.')
  const delimiter = string(value.delimiter) ?? (value.delimiter === '\t' ? '\t' : ',')
  if (delimiter.length !== 1) throw wrong('"delimiter" is one character.')
  const decimal = string(value.decimal) ?? '.'
  if (decimal !== '.' && decimal !== ',') throw wrong('"decimal" is "." or ",".')
  return {
    namespace,
    key,
    delimiter,
    encoding: string(value.encoding) ?? 'utf-8',
    dates,
    ...(zone ? { zone } : {}),
    decimal,
    codes: codeMaps(value.codes),
    units: unitMap(value.units),
    resources: rules(value.resources),
  }
}

function codeMaps(value: unknown): Readonly<Record<string, CodeMap>> {
  if (value === undefined) return {}
  if (!isObject(value)) throw wrong('"codes" holds code maps by name.')
  for (const [name, map] of Object.entries(value))
    if (!isObject(map) || Object.values(map).some(c => !string(field(c, 'code'))))
      throw wrong(`code map "${name}": each value is {"system", "code", "display"}.`)
  return value as Readonly<Record<string, CodeMap>>
}

function unitMap(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {}
  if (!isObject(value) || Object.values(value).some(u => typeof u !== 'string')) throw wrong('"units" maps units to UCUM.')
  return value as Readonly<Record<string, string>>
}

function rules(value: unknown): readonly ResourceRule[] {
  const all = list(value).map((rule, i): ResourceRule => {
    const template = field(rule, 'template')
    if (!isObject(template) || !string(template.resourceType)) throw wrong(`resources[${i}] has a "template" with a resourceType.`)
    checkTemplate(template, `resources[${i}].template`, 0)
    const when = string(field(rule, 'when'))
    return { template, ...(when ? { when } : {}) }
  })
  if (!all.length) throw wrong('"resources" lists what is made of a row.')
  return all
}

function checkTemplate(value: unknown, place: string, depth: number): void {
  if (depth > 40) throw wrong(`${place} is too deep.`)
  if (Array.isArray(value)) value.forEach((v, i) => void checkTemplate(v, `${place}[${i}]`, depth + 1))
  if (!isObject(value)) return
  for (const [k, v] of Object.entries(value)) {
    if (k.startsWith('$') && !DIRECTIVES.has(k)) throw wrong(`${place}: there is no directive "${k}".`)
    checkTemplate(v, `${place}.${k}`, depth + 1)
  }
}

/** All columns that a mapping reads, so that a table without one of them is refused before anything is filed. */
export function columnsOf(mapping: Mapping): ReadonlySet<string> {
  const found = new Set(mapping.key)
  const visit = (value: unknown): void => {
    if (typeof value === 'string') for (const [, name] of value.matchAll(PLACE)) found.add(name!)
    else if (Array.isArray(value)) value.forEach(visit)
    else if (isObject(value)) {
      for (const name of ['$column', '$concept']) if (string(value[name])) found.add(value[name] as string)
      if (isObject(value.$quantity))
        for (const name of [value.$quantity.value, value.$quantity.unit]) if (string(name)) found.add(name as string)
      for (const [k, v] of Object.entries(value)) if (!k.startsWith('$') && k !== 'map') visit(v)
    }
  }
  for (const { when, template } of mapping.resources) {
    if (when) found.add(when)
    visit(template)
  }
  return found
}

/** `{column}` inside a text of a template. */
export const PLACE = /\{([^{}]{1,100})\}/g
