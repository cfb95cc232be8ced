import { openSession, type ReadingSession } from '#actions/access/open-session'
import { credentialToShow } from '#actions/access/own-credentials'
import type { Ctx } from '#actions/context'
import { callerOf, callRelay, ownBundle } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { equal, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, isKeepwellError, KeepwellError } from '#base/error'
import { bytes, decodeAs, type Infer, object, string } from '#base/shape'
import { type KemKeyPair, kemKeyPair } from '#crypto/kem'
import { hpkeOpen } from '#crypto/open'
import { combine, type Share, type ShareCommitment, verifyShare } from '#crypto/shamir'
import { encodeBundle } from '#identity/bundle'
import { signCall } from '#identity/call'
import type { Credential } from '#identity/credential'
import {
  cardAddress,
  commitmentHash,
  type EmergencyCard,
  emergencyTag,
  type Preauthorisation,
  provePossession,
  releasedShare,
  saltedHash,
  shareInfo,
} from '#identity/emergency'
import { approveTypedData, requestTypedData, signEmergency } from '#identity/emergency-typed-data'
import type { Custodians } from '#ports/custody'
import type { EmergencyRequest, EmergencyRules } from '#ports/ledger'
import { emergencyDomain } from './answer.ts'
import { openReader } from './reader.ts'

type Asking = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

const DEADLINE = 3600
const MARK = 'emergency/'

/** What a professional keeps of a request until it is opened. */
const asked = object({ tag: bytes(32), salt: bytes(32), reason: string(500) })
export type Asked = Infer<typeof asked>

export type AskEmergency = {
  readonly card: EmergencyCard
  readonly reason: string
  readonly credential?: Credential
  readonly preauthorisation?: Preauthorisation
}

function toShow(ctx: Asking, given?: Credential): Credential {
  const found = given ?? credentialToShow(ctx)
  ensure(found, 'UNAUTHENTICATED', 'Emergency access takes a live credential; none is kept here.')
  return found
}

/** Asks on the patient's ledger, through the first of the card's relays that answers. Throws LEDGER_REFUSED with the contract's reason. */
export async function askEmergency(ctx: Asking, { card, reason, credential, preauthorisation }: AskEmergency): Promise<Asked> {
  const words = reason.trim()
  ensure(words && words.length <= 500, 'BAD_INPUT', 'Say in 1 to 500 characters why you ask; the patient reads it.')
  const shown = toShow(ctx, credential)
  const { ring } = ctx.session.state
  const made = { tag: emergencyTag(card.secret, ring.did, ctx.random(32)), salt: ctx.random(32), reason: words }
  const url = await reachable(ctx, card.relays)
  const domain = emergencyDomain(await ctx.network.ledger(url))
  ensure(domain.chainId === card.chainId, 'LEDGER_CHAIN_MISMATCH', 'The relay on the card stands on another ledger than the card says.')
  const m = {
    tag: made.tag,
    reasonHash: saltedHash(made.salt, words),
    credential: shown.id,
    rules: card.rules as EmergencyRules,
    deadline: ctx.clock() + DEADLINE,
  }
  const signature = signEmergency(ring.request, requestTypedData(domain, m))
  const word = preauthorisation ? { preauthorisation: { until: preauthorisation.until, signature: preauthorisation.signature } } : {}
  await changeRing(ctx, r => ({ ...r, marks: { ...r.marks, [MARK + toHex(made.tag)]: encode(made) } }))
  await callRelay(ctx, await ctx.network.relay(url), 'meta', { kind: 'emergency-ask', ...m, signature, ...word })
  return made
}

/** What this party asked before, by the beginning of its tag. Throws NOT_FOUND. */
export function askedBefore({ session }: Pick<Ctx, 'session'>, tag: string): Asked {
  const names = Object.keys(session.state.ring.marks).filter(name => name.startsWith(MARK + tag.toLowerCase()))
  ensure(names.length === 1, 'NOT_FOUND', names.length ? 'Several requests begin so; give more digits.' : 'You made no such request here.')
  return decodeAs(asked, session.state.ring.marks[names[0]!]!)
}

/** What this party asked under that card and is not over: a page that was closed meanwhile goes on with it. */
export async function askedUnder(
  ctx: Asking,
  card: EmergencyCard,
): Promise<{ readonly asked: Asked; readonly request: EmergencyRequest }[]> {
  const all = Object.entries(ctx.session.state.ring.marks).flatMap(([name, value]) =>
    name.startsWith(MARK) ? [decodeAs(asked, value)] : [],
  )
  if (!all.length) return []
  const { emergencies } = await ctx.network.ledger(await reachable(ctx, card.relays))
  const found = await Promise.all(all.map(async one => ({ asked: one, request: await emergencies.request(one.tag) })))
  return found.flatMap(({ asked: one, request }) =>
    request?.rules.veto === card.rules.veto && (request.state === 'open' || request.state === 'waiting') ? [{ asked: one, request }] : [],
  )
}

/** The second person's word for another's request. */
export async function approveEmergency(
  ctx: Asking,
  input: { readonly tag: Uint8Array; readonly relays: readonly string[]; readonly credential?: Credential },
): Promise<void> {
  const url = await reachable(ctx, input.relays)
  const m = { tag: input.tag, credential: toShow(ctx, input.credential).id, deadline: ctx.clock() + DEADLINE }
  const domain = emergencyDomain(await ctx.network.ledger(url))
  const signature = signEmergency(ctx.session.state.ring.request, approveTypedData(domain, m))
  await callRelay(ctx, await ctx.network.relay(url), 'meta', { kind: 'emergency-approve', ...m, signature })
}

