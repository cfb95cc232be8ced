import type { Ctx } from '#actions/context'
import { trustBundle } from '#actions/vault/calls'
import { makeBundle, secretKey } from '#actions/vault/create-vault'
import { callAs } from '#actions/vault/offer-device'
import { waitingMessages } from '#actions/vault/waiting-messages'
import { equal, fromBase64Url, toBase64Url, utf8 } from '#base/bytes'
import { decode, encode } from '#base/cbor'
import { ensure, isKeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import { hkdf } from '#crypto/hash'
import { kemKeyPair } from '#crypto/kem'
import { recoverTypedData, secpAddress } from '#crypto/secp'
import { verifyShare } from '#crypto/shamir'
import { standingOf } from '#identity/bundle'
import { type Device, deviceCode } from '#identity/device'
import { type Did, makeDid, parseDid } from '#identity/did'
import { planHolds } from '#identity/guardians'
import { seatedNow } from '#identity/hand-over'
import type { Message } from '#identity/message'
import { openMessage, verifyMessage } from '#identity/message-open'
import { voteTypedData } from '#identity/recovery-typed-data'
import { type Recovery, recoveryOf } from '#identity/root'
import { recipientId } from '#identity/sealed-keyring'
import { sign, signedHash } from '#identity/signed'
import type { Manifest } from '#ports/ledger'
import type { RecoveryState } from '#ports/recoveries'
import { type Help, help, type Plea, plea } from '#wire/guardians'
import type { Answer, Body, MethodName } from '#wire/methods'
import { recoveryContract } from './ledger.ts'

type Pleading = Pick<Ctx, 'clock' | 'random' | 'network'>

export const PLEA_PREFIX = 'keepwell:recover#'
const LIFE = 7 * 86_400

/**
 * Somebody without keys who asks the guardians: all secrets come from `seed`, 32 random bytes that this machine keeps sealed, so that days
 * may pass and the machine may stop. `plea` may be shown to anybody whose help is wanted.
 */
export type OpenPlea = { readonly seed: Uint8Array; readonly plea: Plea }

export type PleaKeys = {
  /** The vault's controller once the guardians' round is finished; its address is the plea's DID. */
  readonly controller: Uint8Array
  readonly request: Uint8Array
  readonly signing: { readonly ed25519: Uint8Array; readonly mldsa65: Uint8Array }
  readonly device: Pick<Device, 'id' | 'secret' | 'public'>
  /** What the vault gets after the recovery, for its old keys count as lost. */
  readonly next: {
    readonly root: Uint8Array
    readonly recovery: Recovery
    readonly request: Uint8Array
    readonly signing: { readonly ed25519: Uint8Array; readonly mldsa65: Uint8Array }
    readonly inbox: Uint8Array
  }
}

export async function pleaKeys(seed: Uint8Array): Promise<PleaKeys> {
  const of = (name: string): Uint8Array => hkdf(seed, utf8('keepwell/v1/plea'), utf8(name), 32)
  const pair = (name: string) => ({ ed25519: of(`${name}/ed25519`), mldsa65: of(`${name}/mldsa65`) })
  const device = await kemKeyPair(of('device'))
  const root = of('next/root')
  return {
    controller: of('controller'),
    request: of('request'),
    signing: pair('signing'),
    device: { id: recipientId(device.public), secret: device.secret, public: device.public },
    next: {
      root,
      recovery: await recoveryOf(root),
      request: of('next/request'),
      signing: pair('next/signing'),
      inbox: of('next/inbox'),
    },
  }
}

export const pleaText = (p: Plea): string => PLEA_PREFIX + toBase64Url(encode(p))
/** What both sides compare, aloud or side by side: it covers every key of the plea, the new controller's too. */
export const pleaCode = (p: Plea): Promise<string> => deviceCode(p.bundle)

const callerOf = (p: Plea, { request, signing }: PleaKeys) => ({ did: p.did, version: 1, request, signing })

/** Begins on a new machine: a party made for this alone, at the relay that keeps the vault. */
export async function beginPlea(ctx: Pleading, input: { readonly relay: string; readonly name: string }): Promise<OpenPlea> {
  const relay = await ctx.network.relay(input.relay)
  const info = await relay.info()
  recoveryContract({ manifest: decode(info.manifest) as Manifest })
  const seed = secretKey(ctx)
  const keys = await pleaKeys(seed)
  const did = makeDid(info.chainId, secpAddress(keys.controller))
  const place = { relays: [input.relay], manifest: decode(info.manifest) as Manifest }
  const bundle = await makeBundle(ctx, { did, version: 1, prev: null, ...place }, { ...keys, inbox: keys.device.secret })
  const made: Plea = {
    v: 1,
    did,
    name: input.name,
    bundle: signedHash(bundle.signed),
    relay: input.relay,
    secret: ctx.random(32),
    expiry: ctx.clock() + LIFE,
  }
  await callAs(ctx, callerOf(made, keys), relay, { method: 'enroll', body: { bundle } })
  return { seed, plea: made }
}

/** A call in the name of the plea’s own party. */
export async function callPleading<M extends MethodName>(
  ctx: Pleading,
  { seed, plea: p }: OpenPlea,
  method: M,
  body: Body<M>,
): Promise<Answer<M>> {
  return callAs(ctx, callerOf(p, await pleaKeys(seed)), await ctx.network.relay(p.relay), { method, body })
}

/** Ends the party made for the pleading: its mailbox and what is in it are destroyed. */
export async function withdrawPlea(ctx: Pleading, { seed, plea: p }: OpenPlea): Promise<void> {
  const keys = await pleaKeys(seed)
  const tombstone = await sign(callerOf(p, keys), 'tombstone', { v: 1, vault: p.did, whole: 1, at: ctx.clock() })
  await callPleading(ctx, { seed, plea: p }, 'erase-vault', { tombstone })
}

/** What has come of a plea so far. */
export type Gathered = {
  readonly vault: Did
  /** Its seat's address on the ledger of the relay asked. */
  readonly identity: string
  readonly state: RecoveryState
  /** Helps whose share is the one that was dealt. */
  readonly helps: readonly Help[]
  /** Among them, votes for the next round. */
  readonly votes: readonly Help[]
  /** Votes it takes now: one more after a cancelled round. */
  readonly needed: number
  /** Guardians, by their place from 1, whose share is not the one that was dealt. */
  readonly tampered: readonly number[]
}

/**
 * Reads what guardians sent; null before the first answer. Every share is checked against what the ledger holds, so that one that was
 * altered is named. Throws UNVERIFIED when guardians of two vaults answered.
 */
export async function gatherHelp(ctx: Pleading, open: OpenPlea): Promise<Gathered | null> {
  const { device } = await pleaKeys(open.seed)
  const found: Help[] = []
  for await (const { message } of waitingMessages(from => callPleading(ctx, open, 'take-messages', { done: [], ...from }))) {
    const one = await helpIn(ctx, open, { message, inbox: device.secret })
    if (one) found.push(one)
  }
  const [first] = found
  if (!first) return null
  ensure(
    found.every(h => h.vault === first.vault),
    'UNVERIFIED',
    'Guardians of two different records answered; begin again, and show the code to your own guardians alone.',
  )
  const ledger = await ctx.network.ledger(open.plea.relay)
  const kept = await (await ctx.network.relay(open.plea.relay)).bundle(first.vault)
  const { address } = parseDid(kept ? seatedNow(standingOf(kept)).seat : first.vault)
  const state = await ledger.recoveries.state(address)
  const own = found.filter(h => state.plan !== null && planHolds(h.held, state.plan))
  const tampered = [...new Set(own.filter(h => !verifyShare(h.held.share, h.held.commitment)).map(h => h.held.share.index + 1))]
  const helps = byPlace(own.filter(h => verifyShare(h.held.share, h.held.commitment)))
  const domain = { chainId: ledger.chainId, contract: recoveryContract(ledger) }
  const round = nextRound(state)
  const counts = (h: Help): boolean => {
    const vote = { identity: address, plan: state.plan!, newOwner: parseDid(open.plea.did).address, round, deadline: open.plea.expiry }
    return h.round === round && recoverTypedData(voteTypedData(domain, vote), h.signature) === h.guardian
  }
  const threshold = own[0]?.held.plan.threshold ?? 0
  return {
    vault: first.vault,
    identity: address,
    state,
    helps,
    votes: byPlace(own.filter(h => verifyShare(h.held.share, h.held.commitment) && counts(h))),
    needed: threshold + (state.cancelled ? 1 : 0),
    tampered,
  }
}

/** The number of the round that votes are wanted for: the running one, or the next. */
export const nextRound = ({ round }: RecoveryState): number => (round?.state === 'running' ? round.number : (round?.number ?? 0) + 1)

/** One help of each place, in order. */
const byPlace = (helps: readonly Help[]): Help[] =>
  [...new Map(helps.map(h => [h.held.share.index, h])).values()].sort((a, b) => a.held.share.index - b.held.share.index)

/** What a guardian sent; null for whatever is no help, or comes from somebody who did not see the code. */
async function helpIn(
  ctx: Pleading,
  open: OpenPlea,
  { message, inbox }: { readonly message: Message; readonly inbox: Uint8Array },
): Promise<Help | null> {
  try {
    const incoming = await openMessage(message, inbox)
    if (incoming.kind !== 'guardian' || !incoming.from) return null
    const sender = await trustBundle(ctx, incoming.from, [open.plea.relay])
    const { content } = await verifyMessage(incoming, sender)
    const one = decodeAs(help, content)
    return equal(one.secret, open.plea.secret) ? one : null
  } catch (e) {
    if (isKeepwellError(e) && e.code !== 'RELAY_UNREACHABLE') return null
    throw e
  }
}

/** Reads what somebody shows who asks for help; nothing is sent. Throws BAD_INPUT, INVITATION_USED. */
export function readPlea(text: string): Plea {
  const at = text.indexOf('#')
  ensure(
    text.startsWith(PLEA_PREFIX.slice(0, -1)) && at > 0,
    'BAD_INPUT',
    'This is not the code of somebody who asks for their record back.',
  )
  return decodeAs(plea, fromBase64Url(text.slice(at + 1).trim()))
}
