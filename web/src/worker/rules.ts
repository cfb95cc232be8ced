import { checkRule, endRule, makeRule, readRule, vetoUse } from '@keepwell/sdk/actions/access/rules'
import { compartmentNamed } from '@keepwell/sdk/actions/records/secrets'
import { refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import { fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { MONTH, type RuleMessage } from '@keepwell/sdk/consent/rule'
import type { KeptRule, RuleUse } from '@keepwell/sdk/identity/keyring'
import type { NewRule, RuleView, UseView } from '#rpc/rules.ts'
import type { ShareView } from '#rpc/views.ts'
import { naming } from './entries.ts'
import { clock } from './platform.ts'
import { givenShares } from './shares.ts'
import type { OpenVault } from './vault.ts'

/** As all devices know them now, for an agent writes down each use; without a relay, as this one knew them last. Newest first. */
export async function rules(vault: OpenVault): Promise<RuleView[]> {
  await vault.run(refreshRing).catch(() => {})
  const kept = vault.ctx.session.state.ring.rules ?? []
  const shares = givenShares(vault)
  return (await Promise.all(kept.map(k => viewOf(vault, k, shares)))).reverse()
}

async function viewOf({ ctx }: OpenVault, kept: KeptRule, shares: readonly ShareView[]): Promise<RuleView> {
  const { ring } = ctx.session.state
  const rule = readRule(kept)
  const now = clock()
  const names = naming(ring)
  const { name, role, purposes, longest, cap, veto, expiry } = rule
  return {
    ...{ id: toHex(rule.id), name, role, purposes, longest, cap, veto, until: expiry },
    to: rule.to && names.party(rule.to),
    parts: rule.compartments.map(id => ring.compartments.find(c => toHex(c.id) === toHex(id))?.name ?? toHex(id)),
    spent: kept.uses.filter(u => u.at > now - MONTH && u.state !== 'vetoed').length,
    state: await stateOf(ctx, kept, rule),
    uses: kept.uses.map(u => useView(u, { shares, ended: kept.ended })).reverse(),
  }
}

async function stateOf(ctx: OpenVault['ctx'], kept: KeptRule, rule: RuleMessage): Promise<RuleView['state']> {
  if (kept.ended) return 'ended'
  if (clock() >= rule.expiry) return 'expired'
  // Whether it is signed cannot be told where this vault's keys cannot be asked for; the agent looks each time.
  return (await checkRule(ctx, kept).catch(() => rule)) ? 'live' : 'unsigned'
}

function useView(u: RuleUse, { shares, ended }: { readonly shares: readonly ShareView[]; readonly ended: boolean }): UseView {
  const { name, at, due, purpose, seconds, compartments } = u
  const found = u.commitment && shares.find(s => s.consents.includes(toHex(u.commitment!)))
  return {
    ...{ id: toHex(u.request), name, at, due, purpose, seconds, parts: compartments },
    // What waits under a rule that was ended is given no more.
    state: ended && u.state === 'waiting' ? 'vetoed' : u.state,
    share: found ? { id: found.id, live: found.state === 'live' } : null,
  }
}

export async function addRule(vault: OpenVault, { parts, until, ...rule }: NewRule): Promise<void> {
  const { ring } = vault.ctx.session.state
  await vault.run(ctx =>
    makeRule(ctx, {
      ...rule,
      purposes: [...rule.purposes] as RuleMessage['purposes'],
      compartments: parts.map(p => compartmentNamed(ring, p).id),
      notBefore: clock(),
      expiry: until,
    }),
  )
}

export type EndRule = { readonly id: string; readonly given: boolean }

export const stopRule = (vault: OpenVault, { id, given }: EndRule): Promise<number> =>
  vault.run(ctx => endRule(ctx, fromHex(id), { given }))

export const refuseUse = (vault: OpenVault, id: string): Promise<void> => vault.run(ctx => vetoUse(ctx, fromHex(id)))
