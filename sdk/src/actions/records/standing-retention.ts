import { sendNotice } from '#actions/access/send-notice'
import type { Ctx } from '#actions/context'
import { callRelay, homeRelay, signerOf } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { ownWord } from '#actions/vault/own-word'
import { waitingMessages } from '#actions/vault/waiting-messages'
import { equal, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure } from '#base/error'
import { decodeAs, type Infer, int, object } from '#base/shape'
import { did } from '#identity/did'
import type { KeptRetention, Keyring, RetentionRound } from '#identity/keyring'
import type { DutyTold } from '#identity/rights'
import { peek, sign, signed, verifySigned } from '#identity/signed'
import type { Entry } from '#records/catalog'
import type { AgentWord } from '#wire/messages'
import { eraseChosen } from './erase-chosen.ts'
import { type OwnRules, ownRules, planOwnRetention } from './own-retention.ts'

const DAY = 86_400
/** Nobody is to come back from a holiday and find that something went: what is announced waits so many seconds at least. */
export const SHORTEST_NOTICE = 7 * DAY
/** Records of one round; the rest is announced when these are gone. */
const MAX_ROUND = 512
/** Parts that no rule empties: what is made anew by itself, what was not looked at yet, and who looked. */
const APART = new Set(['emergency', 'inbox', 'audit'])

/** What a patient signs so that their own rules run by themselves (protocol §8): `notice` is how long what is due waits after it was announced. */
const retentionMessage = object({ v: int(1, 1), vault: did, rules: ownRules, notice: int(SHORTEST_NOTICE, 365 * DAY), at: int() })
export type Retention = Infer<typeof retentionMessage>

type Keeping = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

export const readRetention = (kept: KeptRetention): Retention => peek(decodeAs(signed, kept.signed), retentionMessage)

/** What was signed; null when it is not as this patient signed it, and counts for nothing. Throws RELAY_UNREACHABLE. */
export const checkRetention = (ctx: Pick<Ctx, 'network' | 'session'>, kept: KeptRetention): Promise<Retention | null> =>
  ownWord(ctx, kept.signed, (thing, keys) => verifySigned(thing, 'retention', retentionMessage, keys))

/**
 * Signs how long the patient wants to keep what, in the place of what stood before; nothing goes by it that was not announced. Throws
 * UNKNOWN_COMPARTMENT, BAD_INPUT.
 */
export async function setRetention(ctx: Keeping, input: { readonly rules: OwnRules; readonly notice: number }): Promise<Retention> {
  const { ring } = ctx.session.state
  ensure(input.notice >= SHORTEST_NOTICE, 'BAD_INPUT', 'What your rules are to erase is announced a week before, at least.')
  ensure(input.rules.rules.length, 'BAD_INPUT', 'There is no rule.')
  for (const { compartment } of input.rules.rules)
    ensure(!APART.has(compartment), 'BAD_INPUT', `No rule empties "${compartment}" by itself; only you do.`)
  await planOwnRetention(ctx, input.rules)
  const retention: Retention = { v: 1, vault: ring.did, ...input, at: ctx.clock() }
  const kept: KeptRetention = { signed: encode(await sign(signerOf(ring), 'retention', retention)), round: null }
  await changeRing(ctx, r => ({ ...r, retention: kept }))
  return retention
}

/** Ends it, and what waits stays. False when there was none. */
export async function endRetention(ctx: Keeping): Promise<boolean> {
  const there = ctx.session.state.ring.retention !== undefined
  if (there) await changeRing(ctx, ({ retention: _, ...r }) => r)
  return there
}

/** Holds of others on their copies that are in force: while there is one, nothing goes by itself. */
export const holdsOn = (ring: Keyring, now: number): readonly DutyTold[] =>
  (ring.rights?.told ?? []).filter(d => d.kind === 'hold' && d.ended === null && (d.until === null || d.until > now))

export type RetentionRun =
  | { readonly state: 'none' | 'ignored' | 'nothing-due' }
  /** What somebody wrote about rights, a hold perhaps, waits to be read: until then nothing goes. */
  | { readonly state: 'unread' }
  /** Somebody else must keep their copies: what was announced is announced anew when no hold is left. */
  | { readonly state: 'held'; readonly by: readonly string[] }
  | { readonly state: 'announced' | 'waiting'; readonly records: number; readonly on: number }
  | { readonly state: 'erased'; readonly records: number }

