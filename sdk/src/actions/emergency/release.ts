import { credentialState } from '#actions/access/check-credential'
import { post } from '#actions/access/post'
import type { Ctx } from '#actions/context'
import { contactSeats, findParty, homeRelayUrl, trustBundle } from '#actions/vault/calls'
import { equal, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, KeepwellError } from '#base/error'
import { decodeAs, type Infer } from '#base/shape'
import { hmacSha256 } from '#crypto/hash'
import { hpkeSeal } from '#crypto/seal'
import { type BellList, ringId } from '#identity/bell'
import { decodeBundle, type Party } from '#identity/bundle'
import { type Call, verifyCall } from '#identity/call'
import { parseDid } from '#identity/did'
import {
  type Custody,
  type drillAnswer,
  drillBody,
  drillInput,
  type EmergencyContact,
  possessedBy,
  type ReleaseBody,
  type releaseAnswer,
  releaseBody,
  saltedHash,
  shareInfo,
} from '#identity/emergency'
import { MAX_WAKES, type WakeDevice } from '#identity/wake'
import type { CustodyStore, Notices, Release } from '#ports/custody'
import type { Ledger } from '#ports/ledger'

/** What a custodian works with; `timer` gives milliseconds that only rise. */
export type CustodianCtx = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'> & {
  readonly custody: CustodyStore
  readonly notices: Notices
  readonly timer: () => number
}

const MAX_SKEW = 300
/** How long a device is tried: a request is open no longer. */
const DAY = 86_400

/** The patient's ledger: our own where it is the same, else the one behind the patient's relays. */
async function ledgerOf(ctx: CustodianCtx, held: Custody): Promise<Ledger> {
  const [seat] = contactSeats(ctx, held.vault)
  const { chainId } = parseDid(seat ?? held.vault)
  for (const url of [homeRelayUrl(ctx.session.state.ring), ...held.relays]) {
    const ledger = await ctx.network.ledger(url).catch(() => null)
    if (ledger?.chainId === chainId) return ledger
  }
  throw new KeepwellError('RELAY_UNREACHABLE', 'The ledger of that patient does not answer; without it no share is released.')
}

/** Who calls: for us and this method, fresh, signed by the request key of a bundle that its controller stands behind. */
async function callerOf(ctx: CustodianCtx, call: Call, method: string, bundle: Uint8Array, doors: readonly string[]): Promise<Party> {
  const mine = call.relay === ctx.session.state.ring.did && call.method === method
  ensure(mine, 'BAD_SIGNATURE', 'The request was signed for another custodian or method.')
  ensure(
    Math.abs(ctx.clock() - call.time) <= MAX_SKEW,
    'CLOCK_SKEW',
    'The request is more than five minutes off; set the clock and sign it again.',
  )
  const party = await trustBundle(ctx, decodeBundle(bundle), doors)
  ensure(
    party.did === call.from && party.version === call.version,
    'BAD_SIGNATURE',
    'The request is not by the party whose bundle came along.',
  )
  verifyCall(call, party.request)
  return party
}

/** The six things without which no share leaves. Throws NOT_FOUND, BAD_SIGNATURE, DENIED. */
async function mayRelease(ctx: CustodianCtx, call: Call, body: ReleaseBody): Promise<Custody> {
  const held = await ctx.custody.ofCard(body.card)
  if (!held) throw new KeepwellError('NOT_FOUND', 'This custodian holds no share of that card; the card may have been replaced.')
  const party = await callerOf(ctx, call, 'release', body.bundle, held.relays)
  ensure(!held.barred.includes(party.did), 'DENIED', 'The patient vetoed an earlier request of this requester.')
  const possession = { tag: body.tag, custodian: ctx.session.state.ring.did, session: body.session }
  ensure(possessedBy(possession, body.proof) === held.card, 'BAD_SIGNATURE', 'The request does not prove that its sender holds the card.')
  const ledger = await ledgerOf(ctx, held)
  const request = await ledger.emergencies.request(body.tag)
  ensure(request?.state === 'open', 'DENIED', `There is no open request of that tag on the ledger: ${request?.state ?? 'none'}.`)
  ensure(equal(encode(request.rules), encode(held.rules)), 'DENIED', 'The request was made under other rules than the patient’s.')
  ensure(equal(request.reasonHash, saltedHash(body.salt, body.reason)), 'DENIED', 'The reason is not the one that was asked with.')
  ensure(equal(request.credential, body.credential.id), 'DENIED', 'The request was made under another credential.')
  const { second } = request
  const barred = second && held.barredCredentials?.some(c => equal(c, second))
  ensure(!barred, 'DENIED', 'The patient vetoed an earlier request of the second person.')
  const responder = await ledger.emergencies.responder(body.credential.id)
  ensure(responder === party.request, 'DENIED', 'The issuer of the credential named another key than the one that asks.')
  const worth = await credentialState(ledger, body.credential, party.did)
  ensure(worth === 'live', 'DENIED', 'The credential is not live.')
  return held
}

