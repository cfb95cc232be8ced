import { utf8 } from '#base/bytes'
import { ensure } from '#base/error'
import { hkdfExpand } from './hash.ts'

/** Levels below the root; epochs 0 to 2^16 − 1 are 1,256 years of weeks (protocol §2). */
export const TREE_DEPTH = 16
export const MAX_EPOCH = 2 ** TREE_DEPTH - 1

/** The secret of one subtree: `level` 0 is the root, 16 a leaf; `index` counts from the left; `key` is 32 bytes. */
export type TreeNode = { readonly level: number; readonly index: number; readonly key: Uint8Array }

const BRANCH = [utf8('keepwell/v1/tree/0'), utf8('keepwell/v1/tree/1')] as const
const EPOCH = utf8('keepwell/v1/epoch')

const child = ({ level, index, key }: TreeNode, bit: 0 | 1): TreeNode => ({
  level: level + 1,
  index: 2 * index + bit,
  key: hkdfExpand(key, BRANCH[bit], 32),
})

const asRoot = (key: Uint8Array): TreeNode => {
  ensure(key.length === 32, 'BAD_INPUT', 'A tree root is 32 bytes.')
  return { level: 0, index: 0, key }
}

/** First and last epoch below a node. */
const span = ({ level, index }: TreeNode): readonly [number, number] => {
  const width = 2 ** (TREE_DEPTH - level)
  return [index * width, (index + 1) * width - 1]
}

/**
 * The fewest nodes from which exactly the epochs `from`..`to` (inclusive) can be derived, left to right: at most 2·16 − 2.
 * An empty interval (`from` > `to`) gives none. Throws BAD_INPUT for epochs outside 0..65535.
 */
export const coverNodes = (root: Uint8Array, from: number, to: number): TreeNode[] => restrictNodes([asRoot(root)], from, to)

/** The part of granted nodes that covers `from…to`: what a proxy may pass on. Nothing outside the given nodes can come of it. */
export function restrictNodes(nodes: readonly TreeNode[], from: number, to: number): TreeNode[] {
  for (const e of [from, to]) ensure(Number.isInteger(e) && e >= 0 && e <= MAX_EPOCH, 'BAD_INPUT', `Epochs run from 0 to ${MAX_EPOCH}.`)
  return nodes.flatMap(node => {
    const [first, last] = span(node)
    if (first > to || last < from) return []
    return from <= first && last <= to ? [node] : restrictNodes([child(node, 0), child(node, 1)], from, to)
  })
}

/**
 * The X-Wing seed of an epoch, from the tree root or from cover nodes; null when no node covers it. The pair is
 * `kemKeyPair(seed)`. Throws BAD_INPUT for malformed nodes, which come from other people's grants.
 */
export function epochSeed(source: Uint8Array | readonly TreeNode[], epoch: number): Uint8Array | null {
  const nodes = source instanceof Uint8Array ? [asRoot(source)] : source
  for (const n of nodes) {
    const sane = Number.isInteger(n.level) && n.level >= 0 && n.level <= TREE_DEPTH && Number.isInteger(n.index) && n.key.length === 32
    ensure(sane && n.index >= 0 && n.index < 2 ** n.level, 'BAD_INPUT', 'A tree node has a level 0 to 16, an index within it and 32 bytes.')
  }
  let node = nodes.find(n => span(n)[0] <= epoch && epoch <= span(n)[1])
  if (node === undefined || !Number.isInteger(epoch)) return null
  while (node.level < TREE_DEPTH) {
    const bit: number = Math.floor(epoch / 2 ** (TREE_DEPTH - node.level - 1)) % 2
    node = child(node, bit === 0 ? 0 : 1)
  }
  return hkdfExpand(node.key, EPOCH, 32)
}

/** The seeds of the epochs `from`…`to` (inclusive), in order, from the tree root: what they share on the way down is derived once. Throws BAD_INPUT. */
export function epochSeeds(root: Uint8Array, from: number, to: number): Uint8Array[] {
  const leaves = (node: TreeNode): TreeNode[] =>
    node.level === TREE_DEPTH ? [node] : [...leaves(child(node, 0)), ...leaves(child(node, 1))]
  return coverNodes(root, from, to)
    .flatMap(leaves)
    .map(leaf => hkdfExpand(leaf.key, EPOCH, 32))
}
