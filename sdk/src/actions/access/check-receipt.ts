import type { Ctx } from '#actions/context'
import { trustBundle } from '#actions/vault/calls'
import { type LogHead, type LogHeadMessage, logHeadMessage, trailHeadSigner } from '#audit/head'
import { type Action, type ReceiptMessage, receiptMessage } from '#audit/receipt'
import { equal } from '#base/bytes'
import { decode } from '#base/cbor'
import { ensure, KeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import { commitmentOf, decodeTerms, readTerms } from '#consent/terms'
import { verifyInclusion } from '#crypto/merkle'
import type { Party } from '#identity/bundle'
import { type CallProof, callHash } from '#identity/call'
import { type Signed, verifySigned } from '#identity/signed'
import type { Manifest } from '#ports/ledger'
import type { Relay } from '#ports/relay'
import { type Body, METHODS } from '#wire/methods'

export type RelayParty = Party & { readonly manifestHere: Manifest; readonly chainHere: number }

const known = new WeakMap<Relay, Promise<RelayParty>>()

/** The relay's own checked bundle; asked once per connection. */
export function relayParty(ctx: Pick<Ctx, 'network'>, relay: Relay): Promise<RelayParty> {
  const found = known.get(relay)
  if (found) return found
  const asked = (async () => {
    const info = await relay.info()
    const party = await trustBundle(ctx, info.bundle)
    ensure(party.did === info.did, 'BAD_SIGNATURE', 'The relay shows another party’s bundle.')
    return { ...party, manifestHere: decode(info.manifest) as Manifest, chainHere: info.chainId }
  })()
  known.set(relay, asked)
  asked.catch(() => known.delete(relay))
  return asked
}

/** A log head is good when both halves are the relay's: the dual signature and the EIP-712 one of its log key. */
export async function checkLogHead(party: RelayParty, head: LogHead): Promise<LogHeadMessage> {
  const message = await verifySigned(head.signed, 'log-head', logHeadMessage, party.keys)
  const contract = party.manifestHere['AuditTrail@1']
  ensure(contract, 'NOT_SUPPORTED', 'The relay’s ledger has no AuditTrail.')
  const signer = trailHeadSigner({ chainId: party.chainHere, contract }, message, head.ledger)
  ensure(
    head.signed.signer === party.did && message.log === party.request && signer === party.request,
    'BAD_SIGNATURE',
    'The log head is not the relay’s.',
  )
  return message
}

export type Included = { readonly signed: Signed; readonly index: number; readonly path: readonly Uint8Array[]; readonly head: LogHead }

/** Throws BAD_SIGNATURE or BAD_PROOF unless the relay signed the receipt and its leaf is under the relay's signed head. */
export async function checkInclusion(party: RelayParty, leaf: Uint8Array, proof: Included): Promise<LogHeadMessage> {
  const head = await checkLogHead(party, proof.head)
  await checkUnder(party, leaf, { ...proof, head })
  return head
}

/** The same under a head that was checked before: one head stands over many receipts. */
export async function checkUnder(
  party: RelayParty,
  leaf: Uint8Array,
  { signed, index, path, head }: Omit<Included, 'head'> & { readonly head: Pick<LogHeadMessage, 'size' | 'root'> },
): Promise<void> {
  await verifySigned(signed, 'receipt', receiptMessage, party.keys)
  if (!verifyInclusion({ leaf, index, size: head.size, path, root: head.root }))
    throw new KeepwellError('BAD_PROOF', 'The receipt is not in the relay’s log.')
}

/** Calls that a receipt of this kind can stand for. */
const METHODS_OF: Readonly<Record<Action, readonly string[]>> = {
  list: ['access'],
  view: ['access'],
  emergency: ['access'],
  export: ['access'],
  create: ['submit'],
  update: ['submit'],
  share: [],
  erase: [],
  revoke: ['revoke'],
  deny: ['access', 'submit'],
}

const MAX_DELAY = 900

const sameIds = (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean =>
  a.length === b.length && a.every((id, i) => equal(id, b[i]!))

/**
 * Whether a receipt says what its own request asked: the relay writes the receipt, the reader signed the request, and the owner
 * believes the receipt. Of a submission only the hash is kept, so its ids stand on the relay's word.
 */
export function describesCall(m: ReceiptMessage, call: CallProof): boolean {
  const own =
    call.from === m.actor &&
    call.relay === m.relay &&
    equal(call.nonce, m.nonce) &&
    equal(callHash(call), m.request) &&
    Math.abs(m.time - call.time) <= MAX_DELAY &&
    METHODS_OF[m.action].includes(call.method)
  if (!own) return false
  if (call.method === 'submit') return true
  if (!call.body) return false
  if (call.method === 'revoke') {
    const body = decodeAs(METHODS.revoke.body, call.body)
    return body.vault === m.vault && m.grant !== undefined && equal(body.commitment, m.grant)
  }
  return describesAccess(m, decodeAs(METHODS.access.body, call.body))
}

function describesAccess(m: ReceiptMessage, body: Body<'access'>): boolean {
  const { ids = [], compartments } = body.selection
  const opened = body.action === 'open'
  return (
    body.vault === m.vault &&
    (m.action === 'deny' || (m.action === 'list') === !opened) &&
    (m.action === 'deny') === (m.verdict === 'denied') &&
    body.purpose === m.purpose &&
    body.person === m.person &&
    body.role === m.role &&
    sameIds(opened ? ids : [], m.ids) &&
    (!compartments || sameIds(compartments, m.compartments)) &&
    (body.terms ? m.grant !== undefined && equal(commitmentOf(readTerms(decodeTerms(body.terms).signed)), m.grant) : !m.grant)
  )
}
