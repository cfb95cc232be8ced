import type { Ctx } from '#actions/context'
import { compartmentNamed } from '#actions/records/secrets'
import { toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, KeepwellError } from '#base/error'
import { type Infer, int, list, object, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import type { Entry } from '#records/catalog'
import { selectEntries } from './select-entries.ts'

/** How long a patient wants to keep what lies in a part of their record: days after what it tells of, or after it was filed where it has no date. */
export const ownRules = object({ v: int(1, 1), rules: list(object({ compartment: string(80, /\S/), days: int(1, 40_000) }), 100) })
export type OwnRules = Infer<typeof ownRules>

/** Throws BAD_INPUT. */
export function readOwnRules(json: string): OwnRules {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'The rules are no JSON.', { cause })
  }
  return ownRules.check(value, '')
}

/** What the rules would erase, the longest due first; `hash` is over the rules and each record that they hit now. */
export type OwnPlan = {
  readonly hash: string
  readonly due: readonly Entry[]
  /** What is here and falls due later, and when (Unix seconds). */
  readonly later: readonly { readonly entry: Entry; readonly on: number }[]
  readonly byPart: readonly { readonly part: string; readonly days: number; readonly due: number }[]
}

const DAY = 86_400

/** Of a date that names a year, a month or a day, its last moment: what is young is not taken for older than it is. */
function dateOf({ card, filedAt }: Entry): number {
  const date = card.end ?? card.start ?? ''
  const [, year, month] = /^(\d{4})(?:-(\d{2}))?$/.exec(date) ?? []
  const said = year
    ? Date.UTC(Number(year), month ? Number(month) : 12, 1)
    : Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(date) ? `${date}T23:59:59Z` : date)
  return Number.isNaN(said) ? filedAt : Math.floor(said / 1000)
}

type Reading = Pick<Ctx, 'clock' | 'catalog' | 'session'>

/** Nothing is touched. Of several rules for a part the longest counts. Throws UNKNOWN_COMPARTMENT. */
export async function planOwnRetention(ctx: Reading, rules: OwnRules): Promise<OwnPlan> {
  const now = ctx.clock()
  const byId = new Map<string, { readonly part: string; readonly days: number }>()
  for (const { compartment: part, days } of rules.rules) {
    const id = toHex(compartmentNamed(ctx.session.state.ring, part).id)
    byId.set(id, { part, days: Math.max(days, byId.get(id)?.days ?? 0) })
  }
  const hit = await selectEntries(ctx, e => byId.has(toHex(e.compartment)))
  const falls = hit
    .map(entry => ({ entry, on: dateOf(entry) + byId.get(toHex(entry.compartment))!.days * DAY }))
    .sort((a, b) => a.on - b.on)
  const due = falls.flatMap(f => (f.on <= now ? [f.entry] : []))
  const ids = due.map(e => toHex(e.id)).sort()
  const count = (id: string): number => due.filter(e => toHex(e.compartment) === id).length
  return {
    hash: toHex(sha256(encode(['keepwell/v1/own-retention', rules, ids]))).slice(0, 16),
    due,
    later: falls.filter(f => f.on > now),
    byPart: [...byId].map(([id, rule]) => ({ ...rule, due: count(id) })),
  }
}

/** The plan again, when it still is the one that was shown. Throws BAD_INPUT when records or rules changed since. */
export async function samePlan(ctx: Reading, rules: OwnRules, hash: string): Promise<OwnPlan> {
  const plan = await planOwnRetention(ctx, rules)
  ensure(plan.hash === hash, 'BAD_INPUT', 'The rules would erase something else than what was shown; look at the plan again.')
  return plan
}
