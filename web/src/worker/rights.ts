import type { Ctx } from '@keepwell/sdk/actions/context'
import { answerRight, askRight, disagree, lateness } from '@keepwell/sdk/actions/rights/cases'
import { confirmLimits, objectTo, setLimits } from '@keepwell/sdk/actions/rights/limits'
import { limitsOf, limitsProof } from '@keepwell/sdk/actions/rights/ring'
import { fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { after, deadlineOf, lawsFor, NO_RIGHTS, RIGHTS, type RightsAsked, type RightsCase } from '@keepwell/sdk/identity/rights'
import type { AnswerRight, AskRight, CaseView, Deadlines, Limited, LimitsView, RightsView } from '#rpc/rights.ts'
import { RemoteError } from '#rpc/rpc.ts'
import type { Entries } from './entries.ts'
import { clock } from './platform.ts'
import { purposeOf } from './sharing.ts'
import type { OpenVault } from './vault.ts'

/** How far others may go, and what was asked of whom. */
export function rights({ ctx, entries }: OpenVault): RightsView {
  const { cases, asked, told = [] } = ctx.session.state.ring.rights ?? NO_RIGHTS
  const now = clock()
  const all = [
    ...cases.map(c => ({ ...caseView(entries, c, now), mine: true, did: c.to, statement: c.statement ? toHex(c.statement) : null })),
    ...asked.map(a => ({ ...caseView(entries, a, now), mine: false, did: a.from, statement: null })),
  ]
  const said = told.map(({ from: _from, id, ...d }) => ({ ...d, id: toHex(id) }))
  return { limits: limitsView(ctx), cases: all.sort((a, b) => b.at - a.at), told: said.sort((a, b) => b.at - a.at) }
}

function limitsView(ctx: Ctx): LimitsView | null {
  const found = limitsOf(ctx.session.state.ring)
  if (!found) return null
  const { frozen, emergency, objects, closed } = found.limits
  return { frozen, emergency, objects, closed, since: found.since, confirmed: found.confirmed }
}

const caseView = (entries: Entries, c: RightsCase | RightsAsked, now: number): Omit<CaseView, 'mine' | 'did' | 'statement'> => ({
  id: toHex(c.id),
  name: c.name,
  right: c.right,
  law: c.law,
  at: c.at,
  due: c.due,
  stands: lateness(c, now),
  state: c.state,
  text: c.text,
  answer: c.answer,
  answeredAt: c.answeredAt,
  records: c.records.map(id => ({ id: toHex(id), title: entries.get(toHex(id))?.row.title ?? null })),
})

export const freeze = (vault: OpenVault, change: { readonly frozen: boolean; readonly emergency?: boolean }): Promise<Limited> =>
  limit(vault, ctx => setLimits(ctx, change))

export const closeToNew = (vault: OpenVault, closed: boolean): Promise<Limited> =>
  limit(vault, ctx => setLimits(ctx, { closed: closed ? ctx.clock() : null }))

/** These are the purposes nobody may act for, from now on; consents for nothing else end. */
export const objectPurposes = (vault: OpenVault, codes: readonly string[]): Promise<Limited> =>
  limit(vault, async ctx => {
    const objects = codes.map(purposeOf)
    const before = limitsOf(ctx.session.state.ring)?.limits.objects ?? []
    const fresh = objects.filter(p => !before.includes(p))
    const gone = before.some(p => !objects.includes(p))
    const done = fresh.length ? await objectTo(ctx, fresh) : null
    const cleared = gone || !done ? await setLimits(ctx, { objects }) : null
    return { ...(cleared ?? done!), ...(done ?? {}) }
  })

type Done = { readonly told: readonly string[]; readonly unreached: readonly string[]; readonly ended?: readonly string[] }

/** Limits are in force at once or the person hears that they are not: nothing is done later by itself. */
const limit = (vault: OpenVault, work: (ctx: Ctx) => Promise<Done>): Promise<Limited> =>
  vault
    .run(work)
    .then(({ told, unreached, ended }) => ({ told, unreached, ended: ended?.length ?? 0 }))
    .catch(e => {
      throw isKeepwellError(e, 'RELAY_UNREACHABLE') ? new RemoteError('LIMITS_NEED_RELAY', 'Limits are not in force yet.') : e
    })

export const confirm = (vault: OpenVault): Promise<number> => vault.run(confirmLimits)

/** The relay's signed word, to be kept. */
export function proof({ ctx }: OpenVault): Blob {
  const text = limitsProof(ctx.session.state.ring)
  ensure(text, 'NOT_FOUND', 'The relay has not confirmed it yet.')
  return new Blob([text], { type: 'application/json' })
}

/** Which law sets a deadline for which right, and when it ends for what is asked now. */
export function deadlines(): Deadlines {
  const now = clock()
  return RIGHTS.flatMap(right =>
    lawsFor(right).map(law => {
      const { answer, source } = deadlineOf(law, right)
      return { right, law, due: after(now, answer), source }
    }),
  )
}

/** Asks somebody for a right; gives until when they must answer. */
export const ask = (vault: OpenVault, { to, right, law, records, text }: AskRight): Promise<number> =>
  vault.run(async ctx => {
    const { contacts, received } = ctx.session.state.ring
    const name = contacts.find(c => c.did === to)?.name ?? received.find(g => g.patient === to)?.name
    ensure(name, 'UNKNOWN_PARTY', 'Connect with them first.')
    return (await askRight(ctx, { to, name, right, law, records: records.map(fromHex), text })).due
  })

export const answer = (vault: OpenVault, { id, outcome, text }: AnswerRight): Promise<void> =>
  vault.run(async ctx => void (await answerRight(ctx, { id: fromHex(id), outcome, text })))

/** Files a statement of disagreement beside the record; gives its id. */
export async function object(vault: OpenVault, { id, text }: { readonly id: string; readonly text: string }): Promise<string> {
  const entry = await vault.run(ctx => disagree(ctx, fromHex(id), text))
  await vault.filed()
  return toHex(entry.id)
}
