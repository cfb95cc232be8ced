import { randomBytes } from 'node:crypto'

export type Place = { readonly segment: number; readonly offset: number; readonly length: number; readonly damaged: boolean }

const CHUNK = 1 << 14
const WORDS = 8
const META = 3
const DAMAGED = 0x8000_0000
const LOAD = 0.7

/**
 * Where each block is, by digest: an open-addressing table over typed arrays, 50 to 56 bytes a block, no objects, so that ten million blocks
 * do not trouble the garbage collector. The hash is keyed by random words: nobody outside can make blocks that collide.
 */
export function blockIndex() {
  const entries = entryTable()
  let slots = new Uint32Array(1024)
  let used = 0
  let sound = 0
  let bytes = 0

  const home = (entry: number): number => entries.hash(entry) & (slots.length - 1)
  /** The slot of the digest, or the empty one where it belongs. */
  const slotOf = (digest: Uint8Array): number => {
    let slot = entries.probe(digest) & (slots.length - 1)
    while (slots[slot] !== 0 && !entries.isProbed(slots[slot]! - 1)) slot = (slot + 1) & (slots.length - 1)
    return slot
  }
  const insert = (entry: number): void => {
    let slot = home(entry)
    while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1)
    slots[slot] = entry + 1
  }
  const grow = (): void => {
    const old = slots
    slots = new Uint32Array(old.length * 2)
    for (const entry of old) if (entry !== 0) insert(entry - 1)
  }
  /** Closes the gap that a removal leaves in the probe sequence (Knuth 6.4, algorithm R). */
  const vacate = (freed: number): void => {
    const mask = slots.length - 1
    let gap = freed
    for (let slot = (gap + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const distance = (slot - home(slots[slot]! - 1)) & mask
      if (distance < ((slot - gap) & mask)) continue
      slots[gap] = slots[slot]!
      gap = slot
    }
    slots[gap] = 0
  }
  const tally = (place: Place, sign: 1 | -1): void => {
    if (place.damaged) return
    sound += sign
    bytes += sign * place.length
  }

  return {
    /** What is here and, as far as is known, readable. */
    held: () => ({ blocks: sound, bytes }),
    find(digest: Uint8Array): Place | null {
      const entry = slots[slotOf(digest)]!
      return entry === 0 ? null : entries.read(entry - 1)
    },
    /** Inserts or moves. */
    set(digest: Uint8Array, place: Place): void {
      const slot = slotOf(digest)
      const known = slots[slot]! - 1
      if (known >= 0) tally(entries.read(known), -1)
      const entry = known >= 0 ? known : entries.add()
      entries.write(entry, place)
      tally(place, 1)
      if (known >= 0) return
      slots[slot] = entry + 1
      if (++used > slots.length * LOAD) grow()
    },
    /** A damaged block is not here any more, but is told apart from one that never was. */
    markDamaged(digest: Uint8Array): void {
      const entry = slots[slotOf(digest)]! - 1
      if (entry < 0) return
      const place = entries.read(entry)
      tally(place, -1)
      entries.write(entry, { ...place, damaged: true })
    },
    remove(digest: Uint8Array): void {
      const slot = slotOf(digest)
      const entry = slots[slot]! - 1
      if (entry < 0) return
      tally(entries.read(entry), -1)
      vacate(slot)
      entries.free(entry)
      used--
    },
  }
}

/** Digests and places by entry number, in chunks, so that growing copies nothing. */
function entryTable() {
  const keys = new Uint32Array(Uint8Array.from(randomBytes(8)).buffer)
  const digests: Uint32Array[] = []
  const places: Uint32Array[] = []
  const freed: number[] = []
  let count = 0
  const probed = new Uint32Array(WORDS)
  const probedBytes = new Uint8Array(probed.buffer)

  const hashOf = (a: number, b: number): number => {
    const h = Math.imul(a ^ keys[0]!, 0x9e3779b1) ^ Math.imul(b ^ keys[1]!, 0x85ebca6b)
    const mixed = Math.imul(h ^ (h >>> 15), 0xc2b2ae35)
    return mixed ^ (mixed >>> 13)
  }
  const chunkOf = (entry: number) => digests[Math.floor(entry / CHUNK)]!
  const wordOf = (entry: number) => (entry % CHUNK) * WORDS

  return {
    /** Takes a digest as the one that `isProbed` and `add` mean; gives its hash. */
    probe(digest: Uint8Array): number {
      probedBytes.set(digest)
      return hashOf(probed[0]!, probed[1]!)
    },
    isProbed(entry: number): boolean {
      const [chunk, at] = [chunkOf(entry), wordOf(entry)]
      for (let i = 0; i < WORDS; i++) if (chunk[at + i] !== probed[i]) return false
      return true
    },
    hash: (entry: number): number => hashOf(chunkOf(entry)[wordOf(entry)]!, chunkOf(entry)[wordOf(entry) + 1]!),
    add(): number {
      const entry = freed.pop() ?? count++
      if (Math.floor(entry / CHUNK) >= digests.length) {
        digests.push(new Uint32Array(CHUNK * WORDS))
        places.push(new Uint32Array(CHUNK * META))
      }
      chunkOf(entry).set(probed, wordOf(entry))
      return entry
    },
    free: (entry: number): void => void freed.push(entry),
    read(entry: number): Place {
      const meta = places[Math.floor(entry / CHUNK)]!
      const at = (entry % CHUNK) * META
      const length = meta[at + 2]!
      return { segment: meta[at]!, offset: meta[at + 1]!, length: length % DAMAGED, damaged: length >= DAMAGED }
    },
    write(entry: number, { segment, offset, length, damaged }: Place): void {
      const meta = places[Math.floor(entry / CHUNK)]!
      meta.set([segment, offset, damaged ? length + DAMAGED : length], (entry % CHUNK) * META)
    },
  }
}

export type BlockIndex = ReturnType<typeof blockIndex>
