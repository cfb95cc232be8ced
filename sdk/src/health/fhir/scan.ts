/**
 * A resumable JSON scanner (RFC 8259 grammar) over bytes that arrive in chunks: it finds where a value ends, and where the members
 * of its outermost object lie, without building anything. All positions are absolute offsets in the input.
 */

/** Nothing legitimate nests deeper; beyond it the scanner gives up on the value instead of growing its stack. */
const HARD_DEPTH = 4096

/** A sliding window on a stream of bytes. `hold` (when ≥ 0) is the oldest byte that must stay; nothing else before `position` is kept. */
export type Window = {
  readonly chunks: AsyncIterator<Uint8Array>
  store: Uint8Array
  /** Offset of `store[0]`. */
  base: number
  /** Offset behind the last byte that is here. */
  end: number
  /** Offset of the next byte to look at. */
  position: number
  hold: number
  done: boolean
  /** Kind of each open bracket, shared by all scans of this window. */
  readonly stack: Uint8Array
}

export function openWindow(chunks: AsyncIterable<Uint8Array>): Window {
  return {
    chunks: chunks[Symbol.asyncIterator](),
    store: new Uint8Array(262_144),
    base: 0,
    end: 0,
    position: 0,
    hold: -1,
    done: false,
    stack: new Uint8Array(HARD_DEPTH + 1),
  }
}

function makeRoom(w: Window, length: number): void {
  const used = w.end - w.base
  if (used + length <= w.store.length) return
  const keepFrom = w.hold >= 0 ? Math.min(w.hold, w.position) : w.position
  const offset = keepFrom - w.base
  const kept = used - offset
  // Shifting only when half is free, and doubling otherwise, keeps the copying linear in the input.
  if (kept + length <= w.store.length / 2) w.store.copyWithin(0, offset, used)
  else {
    const grown = new Uint8Array(Math.max(w.store.length * 2, kept + length))
    grown.set(w.store.subarray(offset, used))
    w.store = grown
  }
  w.base = keepFrom
}

/** Reads one more chunk; false at the end of the input. */
export async function more(w: Window): Promise<boolean> {
  if (w.done) return false
  const next = await w.chunks.next()
  if (next.done) {
    w.done = true
    return false
  }
  makeRoom(w, next.value.length)
  w.store.set(next.value, w.end - w.base)
  w.end += next.value.length
  return true
}

