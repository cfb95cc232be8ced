import { planOwnRetention, samePlan } from '@keepwell/sdk/actions/records/own-retention'
import { checkRetention, endRetention, holdsOn, readRetention, setRetention } from '@keepwell/sdk/actions/records/standing-retention'
import { refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import { toHex } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { RetentionRound } from '@keepwell/sdk/identity/keyring'
import type { GoingView, KeepRules, RetentionView, Simulated } from '#rpc/retention.ts'
import { RemoteError } from '#rpc/rpc.ts'
import { clock } from './platform.ts'
import type { OpenVault } from './vault.ts'

/** Records that are named; of more, how many. */
const NAMED = 50
const YEAR = 365 * 86_400

/** As all devices know it now, for an agent announces and erases; without a relay, as this one knew it last. */
export async function retention(vault: OpenVault): Promise<RetentionView> {
  await vault.run(refreshRing).catch(() => {})
  const { ctx } = vault
  const { ring } = ctx.session.state
  const holds = [...new Set(holdsOn(ring, clock()).map(h => h.name))]
  const kept = ring.retention
  if (!kept) return { signed: null, invalid: false, waiting: null, holds }
  // Whether it is signed cannot be told where this vault's keys cannot be asked for; the agent looks each time.
  const said = await checkRetention(ctx, kept).catch(() => readRetention(kept))
  if (!said) return { signed: null, invalid: true, waiting: null, holds }
  const { notice, at } = said
  const signed = { rules: said.rules.rules.map(r => ({ part: r.compartment, days: r.days })), notice, at }
  return { signed, invalid: false, waiting: waitingOf(vault, kept.round), holds }
}

function waitingOf(vault: OpenVault, round: RetentionRound | null): RetentionView['waiting'] {
  // What is gone by other ways meanwhile waits for nothing.
  const ids = (round?.ids ?? []).map(toHex).filter(id => vault.entries.get(id))
  if (!round || !ids.length) return null
  return { on: round.on, count: ids.length, first: ids.slice(0, NAMED).map(id => going(vault, id, round.on)) }
}

function going({ entries }: OpenVault, id: string, on: number): GoingView {
  const row = entries.get(id)?.row
  return { id, title: row?.title ?? '', part: row?.compartment ?? '', on }
}

const ownRules = ({ rules }: KeepRules) => ({ v: 1, rules: rules.map(r => ({ compartment: r.part, days: r.days })) })

/** What these rules would take, and when, of what is here now. Nothing is touched. */
export async function simulateRetention(vault: OpenVault, wanted: KeepRules): Promise<Simulated> {
  const { hash, due, later } = await planOwnRetention(vault.ctx, ownRules(wanted))
  const now = clock()
  const year = later.filter(l => l.on <= now + YEAR).length
  const all = [...due.map(entry => ({ entry, on: now })), ...later].slice(0, NAMED)
  return {
    plan: hash,
    counts: { now: due.length, year, later: later.length - year },
    first: all.map(({ entry, on }) => going(vault, toHex(entry.id), on + wanted.notice)),
  }
}

/** Signs what was simulated, and nothing else. */
export const signRetention = (vault: OpenVault, { plan, ...wanted }: KeepRules & { readonly plan: string }): Promise<void> =>
  vault.run(async ctx => {
    const rules = ownRules(wanted)
    await samePlan(ctx, rules, plan).catch(e => {
      throw isKeepwellError(e, 'BAD_INPUT')
        ? new RemoteError('PLAN_CHANGED', 'The rules would erase something else than what was shown.')
        : e
    })
    await setRetention(ctx, { rules, notice: wanted.notice })
  })

export const stopRetention = (vault: OpenVault): Promise<boolean> => vault.run(endRetention)
