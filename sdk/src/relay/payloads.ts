import { text, toHex, utf8 } from '#base/bytes'
import { type Cid, parseCid } from '#base/cid'
import { ensure, isKeepwellError } from '#base/error'
import { bytes, decodeAs, object, optional } from '#base/shape'
import { readNode } from '#base/unixfs'
import type { Call } from '#identity/call'
import { type Did, did } from '#identity/did'
import type { Block, BlockStore } from '#ports/blocks'
import { payloadCid } from '#records/envelope'
import { type Freezing, readCapability } from './capability.ts'
import { checkTerms, decideConsent } from './consents.ts'
import type { RelayContext } from './context.ts'
import { readLimits } from './limits.ts'
import { calendarOf } from './state.ts'

/** Body of the signed call that authorises `putBlocks`. */
export const putBlocksBody = object({ vault: did, terms: optional(bytes({ max: 1 << 16 })) })

const MAX_BLOCK = 1 << 20

const isLeaf = (cid: Cid): boolean => parseCid(cid).codec === 'raw'

/**
 * A payload's address and, for a large payload, those of all blocks below it, each once. Nodes are foreign bytes: one that is
 * missing or no file node ends its branch, and one that is named many times is read once.
 */
export async function payloadBlocks(blocks: BlockStore, root: Cid): Promise<Cid[]> {
  const found = new Set<Cid>([root])
  for (const cid of found) {
    const node = isLeaf(cid) ? null : await blocks.get(cid)
    for (const link of node ? linksOf(node) : []) found.add(link)
  }
  return [...found]
}

function linksOf(node: Uint8Array): Cid[] {
  try {
    return readNode(node).links.map(l => l.cid)
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return []
  }
}

/** All blocks of a payload that is filed now. Throws NOT_FOUND when one is missing, UNREADABLE when a node is none. */
async function wholePayload(blocks: BlockStore, root: Cid): Promise<Cid[]> {
  const found = new Set<Cid>([root])
  for (const cid of found) {
    const node = isLeaf(cid) ? null : await blocks.get(cid)
    const here = node !== null || (isLeaf(cid) && (await blocks.has(cid)))
    ensure(here, 'NOT_FOUND', 'A payload block is not here; put all blocks of a record before its envelope.')
    for (const link of node ? readNode(node).links : []) found.add(link.cid)
  }
  return [...found]
}

const claimOf = (vault: Did, id: Uint8Array): string => `${vault}|${toHex(id)}`

/**
 * Every payload must be here whole, and every block belongs to the one record that first filed it, for erasing a record drops its blocks: otherwise whoever knows an
 * address could file it as its own and erase it. Blocks go by their digest, as in every store: a codec names the same bytes anew. Legitimate payloads never share a block, since every key is random (threat T04).
 */
export async function claimPayloads(
  ctx: RelayContext,
  vault: Did,
  records: readonly { readonly id: Uint8Array; readonly cid: Uint8Array }[],
): Promise<void> {
  const claims: { key: Uint8Array; owner: string }[] = []
  for (const r of records)
    for (const cid of await wholePayload(ctx.blocks, payloadCid(r))) claims.push({ key: parseCid(cid).digest, owner: claimOf(vault, r.id) })
  await ctx.envelopes.transact('', async rows => {
    for (const { key, owner } of claims) {
      const held = await rows.get('payload', key)
      ensure(!held || text(held) === owner, 'ENVELOPE_MISMATCH', 'A payload block belongs to another record.')
    }
    await rows.put(
      'payload',
      claims.map(c => ({ key: c.key, value: utf8(c.owner) })),
    )
  })
}

/** Drops blocks for good, and forgets whose they were. Leaves first: what a crash left over is still found from its root. */
export async function dropPayloads(ctx: RelayContext, cids: readonly Cid[]): Promise<void> {
  await ctx.blocks.drop(cids.filter(isLeaf))
  await ctx.envelopes.transact('', rows =>
    rows.delete(
      'payload',
      cids.map(c => parseCid(c).digest),
    ),
  )
  await ctx.blocks.drop(cids.filter(c => !isLeaf(c)))
}

