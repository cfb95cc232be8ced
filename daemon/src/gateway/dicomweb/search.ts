import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { tagName, tagOf, vrOf } from '@keepwell/sdk/health/dicom/dictionary'
import { type DicomJson, firstText, type JsonElement, type JsonValue } from '@keepwell/sdk/health/dicom/json'
import { type MatchKey, matches } from '@keepwell/sdk/health/dicom/match'
import type { Instance } from './imaging.ts'

export type Level = 'study' | 'series' | 'instance'

export type Query = {
  readonly keys: readonly MatchKey[]
  readonly fuzzy: boolean
  readonly limit: number
  readonly offset: number
  readonly include: readonly number[] | 'all'
}

const MAX_KEYS = 64
/** Answers are cut here, with a warning that says so. */
export const MOST_RESULTS = 10_000

/** What is always told at a level (PS3.18 §10.6.3.3), below what is added while results are made. */
const RETURNED: Readonly<Record<Level, readonly string[]>> = {
  study: [
    '00080005',
    '00080020',
    '00080030',
    '00080050',
    '00080090',
    '00080201',
    '00081030',
    '00100010',
    '00100020',
    '00100030',
    '00100040',
    '0020000D',
    '00200010',
  ],
  series: ['00080005', '00080060', '00080201', '0008103E', '0020000E', '00200011', '00400244', '00400245', '00400275'],
  instance: ['00080005', '00080016', '00080018', '00080201', '00200013', '00280008', '00280010', '00280011', '00280100'],
}

function pathOf(name: string): number[] {
  return name.split('.').map(step => {
    const tag = tagOf(step)
    if (tag === null) throw new KeepwellError('BAD_INPUT', 'The query names an attribute that DICOM does not have.')
    return tag
  })
}

function number(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name)
  if (text === null) return otherwise
  ensure(/^\d{1,9}$/.test(text), 'BAD_INPUT', `The parameter ${name} is not a whole number.`)
  return Number(text)
}

const OPTIONS = new Set(['limit', 'offset', 'fuzzymatching', 'includefield', 'accept', 'charset'])

/** A query string as PS3.18 §8.3.4 has it: attributes by keyword or tag, paths through sequences with dots. Throws BAD_INPUT. */
export function queryOf(query: URLSearchParams): Query {
  const keys: MatchKey[] = []
  for (const [name, value] of query) if (!OPTIONS.has(name.toLowerCase())) keys.push({ path: pathOf(name), value })
  ensure(keys.length <= MAX_KEYS, 'BAD_INPUT', `The query has more than ${MAX_KEYS} attributes.`)
  const fields = query
    .getAll('includefield')
    .flatMap(f => f.split(',').map(s => s.trim()))
    .filter(Boolean)
  return {
    keys,
    fuzzy: query.get('fuzzymatching') === 'true',
    limit: Math.min(number(query, 'limit', MOST_RESULTS), MOST_RESULTS),
    offset: number(query, 'offset', 0),
    include: fields.includes('all') ? 'all' : fields.map(f => pathOf(f)[0]!),
  }
}

const STUDY_UID = '0020000D'
const SERIES_UID = '0020000E'
const value = (vr: string, ...values: JsonValue[]): JsonElement => ({ vr, Value: values })
const modalities = (members: readonly Instance[]): string[] =>
  [...new Set(members.map(m => firstText(m.attributes, '00080060')).filter(Boolean))].toSorted()

/** Attributes that say something of a whole study or series (PS3.4 §C.3.4), computed; and where to retrieve it. */
function computed(level: Level, members: readonly Instance[], base: string): DicomJson {
  const [first] = members
  const { study, series, instance, sopClass, transferSyntax } = first!
  const at = { study: `${base}/studies/${study}`, series: `/series/${series}`, instance: `/instances/${instance}` }
  const online = { '00080056': value('CS', 'ONLINE') }
  if (level === 'instance')
    return {
      ...online,
      '00083002': value('UI', transferSyntax),
      '00081190': value('UR', at.study + at.series + at.instance),
      '00080016': value('UI', sopClass),
    }
  if (level === 'series') return { ...online, '00081190': value('UR', at.study + at.series), '00201209': value('IS', members.length) }
  return {
    ...online,
    '00080061': value('CS', ...modalities(members)),
    '00081190': value('UR', at.study),
    '00201206': value('IS', new Set(members.map(m => m.series)).size),
    '00201208': value('IS', members.length),
    '00080062': value('UI', ...new Set(members.map(m => m.sopClass))),
  }
}

/** Levels above are told too where the path does not say them already (relational queries). */
function levels(level: Level, path: { readonly study?: string; readonly series?: string }): Level[] {
  if (level === 'study') return ['study']
  if (level === 'series') return path.study ? ['series'] : ['study', 'series']
  return path.series ? ['instance'] : path.study ? ['series', 'instance'] : ['study', 'series', 'instance']
}

function shown(all: DicomJson, tags: readonly string[], include: Query['include']): DicomJson {
  const wanted = new Set([...tags, ...(include === 'all' ? [] : include.map(tagName))])
  const picked = Object.entries(all).filter(([tag, e]) => (include === 'all' ? e.BulkDataURI === undefined : wanted.has(tag)))
  // What was asked for and is not there is told as empty (PS3.18 §10.6.3.3).
  const missing = include === 'all' ? [] : include.map(tagName).filter(tag => !(tag in all))
  const told = [...picked, ...missing.map((tag): [string, JsonElement] => [tag, { vr: vrOf(Number.parseInt(tag, 16)) }])]
  return Object.fromEntries(told.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

const GROUP: Readonly<Record<Level, (i: Instance) => string>> = { study: i => i.study, series: i => i.series, instance: i => i.instance }

export type Found = { readonly results: DicomJson[]; readonly cut: boolean }
export type Path = { readonly base: string; readonly study?: string; readonly series?: string }

/** What is computed of a level is the same for all results of one study or series. */
function computing(inPath: readonly Instance[], told: readonly Level[], base: string): (i: Instance) => DicomJson {
  const groups = new Map(told.map(level => [level, Map.groupBy(inPath, GROUP[level])]))
  const known = new Map<string, DicomJson>()
  const of = (level: Level, i: Instance): DicomJson => {
    const name = `${level} ${GROUP[level](i)}`
    const found = known.get(name) ?? computed(level, groups.get(level)!.get(GROUP[level](i))!, base)
    known.set(name, found)
    return found
  }
  return i => Object.assign({}, ...told.map(level => of(level, i))) as DicomJson
}

/** Studies, series or instances whose attributes match; in the order of their UIDs, so that pages do not overlap. */
export function search(all: readonly Instance[], level: Level, query: Query, { base, ...path }: Path): Found {
  const inPath = all.filter(i => (!path.study || i.study === path.study) && (!path.series || i.series === path.series))
  const groups = [...Map.groupBy(inPath, GROUP[level])].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const told = levels(level, path)
  const tags = [...told.flatMap(l => RETURNED[l]), STUDY_UID, ...(level === 'study' ? [] : [SERIES_UID])]
  const extras = computing(inPath, told, base)
  const results: DicomJson[] = []
  let passed = 0
  for (const [, members] of groups) {
    const extra = extras(members[0]!)
    const found = members.find(m => query.keys.every(key => matches({ ...m.attributes, ...extra }, key, query.fuzzy)))
    if (!found || passed++ < query.offset) continue
    if (results.length === query.limit) return { results, cut: query.limit === MOST_RESULTS }
    results.push(shown({ ...found.attributes, ...extra }, [...tags, ...Object.keys(extra)], query.include))
  }
  return { results, cut: false }
}
