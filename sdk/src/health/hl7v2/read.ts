/** Reads fields, repetitions, components and subcomponents, decoded; and remembers which fields were read. */
import { decodeAs, fromHex } from './charset.ts'
import type { Message, Segment } from './message.ts'

/** One repetition of a field. */
export type Rep = {
  /** As it is written. */
  readonly raw: string
  /** Decoded and trimmed; undefined when absent, empty, or the explicit null `""`. Components and subcomponents count from 1. */
  readonly text: (component?: number, sub?: number) => string | undefined
  /** The whole repetition decoded, whatever separators stand in it: for text types, whose writers forget to escape. */
  readonly whole: () => string | undefined
  /** One component as a repetition of its own, whose components are the subcomponents. */
  readonly part: (component: number) => Rep
  /** `""`: the sender says that there is no such value any more (2.5.3). */
  readonly isNull: boolean
}

export type Row = {
  readonly name: string
  readonly place: number
  readonly reps: (field: number) => readonly Rep[]
  /** The first repetition that is not null. */
  readonly first: (field: number) => Rep | undefined
  readonly text: (field: number, component?: number, sub?: number) => string | undefined
}

export type Reader = {
  readonly rows: readonly Row[]
  readonly row: (name: string) => Row | undefined
  /** Names of fields that hold something and were not read: `PID-39`, `ZPI-2`, each once. */
  readonly unread: () => string[]
  /** Names of fields that say `""`. */
  readonly nulls: () => string[]
}

const FORMAT: Readonly<Record<string, string>> = { br: '\n', sp: '\n', ce: '\n', sk: ' ' }

/** Undoes the escapes of chapter 2.7. Highlighting goes; what a site defined for itself (`\Z…\`) stays as it is written. */
export function decodeEscapes(value: string, { marks, charset }: Pick<Message, 'marks' | 'charset'>): string {
  const mark = marks.escape
  if (!mark || !value.includes(mark)) return value
  const parts = value.split(mark)
  let out = parts[0]!
  for (let i = 1; i < parts.length; i++) {
    const code = parts[i]!
    const decoded = i + 1 < parts.length ? decodeOne(code, marks, charset) : null
    if (decoded === null) {
      out += mark + code
      continue
    }
    out += decoded + parts[i + 1]!
    i++
  }
  return out
}

function decodeOne(code: string, marks: Message['marks'], charset: Message['charset']): string | null {
  switch (code) {
    case 'F':
      return marks.field
    case 'S':
      return marks.component
    case 'T':
      return marks.sub
    case 'R':
      return marks.repetition
    case 'E':
      return marks.escape
    case 'P':
      return '#'
    case 'H':
    case 'N':
      return ''
  }
  if (/^X(?:[0-9A-Fa-f]{2})+$/.test(code)) return decodeAs(fromHex(code.slice(1)), charset).text
  const format = /^\.([a-z]{2})([+-]?\d{0,3})$/.exec(code)
  if (!format) return null
  const mark = FORMAT[format[1]!]
  return mark === undefined ? (/^(in|ti|fi|nf)$/.test(format[1]!) ? '' : null) : mark.repeat(Math.min(Number(format[2]) || 1, 20))
}

export const NULL = '""'

/** What FHIR's string may hold (2.24.0.1): no control characters but tab and line ends, no half characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const printable = (text: string): string => text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, '').toWellFormed()

function repOf(raw: string, message: Message, level: 'component' | 'sub'): Rep {
  const { marks } = message
  let parts: string[] | undefined
  const at = (n: number): string => {
    parts ??= raw.split(level === 'component' ? marks.component : marks.sub)
    return parts[n - 1] ?? ''
  }
  const leaf = (value: string): string | undefined =>
    value === NULL ? undefined : printable(decodeEscapes(value, message)).trim() || undefined
  return {
    raw,
    isNull: raw.trim() === NULL,
    text: (component = 1, sub = 1) => leaf(level === 'component' ? (at(component).split(marks.sub)[sub - 1] ?? '') : at(component)),
    whole: () => leaf(raw),
    part: component => repOf(at(component), message, 'sub'),
  }
}

/** What the separators of a field hold besides separators. */
const holds = (raw: string, { component, repetition, sub }: Message['marks']): boolean => {
  for (const c of raw) if (c !== component && c !== repetition && c !== sub && c.trim()) return true
  return false
}

export function readMessage(message: Message): Reader {
  const read = new Set<string>()
  const rows = message.segments.map(segment => rowOf(segment, message, read))
  const eachField = function* (): Generator<[name: string, raw: string]> {
    for (const { name, fields } of message.segments) for (let n = 1; n < fields.length; n++) yield [`${name}-${n}`, fields[n]!]
  }
  return {
    rows,
    row: name => rows.find(r => r.name === name),
    unread: () => {
      const left = new Set<string>()
      for (const [name, raw] of eachField()) if (!read.has(name) && holds(raw, message.marks) && raw !== NULL) left.add(name)
      return [...left]
    },
    nulls: () => [...new Set([...eachField()].filter(([, raw]) => raw.trim() === NULL).map(([name]) => name))],
  }
}

function rowOf({ name, place, fields }: Segment, message: Message, read: Set<string>): Row {
  const split = new Map<number, readonly Rep[]>()
  const reps = (n: number): readonly Rep[] => {
    read.add(`${name}-${n}`)
    let found = split.get(n)
    if (!found) {
      const raw = fields[n] ?? ''
      // The separators of MSH-2 separate nothing there.
      const parts = name === 'MSH' && n < 3 ? [raw] : raw.split(message.marks.repetition)
      found = parts.filter(p => p.trim() !== '').map(p => repOf(p, message, 'component'))
      split.set(n, found)
    }
    return found
  }
  const first = (n: number): Rep | undefined => reps(n).find(r => !r.isNull)
  return { name, place, reps, first, text: (n, component, sub) => first(n)?.text(component, sub) }
}
