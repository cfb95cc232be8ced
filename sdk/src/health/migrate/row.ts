/** One row of a table as FHIR resources, by a mapping. Pure. */
import type { Resource } from '#health/fhir/build'
import type { Checker } from '#health/fhir/check'
import { pruned } from '#health/fhir/mend'
import { field, isObject, type JsonObject, string } from '#health/fhir/read'
import { readUnit } from '#health/ucum'
import { type Mapping, PLACE } from './mapping.ts'

export type Row = Readonly<Record<string, string>>

/** What became of a row. `refused` says why, by column and rule, never with a value. */
export type RowResult = { readonly resources: readonly Resource[]; readonly refused: readonly string[] }

type Making = { readonly mapping: Mapping; readonly row: Row; readonly refused: string[]; readonly ids: ReadonlyMap<string, string> }

const cell = (m: Making, column: string): string => (m.row[column] ?? '').trim()

const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate()

/** A date in one of the mapping's forms; whole dates only, except where the form itself is shorter. Undefined: in none. */
export function dateIn(value: string, forms: readonly string[]): string | undefined {
  for (const form of forms) {
    const source = form
      .replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
      .replace(/Y+|M+|D+/g, part => `(?<${part[0]}>\\d{${part.length === 1 ? '1,2' : part.length}})`)
    const groups = new RegExp(`^${source}$`).exec(value)?.groups
    if (!groups) continue
    const [y, month, day] = [groups.Y!, groups.M?.padStart(2, '0'), groups.D?.padStart(2, '0')]
    // Two digits of a year would be a guess of a century.
    if (y.length !== 4 || (month && (month < '01' || month > '12'))) continue
    if (day && (!month || day < '01' || Number(day) > daysIn(Number(y), Number(month)))) continue
    return [y, month, day].filter(Boolean).join('-')
  }
  return undefined
}

/** A date, and a time behind it where there is one. */
function dateTimeIn(value: string, { dates, zone }: Mapping): string | undefined {
  const m = /^(.+?)[T ]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?$/.exec(value)
  if (!m) return dateIn(value, dates)
  const date = dateIn(m[1]!, dates)
  if (!date || Number(m[2]) > 23 || m[3]! > '59' || (m[4] ?? '0') > '59') return undefined
  const offset = m[5]?.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2') ?? zone
  return offset && date.length === 10 ? `${date}T${m[2]!.padStart(2, '0')}:${m[3]}:${m[4] ?? '00'}${offset}` : date
}