/**
 * Releases this custodian's one share (protocol §7). The notice is in the outbox before anything else, and the share leaves only once the
 * patient's mailbox, or failing that one of the contacts, has taken it. Throws PEER_FAILED when nobody could be told: then nothing left.
 */
export async function releaseShare(ctx: CustodianCtx, call: Call): Promise<Infer<typeof releaseAnswer>> {
  const body = decodeAs(releaseBody, call.body)
  const held = await mayRelease(ctx, call, body)
  const agreed = ctx.timer()
  const bells = ((await ctx.custody.bells(held.vault))?.bells ?? []).map(b => b.of)
  const fresh: Release = {
    tag: body.tag,
    vault: held.vault,
    requester: call.from,
    name: body.credential.name,
    role: body.credential.role,
    reason: body.reason,
    at: ctx.clock(),
    untold: [null, ...held.contacts],
    unwoken: ((await ctx.custody.wakes(held.vault))?.devices ?? []).map(d => d.id),
    unrung: bells,
    unwritten: bells,
    toldAfter: null,
  }
  const told = await tell(ctx, held, { fresh, agreed })
  ensure(told.toldAfter !== null, 'PEER_FAILED', 'Neither the patient nor a contact could be told, so the share stays here; try again.')
  const { enc, ciphertext } = await hpkeSeal({
    recipient: body.session,
    info: shareInfo(body.tag, ctx.session.state.ring.did),
    aad: new Uint8Array(0),
    plaintext: encode({ share: held.share, commitment: held.commitment }),
    random: ctx.random,
  })
  return { enc, sealed: ciphertext }
}

/** Tellings of one custodian, by tag: one after the other, so that nobody is told twice of what is being told just now. */
const tellings = new WeakMap<CustodyStore, Map<string, Promise<unknown>>>()

type Telling = { readonly fresh: Release; readonly agreed: number }

/** Tells all who were not told yet, at once, for somebody waits; writes down who is left. What is noted already goes before `fresh`. */
async function tell(ctx: CustodianCtx, held: Custody, { fresh, agreed }: Telling): Promise<Release> {
  return inTurn(ctx, fresh.tag, async () => {
    const before = await ctx.custody.release(fresh.tag)
    if (!before) await ctx.custody.note(fresh)
    return tellNow(ctx, held, before ?? fresh, agreed)
  })
}

/** What is noted of a release is read and written in its turn alone. */
async function inTurn<T>(ctx: CustodianCtx, named: Uint8Array, work: () => Promise<T>): Promise<T> {
  const mine = tellings.get(ctx.custody) ?? new Map<string, Promise<unknown>>()
  tellings.set(ctx.custody, mine)
  const tag = toHex(named)
  const run = (mine.get(tag) ?? Promise.resolve()).then(work)
  const turn = run.catch(() => {})
  mine.set(tag, turn)
  try {
    return await run
  } finally {
    if (mine.get(tag) === turn) mine.delete(tag)
  }
}