/** The request as the patient's ledger has it now; null when it was never made. */
export async function emergencyStatus(ctx: Asking, card: EmergencyCard, tag: Uint8Array): Promise<EmergencyRequest | null> {
  return (await ctx.network.ledger(await reachable(ctx, card.relays))).emergencies.request(tag)
}

async function reachable(ctx: Asking, relays: readonly string[]): Promise<string> {
  for (const url of relays) {
    const there = await ctx.network
      .relay(url)
      .then(r => r.info())
      .catch(() => null)
    if (there) return url
  }
  throw new KeepwellError('RELAY_UNREACHABLE', 'None of the card’s relays answers; what is printed on the card is all there is now.')
}

export type Told = { readonly url: string; readonly state: 'released' | 'tampered' | 'refused' | 'unreachable'; readonly code?: string }
export type OpenedEmergency = { readonly session: ReadingSession; readonly custodians: readonly Told[]; readonly closesAt: number }

type Opening = Asking & { readonly custodians: Custodians }
export type OpenEmergency = {
  readonly card: EmergencyCard
  readonly asked: Asked
  readonly credential?: Credential
  /** Hears of each custodian's answer as it comes. */
  readonly heard?: (told: Told) => void
}

/**
 * Gathers shares until there are enough, opens the package and lists the emergency compartment, with a receipt for the patient (protocol §6,
 * §7). Each custodian tells the patient before its share leaves. Throws DENIED with what each custodian said when there are too few.
 */
export async function openEmergency(ctx: Opening, input: OpenEmergency): Promise<OpenedEmergency> {
  const { card } = input
  const found = await emergencyStatus(ctx, card, input.asked.tag)
  ensure(found?.state === 'open' && found.closesAt, 'DENIED', `The request is not open: it is ${found?.state ?? 'not on the ledger'}.`)
  const shown = toShow(ctx, input.credential)
  const { shares, commitment, told } = await gather(ctx, { ...input, credential: shown })
  if (!commitment || shares.length < commitment.threshold)
    throw new KeepwellError(
      'DENIED',
      `Too few custodians released their share: ${told.map(t => `${t.url} ${t.code ?? t.state}`).join(', ')}.`,
    )
  const reader = await openReader(ctx, await combine(shares.slice(0, commitment.threshold), commitment), card.relays)
  const [given] = reader.session.state.ring.received.toSorted((a, b) => b.at - a.at)
  ensure(given, 'NO_GRANT', 'The emergency package holds no consent: it was replaced.')
  const person = `${shown.name} (${ctx.session.state.ring.did})`.slice(0, 200)
  const session = await openSession(reader, { grant: given.commitment, purpose: 'ETREAT', person, role: shown.role })
  return { session, custodians: told, closesAt: found.closesAt }
}

type Gathering = OpenEmergency & { readonly credential: Credential }
type Gathered = { readonly shares: Share[]; readonly commitment: ShareCommitment | null; readonly told: Told[] }

/** Asks all custodians at once and goes on with the first that are enough. */
async function gather(ctx: Opening, input: Gathering): Promise<Gathered> {
  const session = await kemKeyPair(ctx.random(32))
  const out: { shares: Share[]; commitment: ShareCommitment | null; told: Told[] } = { shares: [], commitment: null, told: [] }
  const { promise: enough, resolve } = Promise.withResolvers<void>()
  const one = async (url: string): Promise<void> => {
    const answer = await askCustodian(ctx, { ...input, session, url })
    const told = { url, state: answer.state, ...(answer.code ? { code: answer.code } : {}) }
    out.told.push(told)
    input.heard?.(told)
    if (!answer.share || !answer.commitment) return
    out.commitment = answer.commitment
    out.shares.push(answer.share)
    if (out.shares.length >= answer.commitment.threshold) resolve()
  }
  const all = Promise.all(input.card.custodians.map(one)).then(() => resolve())
  await Promise.race([enough, all])
  all.catch(() => {})
  return { shares: [...out.shares], commitment: out.commitment, told: [...out.told] }
}

type Answer = Pick<Told, 'state' | 'code'> & { readonly share?: Share; readonly commitment?: ShareCommitment }
type One = Gathering & { readonly session: KemKeyPair; readonly url: string }

async function askCustodian(ctx: Opening, { card, asked: own, credential, session, url }: One): Promise<Answer> {
  const { ring } = ctx.session.state
  try {
    const door = ctx.custodians(url)
    const { did } = await door.info()
    const body = {
      tag: own.tag,
      card: cardAddress(card.secret),
      session: session.public,
      proof: provePossession(card.secret, { tag: own.tag, custodian: did, session: session.public }),
      credential,
      reason: own.reason,
      salt: own.salt,
      bundle: encodeBundle(ownBundle(ring)),
    }
    const sealed = await door.release(
      signCall(callerOf(ring), { relay: did, method: 'release', body, nonce: ctx.random(16), time: ctx.clock() }),
    )
    const info = shareInfo(own.tag, did)
    const opened = await hpkeOpen({ secret: session.secret, enc: sealed.enc, info, aad: new Uint8Array(0), ciphertext: sealed.sealed })
    const { share, commitment } = decodeAs(releasedShare, opened)
    const good = equal(commitmentHash(commitment), card.shares) && verifyShare(share, commitment)
    return good ? { state: 'released', share, commitment } : { state: 'tampered', code: 'SHARE_TAMPERED' }
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return { state: e.code === 'RELAY_UNREACHABLE' ? 'unreachable' : 'refused', code: e.code }
  }
}
