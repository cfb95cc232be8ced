import { equal, type RandomBytes, toHex } from '#base/bytes'
import { decode, encode } from '#base/cbor'
import { ensure } from '#base/error'
import { bytes, type Infer, int, list, object, oneOf, type Shape } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { aeadOpen } from '#crypto/open'
import { aeadSeal } from '#crypto/seal'
import type { Keyring } from './keyring.ts'
import { MAX_PARTS, type SealedKeyring, type SealedPart } from './sealed-keyring.ts'

/** The lists of a keyring that grow with the people one has to do with, each of whom takes kilobytes. */
const PARTED = ['contacts', 'received', 'given', 'passed', 'guarding'] as const
type Parted = (typeof PARTED)[number]

/** Where a part stands: `count` elements of a list from `at`, under a key used once. */
export const keyringPart = object({ list: oneOf(...PARTED), at: int(), count: int(1), key: bytes(32), hash: bytes(32) })
type Part = Infer<typeof keyringPart>
export const keyringParts = list(keyringPart, MAX_PARTS)

/** A list may have so many bytes in the keyring itself; beyond, it is cut. A small keyring is whole, as it ever was. */
const WHOLE = 1 << 19
/** Bytes of a part, unless one element has more. */
const PART = 1 << 16
/** Parts of a list that shrank so far on average are cut anew, all together. */
const SHRUNK = { parts: 64, bytes: PART >> 1 }

const NONCE = new Uint8Array(12)
const aadOf = (vault: string, name: Parted): Uint8Array => encode(['kw1/keyring-part', vault, name])

type Whole = Pick<Keyring, 'parts' | Parted>
type Elements = readonly (Keyring[Parted] & object)[number][]
const elements = (ring: Whole, name: Parted): Elements => ring[name] ?? []

/** A keyring as it is to be sealed, and the bytes of its parts. */
export type CutKeyring = { readonly ring: Keyring; readonly parts: readonly SealedPart[] }
export type Opened = { readonly ring: Keyring; readonly sealed: SealedKeyring }

/**
 * Cuts what is large out of a keyring, so that a change sends what changed and not all (protocol §2). A part of the keyring `before` whose
 * elements all stand together still stays to the byte; elements are compared by identity, so a change must keep those it does not touch.
 */
export async function cutKeyring(ring: Keyring, random: RandomBytes, before: Opened): Promise<CutKeyring> {
  const had = new Map((before.sealed.parts ?? []).map(p => [toHex(p.hash), p]))
  const parts: Part[] = []
  const sealed: SealedPart[] = []
  const take = (part: Part, bytesOf: SealedPart): void => {
    parts.push(part)
    sealed.push(bytesOf)
  }
  for (const name of PARTED) {
    const kept = keptParts(ring, before.ring, name).filter(p => had.get(toHex(p.hash))?.sealed)
    const size = kept.reduce((sum, p) => sum + had.get(toHex(p.hash))!.size, 0)
    const stay = kept.length > SHRUNK.parts && size < kept.length * SHRUNK.bytes ? [] : kept
    const made = await cutList(ring, { name, stay, random })
    for (const p of [...stay.map(part => ({ part, bytesOf: had.get(toHex(part.hash))! })), ...made].sort((a, b) => a.part.at - b.part.at))
      take(p.part, p.bytesOf)
  }
  return parts.length ? { ring: { ...ring, parts }, parts: sealed } : wholeKeyring(ring)
}

export function wholeKeyring({ parts: _none, ...ring }: Keyring): CutKeyring {
  return { ring, parts: [] }
}

/** The parts of `before` whose elements stand in `ring` in one row, at the place where they stand now. */
function keptParts(ring: Whole, before: Whole, name: Parted): Part[] {
  const old = (before.parts ?? []).filter(p => p.list === name)
  if (old.length === 0) return []
  const was = elements(before, name)
  const now = elements(ring, name)
  const places = new Map(now.map((e, i) => [e, i]))
  return old.flatMap(part => {
    const at = places.get(was[part.at]!)
    if (at === undefined) return []
    for (let i = 0; i < part.count; i++) if (now[at + i] !== was[part.at + i]) return []
    return [{ ...part, at }]
  })
}

type Made = { readonly part: Part; readonly bytesOf: SealedPart }