/** The bytes of a range, copied, as far as they are still held. */
export const slice = (w: Window, from: number, to: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(w.store.subarray(Math.max(0, from - w.base), Math.max(0, Math.min(to, w.end) - w.base)))

const isSpace = (byte: number): boolean => byte === 32 || byte === 10 || byte === 13 || byte === 9

/** The next byte that is not white space (left unread), or -1 at the end of the input. */
export async function peek(w: Window): Promise<number> {
  for (;;) {
    const to = w.end - w.base
    let i = w.position - w.base
    while (i < to && isSpace(w.store[i]!)) i++
    w.position = w.base + i
    if (i < to) return w.store[i]!
    if (!(await more(w))) return -1
  }
}

const VALUE = 0
const STRING = 1
const KEY_STRING = 2
const KEY_OR_END = 3
const KEY = 4
const COLON = 5
const COMMA_OR_END = 6
const VALUE_OR_END = 7
const BARE = 8
const STRING_ESCAPE = 9
const KEY_ESCAPE = 10
const DONE = 11
const BAD = 12

const MAX_MEMBERS = 64

export type Member = { readonly keyFrom: number; readonly keyTo: number; readonly from: number; readonly to: number }

export type Scan = {
  state: number
  readonly from: number
  to: number
  depth: number
  deepest: number
  readonly stack: Uint8Array
  /** Members of the outermost object, at most {@link MAX_MEMBERS}. */
  readonly members: Member[]
  keyFrom: number
  keyTo: number
  valueFrom: number
}

const begin = (from: number, stack: Uint8Array): Scan => ({
  state: VALUE,
  from,
  to: from,
  depth: 0,
  deepest: 0,
  stack,
  members: [],
  keyFrom: 0,
  keyTo: 0,
  valueFrom: 0,
})

/** Which bytes end the quick walk inside a string: quote, backslash, control characters. */
const STOPS = Uint8Array.from({ length: 256 }, (_, byte) => (byte === 0x22 || byte === 0x5c || byte < 0x20 ? 1 : 0))
/** Bytes of numbers and of true, false, null; JSON.parse judges their form later. */
const BARE_BYTES = Uint8Array.from({ length: 256 }, (_, b) =>
  (b >= 48 && b <= 57) || (b >= 97 && b <= 122) || b === 69 || b === 43 || b === 45 || b === 46 ? 1 : 0,
)
const BARE_START = Uint8Array.from({ length: 256 }, (_, b) =>
  (b >= 48 && b <= 57) || b === 45 || b === 102 || b === 110 || b === 116 ? 1 : 0,
)

function ended(s: Scan, at: number): void {
  if (s.depth === 1 && s.stack[1] === 0 && s.members.length < MAX_MEMBERS)
    s.members.push({ keyFrom: s.keyFrom, keyTo: s.keyTo, from: s.valueFrom, to: at })
  s.state = s.depth === 0 ? DONE : COMMA_OR_END
  s.to = at
}

function opened(s: Scan, kind: 0 | 1): void {
  if (s.depth >= HARD_DEPTH) {
    s.state = BAD
    return
  }
  s.stack[++s.depth] = kind
  if (s.depth > s.deepest) s.deepest = s.depth
  s.state = kind === 0 ? KEY_OR_END : VALUE_OR_END
}

function closed(s: Scan, kind: 0 | 1, at: number): void {
  if (s.depth === 0 || s.stack[s.depth] !== kind) s.state = BAD
  else {
    s.depth--
    ended(s, at)
  }
}

function valueStart(s: Scan, byte: number, at: number): void {
  if (s.depth === 1) s.valueFrom = at
  if (byte === 0x22) s.state = STRING
  else if (byte === 0x7b) opened(s, 0)
  else if (byte === 0x5b) opened(s, 1)
  else s.state = BARE_START[byte] ? BARE : BAD
}

function keyStart(s: Scan, byte: number, at: number): void {
  s.state = byte === 0x22 ? KEY_STRING : BAD
  if (s.depth === 1) s.keyFrom = at
}

/** One structural byte (not inside a string or a bare token). */
function structural(s: Scan, byte: number, at: number): void {
  switch (s.state) {
    case VALUE:
      valueStart(s, byte, at)
      break
    case VALUE_OR_END:
      if (byte === 0x5d) closed(s, 1, at + 1)
      else valueStart(s, byte, at)
      break
    case KEY_OR_END:
      if (byte === 0x7d) closed(s, 0, at + 1)
      else keyStart(s, byte, at)
      break
    case KEY:
      keyStart(s, byte, at)
      break
    case COLON:
      s.state = byte === 0x3a ? VALUE : BAD
      break
    case COMMA_OR_END:
      if (byte === 0x2c) s.state = s.stack[s.depth] === 0 ? KEY : VALUE
      else if (byte === 0x7d) closed(s, 0, at + 1)
      else if (byte === 0x5d) closed(s, 1, at + 1)
      else s.state = BAD
      break
    default:
      s.state = BAD
  }
}

/** The bytes of a string from `i`; stops at its end, at an error, or where the window ends. */
function inString(s: Scan, w: Window, start: number, to: number): number {
  const { store, base } = w
  const key = s.state === KEY_STRING || s.state === KEY_ESCAPE
  let i = start
  if (s.state === STRING_ESCAPE || s.state === KEY_ESCAPE) {
    s.state = key ? KEY_STRING : STRING
    i++
  }
  while (i < to) {
    while (i < to && !STOPS[store[i]!]) i++
    if (i >= to) return i
    const byte = store[i]!
    if (byte === 0x22) {
      i++
      if (!key) ended(s, base + i)
      else {
        s.state = COLON
        if (s.depth === 1) s.keyTo = base + i
      }
      return i
    }
    if (byte !== 0x5c) {
      s.state = BAD
      return i
    }
    i += 2
    if (i > to) {
      s.state = key ? KEY_ESCAPE : STRING_ESCAPE
      return to
    }
  }
  return i
}

/** Advances over what is in the window. Afterwards `state` is DONE, BAD, or the window is used up. */
function step(s: Scan, w: Window): void {
  const { store, base } = w
  const to = w.end - base
  let i = w.position - base
  while (i < to && s.state !== DONE && s.state !== BAD) {
    if (s.state === STRING || s.state === KEY_STRING || s.state === STRING_ESCAPE || s.state === KEY_ESCAPE) {
      i = inString(s, w, i, to)
    } else if (s.state === BARE) {
      while (i < to && BARE_BYTES[store[i]!]) i++
      if (i < to) ended(s, base + i)
    } else {
      const byte = store[i]!
      if (!isSpace(byte)) {
        structural(s, byte, base + i)
        if (s.state === BAD) break
      }
      i++
    }
  }
  w.position = base + i
}

export type Verdict = 'whole' | 'malformed' | 'truncated'

/**
 * Scans one JSON value from the window's position, which ends behind it (or at the offending byte).
 * While the value is at most `limit` bytes long, `w.hold` keeps it; a longer one is scanned through but let go (`w.hold` becomes -1).
 */
export async function scanValue(w: Window, limit: number): Promise<{ verdict: Verdict; scan: Scan }> {
  const s = begin(w.position, w.stack)
  for (;;) {
    step(s, w)
    if (s.state === DONE) return { verdict: 'whole', scan: s }
    if (s.state === BAD) return { verdict: 'malformed', scan: s }
    if (w.hold >= 0 && w.position - s.from > limit) w.hold = -1
    if (await more(w)) continue
    if (s.state === BARE && s.depth === 0) {
      ended(s, w.position)
      return { verdict: 'whole', scan: s }
    }
    return { verdict: 'truncated', scan: s }
  }
}