/**
 * Runs the patient's own rules: announces what is due, waits, and then erases of it what is due still, and nothing else; the person is told before
 * and after. Whatever cannot be told is not announced, and goes nowhere. A crash keeps what it might have erased, and it is announced again.
 */
export async function applyRetention(ctx: Keeping): Promise<RetentionRun> {
  const kept = ctx.session.state.ring.retention
  if (!kept) return { state: 'none' }
  const retention = await checkRetention(ctx, kept)
  if (!retention) return { state: 'ignored' }
  const held = holdsOn(ctx.session.state.ring, ctx.clock())
  if (held.length) {
    if (kept.round) await changeRound(ctx, kept, null)
    return { state: 'held', by: [...new Set(held.map(h => h.name))] }
  }
  const { round } = kept
  const { due } = await planOwnRetention(ctx, retention.rules)
  if (!round) return due.length ? announce(ctx, { kept, retention, due }) : { state: 'nothing-due' }
  if (ctx.clock() < round.on) return { state: 'waiting', records: round.ids.length, on: round.on }
  if (await rightsUnread(ctx)) return { state: 'unread' }
  const said = new Set(round.ids.map(toHex))
  return erase(
    ctx,
    kept,
    due.filter(e => said.has(toHex(e.id))),
  )
}

/** The mailbox is the person's: what lies in it is looked at from outside, and stays. */
async function rightsUnread(ctx: Keeping): Promise<boolean> {
  const relay = await homeRelay(ctx)
  for await (const { message } of waitingMessages(from => callRelay(ctx, relay, 'take-messages', { done: [], ...from })))
    if (message.kind === 'right') return true
  return false
}

/** Whether it still was the retention that was looked at; another device may have ended it, or signed another, meanwhile. */
async function changeRound(ctx: Keeping, kept: KeptRetention, round: RetentionRound | null): Promise<boolean> {
  let same = false
  await changeRing(ctx, r => {
    same = r.retention !== undefined && equal(encode(r.retention), encode(kept))
    return same ? { ...r, retention: { ...kept, round } } : r
  })
  return same
}

type Due = { readonly kept: KeptRetention; readonly retention: Retention; readonly due: readonly Entry[] }

async function announce(ctx: Keeping, { kept, retention, due }: Due): Promise<RetentionRun> {
  const at = ctx.clock()
  const on = at + retention.notice
  const some = due.slice(0, MAX_ROUND)
  const what = `From ${day(on)} on your own rules erase ${counted(ctx, some)}, for ever.`
  await tell(ctx, {
    text: `${what} To see them: keepwell erase --standing. To keep them: keepwell erase --standing --end`,
    said: { code: 'due', values: { count: String(some.length), on: String(on) } },
  })
  const stands = await changeRound(ctx, kept, { ids: some.map(e => e.id), at, on })
  return stands ? { state: 'announced', records: some.length, on } : { state: 'nothing-due' }
}

async function erase(ctx: Keeping, kept: KeptRetention, chosen: readonly Entry[]): Promise<RetentionRun> {
  // Taken off before anything goes: whoever ended it meanwhile is heard.
  if (!(await changeRound(ctx, kept, null)) || !chosen.length) return { state: 'nothing-due' }
  const { erased } = await eraseChosen(ctx, chosen)
  await tell(ctx, {
    text: `Your own rules erased ${counted(ctx, chosen)}, as announced.`,
    said: { code: 'gone', values: { count: String(chosen.length) } },
  })
  return { state: 'erased', records: erased.length }
}

const day = (time: number): string => new Date(time * 1000).toISOString().slice(0, 10)
function counted(ctx: Keeping, some: readonly Entry[]): string {
  const { compartments } = ctx.session.state.ring
  const parts = Map.groupBy(some, e => compartments.find(c => equal(c.id, e.compartment))?.name ?? 'a part that is gone')
  return [...parts].map(([part, all]) => `${all.length} ${all.length === 1 ? 'record' : 'records'} of ${part}`).join(', ')
}
/** In English for the command line, and by a code for the app, which says it in the reader's language. */
const tell = (ctx: Keeping, word: { readonly text: string; readonly said: AgentWord }): Promise<void> =>
  sendNotice(ctx, { to: ctx.session.state.ring.did, ...word })