/** Stores payload blocks for a vault kept here: from the vault itself, or from a writer under a live write consent. */
export async function putBlocks(ctx: RelayContext, auth: Call, blocks: readonly Block[]): Promise<void> {
  const body = decodeAs(putBlocksBody, auth.body)
  ensure(await ctx.envelopes.read(body.vault, calendarOf), 'NOT_FOUND', 'This relay keeps no vault of that name.')
  if (auth.from !== body.vault) {
    ensure(body.terms, 'NO_GRANT', 'Writing to another vault needs its consent; send the signed terms along.')
    const checked = await checkTerms(ctx, body.terms, body.vault)
    const purpose = checked.terms.purposes[0]!
    const decision = await decideConsent(ctx, checked, { action: 'write', reader: auth.from, purpose, records: [], compartments: [] })
    ensure(decision.allow, 'DENIED', `Writing was refused: ${decision.reasons.join(', ')}.`)
  }
  for (const b of blocks) ensure(b.bytes.length <= MAX_BLOCK, 'TOO_LARGE', 'A block has at most 1 MiB.')
  await ctx.blocks.put(blocks)
}

type Reach = {
  readonly known: Set<Cid>
  readonly freezing: Freezing
  readonly roots: readonly Cid[]
  walked: number
  turn: Promise<boolean>
}

/** A reader asks many times with one capability, and what an address leads to never changes: each root is walked once. */
const reaches = new WeakMap<RelayContext, Map<string, Reach>>()
/** Capabilities remembered, those asked with last. One names at most some thousands of roots. */
const MAX_REACHES = 64

function reachOf(ctx: RelayContext, capability: Uint8Array): Reach {
  const { cids: known, ...freezing } = readCapability(ctx, capability)
  const mine = reaches.get(ctx) ?? new Map<string, Reach>()
  reaches.set(ctx, mine)
  const key = toHex(capability.subarray(-32))
  const reach = mine.get(key) ?? { known, freezing, roots: [...known].filter(cid => !isLeaf(cid)), walked: 0, turn: Promise.resolve(true) }
  mine.delete(key)
  mine.set(key, reach)
  if (mine.size > MAX_REACHES) mine.delete(mine.keys().next().value!)
  return reach
}

/** Whether a block is one of the roots or below one. Roots are walked in turn, and only until it is found. */
function reached(ctx: RelayContext, reach: Reach, cid: Cid): Promise<boolean> {
  const walk = async (): Promise<boolean> => {
    for (; !reach.known.has(cid) && reach.walked < reach.roots.length; reach.walked++)
      for (const c of await payloadBlocks(ctx.blocks, reach.roots[reach.walked]!)) reach.known.add(c)
    return reach.known.has(cid)
  }
  // Two requests of one reader must not walk past each other.
  reach.turn = reach.turn.then(walk, walk)
  return reach.turn
}

/** A freeze ends what was opened before as well: not in ten minutes, but with the next request. */
async function notFrozen(ctx: RelayContext, { vault, urgent }: Freezing): Promise<void> {
  const limits = vault === null ? null : await ctx.envelopes.read(vault, readLimits)
  ensure(!limits?.frozen || (limits.emergency && urgent), 'DENIED', 'The patient has frozen the record for everybody.')
}

/** The blocks of a capability that are here, in the order asked. What the capability does not reach is refused. */
export async function* getBlocks(
  ctx: RelayContext,
  capability: Uint8Array,
  cids: readonly Cid[],
  signal?: AbortSignal,
): AsyncIterable<Block> {
  const reach = reachOf(ctx, capability)
  await notFrozen(ctx, reach.freezing)
  for (const cid of cids) {
    signal?.throwIfAborted()
    ensure(reach.known.has(cid) || (await reached(ctx, reach, cid)), 'DENIED', 'The capability does not reach that block.')
    const found = await ctx.blocks.get(cid)
    if (found) yield { cid, bytes: found }
  }
}
