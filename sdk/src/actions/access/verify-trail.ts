import type { Ctx } from '#actions/context'
import { callRelay, homeRelay, ownBundle, partyAt } from '#actions/vault/calls'
import { withInbox } from '#actions/vault/inboxes'
import {
  copyInfo,
  decodeReceipt,
  NO_RECEIPT,
  type Receipt,
  type ReceiptMessage,
  readReceipt,
  receiptAad,
  receiptCopy,
  receiptHash,
  receiptInfo,
  receiptLeaf,
  receiptMessage,
  type SealedReceipt,
} from '#audit/receipt'
import { equal, text, toHex, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import type { Cid } from '#base/cid'
import { ensure, isKeepwellError } from '#base/error'
import { bytes, decodeAs, int, object } from '#base/shape'
import { policyCid } from '#consent/policy'
import { decodeTerms, readTerms } from '#consent/terms'
import { hpkeOpen } from '#crypto/open'
import { bundleMessage } from '#identity/bundle'
import { verifyProof } from '#identity/call'
import type { Did } from '#identity/did'
import type { PassedGrant } from '#identity/keyring'
import { peek, verifySigned } from '#identity/signed'
import { METHODS } from '#wire/methods'
import { type Anchored, checkLog, type Problem, type Unbroken } from './check-log.ts'
import { checkLogHead, checkUnder, describesCall, type RelayParty, relayParty } from './check-receipt.ts'
import { checkPassed } from './passed.ts'

type Auditing = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

/** One line of "who looked": `reader` says whether the reader's own signature on the request was checked. */
export type Looked = {
  readonly receipt: ReceiptMessage
  /** Its place in the relay's log. */
  readonly index: number
  /** SHA-256 of the receipt's message, which its log leaf is made of. */
  readonly hash: Uint8Array
  readonly name: string
  readonly grant: string | null
  /** Who gave that consent in our name, when it was a proxy. */
  readonly proxy: Did | null
  readonly reader: 'verified' | 'unknown'
  /** The policies under which the reader asked, as its signed request says; null for none. */
  readonly policy: Cid | null
  /**
   * What the credential was worth then that the consent counts by (protocol §5): the relay let nothing through unless it was live. Null for a consent
   * that names none.
   */
  readonly credential: 'live' | 'dead' | null
}

export type Trail = {
  readonly looked: readonly Looked[]
  readonly relay: Did
  readonly logSize: number
  /** Where the ledger holds the relay's log; null when it was not anchored yet. */
  readonly anchored: Anchored | null
  /** Since when this device saw the log only grow; null when it did not. */
  readonly unbroken: Unbroken | null
  readonly problems: readonly Problem[]
  /** Consents that proxies gave in our name and did not tell of: receipts carry their terms, signed. */
  readonly untold: readonly PassedGrant[]
}

const PAGE = 256

/**
 * Checks the whole trail of the vault at its relay (protocol §6): every receipt opens, is signed by relay and reader, is numbered
 * without a gap, says what its request asked, names the one before, lies in the signed log; nothing seen before is gone; the log only
 * grew, and contains what the ledger anchored; and what readers left at the vault's other relays is all there (threat T33).
 */
export async function verifyTrail(ctx: Auditing): Promise<Trail> {
  const relay = await homeRelay(ctx)
  const party = await relayParty(ctx, relay)
  const problems: Problem[] = []
  const looked: Looked[] = []
  const passed = new Map((ctx.session.state.ring.passed ?? []).map(p => [toHex(p.commitment), p]))
  const told = new Set(passed.keys())
  const hashes: Uint8Array[] = []
  const requests = new Set<string>()
  const readers = partiesOnce(ctx)
  let prev: Uint8Array = NO_RECEIPT
  let after = 0
  for (;;) {
    const began = after
    const answer = await callRelay(ctx, relay, 'receipts', { after, limit: PAGE })
    const head = checkLogHead(party, answer.head)
    // Each receipt under it says what was wrong with it.
    head.catch(() => {})
    for (const { sealed, path } of answer.receipts) {
      if (sealed.seq <= after) break
      try {
        ensure(sealed.seq === after + 1, 'OMISSION', `Receipt ${after + 1} is missing.`)
        const receipt = await openReceipt(ctx, party, sealed, prev)
        await checkUnder(party, receiptLeaf(receipt.signed), { signed: receipt.signed, index: sealed.index, path, head: await head })
        const request = toHex(readReceipt(receipt.signed).request)
        ensure(!requests.has(request), 'REPLAYED', 'Two receipts stand for one and the same request.')
        requests.add(request)
        looked.push({ ...(await describe(ctx, receipt, { passed, readers })), index: sealed.index, hash: sealed.hash })
      } catch (e) {
        if (!isKeepwellError(e)) throw e
        problems.push({ seq: sealed.seq, code: e.code, message: e.message })
      }
      prev = sealed.hash
      after = sealed.seq
      hashes[after] = prev
    }
    if (after > began) continue
    if (answer.receipts.length)
      problems.push({ seq: after + 1, code: 'OMISSION', message: 'The relay’s list of receipts goes in circles.' })
    else if (answer.last > after)
      problems.push({ seq: after + 1, code: 'OMISSION', message: `The relay speaks of ${answer.last} receipts and shows ${after}.` })
    break
  }
  await checkSeen(ctx, { url: relay.url, party, hashes, last: after }, problems)
  await checkCopies(ctx, { url: relay.url, party, hashes, last: after }, problems)
  const log = await checkLog(ctx, relay, party)
  const untold = [...passed].flatMap(([id, p]) => (told.has(id) ? [] : [p]))
  const { logSize, anchored, unbroken } = log
  return { looked, relay: party.did, logSize, anchored, unbroken, problems: [...problems, ...log.problems], untold }
}

/** Opens one receipt and checks everything that it says by itself; `prev` is the hash of the one before it. */
export async function openReceipt(ctx: Pick<Ctx, 'session'>, party: RelayParty, sealed: SealedReceipt, prev: Uint8Array): Promise<Receipt> {
  const { ring } = ctx.session.state
  const { enc, sealed: ciphertext } = sealed
  const aad = receiptAad(sealed)
  const plain = await withInbox(ring, secret => hpkeOpen({ secret, enc, info: receiptInfo(ring.did), aad, ciphertext }))
  const receipt = decodeReceipt(plain)
  const message = readReceipt(receipt.signed)
  ensure(
    equal(receiptHash(receipt.signed), sealed.hash) && message.seq === sealed.seq,
    'BAD_PROOF',
    'A receipt is not the one the log names.',
  )
  ensure(message.vault === ring.did && message.relay === party.did, 'BAD_PROOF', 'A receipt is of another vault or relay.')
  ensure(equal(message.prev, prev), 'OMISSION', 'A receipt does not follow the one before it.')
  ensure(describesCall(message, receipt.call), 'BAD_SIGNATURE', 'A receipt says something else than the request it stands for.')
  return receipt
}

type Known = { readonly passed: Map<string, PassedGrant>; readonly readers: ReturnType<typeof partiesOnce> }

/** Readers by DID and bundle version, each looked up and checked once: most receipts of a trail are of a few. */
function partiesOnce(ctx: Auditing): (did: Did, version: number) => ReturnType<typeof partyAt> {
  const found = new Map<string, ReturnType<typeof partyAt>>()
  return (did, version) => {
    const name = `${did} ${version}`
    const party = found.get(name) ?? partyAt(ctx, did, version)
    found.set(name, party)
    return party
  }
}

async function describe(ctx: Auditing, receipt: Receipt, { passed, readers }: Known): Promise<Omit<Looked, 'index' | 'hash'>> {
  const { ring } = ctx.session.state
  const message = readReceipt(receipt.signed)
  const reader = await readers(message.actor, receipt.call.version)
  if (reader) verifyProof(receipt.call, reader.request)
  const own = message.grant ? ring.given.some(g => equal(g.commitment, message.grant!)) : false
  const proxied = message.grant && !own ? await proxiedBy(ctx, receipt, passed) : null
  return {
    receipt: message,
    name: message.actor === ring.did ? 'you' : nameOf(ctx, message.actor),
    grant: message.grant && (own || proxied) ? toHex(message.grant) : null,
    proxy: proxied?.proxy ?? null,
    reader: reader ? 'verified' : 'unknown',
    policy: policyIn(receipt),
    credential: credentialThen(receipt, message),
  }
}

/** The terms that the reader showed are in its signed request; the relay's verdict on them is in the receipt. */
function credentialThen({ call }: Receipt, { verdict, reasons }: ReceiptMessage): Looked['credential'] {
  if (call.method !== 'access' || !call.body) return null
  const { terms } = decodeAs(METHODS.access.body, call.body)
  if (!terms || !readTerms(decodeTerms(terms).signed).credential) return null
  if (reasons.includes('credential-dead')) return 'dead'
  return verdict === 'allowed' ? 'live' : null
}

/** Named by the reader in what it signed; the relay takes no notice of it. */
function policyIn({ call }: Receipt): Cid | null {
  if (call.method !== 'access' || !call.body) return null
  const { policy } = decodeAs(METHODS.access.body, call.body)
  return policy ? policyCid(policy) : null
}

/** The proxy's consent a receipt names: one we were told of, or one whose signed terms the reader showed. */
async function proxiedBy(ctx: Auditing, { signed, call }: Receipt, passed: Map<string, PassedGrant>): Promise<PassedGrant | null> {
  const id = toHex(readReceipt(signed).grant!)
  const known = passed.get(id)
  if (known || call.method !== 'access' || !call.body) return known ?? null
  const { terms } = decodeAs(METHODS.access.body, call.body)
  if (!terms) return null
  const shown = decodeTerms(terms)
  const proxy = shown.parent ? await partyAt(ctx, shown.signed.signer, shown.signed.version) : null
  if (!proxy) return null
  const found = await checkPassed(ctx, shown, { proxy, name: '' })
  passed.set(id, found)
  return found
}

const nameOf = (ctx: Auditing, did: Did): string => ctx.session.state.ring.contacts.find(c => c.did === did)?.name ?? did

type Shown = { readonly url: string; readonly party: RelayParty; readonly hashes: readonly Uint8Array[]; readonly last: number }

const seenReceipt = object({ seq: int(), hash: bytes(32) })

/** What this device saw before must still be there, from the same relay: a new name would come with an empty history. */
async function checkSeen(ctx: Auditing, { url, party, hashes, last }: Shown, problems: Problem[]): Promise<void> {
  const name = `relay-at/${url}`
  const before = await ctx.catalog.marked(name)
  if (before && text(before) !== party.did)
    problems.push({ seq: 0, code: 'FORKED', message: 'Another relay answers under this address than before; its history begins anew.' })
  else await ctx.catalog.mark(name, utf8(party.did))
  const mark = `receipts/${party.did}`
  const kept = await ctx.catalog.marked(mark)
  const seen = kept ? decodeAs(seenReceipt, kept) : null
  const here = seen ? hashes[seen.seq] : undefined
  if (seen && !(here && equal(here, seen.hash)))
    problems.push({ seq: seen.seq, code: 'OMISSION', message: `Receipt ${seen.seq}, which was here before, is gone or another one.` })
  else if (last > 0) await ctx.catalog.mark(mark, encode({ seq: last, hash: hashes[last] }))
}

/**
 * Copies that honest readers left at the vault's other relays: one that this relay signed and never delivered is proof against it, and
 * stays where it is. Copies that match, or that nobody can open, are done with.
 */
async function checkCopies(ctx: Auditing, shown: Shown, problems: Problem[]): Promise<void> {
  const { ring } = ctx.session.state
  for (const url of peek(ownBundle(ring).signed, bundleMessage).relays.filter(u => u !== shown.url)) {
    try {
      const relay = await ctx.network.relay(url)
      let done: Uint8Array[] = []
      do {
        const { copies } = await callRelay(ctx, relay, 'take-copies', { done })
        const told = problems.length
        done = []
        for (const { id, copy } of copies) {
          const missing = await undelivered(ctx, shown, copy)
          if (missing === null) done.push(id)
          else if (!problems.some(p => p.seq === missing.seq && p.message === missing.message)) problems.push(missing)
        }
        if (problems.length === told && done.length === 0) break
      } while (done.length)
    } catch (e) {
      if (!isKeepwellError(e)) throw e
      problems.push({ seq: 0, code: e.code, message: `The copies at ${url} could not be compared: ${e.message}` })
    }
  }
}

/** The receipt in a copy, when this relay signed it and did not show it; null when there is nothing to say. */
async function undelivered(ctx: Auditing, { party, hashes }: Shown, copy: Uint8Array): Promise<Problem | null> {
  const { ring } = ctx.session.state
  try {
    const { enc, sealed } = decodeAs(receiptCopy, copy)
    const aad = new Uint8Array(0)
    const plain = await withInbox(ring, secret => hpkeOpen({ secret, enc, info: copyInfo(ring.did), aad, ciphertext: sealed }))
    const { signed } = decodeReceipt(plain)
    const message = await verifySigned(signed, 'receipt', receiptMessage, party.keys)
    if (message.relay !== party.did || message.vault !== ring.did) return null
    const here = hashes[message.seq]
    if (here && equal(here, receiptHash(signed))) return null
    return {
      seq: message.seq,
      code: 'OMISSION',
      message: `A reader holds receipt ${message.seq} from this relay, which the relay does not show.`,
    }
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return null
  }
}
