/** The words of a resource: what a person might search for, in the order of reading, without repetition and without addresses. */
import { markupText } from '#health/xml'
import { at, field, isObject, type JsonObject, list, string } from './read.ts'

/** Elements whose text says nothing to people: how things are stored, and what the card has already. */
const SILENT = new Set(
  `resourceType id meta implicitRules language reference system url uri fullUrl status use rank intent contentType data hash versionId lastUpdated
  profile security unit comparator start end assigner signature modifierExtension instantiatesCanonical instantiatesUri mode linkId
  periodUnit durationUnit contained text extension`.split(/\s+/),
)
/** Words after everything else, since they repeat it or are somebody's own additions. */
const LAST = ['contained', 'extension'] as const
const MOMENT = /^\d{4}-\d{2}(-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?)?$/
const ADDRESS = /^(urn:|https?:|#|data:)/
const MAX_DEPTH = 12

/** A word without the marks around it. */
const bare = (word: string): string => word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '')

/** Gathers phrases up to a number of characters. */
export function gatherer(limit: number) {
  const seen = new Set<string>()
  const parts: string[] = []
  let length = 0
  return {
    full: () => length >= limit,
    text: () => parts.join('\n').slice(0, limit).toWellFormed(),
    say(words: string): void {
      if (length >= limit || !words) return
      const phrase = words.length > limit ? words.slice(0, limit) : words
      const key = phrase.toLowerCase()
      if (seen.has(key)) return
      seen.add(key)
      parts.push(phrase)
      length += phrase.length + 1
    },
    /** Says those of many phrases that hold a word not said before. */
    sayNew(phrases: Iterable<string>): void {
      let said = parts.join(' ').toLowerCase()
      for (const phrase of phrases) {
        if (length >= limit) return
        const low = phrase.toLowerCase()
        if (said.includes(low) || !low.split(' ').some(w => w && !said.includes(bare(w)))) continue
        said += ` ${low}`
        this.say(phrase)
      }
    },
  }
}
type Gatherer = ReturnType<typeof gatherer>

/** Almost every string is clean already, and there are many. */
const UNTIDY = /[^ -~\u00a1-\u1fff]| {2}|^ | $/
const clean = (s: string): string => (UNTIDY.test(s) ? s.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim() : s)

function walk(value: unknown, key: string, out: Gatherer, depth: number): void {
  if (out.full() || depth > MAX_DEPTH) return
  if (typeof value === 'string') {
    if (value && !(value.length <= 35 && MOMENT.test(value)) && !ADDRESS.test(value)) out.say(clean(value))
    return
  }
  if (typeof value === 'number') {
    if (key.startsWith('value')) out.say(String(value))
    return
  }
  if (Array.isArray(value)) {
    for (const item of value) walk(item, key, out, depth + 1)
    return
  }
  if (!isObject(value)) return
  if (typeof value.value === 'number') {
    out.say(`${value.value} ${string(value.unit) ?? string(value.code) ?? ''}`.trim())
    return
  }
  // A concept's own text stands before its codings.
  if (depth > 0 && typeof value.text === 'string') walk(value.text, 'text', out, depth + 1)
  for (const name in value) if (!SILENT.has(name) && Object.hasOwn(value, name)) walk(value[name], name, out, depth + 1)
}

const READABLE = /^text\/|[/+](xml|html)\b/i

function attachments(value: unknown, out: Gatherer, limit: number, depth: number): void {
  if (out.full() || depth > 6) return
  for (const item of Array.isArray(value) ? value : [value]) {
    if (!isObject(item)) continue
    const data = field(item, 'data')
    const type = string(field(item, 'contentType')) ?? ''
    if (typeof data === 'string' && READABLE.test(type)) {
      const text = decoded(data, limit)
      if (/xml|html/i.test(type)) out.sayNew(markupText(text))
      else for (const line of text.split(/\n\s*\n|\r/)) if (line.trim()) out.say(clean(line))
      continue
    }
    for (const name of ATTACHED) if (item[name] !== undefined) attachments(item[name], out, limit, depth + 1)
  }
}
const ATTACHED = [
  'content',
  'attachment',
  'presentedForm',
  'contained',
  'photo',
  'payload',
  'contentAttachment',
  'valueAttachment',
] as const

/** The beginning of base64 as text; what is none is nothing. */
function decoded(data: string, limit: number): string {
  try {
    const head = data.slice(0, Math.ceil(limit / 3) * 4).replace(/\s+/g, '')
    const binary = atob(head.slice(0, head.length - (head.length % 4)))
    const bytes = new Uint8Array(binary.length)
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
    return new TextDecoder().decode(bytes)
  } catch {
    return ''
  }
}

/** At most `limit` characters, phrases on lines of their own. */
export function wordsOf(resource: JsonObject, limit: number): string {
  const out = gatherer(limit)
  walk(resource, '', out, 0)
  attachments(resource, out, limit, 0)
  const div = string(at(resource, 'text', 'div'))
  if (div) out.sayNew(markupText(div.slice(0, limit * 8)))
  for (const name of LAST) for (const item of list(resource[name])) walk(item, name, out, 1)
  return out.text()
}
