import { checkLogHead } from '#actions/access/check-receipt'
import { compareHeads } from '#actions/access/compare-heads'
import { trustBundle } from '#actions/vault/calls'
import { forLedger } from '#audit/evidence'
import { readLogHead } from '#audit/head'
import { ensure } from '#base/error'
import type { Witness } from '#ports/witness'
import {
  charged,
  disputes,
  type Followed,
  findFollowed,
  inTurn,
  readFollowed,
  standing,
  type WitnessCtx,
  writeFollowed,
} from './followed.ts'
import { adopt, pinnedParty } from './judge.ts'
import { bring, spread } from './look.ts'

const NOT_FOLLOWED = 'This witness does not follow that log.'

/** What a witness answers to strangers. */
export function witnessDoors(ctx: WitnessCtx, url: string): Witness {
  const { name, key } = ctx.key
  const followed = async (log: string): Promise<Followed> => {
    const f = await findFollowed(ctx, log)
    ensure(f, 'NOT_FOUND', NOT_FOLLOWED)
    return f
  }
  return {
    url,
    info: async () => ({ name, key }),
    async seen(log) {
      const f = await findFollowed(ctx, log)
      return f?.head && f.cosignature ? { head: f.head, cosignature: f.cosignature, chainId: f.chainId, charges: standing(f) } : null
    },
    async note(head) {
      const { url: at } = await followed(readLogHead(head.signed).log)
      return inTurn(ctx, at, async () => {
        const f = await readFollowed(ctx, at)
        ensure(f, 'NOT_FOUND', NOT_FOLLOWED)
        await checkLogHead(pinnedParty(f, await trustBundle(ctx, f.bundle)), head)
        return weigh(ctx, f, head)
      })
    },
    async report(evidence) {
      const accused = evidence.kind === 'fork' ? evidence.a : evidence.older
      const { url: at } = await followed(accused.head.log)
      return inTurn(ctx, at, async () => {
        const f = (await readFollowed(ctx, at))!
        const tx = await bring(ctx, f, evidence)
        const next = charged(f, 'fork', ctx.clock(), evidence)
        const charges = next.charges.map(c => (c.kind === 'fork' && c.tx === null ? { ...c, tx } : c))
        await writeFollowed(ctx, { ...next, charges })
        await spread(ctx, { ...next, charges })
        return { tx }
      })
    },
  }
}

/** A head that somebody else was shown, against the one seen here. */
async function weigh(ctx: WitnessCtx, f: Followed, head: Parameters<Witness['note']>[0]): ReturnType<Witness['note']> {
  const shown = forLedger(head)
  const last = f.head && forLedger(f.head)
  const found = last ? await compareHeads(await ctx.network.relay(f.url), last, shown) : null
  if (found === null) return { agrees: true, charges: standing(f) }
  if (found.consistent) {
    if (shown.head.size > last!.head.size) await writeFollowed(ctx, await adopt(ctx, f, head))
    return { agrees: true, charges: standing(f) }
  }
  const now = ctx.clock()
  const kept = disputes(found.evidence ? charged(f, 'fork', now, found.evidence) : charged(f, 'unproven', now), shown)
  await writeFollowed(ctx, kept)
  return { agrees: false, charges: standing(await spread(ctx, kept)) }
}
