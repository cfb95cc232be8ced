import { concat } from './bytes.ts'
import { type Cid, cidBytes, cidFromBytes, dagPbCid, rawCid } from './cid.ts'
import { KeepwellError } from './error.ts'

// UnixFS v1 file nodes in dag-pb (specs.ipfs.tech/unixfs): raw leaves, balanced, at most 1,024 links a node. Only what a
// payload needs: no directories, no inline data, no names.

const MAX_LINKS = 1024
const MAX_NODE = 1 << 20

type Child = { readonly cid: Cid; readonly size: number; readonly total: number }
export type UnixfsBlock = { readonly cid: Cid; readonly bytes: Uint8Array }
export type UnixfsLink = { readonly cid: Cid; readonly size: number }

function varint(n: number): Uint8Array {
  const out: number[] = []
  let rest = n
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80)
  out.push(rest)
  return Uint8Array.from(out)
}

const field = (tag: number, bytes: Uint8Array): Uint8Array => concat(Uint8Array.of(tag), varint(bytes.length), bytes)

/** dag-pb link: Hash (1), empty Name (2), Tsize (3). */
const encodeLink = (c: Child): Uint8Array =>
  field(0x12, concat(field(0x0a, cidBytes(c.cid)), field(0x12, new Uint8Array(0)), Uint8Array.of(0x18), varint(c.total)))

/** UnixFS Data: Type = File (1), filesize (3), one blocksize (4) a link. */
function encodeNode(children: readonly Child[]): Uint8Array {
  const size = children.reduce((sum, c) => sum + c.size, 0)
  const sizes = children.map(c => concat(Uint8Array.of(0x20), varint(c.size)))
  const data = concat(Uint8Array.of(0x08, 0x02, 0x18), varint(size), ...sizes)
  return concat(...children.map(encodeLink), field(0x0a, data))
}

/**
 * Builds the file above leaves that are stored elsewhere. `add` takes a leaf's SHA-256 and length and returns inner nodes that
 * are complete; `finish` returns the root and the rest. Throws BAD_INPUT when finished without a leaf.
 */
export function unixfsBuilder(sha256: (bytes: Uint8Array) => Uint8Array) {
  const levels: Child[][] = [[]]
  const node = (children: readonly Child[]): Child & { bytes: Uint8Array } => {
    const bytes = encodeNode(children)
    const sum = (pick: (c: Child) => number) => children.reduce((total, c) => total + pick(c), 0)
    return { cid: dagPbCid(sha256(bytes)), size: sum(c => c.size), total: sum(c => c.total) + bytes.length, bytes }
  }
  const raise = (level: number): UnixfsBlock[] => {
    const made = node(levels[level]!)
    levels[level] = []
    const parents = levels[level + 1] ?? []
    levels[level + 1] = parents
    parents.push(made)
    const block = { cid: made.cid, bytes: made.bytes }
    return parents.length === MAX_LINKS ? [block, ...raise(level + 1)] : [block]
  }
  return {
    add(digest: Uint8Array, size: number): UnixfsBlock[] {
      levels[0]!.push({ cid: rawCid(digest), size, total: size })
      return levels[0]!.length === MAX_LINKS ? raise(0) : []
    },
    finish(): { root: Cid; blocks: UnixfsBlock[] } {
      const blocks: UnixfsBlock[] = []
      for (let level = 0; ; level++) {
        const here = levels[level]
        if (!here) throw new KeepwellError('BAD_INPUT', 'A file has at least one leaf.')
        const top = level === levels.length - 1
        if (top && here.length === 1) return { root: here[0]!.cid, blocks }
        if (here.length) blocks.push(...raise(level))
      }
    },
  }
}

/** The links of a file node, in order, each with the bytes of file below it. Throws UNREADABLE for anything else. */
export function readNode(bytes: Uint8Array): { links: UnixfsLink[] } {
  if (bytes.length > MAX_NODE) throw new KeepwellError('TOO_LARGE', 'A file node has at most 1 MiB.')
  try {
    const cids: Cid[] = []
    let sizes: number[] = []
    for (const f of fields(bytes)) {
      if (f.number === 2) cids.push(linkCid(f.bytes))
      else if (f.number === 1) sizes = blockSizes(f.bytes)
    }
    if (cids.length === 0 || cids.length !== sizes.length || cids.length > MAX_LINKS) throw new Error('links and sizes differ')
    return { links: cids.map((cid, i) => ({ cid, size: sizes[i]! })) }
  } catch (cause) {
    throw new KeepwellError('UNREADABLE', 'The block is not a UnixFS file node.', { cause })
  }
}

function linkCid(link: Uint8Array): Cid {
  for (const f of fields(link)) if (f.number === 1) return cidFromBytes(f.bytes.slice())
  throw new Error('a link without an address')
}

function blockSizes(data: Uint8Array): number[] {
  const sizes: number[] = []
  for (const f of fields(data)) {
    if (f.number === 1 && f.value !== 2) throw new Error('not a file')
    if (f.number === 4) sizes.push(f.value)
  }
  return sizes
}

type Field = { readonly number: number; readonly value: number; readonly bytes: Uint8Array }
const NONE = new Uint8Array(0)

/** Protocol-buffer fields of wire types 0 and 2, the only ones there are here. */
function* fields(bytes: Uint8Array): Iterable<Field> {
  let at = 0
  const number = (): number => {
    let value = 0
    for (let shift = 1; ; shift *= 0x80) {
      const b = bytes[at++]
      if (b === undefined || shift > 2 ** 49) throw new Error('bad varint')
      value += (b & 0x7f) * shift
      if (b < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const key = number()
    if ((key & 7) === 0) yield { number: key >>> 3, value: number(), bytes: NONE }
    else if ((key & 7) === 2) {
      const length = number()
      if (at + length > bytes.length) throw new Error('field too long')
      yield { number: key >>> 3, value: 0, bytes: bytes.subarray(at, at + length) }
      at += length
    } else throw new Error('unknown wire type')
  }
}
