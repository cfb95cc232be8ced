/**
 * Takes a FHIR document of any size apart into resources without holding more than one of them: a Bundle, a JSON array, NDJSON (or
 * concatenated JSON), or a single resource. What is broken becomes an error part with its bytes, and the walk goes on where it can.
 */
import type { JsonObject } from './read.ts'
import { isObject, resourceTypeOf, string } from './read.ts'
import type { Scan, Window } from './scan.ts'
import { more, openWindow, peek, scanValue, slice } from './scan.ts'

export type SplitLimits = {
  /** Largest entry (or single resource) in bytes; a larger one becomes a `too-large` part without bytes. */
  readonly maxEntryBytes: number
  /** Deepest nesting inside an entry. */
  readonly maxDepth: number
  /** After so many error parts the rest is not looked at. */
  readonly maxErrors: number
}

/** 32 MiB is twice the largest resource that common FHIR servers take; 64 levels are four times what R4 profiles reach. */
export const SPLIT_LIMITS: SplitLimits = { maxEntryBytes: 32 * 1024 * 1024, maxDepth: 64, maxErrors: 1000 }

export type SplitErrorCode = 'malformed' | 'truncated' | 'too-large' | 'too-deep' | 'not-utf8' | 'not-a-resource' | 'too-many-errors'

type PartPlace = {
  /** Running number of the entry, from 0. */
  readonly index: number
  /** Where it was: `Bundle.entry[3].resource`, `[3]`, or `line 3` of concatenated resources. */
  readonly path: string
  /** Offset of `bytes` in the input. */
  readonly offset: number
}
export type FhirResourcePart = PartPlace & {
  readonly error?: undefined
  /** The resource exactly as it was written. */
  readonly bytes: Uint8Array
  readonly resource: JsonObject
  readonly resourceType: string
  readonly fullUrl?: string
  /** `Bundle.entry.request`, as found. */
  readonly request?: JsonObject
}
export type FhirErrorPart = PartPlace & {
  readonly error: { readonly code: SplitErrorCode /** Says what and where; no content. */; readonly text: string; readonly at: number }
  /** What was there, so that nothing is lost; empty when it was over the limit. */
  readonly bytes: Uint8Array
}
export type FhirPart = FhirResourcePart | FhirErrorPart

const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b
const CLOSE_OBJECT = 0x7d
const CLOSE_ARRAY = 0x5d
const COMMA = 0x2c
const COLON = 0x3a
const QUOTE = 0x22
const NEWLINE = 0x0a

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

type Walk = {
  readonly w: Window
  readonly limits: SplitLimits
  index: number
  errors: number
  /** Bytes that were scanned more than once to find lost entries; bounded so that hostile input stays linear. */
  rescanned: number
  stopped: boolean
}

/** Which bytes tell that a new element begins, after damage: an entry, a resource in an array, or a new line. */
type Kind = 'entry' | 'element' | 'line'

function failure(
  k: Walk,
  place: Omit<PartPlace, 'index'>,
  error: FhirErrorPart['error'],
  bytes: Uint8Array = new Uint8Array(0),
): FhirErrorPart {
  k.errors++
  if (k.errors >= k.limits.maxErrors) k.stopped = true
  return { index: k.index++, ...place, error, bytes }
}

const TEXTS: Readonly<Record<SplitErrorCode, string>> = {
  malformed: 'Not well-formed JSON',
  truncated: 'The file ends in the middle',
  'too-large': 'Larger than the limit for one entry',
  'too-deep': 'Nested deeper than the limit',
  'not-utf8': 'Not UTF-8',
  'not-a-resource': 'Holds no resource',
  'too-many-errors': 'Too many errors',
}
const failing = (code: SplitErrorCode, at: number): FhirErrorPart['error'] => ({ code, at, text: `${TEXTS[code]} (byte ${at}).` })

function parse(bytes: Uint8Array): { value: unknown } | { code: SplitErrorCode } {
  let textual: string
  try {
    textual = utf8.decode(bytes)
  } catch {
    return { code: 'not-utf8' }
  }
  try {
    return { value: JSON.parse(textual) }
  } catch {
    return { code: 'malformed' }
  }
}

