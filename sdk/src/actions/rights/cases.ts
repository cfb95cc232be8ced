import { post } from '#actions/access/post'
import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { entryOf } from '#actions/records/list-entries'
import { compartmentNamed } from '#actions/records/secrets'
import { contactRelays, findParty } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { equal, toBase64, toHex, utf8 } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import { isoTime } from '#base/time'
import type { Party } from '#identity/bundle'
import type { Did } from '#identity/did'
import type { Keyring } from '#identity/keyring'
import {
  after,
  type DutyTold,
  deadlineOf,
  type Law,
  MAX_CASES,
  NO_RIGHTS,
  type Right,
  type RightsAsked,
  type RightsCase,
} from '#identity/rights'
import type { Entry } from '#records/catalog'
import { rightMessage, type Told } from '#wire/rights'
import { takeDuty } from './duties.ts'

type Asking = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/** Requests of one sender that are kept unanswered. */
const MAX_OPEN = 50

const rightsOf = (ring: Keyring) => ring.rights ?? NO_RIGHTS

/** Where a request stands: what was answered, or whether there is still time. `late` when they had to answer and did not. */
export const lateness = (c: Pick<RightsCase, 'state' | 'due'>, now: number): 'answered' | 'waiting' | 'late' =>
  c.state === 'done' || c.state === 'refused' ? 'answered' : now > c.due ? 'late' : 'waiting'

async function reach(ctx: Asking, did: Did): Promise<Party> {
  const party = await findParty(ctx, did, contactRelays(ctx, did))
  ensure(party, 'UNKNOWN_PARTY', 'None of that party’s relays answers with a key bundle.')
  return party
}

export type AskRight = {
  readonly to: Did
  /** As the person knows them. */
  readonly name: string
  readonly right: Right
  readonly law: Law
  readonly records?: readonly Uint8Array[]
  readonly text: string
}

/** Asks somebody who keeps data about this person for a right, in a sealed message; the deadline runs from now. */
export async function askRight(ctx: Asking, { to, name, right, law, records = [], text }: AskRight): Promise<RightsCase> {
  const { answer } = deadlineOf(law, right)
  ensure(to !== ctx.session.state.ring.did, 'BAD_INPUT', 'What is your own you change yourself; nobody needs to be asked.')
  ensure(right !== 'rectify' || (records.length && text.trim()), 'BAD_INPUT', 'Say which record is wrong, and what is right.')
  const asking = { id: ctx.random(16), right, law, records: [...records], text }
  const at = ctx.clock()
  const made: RightsCase = { ...asking, name, to, at, due: after(at, answer), state: 'asked', answer: '', answeredAt: null }
  await post(ctx, await reach(ctx, to), 'right', { step: 'ask', case: asking }, { introduce: true })
  await changeRing(ctx, r => ({ ...r, rights: { ...rightsOf(r), cases: [...rightsOf(r).cases, made].slice(-MAX_CASES) } }))
  return made
}

export type Answering = {
  readonly id: Uint8Array
  readonly outcome: 'done' | 'refused' | 'extended'
  /** What was done; or why not, and where to complain (GDPR 12(4)). */
  readonly text: string
}

/** Answers what somebody asked for. Throws NOT_FOUND, BAD_INPUT for one that is answered, or extended once already. */
export async function answerRight(ctx: Asking, { id, outcome, text }: Answering): Promise<RightsAsked> {
  const found = rightsOf(ctx.session.state.ring).asked.find(a => equal(a.id, id))
  if (!found) throw new KeepwellError('NOT_FOUND', 'Nobody asked for that.')
  const open = found.state === 'asked' || (found.state === 'extended' && outcome !== 'extended')
  ensure(open, 'BAD_INPUT', 'That was answered already.')
  ensure(text.trim(), 'BAD_INPUT', 'An answer says what was done, or why not.')
  const due = outcome === 'extended' ? after(found.due, deadlineOf(found.law, found.right).longer) : found.due
  const until = outcome === 'extended' ? due : null
  await post(ctx, await reach(ctx, found.from), 'right', { step: 'answer', id, outcome, text, until }, { introduce: true })
  const answered: RightsAsked = { ...found, state: outcome, due, answer: text, answeredAt: ctx.clock() }
  await changeRing(ctx, r => ({
    ...r,
    rights: { ...rightsOf(r), asked: rightsOf(r).asked.map(a => (equal(a.id, id) ? answered : a)) },
  }))
  return answered
}

/** What a message of kind `right` said. */
export type RightNews =
  | { readonly step: 'asked'; readonly case: RightsAsked }
  | { readonly step: 'answered'; readonly case: RightsCase }
  | ({ readonly step: 'told' } & Told)
  | { readonly step: 'duty'; readonly duty: DutyTold }

type Sender = { readonly did: Did; readonly name: string; readonly at: number }

