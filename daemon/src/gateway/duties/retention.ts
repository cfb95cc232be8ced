import { toHex } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { type Infer, int, list, object, oneOf, string } from '@keepwell/sdk/base/shape'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { KEEPERS } from './breaches.ts'
import type { Book, Keeper } from './register.ts'

/** What a gateway keeps on its own disk for longer than a session. */
export const SHELVES = ['trail', 'images', 'messages'] as const
export type ShelfKind = (typeof SHELVES)[number]

const rule = object({
  kind: oneOf(...SHELVES),
  /** ISO 3166: `DE`, `US-NY`; `*` for everywhere. */
  jurisdiction: string(10, /^(\*|[A-Z]{2}(-[A-Z0-9]{1,3})?)$/),
  days: int(1, 40_000),
  /** The paragraph that asks for it. */
  law: string(200, /\S/),
})
/** How long what is kept. `under` are the jurisdictions that the organisation is bound by; of several rules for one kind the longest counts. */
export const retentionPolicy = object({ v: int(1, 1), name: string(200), under: list(string(10), 50), rules: list(rule, 500) })
export type RetentionPolicy = Infer<typeof retentionPolicy>

/** Throws BAD_INPUT. */
export function readPolicy(json: string): RetentionPolicy {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'The retention policy is no JSON.', { cause })
  }
  return retentionPolicy.check(value, '')
}

const years = (n: number): number => Math.ceil(n * 365.25)
/** To begin with, and to be checked by whoever knows the law of the place; `docs/gateway.md` says where each was read. */
export const EXAMPLE: RetentionPolicy = {
  v: 1,
  name: 'Example',
  under: ['DE', 'EU'],
  rules: [
    {
      kind: 'trail',
      jurisdiction: 'US',
      days: years(6),
      law: '45 CFR 164.528(a)(1): disclosures of the last six years; 164.316(b)(2)(i): required documentation, six years',
    },
    {
      kind: 'trail',
      jurisdiction: 'EU',
      days: years(3),
      law: 'Regulation (EU) 2025/327, art. 9(2): three years from each access at least',
    },
    {
      kind: 'messages',
      jurisdiction: 'DE',
      days: years(10),
      law: '§ 630f Abs. 3 BGB: ten years after the treatment ends, where it is part of the file',
    },
    {
      kind: 'messages',
      jurisdiction: 'FR',
      days: years(20),
      law: 'Code de la santé publique, art. R. 1112-7: twenty years from the last stay or consultation; of minors at least until 28',
    },
    {
      kind: 'messages',
      jurisdiction: 'GB',
      days: years(8),
      law: 'Records Management Code of Practice (England, guidance): adults, eight years; other kinds longer',
    },
    {
      kind: 'messages',
      jurisdiction: 'US-NY',
      days: years(6),
      law: '8 NYCRR 29.2(a)(3): six years; of minors also until a year past 21',
    },
    {
      kind: 'messages',
      jurisdiction: 'US-TX',
      days: years(7),
      law: '22 TAC 165.1(b), since 2025 in chapter 163: seven years from the last treatment; of minors at least until 21',
    },
    {
      kind: 'messages',
      jurisdiction: 'US-CA',
      days: years(7),
      law: 'Cal. Health & Safety Code 123145(a): seven years after discharge, where a licensed provider ceases operation',
    },
    {
      kind: 'images',
      jurisdiction: 'DE',
      days: years(10),
      law: '§ 85 Abs. 2 StrlSchG: examinations of adults, ten years; treatments 30 years, minors until 28',
    },
    {
      kind: 'images',
      jurisdiction: '*',
      days: 90,
      law: 'GDPR 5(1)(e): no longer than needed; the law has no number, and 90 days are ours',
    },
  ],
}

/** One thing that is kept. `patient` is null where it is not known whose it is. */
export type Item = { readonly id: string; readonly at: number; readonly patient: string | null }
/** A place where things are kept. Dropping what is not there is no error; `scrub` leaves nothing of what was dropped in any file. */
export type Shelf = { readonly kind: ShelfKind; items(): AsyncIterable<Item>; drop(id: string): Promise<void>; scrub(): Promise<void> }

export type KindPlan = {
  readonly kind: ShelfKind
  /** The rule that counts; null: none does, and nothing of the kind is deleted. */
  readonly rule: { readonly jurisdiction: string; readonly days: number; readonly law: string } | null
  readonly kept: number
  readonly due: number
  /** Due, and not deleted because of a hold. */
  readonly held: number
  /** Of what is due: the times of the oldest and the newest. */
  readonly from: number | null
  readonly to: number | null
  /** When the next becomes due. */
  readonly next: number | null
}

export type Plan = {
  /** Over the policy and everything that it hits. */
  readonly hash: string
  readonly asOf: number
  readonly kinds: readonly KindPlan[]
  readonly hits: readonly { readonly kind: ShelfKind; readonly id: string }[]
}

const DAY = 86_400
/** A hold of somebody also keeps what may be theirs. */
const isHeld = ({ patient }: Pick<Item, 'patient'>, held: ReadonlySet<string>): boolean =>
  patient === null ? held.size > 0 : held.has(patient)

export function ruleFor(policy: RetentionPolicy, kind: ShelfKind): KindPlan['rule'] {
  const mine = policy.rules.filter(r => r.kind === kind && (r.jurisdiction === '*' || policy.under.includes(r.jurisdiction)))
  const [longest] = mine.toSorted((a, b) => b.days - a.days)
  return longest ? { jurisdiction: longest.jurisdiction, days: longest.days, law: longest.law } : null
}