/** The member of an entry by name; the last one wins, as in JSON.parse. */
function member(w: Window, scan: Scan, name: string): { bytes: Uint8Array; from: number } | undefined {
  for (let i = scan.members.length - 1; i >= 0; i--) {
    const m = scan.members[i]!
    const key = parse(slice(w, m.keyFrom, m.keyTo))
    if ('value' in key && key.value === name) return { bytes: slice(w, m.from, m.to), from: m.from }
  }
  return undefined
}

function memberValue(w: Window, scan: Scan, name: string): unknown {
  const found = member(w, scan, name)
  const parsed = found && parse(found.bytes)
  return parsed && 'value' in parsed ? parsed.value : undefined
}

type Wrapper = { readonly fullUrl?: string; readonly request?: JsonObject }

/** A scanned, whole value as a part: parsed, and refused when it is no resource. */
function resourcePart(k: Walk, path: string, found: { bytes: Uint8Array; from: number }, wrapper: Wrapper = {}): FhirPart {
  const parsed = parse(found.bytes)
  const place = { path, offset: found.from }
  if ('code' in parsed) return failure(k, place, failing(parsed.code, found.from), found.bytes)
  const resourceType = resourceTypeOf(parsed.value)
  if (!isObject(parsed.value) || !resourceType) return failure(k, place, failing('not-a-resource', found.from), found.bytes)
  return { index: k.index++, ...place, bytes: found.bytes, resource: parsed.value, resourceType, ...wrapper }
}

function entryPart(k: Walk, scan: Scan): FhirPart {
  const path = `Bundle.entry[${k.index}]`
  const found = member(k.w, scan, 'resource')
  if (!found) return failure(k, { path, offset: scan.from }, failing('not-a-resource', scan.from), slice(k.w, scan.from, scan.to))
  const fullUrl = string(memberValue(k.w, scan, 'fullUrl'))
  const request = memberValue(k.w, scan, 'request')
  return resourcePart(k, `${path}.resource`, found, { ...(fullUrl ? { fullUrl } : {}), ...(isObject(request) ? { request } : {}) })
}

