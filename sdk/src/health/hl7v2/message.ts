/** HL7 v2 messages (chapter 2) as segments of undecoded fields: every character of the message is still there. */
import { KeepwellError } from '#base/error'
import { type CharsetName, charsetNamed, decodeAs, latin1 } from './charset.ts'

export type Marks = {
  readonly field: string
  readonly component: string
  readonly repetition: string
  /** Empty when the message has none. */
  readonly escape: string
  readonly sub: string
}

export type Segment = {
  /** Three characters; a Z-segment is a segment like any other. */
  readonly name: string
  /** Its number among the segments of that name, from 1. */
  readonly place: number
  /** `fields[n]` is SEG-n as it is written; `fields[0]` the name. */
  readonly fields: readonly string[]
}

export type Message = {
  readonly marks: Marks
  readonly segments: readonly Segment[]
  /** MSH-9: `ORU`, `R01`, `ORU_R01`; empty where it says nothing. */
  readonly type: { readonly code: string; readonly trigger: string; readonly structure: string }
  readonly version: string
  /** MSH-10. */
  readonly controlId: string
  readonly charset: CharsetName
  /** What is wrong with its form, by place; never a value. */
  readonly faults: readonly Fault[]
}

export type Fault = { readonly place: string; readonly text: string }

export const LIMITS = { bytes: 32 << 20, segments: 20_000, fields: 2000, messages: 10_000 }

const refused = (text: string): KeepwellError => new KeepwellError('UNREADABLE', text)

/** Without the byte order mark, the block characters of MLLP, and blank lines in front. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let from = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  while (from < bytes.length && [0x0b, 0x0d, 0x0a, 0x20, 0x09].includes(bytes[from]!)) from++
  let to = bytes.length
  while (to > from && [0x1c, 0x0d, 0x0a, 0x20, 0x00, 0x1a].includes(bytes[to - 1]!)) to--
  return bytes.subarray(from, to)
}

function utf16(bytes: Uint8Array): string | null {
  const label = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null
  return label ? new TextDecoder(label).decode(bytes) : null
}

/** The header as it can be read before its character set is known. */
function headerOf(bytes: Uint8Array): { marks: Marks; sets: string[] } {
  const line = latin1(bytes.subarray(0, 4096)).split(/[\r\n]/, 1)[0] ?? ''
  const marks = marksOf(line)
  return { marks, sets: (line.split(marks.field)[17] ?? '').split(marks.repetition) }
}

function marksOf(line: string): Marks {
  if (!/^MSH[^A-Za-z0-9\s]/.test(line)) throw refused('An HL7 message begins with MSH and its separators.')
  const field = line[3]!
  // Senders whose strings were escaped once too often write `^~\\\\&`: the mark doubled is the mark.
  const given = (line.slice(4).split(field, 1)[0] ?? '').replace(/(.)\1/, '$1')
  const marks = { field, component: given[0] ?? '^', repetition: given[1] ?? '~', escape: given[2] ?? '', sub: given[3] ?? '&' }
  const used = [marks.field, marks.component, marks.repetition, marks.escape, marks.sub].filter(Boolean)
  if (new Set(used).size < used.length || used.some(c => /[A-Za-z0-9\s]/.test(c)))
    throw refused('The separators in MSH-1 and MSH-2 are not five different marks.')
  return marks
}

/**
 * Reads one message. Segments may end in CR, LF or both. A line that begins with no segment name is taken as the rest of the segment
 * before it, with a fault that says so, because senders put line breaks into text. @param bytes with or without MLLP's block characters.
 * @throws KeepwellError UNREADABLE for what is no message, TOO_LARGE beyond the limits.
 */
export function parseMessage(bytes: Uint8Array): Message {
  if (bytes.length > LIMITS.bytes) throw new KeepwellError('TOO_LARGE', `A message may have ${LIMITS.bytes >> 20} MiB.`)
  const faults: Fault[] = []
  const wide = utf16(bytes)
  if (wide !== null) return segmentsOf(wide.replace(/^[\uFEFF\v\s]+/, ''), { label: 'utf-16' }, faults)
  const body = trimmed(bytes)
  const { sets } = headerOf(body)
  const named = sets[0] ? charsetNamed(sets[0]) : { label: 'ascii' }
  if (!named) faults.push({ place: 'MSH-18', text: 'The character set is none that HL7 names, or none that can be read here' })
  const charset =
    sets.length > 1 ? ((sets[1] ? charsetNamed(sets[1]) : null) ?? named ?? { label: 'ascii' }) : (named ?? { label: 'ascii' })
  const { text, wrong } = decodeAs(body, charset)
  if (wrong && sets[0]) faults.push({ place: 'MSH-18', text: 'The bytes are not of the character set that the message names' })
  return segmentsOf(text, charset, faults)
}