async function tellNow(ctx: CustodianCtx, held: Custody, release: Release, agreed: number): Promise<Release> {
  const { unwoken = [] } = release
  if (!release.untold.length && !unwoken.length) return release
  let first = release.toldAfter
  /** Empty once it was taken, else the one that is left. */
  const leftOf = async <T>(one: T, telling: () => Promise<void>): Promise<T[]> => {
    try {
      await telling()
      first ??= Math.max(0, ctx.timer() - agreed)
      return []
    } catch {
      // Whatever an address, a key or a relay makes of it: it is tried again, and keeps nobody else from being told.
      return [one]
    }
  }
  const devices = unwoken.length ? await wakeable(ctx, release) : []
  const [people, asleep] = await Promise.all([
    Promise.all(release.untold.map(to => leftOf(to, () => (to ? tellContact(ctx, to, release) : tellPatient(ctx, held, release))))),
    Promise.all(devices.map(d => leftOf(d.id, () => wakeOne(ctx, d, release)))),
  ])
  const now = { ...release, untold: people.flat(), unwoken: asleep.flat(), toldAfter: first }
  await ctx.custody.note(now)
  await tellGone(ctx, held)
  return now
}

/** Devices of this release that the vault still has, and not for longer than a request can be open. */
async function wakeable(ctx: CustodianCtx, { vault, unwoken = [], at }: Release): Promise<readonly WakeDevice[]> {
  if (ctx.clock() > at + DAY) return []
  const kept = await ctx.custody.wakes(vault)
  return (kept?.devices ?? []).filter(d => unwoken.some(id => equal(id, d.id)))
}

/** Wakes one device; one that its push service has forgotten is forgotten here. Throws PEER_FAILED when nobody was told by it. */
async function wakeOne(ctx: CustodianCtx, device: WakeDevice, { vault, tag }: Release): Promise<void> {
  const told = await ctx.notices.wake(device, hmacSha256(device.key, tag).subarray(0, 16))
  if (told === 'taken') return
  const without = (id: Uint8Array): boolean => !equal(id, device.id)
  await ctx.custody.changeWakes(vault, kept => {
    if (!kept?.devices.some(d => !without(d.id))) return kept
    return { ...kept, devices: kept.devices.filter(d => without(d.id)), gone: [...kept.gone, device.id].slice(-MAX_WAKES) }
  })
  throw new KeepwellError('PEER_FAILED', 'A device is not reached by push any more.')
}

/** Tells the patient which devices are not reached any more; stays owed while their relay is away. */
async function tellGone(ctx: CustodianCtx, held: Custody): Promise<void> {
  const { gone = [] } = (await ctx.custody.wakes(held.vault)) ?? {}
  if (!gone.length) return
  try {
    const patient = await findParty(ctx, held.vault, held.relays)
    if (!patient) return
    await post(ctx, patient, 'notice', { text: 'A device of yours is not reached by push any more.', gone }, { introduce: true })
    await ctx.custody.changeWakes(held.vault, kept => kept && { ...kept, gone: kept.gone.filter(id => !gone.some(g => equal(g, id))) })
  } catch {
    // Owed still.
  }
}

async function tellPatient(ctx: CustodianCtx, held: Custody, r: Release): Promise<void> {
  const patient = await findParty(ctx, held.vault, held.relays)
  if (!patient) throw new KeepwellError('UNKNOWN_PARTY', 'The patient’s relay does not answer.')
  const { tag, requester, name, role, reason, at } = r
  const emergency = { tag, version: held.version, requester, name, role, reason, at }
  await post(ctx, patient, 'notice', { text: 'A share of your emergency key is about to be released.', emergency }, { introduce: true })
}

/** A contact learns that there is an emergency and who asked, and nothing of the record; not even the patient's DID. */
function tellContact(ctx: CustodianCtx, to: EmergencyContact, { name, role, at }: Release): Promise<void> {
  const when = new Date(at * 1000).toISOString()
  const text = [
    `Dear ${to.name},`,
    '',
    'somebody who named you as a contact for emergencies may be in one.',
    `At ${when}, ${name} (${role}) asked to read that person’s emergency summary, and it is being opened now.`,
    'If you can reach the person, please do. If nothing has happened to them, they should open Keepwell and object at once.',
    '',
    `Told by ${ctx.session.state.ring.name}, a custodian that the person chose.`,
  ].join('\n')
  return ctx.notices.send(to, 'Emergency access: a health record is being opened', text)
}

