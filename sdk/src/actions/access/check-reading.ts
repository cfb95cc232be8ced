import type { Ctx } from '#actions/context'
import { findParty } from '#actions/vault/calls'
import { readReceipt, receiptHash, receiptLeaf } from '#audit/receipt'
import { equal, toHex } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import { credentialOf, decide } from '#consent/decide'
import { commitmentOf, decodeTerms, readTerms, type Terms } from '#consent/terms'
import { verifyCall, verifyProof } from '#identity/call'
import type { Did } from '#identity/did'
import type { Relay } from '#ports/relay'
import { payloadCid } from '#records/envelope'
import { HELD, heldBody, type Reading, reading } from '#wire/held'
import { METHODS } from '#wire/methods'
import { checkInclusion, describesCall, relayParty } from './check-receipt.ts'

type Checking = Pick<Ctx, 'clock' | 'network' | 'session'>

/** As long as a relay's capability. */
const LIFE = 600
const SKEW = 300

export type CheckedReading = {
  readonly reader: Did
  readonly vault: Did
  /** Hex ids of the records that the receipt names. */
  readonly ids: ReadonlySet<string>
  /** Unix seconds: it counts no longer. */
  readonly until: number
  /**
   * Whether the opening would stand now: the consent lives on its ledger, and the record at the relay, under one of the addresses that it was
   * filed under. Throws DENIED, ERASED.
   */
  stands(stubs: readonly Uint8Array[]): Promise<void>
}

/**
 * Looks at what a reader shows to whoever holds the content of a record (protocol §13): the reader's own call to this holder, made for a receipt
 * that one of the patient's relays signed, that lies in that relay's log and names the reader, and that is fresh. `relaysOf` gives the relays
 * known of a vault whose content is held here, null for any other. Throws DENIED, BAD_SIGNATURE, BAD_PROOF.
 */
export async function checkReading(
  ctx: Checking,
  bytes: Uint8Array,
  relaysOf: (vault: Did) => Promise<readonly string[] | null>,
): Promise<CheckedReading> {
  const shown = decodeAs(reading, bytes)
  const receipt = readReceipt(shown.receipt.signed)
  const { call } = shown
  const now = ctx.clock()
  const own = ctx.session.state.ring.did
  ensure(call.relay === own && call.method === HELD, 'DENIED', 'The request was made to somebody else.')
  ensure(equal(decodeAs(heldBody, call.body).receipt, receiptHash(shown.receipt.signed)), 'DENIED', 'The request names another receipt.')
  const until = Math.min(receipt.time, call.time) + LIFE
  ensure(now <= until && Math.max(receipt.time, call.time) <= now + SKEW, 'DENIED', 'The receipt is not of now; open the record again.')
  const known = await relaysOf(receipt.vault)
  ensure(known, 'DENIED', 'Nothing of that person is held here.')
  const patient = await findParty(ctx, receipt.vault, known)
  ensure(patient, 'DENIED', 'The patient’s key bundle cannot be had.')
  const reader = await findParty(ctx, call.from, patient.relays)
  ensure(reader && reader.version === call.version, 'DENIED', 'The reader is not known at the patient’s relay.')
  verifyCall(call, reader.request)
  verifyProof(shown.receipt.call, reader.request)
  const allowed = receipt.actor === call.from && receipt.action === 'view' && receipt.verdict === 'allowed'
  ensure(allowed && describesCall(receipt, shown.receipt.call), 'DENIED', 'The receipt is not of an opening by this reader.')
  const relay = await relayOf(ctx, patient.relays, shown, receipt.relay)
  const terms = termsOf(shown, receipt.vault)
  ensure(terms.length || receipt.actor === receipt.vault, 'DENIED', 'The receipt names no consent.')
  return {
    reader: call.from,
    vault: receipt.vault,
    ids: new Set(receipt.ids.map(toHex)),
    until,
    async stands(stubs) {
      ensure(ctx.clock() <= until, 'DENIED', 'The receipt is not of now; open the record again.')
      await live(ctx, relay, { terms, reader: call.from, purpose: receipt.purpose as Terms['purposes'][number] })
      ensure(await isThere(relay, shown.capability, stubs), 'ERASED', 'The record is not at the relay any more.')
    },
  }
}

/** The patient's relay that wrote the receipt, checked to have it in its log. */
async function relayOf(ctx: Checking, urls: readonly string[], shown: Reading, did: Did): Promise<Relay> {
  for (const url of urls) {
    const relay = await ctx.network.relay(url)
    const party = await relayParty(ctx, relay).catch(() => null)
    if (party?.did !== did) continue
    await checkInclusion(party, receiptLeaf(shown.receipt.signed), { signed: shown.receipt.signed, ...shown.inclusion })
    return relay
  }
  ensure(false, 'DENIED', 'The receipt is of no relay of the patient’s that answers.')
}

/** The consent of an opening, and for a proxy's the one it rests on; none for the patient's own. */
function termsOf({ receipt }: Reading, vault: Did): Terms[] {
  const body = receipt.call.body && decodeAs(METHODS.access.body, receipt.call.body)
  ensure(body, 'DENIED', 'The receipt comes without its request.')
  if (!body.terms) return []
  const { signed, parent } = decodeTerms(body.terms)
  const all = [readTerms(signed), ...(parent ? [readTerms(parent)] : [])]
  ensure(
    all.every(t => t.patient === vault),
    'DENIED',
    'The consent is another patient’s.',
  )
  return all
}

type Live = { readonly terms: readonly Terms[]; readonly reader: Did; readonly purpose: Terms['purposes'][number] }

/** The relay decided when it wrote the receipt; what may have changed since is asked of the ledger. */
async function live(ctx: Checking, relay: Relay, { terms, reader, purpose }: Live): Promise<void> {
  if (terms.length === 0) return
  const ledger = await ctx.network.ledger(relay.url)
  for (const [i, t] of terms.entries()) {
    const slot = await ledger.consents.slot(t.holder, commitmentOf(t))
    const credential = credentialOf(t, t.credential ? await ledger.credentials.status(t.credential) : null)
    const now = ctx.clock()
    const { allow } = decide(
      t,
      { action: i ? 'list' : 'open', reader: i ? t.grantee : reader, purpose: i ? t.purposes[0]! : purpose, records: [], compartments: [] },
      { now, slot, revoked: false, ledgerAge: 0, credential },
    )
    ensure(allow, 'DENIED', 'The consent is not in force.')
  }
}

/** Whether the relay gives the record's own payload to whoever has this capability: it names what was opened, and what was erased is gone. */
async function isThere(relay: Relay, capability: Uint8Array, stubs: readonly Uint8Array[]): Promise<boolean> {
  for (const cid of stubs) {
    try {
      for await (const _ of relay.getBlocks(capability, [payloadCid({ cid })])) return true
    } catch (e) {
      if (!isKeepwellError(e, 'DENIED')) throw e
    }
  }
  return false
}