/** Digits with the mapping's decimal mark, and blanks or the other mark between thousands. */
function numberIn(value: string, decimal: string): number | undefined {
  const grouped = decimal === ',' ? /^[+-]?\d{1,3}(?:[.\s]\d{3})+(?:,\d+)?$/ : /^[+-]?\d{1,3}(?:[,\s]\d{3})+(?:\.\d+)?$/
  const plain = grouped.test(value) ? value.replace(decimal === ',' ? /[.\s]/g : /[,\s]/g, '') : value
  const text = plain.replace(decimal, '.')
  return /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

const YES = /^(1|y|yes|true|t|ja|oui|si|sí)$/i
const NO = /^(0|n|no|false|f|nein|non)$/i

function typed(m: Making, value: string, as: string): unknown {
  switch (as) {
    case 'text':
      return value
    case 'date':
      return dateIn(value, m.mapping.dates)
    case 'dateTime':
      return dateTimeIn(value, m.mapping)
    case 'number':
      return numberIn(value, m.mapping.decimal)
    case 'integer': {
      const n = numberIn(value, m.mapping.decimal)
      return Number.isInteger(n) ? n : undefined
    }
    case 'boolean':
      return YES.test(value) ? true : NO.test(value) ? false : undefined
    case 'code':
      return value.replace(/\s+/g, ' ')
    default:
      return undefined
  }
}

/** `{"$column": "born", "as": "date", "required": true, "map": "…", "default": …}`. */
function columnValue(m: Making, d: JsonObject): unknown {
  const name = String(d.$column)
  const value = cell(m, name)
  if (!value) {
    if (d.required === true) m.refused.push(`column ${name} is empty`)
    return d.default
  }
  const map = string(d.map)
  if (map) {
    const found = m.mapping.codes[map]
    const to = found && Object.hasOwn(found, value) ? found[value] : undefined
    if (!to) m.refused.push(`column ${name} holds a code that map ${map} does not have`)
    return to?.code
  }
  const as = string(d.as) ?? 'text'
  const out = typed(m, value, as)
  if (out === undefined) m.refused.push(`column ${name} is no ${as}`)
  return out
}

/** `{"$concept": "test", "map": "tests", "system": "…"}`: a CodeableConcept, with what the table wrote as its text. */
function conceptValue(m: Making, d: JsonObject): unknown {
  const name = String(d.$concept)
  const value = cell(m, name)
  if (!value) {
    if (d.required === true) m.refused.push(`column ${name} is empty`)
    return undefined
  }
  const map = string(d.map)
  const found = map ? m.mapping.codes[map] : undefined
  const to = found && Object.hasOwn(found, value) ? found[value] : undefined
  if (map && !to && d.strict !== false) m.refused.push(`column ${name} holds a code that map ${map} does not have`)
  const system = string(d.system)
  const coding = to ?? (system ? { system, code: value.replace(/\s+/g, ' ') } : undefined)
  return { ...(coding ? { coding: [coding] } : {}), text: string(field(to, 'display')) ?? value }
}

/** `{"$quantity": {"value": "result", "unit": "unit"}}`, or `"ucum": "mg/dL"` in place of a unit column. */
function quantityValue(m: Making, d: JsonObject): unknown {
  const q = d.$quantity as JsonObject
  const name = String(q.value)
  const raw = cell(m, name)
  if (!raw) {
    if (d.required === true) m.refused.push(`column ${name} is empty`)
    return undefined
  }
  const sign = /^(<=|>=|<|>)\s*/.exec(raw)?.[1]
  const value = numberIn(sign ? raw.slice(sign.length).trim() : raw, m.mapping.decimal)
  if (value === undefined) {
    m.refused.push(`column ${name} is no number`)
    return undefined
  }
  const written = string(q.ucum) ?? (string(q.unit) ? cell(m, String(q.unit)) : '')
  const unit = Object.hasOwn(m.mapping.units, written) ? m.mapping.units[written]! : written
  const ucum = unit && readUnit(unit) !== null ? { system: 'http://unitsofmeasure.org', code: unit } : {}
  return { value, ...(sign ? { comparator: sign } : {}), ...(written ? { unit: written } : {}), ...ucum }
}

function filled(m: Making, value: unknown): unknown {
  if (typeof value === 'string') return value.includes('{') ? interpolated(m, value) : value
  if (Array.isArray(value)) return value.map(v => filled(m, v))
  if (!isObject(value)) return value
  if ('$column' in value) return columnValue(m, value)
  if ('$concept' in value) return conceptValue(m, value)
  if ('$quantity' in value) return quantityValue(m, value)
  if ('$reference' in value) {
    const id = m.ids.get(String(value.$reference))
    return id ? { reference: `${String(value.$reference)}/${id}` } : undefined
  }
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, filled(m, v)]))
}

/** A text with columns in it; undefined when every one of them is empty, so that no element of empty words is made. */
function interpolated(m: Making, text: string): string | undefined {
  let any = false
  let places = 0
  const out = text.replace(PLACE, (_, name: string) => {
    places++
    const value = cell(m, name)
    if (value) any = true
    return value
  })
  return places === 0 || any ? out.trim() : undefined
}

export type RowInput = { readonly mapping: Mapping; readonly row: Row; readonly uuid: (name: string) => string; readonly check: Checker }

/** Makes a row's resources, or says why not: a row is taken whole or not at all. The same row gives the same ids. */
export function mapRow({ mapping, row, uuid, check }: RowInput): RowResult {
  const key = mapping.key.map(k => (row[k] ?? '').trim())
  if (key.some(k => !k)) return { resources: [], refused: [`key column ${mapping.key[key.findIndex(k => !k)]} is empty`] }
  const wanted = mapping.resources.map((rule, n) => ({ ...rule, n })).filter(({ when }) => !when || (row[when] ?? '').trim())
  const idAt = (n: number, type: string): string => uuid(JSON.stringify(['migrate', mapping.namespace, type, n, ...key]))
  const ids = new Map(wanted.map(({ template, n }) => [String(template.resourceType), idAt(n, String(template.resourceType))]))
  const refused: string[] = []
  const resources = wanted.map(({ template, n }) => {
    const made = pruned(filled({ mapping, row, refused, ids }, template)) as JsonObject | undefined
    const type = String(template.resourceType)
    return { ...made, resourceType: type, id: idAt(n, type) }
  })
  if (!resources.length) refused.push('no resource is made of it')
  if (!refused.length)
    for (const r of resources) for (const issue of check(r)) if (issue.severity === 'error') refused.push(`${issue.path}: ${issue.text}`)
  return refused.length ? { resources: [], refused: [...new Set(refused)] } : { resources, refused: [] }
}

export const isEmptyRow = (row: Row): boolean => Object.values(row).every(v => !v.trim())