const LOOKAHEAD = 512
const KEYS: Readonly<Record<Kind, RegExp>> = {
  entry: /^\{[ \t\r\n]*"(fullUrl|resource|request|response|search|link)"[ \t\r\n]*:/,
  element: /^\{[ \t\r\n]*"(resourceType|id|meta)"[ \t\r\n]*:/,
  line: /^\{/,
}

/** Does an element begin at offset `at` (an opening brace)? */
function beginsHere(w: Window, at: number, kind: Kind): boolean {
  let before = at - 1 - w.base
  while (
    before >= 0 &&
    (w.store[before] === 32 || w.store[before] === 13 || w.store[before] === 9 || (kind !== 'line' && w.store[before] === NEWLINE))
  )
    before--
  const previous = w.store[before]
  if (kind === 'line' ? previous !== NEWLINE : previous !== COMMA && previous !== OPEN_ARRAY) return false
  return KEYS[kind].test(String.fromCharCode(...w.store.subarray(at - w.base, Math.min(at - w.base + LOOKAHEAD, w.end - w.base))))
}

/** Moves the window to the next place where an element seems to begin; false when there is none. */
async function resynchronise(k: Walk, from: number, kind: Kind): Promise<boolean> {
  const { w, limits } = k
  const budgetLeft = k.rescanned < limits.maxEntryBytes * 4
  const failedAt = w.position
  let at = budgetLeft && w.hold >= 0 ? from : failedAt
  if (at < failedAt) k.rescanned += failedAt - at
  for (;;) {
    while (at < w.end) {
      const next = w.store.subarray(0, w.end - w.base).indexOf(OPEN_OBJECT, at - w.base)
      at = next < 0 ? w.end : w.base + next
      if (at + LOOKAHEAD > w.end && !w.done) break
      if (at < w.end && beginsHere(w, at, kind)) {
        w.position = at
        return true
      }
      at++
    }
    w.position = Math.max(w.position, Math.min(at, w.end))
    if (w.hold >= 0 && w.position - w.hold > limits.maxEntryBytes) w.hold = -1
    // Some bytes before `at` stay, for the comma in front of the brace.
    const held = w.hold
    if (w.hold < 0) w.hold = Math.max(w.base, at - LOOKAHEAD)
    const got = await more(w)
    w.hold = held
    if (!got && at >= w.end) return false
  }
}

/** One element that could not be scanned: reports it, and stands at the next one if there is any. */
async function* damaged(k: Walk, path: string, from: number, code: SplitErrorCode, kind: Kind): AsyncGenerator<FhirPart, boolean> {
  const at = k.w.position
  const found = code !== 'truncated' || k.w.hold >= 0 ? await resynchronise(k, from + 1, kind) : false
  const bytes = k.w.hold >= 0 ? slice(k.w, from, found ? k.w.position : k.w.end) : new Uint8Array(0)
  k.w.hold = -1
  yield failure(k, { path, offset: from }, failing(code, at), bytes)
  return found && !k.stopped
}

/** The elements of an array, from behind its bracket. True when the walk can go on behind the closing bracket. */
async function* elements(k: Walk, kind: 'entry' | 'element'): AsyncGenerator<FhirPart, boolean> {
  const { w, limits } = k
  for (;;) {
    const byte = await peek(w)
    if (byte === CLOSE_ARRAY) {
      w.position++
      return true
    }
    const path = kind === 'entry' ? `Bundle.entry[${k.index}]` : `[${k.index}]`
    if (byte < 0) {
      yield failure(k, { path, offset: w.position }, failing('truncated', w.position))
      return false
    }
    if (byte === COMMA) {
      w.position++
      continue
    }
    const from = w.position
    w.hold = from
    const { verdict, scan } = await scanValue(w, limits.maxEntryBytes)
    if (verdict !== 'whole') {
      if (!(yield* damaged(k, path, from, verdict, kind))) return false
      continue
    }
    yield wholeElement(k, scan, path, kind)
    w.hold = -1
    if (k.stopped) return false
  }
}

function wholeElement(k: Walk, scan: Scan, path: string, kind: 'entry' | 'element' | 'line'): FhirPart {
  const { w, limits } = k
  const place = { path, offset: scan.from }
  if (w.hold < 0 || scan.to - scan.from > limits.maxEntryBytes) return failure(k, place, failing('too-large', scan.from))
  // An entry adds two levels of its own (the entry and its resource).
  if (scan.deepest > limits.maxDepth + (kind === 'entry' ? 1 : 0))
    return failure(k, place, failing('too-deep', scan.from), slice(w, scan.from, scan.to))
  return kind === 'entry' ? entryPart(k, scan) : resourcePart(k, path, { bytes: slice(w, scan.from, scan.to), from: scan.from })
}

/** Reads `"name":` of the root object; null when that is not what stands here. */
async function memberName(w: Window): Promise<string | null> {
  if ((await peek(w)) !== QUOTE) return null
  const hold = w.hold
  if (hold < 0) w.hold = w.position
  const { verdict, scan } = await scanValue(w, 4096)
  const parsed = verdict === 'whole' && w.hold >= 0 ? parse(slice(w, scan.from, scan.to)) : undefined
  w.hold = hold
  if (!parsed || !('value' in parsed) || typeof parsed.value !== 'string') return null
  if ((await peek(w)) !== COLON) return null
  w.position++
  return parsed.value
}

const WRAPPER_KEYS = new Set(['resource', 'fullUrl', 'request', 'response', 'search'])

/** Whether the array under `entry` holds Bundle entries, when `resourceType` has not come yet (List has `entry` too). */
async function looksLikeEntries(k: Walk): Promise<boolean> {
  const { w } = k
  const start = w.position
  w.position++
  if ((await peek(w)) !== OPEN_OBJECT) {
    w.position = start
    return true
  }
  const hold = w.hold
  const { scan } = await scanValue(w, k.limits.maxEntryBytes)
  const names = w.hold < 0 ? ['resource'] : scan.members.map(m => parse(slice(w, m.keyFrom, m.keyTo)))
  const yes = names.some(n => typeof n === 'string' || ('value' in n && WRAPPER_KEYS.has(String(n.value))))
  w.hold = hold
  w.position = start
  return yes
}

type RootKind = 'bundle' | 'resource' | 'damaged'

/** Reads members of the root object until it is clear what it is; the window then stands at the value of `entry`, if any. */
async function rootKind(k: Walk): Promise<{ kind: RootKind; atEntries: boolean }> {
  const { w, limits } = k
  const from = w.position
  w.position++
  for (;;) {
    const byte = await peek(w)
    if (byte === CLOSE_OBJECT) return { kind: 'resource', atEntries: false }
    if (byte === COMMA) {
      w.position++
      continue
    }
    const name = await memberName(w)
    if (name === null) return { kind: 'damaged', atEntries: false }
    const first = await peek(w)
    if (name === 'entry' && first === OPEN_ARRAY) {
      const entries = w.hold < 0 || (await looksLikeEntries(k))
      return { kind: entries ? 'bundle' : 'resource', atEntries: true }
    }
    const { verdict, scan } = await scanValue(w, limits.maxEntryBytes)
    if (verdict !== 'whole') return { kind: 'damaged', atEntries: false }
    if (w.position - from > limits.maxEntryBytes) w.hold = -1
    if (name !== 'resourceType') continue
    const value = w.hold >= 0 ? parse(slice(w, scan.from, scan.to)) : { value: undefined }
    return { kind: 'value' in value && value.value === 'Bundle' ? 'bundle' : 'resource', atEntries: false }
  }
}

/** Walks the rest of a Bundle: `entry` arrays are taken apart, everything else is scanned over. */
async function* bundle(k: Walk, atEntries: boolean): AsyncGenerator<FhirPart, boolean> {
  const { w } = k
  w.hold = -1
  if (atEntries) {
    w.position++
    if (!(yield* elements(k, 'entry'))) return false
  }
  for (;;) {
    const byte = await peek(w)
    if (byte === CLOSE_OBJECT) {
      w.position++
      return true
    }
    if (byte === COMMA) {
      w.position++
      continue
    }
    const name = byte < 0 ? null : await memberName(w)
    if (name === 'entry' && (await peek(w)) === OPEN_ARRAY) {
      w.position++
      if (!(yield* elements(k, 'entry'))) return false
      continue
    }
    const broken = name === null ? ((await peek(w)) < 0 ? 'truncated' : 'malformed') : null
    const verdict = broken ?? (await scanValue(w, Number.POSITIVE_INFINITY)).verdict
    if (verdict === 'whole') continue
    const at = w.position
    yield failure(k, { path: 'Bundle', offset: at }, failing(verdict, at))
    if (verdict === 'truncated' || k.stopped || !(await resynchronise(k, at, 'entry'))) return false
    if (!(yield* elements(k, 'entry'))) return false
  }
}

/** A root object: a Bundle is walked, anything else is one resource. */
async function* rootObject(k: Walk, path: string): AsyncGenerator<FhirPart, boolean> {
  const { w, limits } = k
  const from = w.position
  w.hold = from
  const root = await rootKind(k)
  if (root.kind === 'bundle') return yield* bundle(k, root.atEntries)
  if (w.hold >= 0) {
    w.position = from
    const { verdict, scan } = await scanValue(w, limits.maxEntryBytes)
    if (verdict !== 'whole') return yield* damaged(k, path, from, verdict, 'line')
    yield wholeElement(k, scan, path, 'line')
    w.hold = -1
    return !k.stopped
  }
  yield failure(k, { path, offset: from }, failing('too-large', from))
  return !k.stopped && (await resynchronise(k, w.position, 'line'))
}

/**
 * Splits FHIR JSON of any of the usual shapes. Never throws on foreign bytes (an error of `chunks` itself comes through);
 * memory is bounded by `limits.maxEntryBytes`, whatever the size of the document.
 */
export async function* splitFhir(chunks: AsyncIterable<Uint8Array>, limits: SplitLimits = SPLIT_LIMITS): AsyncIterable<FhirPart> {
  const k: Walk = { w: openWindow(chunks), limits, index: 0, errors: 0, rescanned: 0, stopped: false }
  const { w } = k
  while (w.end < 3 && (await more(w)));
  if (w.store[0] === 0xef && w.store[1] === 0xbb && w.store[2] === 0xbf) w.position = 3
  for (let root = 0; !k.stopped; root++) {
    const byte = await peek(w)
    if (byte < 0) return
    const path = root === 0 ? '' : `line ${root}`
    if (byte === OPEN_OBJECT) {
      if (!(yield* rootObject(k, path))) break
    } else if (byte === OPEN_ARRAY) {
      w.position++
      if (!(yield* elements(k, 'element'))) break
    } else {
      const from = w.position
      w.hold = from
      if (!(yield* damaged(k, path, from, 'malformed', 'line'))) break
    }
  }
  if (k.stopped)
    yield { index: k.index, path: '', offset: w.position, error: failing('too-many-errors', w.position), bytes: new Uint8Array(0) }
}

/** Splits NDJSON (one resource a line): a bad line is one error part and never touches its neighbours. */
export async function* splitNdjson(chunks: AsyncIterable<Uint8Array>, limits: SplitLimits = SPLIT_LIMITS): AsyncIterable<FhirPart> {
  const k: Walk = { w: openWindow(chunks), limits, index: 0, errors: 0, rescanned: 0, stopped: false }
  const { w } = k
  for (let number = 0; !k.stopped; ) {
    const from = w.position
    w.hold = from
    let at = from
    for (;;) {
      const found = w.store.subarray(0, w.end - w.base).indexOf(NEWLINE, at - w.base)
      at = found < 0 ? w.end : w.base + found
      if (found >= 0) break
      w.position = at
      if (w.hold >= 0 && at - from > limits.maxEntryBytes) w.hold = -1
      if (!(await more(w))) break
    }
    const last = at >= w.end && w.done
    const part =
      w.hold < 0 ? failure(k, { path: `line ${number}`, offset: from }, failing('too-large', from)) : linePart(k, from, at, number)
    w.position = last ? at : at + 1
    w.hold = -1
    number++
    if (part) yield part
    if (last) return
  }
}

function linePart(k: Walk, from: number, to: number, number: number): FhirPart | null {
  let bytes = slice(k.w, from, to)
  if (number === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3)
  if (bytes.every(b => b === 32 || b === 9 || b === 13)) return null
  const path = `line ${number}`
  if (depthOf(bytes) > k.limits.maxDepth) return failure(k, { path, offset: from }, failing('too-deep', from), bytes)
  return resourcePart(k, path, { bytes, from })
}

/** Deepest nesting of well-formed JSON; for anything else just an upper bound that no one relies on. */
function depthOf(bytes: Uint8Array): number {
  let depth = 0
  let deepest = 0
  let quoted = false
  for (let i = 0; i < bytes.length; i++) {
    const b = bytes[i]!
    if (b === QUOTE) quoted = !quoted
    else if (quoted) {
      if (b === 0x5c) i++
    } else if (b === OPEN_OBJECT || b === OPEN_ARRAY) {
      if (++depth > deepest) deepest = depth
    } else if (b === CLOSE_OBJECT || b === CLOSE_ARRAY) depth--
  }
  return deepest
}

/** Bundle-level facts worth showing before an import, from the first bytes of the file; undefined when they do not stand there. */
export function bundleType(head: Uint8Array): string | undefined {
  const shown = new TextDecoder('utf-8').decode(head.subarray(0, 4096))
  return /"resourceType"\s*:\s*"Bundle"/.test(shown) ? /"type"\s*:\s*"([a-z-]{1,32})"/.exec(shown)?.[1] : undefined
}