/** New parts for the elements that are in none, if those are too many; what came last stays in the keyring. */
async function cutList(
  ring: Keyring,
  { name, stay, random }: { readonly name: Parted; readonly stay: readonly Part[]; readonly random: RandomBytes },
): Promise<Made[]> {
  const all = elements(ring, name)
  const covered = new Set(stay.flatMap(p => Array.from({ length: p.count }, (_, i) => p.at + i)))
  const sizes = all.map((e, i) => (covered.has(i) ? 0 : encode(e).length))
  if (sizes.reduce((a, b) => a + b, 0) <= WHOLE) return []
  const made: Made[] = []
  const cut = async (from: number, to: number): Promise<void> => {
    const key = random(32)
    const plaintext = encode(all.slice(from, to))
    const bytesOf = await aeadSeal({ key, nonce: NONCE, aad: aadOf(ring.did, name), plaintext })
    const hash = sha256(bytesOf)
    made.push({ part: { list: name, at: from, count: to - from, key, hash }, bytesOf: { hash, size: bytesOf.length, sealed: bytesOf } })
  }
  let from = 0
  let size = 0
  for (let i = 0; i <= all.length; i++) {
    const ends = i === all.length || covered.has(i)
    if (i > from && (size >= PART || (ends && i < all.length))) {
      await cut(from, i)
      from = i
      size = 0
    }
    if (ends) {
      from = i + 1
      size = 0
    } else size += sizes[i]!
  }
  return made
}

/** The keyring without what stands in parts: what is sealed as its core. */
export function coreOf(ring: Keyring): Keyring {
  const core: Keyring = { ...ring }
  for (const name of PARTED) {
    const out = new Set((ring.parts ?? []).filter(p => p.list === name).flatMap(p => Array.from({ length: p.count }, (_, i) => p.at + i)))
    if (out.size) Object.assign(core, { [name]: elements(ring, name).filter((_, i) => !out.has(i)) })
  }
  return core
}

type Shapes = { readonly [K in Parted]: Shape<unknown> }

/**
 * Puts a core and its parts together. Those that `known` has already opened are taken from there, and need not have come. Throws
 * OPEN_FAILED for a part that is missing, altered, or of another place.
 */
export async function joinKeyring(core: Keyring, thing: SealedKeyring, shapes: Shapes, known?: Opened): Promise<Keyring> {
  if (!core.parts) return core
  const ring: Keyring = { ...core }
  const seen = new Map((known?.ring.parts ?? []).map(p => [toHex(p.hash), p]))
  for (const name of PARTED) {
    const own = core.parts.filter(p => p.list === name)
    if (own.length === 0) continue
    const inline = [...elements(core, name)]
    const out: unknown[] = []
    for (const part of own) {
      out.push(...inline.splice(0, part.at - out.length))
      const same = seen.get(toHex(part.hash))
      const found = same && known ? elements(known.ring, name).slice(same.at, same.at + same.count) : await openPart(thing, part, shapes)
      ensure(
        out.length === part.at && found.length === part.count,
        'OPEN_FAILED',
        'A part of the keyring is not the one that belongs there.',
      )
      out.push(...found)
    }
    Object.assign(ring, { [name]: [...out, ...inline] })
  }
  return ring
}

async function openPart(thing: SealedKeyring, part: Part, shapes: Shapes): Promise<readonly unknown[]> {
  const ciphertext = thing.parts?.find(p => equal(p.hash, part.hash))?.sealed
  ensure(ciphertext, 'OPEN_FAILED', 'A part of the keyring did not come with it; ask the relay for all of it.')
  const opened = decode(await aeadOpen({ key: part.key, nonce: NONCE, aad: aadOf(thing.vault, part.list), ciphertext }))
  return shapes[part.list].check(opened, part.list) as readonly unknown[]
}

/** The sealed keyring with the bytes that another copy of it has. */
export function withParts(thing: SealedKeyring, from: SealedKeyring): SealedKeyring {
  if (!thing.parts) return thing
  const had = new Map((from.parts ?? []).map(p => [toHex(p.hash), p]))
  return { ...thing, parts: thing.parts.map(p => (p.sealed ? p : (had.get(toHex(p.hash)) ?? p))) }
}
