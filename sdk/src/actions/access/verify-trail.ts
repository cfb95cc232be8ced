import type { Ctx } from '#actions/context'
import { callRelay, homeLedger, homeRelay, partyAt } from '#actions/vault/calls'
import { withInbox } from '#actions/vault/inboxes'
import { logHead } from '#audit/head'
import {
  decodeReceipt,
  NO_RECEIPT,
  type Receipt,
  type ReceiptMessage,
  readReceipt,
  receiptAad,
  receiptHash,
  receiptInfo,
  receiptLeaf,
  type SealedReceipt,
} from '#audit/receipt'
import { equal, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, isKeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import { hpkeOpen } from '#crypto/open'
import { callHash, verifyCall } from '#identity/call'
import type { Did } from '#identity/did'
import type { Relay } from '#ports/relay'
import { checkGrowth, checkInclusion, checkLogHead, type RelayParty, relayParty } from './check-receipt.ts'

type Auditing = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

/** One line of "who looked": `reader` says whether the reader's own signature on the request was checked. */
export type Looked = {
  readonly receipt: ReceiptMessage
  readonly name: string
  readonly grant: string | null
  readonly reader: 'verified' | 'unknown'
}

export type Trail = {
  readonly looked: readonly Looked[]
  readonly logSize: number
  /** Where the ledger holds the relay's log; null when it was not anchored yet. */
  readonly anchored: { readonly size: number; readonly time: number } | null
  readonly problems: readonly { readonly seq: number; readonly code: string; readonly message: string }[]
}

const PAGE = 256
const HEAD_MARK = 'log-head'

/**
 * Checks the whole trail of the vault at its relay (protocol §6): every receipt opens, is signed by relay and reader, is numbered
 * without a gap, names the one before, lies in the signed log; the log only grew since last seen, and contains what the ledger anchored.
 */
export async function verifyTrail(ctx: Auditing): Promise<Trail> {
  const relay = await homeRelay(ctx)
  const party = await relayParty(ctx, relay)
  const problems: { seq: number; code: string; message: string }[] = []
  const looked: Looked[] = []
  let prev: Uint8Array = NO_RECEIPT
  let after = 0
  for (;;) {
    const answer = await callRelay(ctx, relay, 'receipts', { after, limit: PAGE })
    for (const { sealed, path } of answer.receipts) {
      try {
        ensure(sealed.seq === after + 1, 'OMISSION', `Receipt ${after + 1} is missing.`)
        const receipt = await openReceipt(ctx, party, sealed, prev)
        await checkInclusion(party, receiptLeaf(receipt.signed), { signed: receipt.signed, index: sealed.index, path, head: answer.head })
        looked.push(await describe(ctx, receipt))
      } catch (e) {
        if (!isKeepwellError(e)) throw e
        problems.push({ seq: sealed.seq, code: e.code, message: e.message })
      }
      prev = sealed.hash
      after = sealed.seq
    }
    if (answer.receipts.length === 0) {
      if (answer.last > after)
        problems.push({ seq: after + 1, code: 'OMISSION', message: `The relay speaks of ${answer.last} receipts and shows ${after}.` })
      break
    }
  }
  const { logSize, anchored } = await checkLog(ctx, relay, party, problems)
  return { looked, logSize, anchored, problems }
}

async function openReceipt(ctx: Auditing, party: RelayParty, sealed: SealedReceipt, prev: Uint8Array): Promise<Receipt> {
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
  ensure(
    equal(message.request, callHash(receipt.call)) && receipt.call.from === message.actor,
    'BAD_SIGNATURE',
    'A receipt does not carry the request it names.',
  )
  return receipt
}

async function describe(ctx: Auditing, receipt: Receipt): Promise<Looked> {
  const { ring } = ctx.session.state
  const message = readReceipt(receipt.signed)
  const reader = await partyAt(ctx, message.actor, receipt.call.version)
  if (reader) verifyCall(receipt.call, reader.request)
  const grant = message.grant ? ring.given.find(g => equal(g.commitment, message.grant!)) : undefined
  return {
    receipt: message,
    name: message.actor === ring.did ? 'you' : nameOf(ctx, message.actor),
    grant: grant ? toHex(grant.commitment) : null,
    reader: reader ? 'verified' : 'unknown',
  }
}

const nameOf = (ctx: Auditing, did: Did): string => ctx.session.state.ring.contacts.find(c => c.did === did)?.name ?? did

/** The log against what this device saw before, and against the ledger. */
async function checkLog(
  ctx: Auditing,
  relay: Relay,
  party: RelayParty,
  problems: { seq: number; code: string; message: string }[],
): Promise<{ logSize: number; anchored: Trail['anchored'] }> {
  const head = await relay.head()
  const message = await checkLogHead(party, head)
  const mark = `${HEAD_MARK}/${party.did}`
  const seen = await ctx.catalog.marked(mark)
  try {
    if (seen) await checkGrowth(relay, decodeAs(logHead, seen), head)
    await ctx.catalog.mark(mark, encode(head))
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    problems.push({ seq: 0, code: e.code, message: e.message })
  }
  const latest = await (await homeLedger(ctx)).trail.latest(message.log)
  if (latest?.forked) problems.push({ seq: 0, code: 'FORKED', message: 'The ledger holds proof that this relay showed two histories.' })
  if (latest && latest.size > message.size)
    problems.push({ seq: 0, code: 'FORKED', message: 'The relay’s log is shorter than what it anchored.' })
  return { logSize: message.size, anchored: latest ? { size: latest.size, time: latest.time } : null }
}