/** Deals with a message of kind `right` from `sender`. Only whom this party knows, or who gave it a consent, can ask it for something. */
export async function takeRightMessage(ctx: Asking, sender: Sender, content: Uint8Array): Promise<RightNews> {
  const message = decodeAs(rightMessage, content)
  if (message.step === 'told') return message
  if (message.step === 'duty') return { step: 'duty', duty: await takeDuty(ctx, sender, message.duty) }
  if (message.step === 'answer') return takeAnswer(ctx, sender, message)
  const { ring } = ctx.session.state
  const knows = ring.contacts.some(c => c.did === sender.did) || ring.received.some(g => g.patient === sender.did)
  ensure(knows, 'UNVERIFIED', 'A stranger asked for a right; only who is known here, or gave a consent, can.')
  const due = after(sender.at, deadlineOf(message.case.law, message.case.right).answer)
  const { did: from, name, at } = sender
  const made: RightsAsked = { ...message.case, from, name, at, due, state: 'asked', answer: '', answeredAt: null }
  const known = (r: Keyring): boolean => rightsOf(r).asked.some(a => equal(a.id, made.id))
  await changeRing(ctx, r => {
    const open = rightsOf(r).asked.filter(a => a.from === from && a.state === 'asked').length
    ensure(open < MAX_OPEN || known(r), 'RATE_LIMITED', 'Too many requests of one person wait here.')
    ensure(rightsOf(r).asked.length < MAX_CASES || known(r), 'RATE_LIMITED', 'Too many requests wait here.')
    return known(r) ? r : { ...r, rights: { ...rightsOf(r), asked: [...rightsOf(r).asked, made] } }
  })
  return { step: 'asked', case: made }
}

type Answer = {
  readonly id: Uint8Array
  readonly outcome: 'done' | 'refused' | 'extended'
  readonly text: string
  readonly until: number | null
}

/** An answer counts from whom was asked alone; a longer time only as long as the law gives, and once. */
async function takeAnswer(ctx: Asking, sender: Sender, { id, outcome, text, until }: Answer): Promise<RightNews> {
  const found = rightsOf(ctx.session.state.ring).cases.find(c => equal(c.id, id) && c.to === sender.did)
  if (!found) throw new KeepwellError('NOT_FOUND', 'An answer came to something that its sender was not asked.')
  const longest = after(found.due, deadlineOf(found.law, found.right).longer)
  const longer = outcome === 'extended' && found.state === 'asked' && sender.at <= found.due
  ensure(outcome !== 'extended' || longer, 'BAD_INPUT', 'More time was asked for too late, or a second time.')
  const due = longer ? Math.min(until ?? longest, longest) : found.due
  const answered: RightsCase = { ...found, state: outcome, due, answer: text, answeredAt: sender.at }
  await changeRing(ctx, r => ({
    ...r,
    rights: { ...rightsOf(r), cases: rightsOf(r).cases.map(c => (equal(c.id, id) ? answered : c)) },
  }))
  return { step: 'answered', case: answered }
}

type Disagreeing = Pick<Ctx, 'clock' | 'random' | 'network' | 'session' | 'catalog'>

/**
 * Files a statement of disagreement with a refused rectification beside the record it is about (45 CFR 164.526(d)(2)): a signed document of
 * the patient's own, in the same part of the record, which names the record. Whoever may read the one may read the other.
 */
export async function disagree(ctx: Disagreeing, id: Uint8Array, text: string): Promise<Entry> {
  const { ring } = ctx.session.state
  const found = rightsOf(ring).cases.find(c => equal(c.id, id))
  if (!found) throw new KeepwellError('NOT_FOUND', 'You made no such request.')
  ensure(found.right === 'rectify' && found.state === 'refused', 'BAD_INPUT', 'Only a refused rectification can be disagreed with.')
  ensure(!found.statement, 'BAD_INPUT', 'Your statement is filed already.')
  ensure(text.trim(), 'BAD_INPUT', 'Say what you disagree with.')
  const record = found.records[0]!
  const about = await entryOf(ctx, record)
  const compartment = about?.compartment ?? compartmentNamed(ring, 'general').id
  const [entry] = await fileRecords(ctx, [
    {
      id: ctx.random(16),
      kind: 'fhir',
      mediaType: 'application/fhir+json',
      compartment,
      authoredAt: ctx.clock(),
      body: utf8(JSON.stringify(statementOf(found, text, { at: ctx.clock(), by: ring.name, title: about?.card.title ?? '' }))),
      facts: { resourceType: 'DocumentReference', title: `Statement of disagreement: ${about?.card.title ?? toHex(record)}`, codes: [] },
    },
  ])
  await changeRing(ctx, r => ({
    ...r,
    rights: { ...rightsOf(r), cases: rightsOf(r).cases.map(c => (equal(c.id, id) ? { ...c, statement: entry!.id } : c)) },
  }))
  return entry!
}

type Stating = { readonly at: number; readonly by: string; readonly title: string }

const statementOf = (c: RightsCase, text: string, { at, by, title }: Stating) => ({
  resourceType: 'DocumentReference',
  status: 'current',
  type: { text: 'Statement of disagreement' },
  date: isoTime(at),
  author: [{ display: by }],
  description: `About "${title}". Asked of ${c.name} on ${isoTime(c.at).slice(0, 10)}: ${c.text}. Their answer: ${c.answer}`.slice(0, 9000),
  content: [{ attachment: { contentType: 'text/plain; charset=utf-8', data: toBase64(utf8(text)), title: 'Statement of disagreement' } }],
  context: { related: c.records.map(id => ({ identifier: { system: 'urn:keepwell:record', value: toHex(id) } })) },
})