function segmentsOf(text: string, charset: CharsetName, faults: Fault[]): Message {
  const marks = marksOf(text)
  const lines = text.split(/\r\n|\r|\n/, LIMITS.segments + 1)
  if (lines.length > LIMITS.segments) throw new KeepwellError('TOO_LARGE', `A message may have ${LIMITS.segments} segments.`)
  const whole: string[] = []
  for (const line of lines) {
    if (!line.trim()) continue
    const name = line.slice(0, 3)
    if (/^[A-Z][A-Z0-9]{2}$/.test(name) && (line.length === 3 || line[3] === marks.field)) whole.push(line)
    else {
      faults.push({
        place: `${whole.at(-1)?.slice(0, 3) ?? 'MSH'}`,
        text: 'A line that begins with no segment name; taken as the rest of the segment',
      })
      whole[whole.length - 1] += `\n${line}`
    }
  }
  const counts = new Map<string, number>()
  const segments = whole.map(line => segmentOf(line, marks, counts))
  const [msh] = segments
  const part = (n: number, c = 0): string => (msh?.fields[n] ?? '').split(marks.repetition)[0]!.split(marks.component)[c]?.trim() ?? ''
  return {
    marks,
    segments,
    type: { code: plain(part(9)), trigger: plain(part(9, 1)), structure: plain(part(9, 2)) },
    version: part(12),
    controlId: msh?.fields[10]?.trim() ?? '',
    charset,
    faults,
  }
}

/** Names of events and structures are letters, digits and underscores; anything else is no name. */
const plain = (name: string): string => (/^\w{1,20}$/.test(name) ? name : '')

function segmentOf(line: string, marks: Marks, counts: Map<string, number>): Segment {
  const name = line.slice(0, 3)
  const place = (counts.get(name) ?? 0) + 1
  counts.set(name, place)
  const parts = line.split(marks.field, LIMITS.fields + 1)
  if (parts.length > LIMITS.fields) throw new KeepwellError('TOO_LARGE', `A segment may have ${LIMITS.fields} fields.`)
  // MSH-1 is the separator itself, so that MSH-2 is what stands behind it.
  const fields = /^(MSH|FHS|BHS)$/.test(name) ? [name, marks.field, ...parts.slice(1)] : parts
  return { name, place, fields }
}

/**
 * The messages of a file or batch (2.10.3), each with its own bytes; a file without batch headers may hold several as well.
 * @throws KeepwellError UNREADABLE when there is none, TOO_LARGE for more than the limit.
 */
export function splitMessages(bytes: Uint8Array): Uint8Array[] {
  if (utf16(bytes) !== null) return [bytes]
  const body = trimmed(bytes)
  const starts: number[] = []
  for (let at = 0; at >= 0 && at < body.length; at = nextLine(body, at)) {
    if (body[at] === 0x0b) at++
    if (body[at] === 0x4d && body[at + 1] === 0x53 && body[at + 2] === 0x48) starts.push(at)
    if (starts.length > LIMITS.messages) throw new KeepwellError('TOO_LARGE', `A file may hold ${LIMITS.messages} messages.`)
  }
  if (!starts.length) throw refused('There is no MSH segment in it.')
  return starts.map((from, i) => withoutTrailers(body.subarray(from, starts[i + 1] ?? body.length)))
}

function nextLine(body: Uint8Array, from: number): number {
  for (let i = from; i < body.length; i++) if (body[i] === 0x0d || body[i] === 0x0a) return i + 1
  return -1
}

/** Batch and file trailers, and the headers of a next batch, belong to no message. */
function withoutTrailers(bytes: Uint8Array): Uint8Array {
  for (let at = 0; at >= 0; at = nextLine(bytes, at)) {
    const name = latin1(bytes.subarray(at, at + 3))
    if (name === 'BTS' || name === 'FTS' || name === 'BHS' || name === 'FHS') return bytes.subarray(0, at)
  }
  return bytes
}
