import type { Ctx } from '#actions/context'
import { callRelay, homeLedger, homeRelay } from '#actions/vault/calls'
import { equal, toHex } from '#base/bytes'
import { verifyInclusion } from '#crypto/merkle'
import type { Entry } from '#records/catalog'
import { noteEntries } from './file-records.ts'

type Confirming = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

export type Anchored = { readonly confirmed: number; readonly waiting: number; readonly wrong: readonly string[] }

const PAGE = 2048

/** Fetches missing anchor proofs and checks each against the ledger: root there, leaf under it (protocol §4). */
export async function confirmAnchors(ctx: Confirming, entries: readonly Entry[]): Promise<Anchored> {
  const open = entries.filter(e => e.anchoredAt === undefined)
  const { ring } = ctx.session.state
  const relay = await homeRelay(ctx)
  const times = new Map<string, number | null>()
  const done: Entry[] = []
  const wrong: string[] = []
  for (let at = 0; at < open.length; at += PAGE) {
    const some = open.slice(at, at + PAGE)
    const { anchors } = await callRelay(ctx, relay, 'anchors', { vault: ring.did, ids: some.map(e => e.id) })
    for (const { id, ...anchor } of anchors) {
      const e = some.find(x => equal(x.id, id))
      if (!e) continue
      const time = await anchorTime(ctx, times, anchor)
      const included = verifyInclusion({ leaf: e.leaf, ...anchor })
      if (included && time !== null) done.push({ ...e, anchor, anchoredAt: time })
      else wrong.push(toHex(id))
    }
  }
  await noteEntries(ctx, done)
  return { confirmed: done.length, waiting: open.length - done.length - wrong.length, wrong }
}

/** Block time of an anchored root of that size; null when the ledger has no such root. */
async function anchorTime(
  ctx: Confirming,
  times: Map<string, number | null>,
  anchor: { root: Uint8Array; size: number },
): Promise<number | null> {
  const key = toHex(anchor.root)
  const known = times.get(key)
  if (known !== undefined) return known
  const found = await (await homeLedger(ctx)).anchors.of(anchor.root)
  const time = found && found.size === anchor.size ? found.time : null
  times.set(key, time)
  return time
}