/** What the policy would delete at a moment, and why; nothing is touched. */
export async function planOf(policy: RetentionPolicy, shelves: readonly Shelf[], held: ReadonlySet<string>, asOf: number): Promise<Plan> {
  const hits: { kind: ShelfKind; id: string }[] = []
  const kinds: KindPlan[] = []
  for (const shelf of shelves) {
    const { kind } = shelf
    const counts = ruleFor(policy, kind)
    let plan: KindPlan = { kind, rule: counts, kept: 0, due: 0, held: 0, from: null, to: null, next: null }
    for await (const item of shelf.items()) {
      const end = counts ? item.at + counts.days * DAY : Number.POSITIVE_INFINITY
      const due = end <= asOf
      const stays = due && isHeld(item, held)
      if (due && !stays) hits.push({ kind, id: item.id })
      plan = {
        ...plan,
        kept: plan.kept + 1,
        due: plan.due + (due && !stays ? 1 : 0),
        held: plan.held + (stays ? 1 : 0),
        from: due && !stays ? Math.min(plan.from ?? item.at, item.at) : plan.from,
        to: due && !stays ? Math.max(plan.to ?? item.at, item.at) : plan.to,
        next: !due && Number.isFinite(end) ? Math.min(plan.next ?? end, end) : plan.next,
      }
    }
    kinds.push(plan)
  }
  const sorted = hits.toSorted((a, b) => (`${a.kind} ${a.id}` < `${b.kind} ${b.id}` ? -1 : 1))
  const hash = toHex(sha256(encode(['keepwell/v1/retention', policy, sorted])))
  return { hash, asOf, kinds, hits: sorted }
}

/** What is written down of retention: what was simulated, begun and done. */
export type RetentionStep =
  | {
      readonly step: 'simulated'
      readonly policy: string
      readonly hash: string
      readonly asOf: number
      readonly kinds: readonly KindPlan[]
    }
  | { readonly step: 'begun'; readonly hash: string; readonly hits: Plan['hits'] }
  | { readonly step: 'done'; readonly hash: string; readonly deleted: number; readonly kept: number }

export type Ran = {
  readonly hash: string
  readonly deleted: number /** A hold was placed meanwhile. */
  readonly kept: number
  readonly resumed: boolean
}

export type Retention = {
  simulate(policy: RetentionPolicy): Promise<Plan>
  /** Deletes what was simulated, and nothing else. A run that a crash cut short is finished first. Throws BAD_INPUT when it was not simulated so. */
  run(policy: RetentionPolicy): Promise<Ran>
}

export type RetentionInput = {
  readonly book: Book<RetentionStep>
  readonly keeper: Keeper
  readonly shelves: readonly Shelf[]
  /** Logical ids of patients of whom nothing may be deleted now. Asked anew all along. */
  readonly held: () => Promise<ReadonlySet<string>>
  readonly clock: () => number
}

/** Things between two looks at the holds. */
const AT_ONCE = 50

/** Throws DENIED for a keeper without the right. */
export function openRetention({ book, keeper, shelves, held, clock }: RetentionInput): Retention {
  ensure(KEEPERS.includes(keeper.role), 'DENIED', `Retention is run by people with the role ${KEEPERS.join(', ')}.`)

  async function carryOut(hash: string, hits: Plan['hits'], resumed: boolean): Promise<Ran> {
    let deleted = 0
    let kept = 0
    for (const shelf of shelves) {
      const wanted = new Set(hits.flatMap(h => (h.kind === shelf.kind ? [h.id] : [])))
      let holds: ReadonlySet<string> = new Set()
      let looked = 0
      // Collected first: what is listed is not changed while it is listed.
      const items: Item[] = []
      if (wanted.size) for await (const item of shelf.items()) if (wanted.has(item.id)) items.push(item)
      for (const item of items) {
        if (looked++ % AT_ONCE === 0) holds = await held()
        if (isHeld(item, holds)) kept++
        else {
          await shelf.drop(item.id)
          deleted++
        }
      }
      if (wanted.size) await shelf.scrub()
    }
    await book.write(keeper, { step: 'done', hash, deleted, kept })
    return { hash, deleted, kept, resumed }
  }

  return {
    async simulate(policy) {
      const plan = await planOf(policy, shelves, await held(), clock())
      const { hash, asOf, kinds } = plan
      await book.write(keeper, { step: 'simulated', policy: policy.name, hash, asOf, kinds })
      return plan
    },
    async run(policy) {
      const steps = (await book.read()).map(l => l.what)
      const begun = steps.findLast(s => s.step !== 'simulated')
      if (begun?.step === 'begun') return carryOut(begun.hash, begun.hits, true)
      const simulated = steps.findLast(s => s.step === 'simulated')
      const done = steps.some(s => s.step === 'done' && s.hash === simulated?.hash)
      ensure(simulated && !done, 'BAD_INPUT', 'Simulate it first: keepwell gateway retention simulate.')
      const plan = await planOf(policy, shelves, await held(), simulated.asOf)
      ensure(
        plan.hash === simulated.hash,
        'BAD_INPUT',
        'It would not delete what was simulated: the policy, what is kept, or a hold has changed. Simulate it again.',
      )
      await book.write(keeper, { step: 'begun', hash: plan.hash, hits: plan.hits })
      return carryOut(plan.hash, plan.hits, false)
    },
  }
}