/** Tells again those whom nobody could reach. Returns how many are left. */
export async function tellAgain(ctx: CustodianCtx): Promise<number> {
  let left = 0
  for (const release of await ctx.custody.releases()) {
    if (!release.untold.length && !release.unwoken?.length) continue
    const held = await ctx.custody.ofVault(release.vault)
    if (!held) continue
    const { untold, unwoken = [] } = await tell(ctx, held, { fresh: release, agreed: ctx.timer() })
    left += untold.length + unwoken.length
  }
  for (const vault of await ctx.custody.vaults()) {
    const held = await ctx.custody.ofVault(vault)
    if (held) await tellGone(ctx, held)
  }
  return left
}

/**
 * Rings the bells of those whom the patient chose, a day long, after leaving each a word in their mailbox for the woken device to show. Not a
 * part of any telling: a release neither waits for it nor counts it. Run one at a time. Returns how many are left.
 */
export async function ringBells(ctx: CustodianCtx): Promise<number> {
  let left = 0
  for (const release of await ctx.custody.releases()) {
    if (!release.unrung?.length) continue
    const still = await ringLeft(ctx, release)
    await inTurn(ctx, release.tag, async () => {
      const now = await ctx.custody.release(release.tag)
      if (now) await ctx.custody.note({ ...now, ...still })
    })
    left += still.unrung.length
  }
  return left
}

/**
 * Rings those of a release that the patient still wants rung; gives who is left. Whatever somebody's relay or keys make of it is tried again,
 * and keeps nobody else from being rung or makes them be written to twice.
 */
async function ringLeft(ctx: CustodianCtx, release: Release): Promise<Required<Pick<Release, 'unrung' | 'unwritten'>>> {
  const { vault, at, unrung = [], unwritten = unrung } = release
  if (ctx.clock() > at + DAY) return { unrung: [], unwritten: [] }
  const bells = (await ctx.custody.bells(vault))?.bells.filter(b => unrung.includes(b.of)) ?? []
  const tried = bells.map(async bell => {
    const { of, relay, secret } = bell
    let written = !unwritten.includes(of)
    try {
      if (!written) await writeOf(ctx, bell, release)
      written = true
      await (await ctx.network.relay(relay)).ring(of, secret)
      return { of, written, rung: true }
    } catch {
      return { of, written, rung: false }
    }
  })
  const silent = (await Promise.all(tried)).filter(t => !t.rung)
  return { unrung: silent.map(t => t.of), unwritten: silent.filter(t => !t.written).map(t => t.of) }
}

/** The word that a woken device has to show: who asked, and whose emergency it is, for whoever knows the mark. */
async function writeOf(ctx: CustodianCtx, { of, relay, secret, mark }: BellList['bells'][number], r: Release): Promise<void> {
  const party = await findParty(ctx, of, [relay])
  ensure(party, 'UNKNOWN_PARTY', 'The relay of that bell does not know whose it is.')
  const concern = { id: ringId(secret, r.tag), mark, name: r.name, role: r.role, at: r.at }
  await post(ctx, party, 'notice', { text: 'Somebody whom you look after may be in an emergency.', concern }, { introduce: true })
}

/** Proves to the vault itself that its share is here, and nothing to anybody else. Throws NOT_FOUND. */
export async function answerDrill(ctx: CustodianCtx, call: Call): Promise<Infer<typeof drillAnswer>> {
  const body = decodeAs(drillBody, call.body)
  const held = await ctx.custody.ofVault(call.from)
  if (!held) throw new KeepwellError('NOT_FOUND', 'This custodian holds no share of that vault.')
  await callerOf(ctx, call, 'drill', body.bundle, held.relays)
  return { version: held.version, proof: hmacSha256(held.share.bytes, drillInput(held.share, body.nonce)) }
}
