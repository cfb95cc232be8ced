/** Attribute matching (PS3.4 §C.2.2.2, PS3.18 §8.3.4): one key of a query against one data set in DICOM JSON. */
import { vrOf } from './dictionary.ts'
import type { DicomJson, JsonElement, JsonValue, PersonName } from './json.ts'

/** `path` leads through sequences; the last tag is the one matched. An empty value matches everything. */
export type MatchKey = { readonly path: readonly number[]; readonly value: string }

const name = (tag: number): string => tag.toString(16).toUpperCase().padStart(8, '0')

/** Accents and case make no difference to a fuzzy match, nor does the order of a name's components. */
const folded = (s: string): string => s.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()

const groups = (value: PersonName): string[] => [value.Alphabetic, value.Ideographic, value.Phonetic].filter(g => g !== undefined)

/** `*` is any run of characters, `?` any one; written out by hand, since a hostile pattern would keep a regular expression busy for ever. */
export function wildcard(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  let star = -1
  let mark = 0
  while (t < text.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++
      mark = t
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++mark
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

/** Dates and times as digits of equal length, so that they compare as text; missing parts are the earliest or the latest there are. */
function moment(vr: string, text: string, latest: boolean): string {
  const [most, pad] = vr === 'DA' ? [8, '99'] : vr === 'TM' ? [12, '99'] : [20, '99']
  const digits = text.replace(/[-+]\d{4}$/, '').replace(/[.:-]/g, '')
  return digits.slice(0, most).padEnd(most, latest ? pad : '0')
}

/** The two ends of `a-b`, `a-` or `-b`; null when the value is no range. A DT may end in an offset that has a hyphen too. */
function rangeOf(vr: string, value: string): readonly [string, string] | null {
  if (!['DA', 'TM', 'DT'].includes(vr)) return null
  const m = /^([\d.:]*(?:[+]\d{4}|-\d{4}(?=-))?)-([\d.:]*(?:[+-]\d{4})?)$/.exec(value)
  return m ? [m[1]!, m[2]!] : null
}

function inRange(vr: string, value: string, [from, to]: readonly [string, string]): boolean {
  const at = moment(vr, value, false)
  return (from === '' || at >= moment(vr, from, false)) && (to === '' || at <= moment(vr, to, true))
}

function nameMatches(value: PersonName, wanted: string, fuzzy: boolean): boolean {
  if (!fuzzy) return groups(value).some(g => wildcard(folded(wanted), folded(g)) || wildcard(folded(wanted), folded(g).replace(/\^+$/, '')))
  const words = folded(wanted)
    .split(/[\^\s=*]+/)
    .filter(Boolean)
  const own = groups(value).flatMap(g => folded(g).split(/[\^\s]+/))
  return words.every(w => own.some(o => o.startsWith(w)))
}

function valueMatches(vr: string, value: JsonValue, wanted: string, fuzzy: boolean): boolean {
  if (value === null) return false
  if (typeof value === 'object') return vr === 'PN' && nameMatches(value as PersonName, wanted, fuzzy)
  const text = String(value)
  if (vr === 'UI') return wanted.split(/[,\\]/).includes(text)
  const range = rangeOf(vr, wanted)
  if (range) return inRange(vr, text, range)
  if (vr === 'DS' || vr === 'IS' || typeof value === 'number')
    return text === wanted || (wanted.trim() !== '' && Number(text) === Number(wanted))
  if (vr === 'DA' || vr === 'TM' || vr === 'DT') return text === wanted || moment(vr, text, false) === moment(vr, wanted, false)
  return wildcard(wanted, text)
}

/** Whether a data set matches a key. `fuzzy` is for names only (PS3.18 §8.3.4.2). */
export function matches(dataset: DicomJson, { path, value }: MatchKey, fuzzy = false): boolean {
  const [tag, ...inside] = path
  const element: JsonElement | undefined = dataset[name(tag!)]
  if (inside.length) return (element?.Value ?? []).some(item => matches(item as DicomJson, { path: inside, value }, fuzzy))
  if (value === '' || value === '*') return true
  const vr = element?.vr ?? vrOf(tag!)
  return (element?.Value ?? []).some(v => valueMatches(vr, v, value, fuzzy))
}
