import type { LogHeadMessage } from '#audit/head'
import { type ReceiptMessage, readReceipt, receiptHash, receiptLeaf } from '#audit/receipt'
import { BEGINNING, type TrailProof, type TrailStart } from '#audit/trail-proof'
import { equal, toHex } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { verifyConsistency } from '#crypto/merkle'
import { type Bundle, type Party, standingOf, verifyBundle } from '#identity/bundle'
import { verifyProof } from '#identity/call'
import type { Did } from '#identity/did'
import { seatedNow } from '#identity/hand-over'
import { checkLogHead, checkUnder, describesCall, type RelayParty } from './check-receipt.ts'

export type ProvenLine = {
  readonly receipt: ReceiptMessage
  readonly index: number
  readonly hash: Uint8Array
  readonly reader: 'verified' | 'unknown'
}
export type TrailVerdict = {
  readonly vault: Did
  readonly relay: Did
  readonly lines: readonly ProvenLine[]
  readonly logSize: number
  /** Where the ledger is to be asked. */
  readonly chainId: number
  readonly contract: string
  readonly anchored: TrailProof['anchored']
  readonly problems: readonly { readonly seq: number; readonly code: string; readonly message: string }[]
}

/**
 * Checks a trail without asking anybody: each receipt is signed by the relay and by its reader, says what its request asked, follows the one
 * before, and lies in one log under signed heads; `from` says where a part begins. What only others can say: that the ledger holds `anchored`, that nothing came after,
 * and that a party's keys were not replaced since.
 */
export async function checkTrailProof(proof: TrailProof, from: TrailStart = BEGINNING): Promise<TrailVerdict> {
  const problems: TrailVerdict['problems'][number][] = []
  const told = (seq: number, e: unknown): void => {
    if (!isKeepwellError(e)) throw e
    problems.push({ seq, code: e.code, message: e.message })
  }
  const party: RelayParty = {
    ...(await selfMade(proof.relay)),
    manifestHere: { 'AuditTrail@1': proof.contract },
    chainHere: proof.chainId,
  }
  const heads = await Promise.all(proof.pages.map(p => checkLogHead(party, p.head)))
  const last = heads.at(-1)
  try {
    if (last) checkOneLog(proof, heads, last)
  } catch (e) {
    told(0, e)
  }
  const readers = await readersOf(proof.readers)
  const lines: ProvenLine[] = []
  const requests = new Set<string>()
  let seq = from.after
  let prev: Uint8Array = from.prev
  for (const [i, page] of proof.pages.entries()) {
    for (const { receipt, index, path } of page.receipts) {
      const message = readReceipt(receipt.signed)
      const hash = receiptHash(receipt.signed)
      try {
        ensure(message.vault === proof.vault && message.relay === party.did, 'BAD_PROOF', 'A receipt is of another vault or relay.')
        ensure(
          message.seq === seq + 1 && equal(message.prev, prev),
          'OMISSION',
          `Receipt ${seq + 1} is missing, or not the one that follows.`,
        )
        await checkUnder(party, receiptLeaf(receipt.signed), { signed: receipt.signed, index, path, head: heads[i]! })
        ensure(describesCall(message, receipt.call), 'BAD_SIGNATURE', 'A receipt says something else than the request it stands for.')
        const request = toHex(message.request)
        ensure(!requests.has(request), 'REPLAYED', 'Two receipts stand for one and the same request.')
        requests.add(request)
        const reader = readers.get(`${receipt.call.from} ${receipt.call.version}`)
        if (reader) verifyProof(receipt.call, reader.request)
        lines.push({ receipt: message, index, hash, reader: reader ? 'verified' : 'unknown' })
      } catch (e) {
        told(message.seq, e)
      }
      seq = message.seq
      prev = hash
    }
  }
  return {
    vault: proof.vault,
    relay: party.did,
    lines,
    logSize: last?.size ?? 0,
    chainId: proof.chainId,
    contract: proof.contract,
    anchored: proof.anchored,
    problems,
  }
}

/** A bundle as far as it speaks for itself: endorsed by the address that its DID is made of, or by whom that handed over to. */
export const selfMade = (b: Bundle): Promise<Party> => verifyBundle(b, seatedNow(standingOf(b)).controller)

/** All heads, and what the ledger held, are of one log that only grew. */
function checkOneLog({ pages, anchored }: TrailProof, heads: readonly LogHeadMessage[], last: LogHeadMessage): void {
  const leads = (m: number, rootM: Uint8Array, proof: readonly Uint8Array[]): boolean =>
    m === 0 || verifyConsistency({ m, n: last.size, rootM, rootN: last.root, proof })
  const one = heads.every((h, i) => leads(h.size, h.root, pages[i]!.grown))
  ensure(
    one && (!anchored || leads(anchored.size, anchored.root, anchored.proof)),
    'FORKED',
    'The heads are not of one log that only grew.',
  )
}

/** Readers whose keys are shown and speak for themselves; of any other the signature cannot be checked here. */
async function readersOf(bundles: readonly Bundle[]): Promise<ReadonlyMap<string, Party>> {
  const found = new Map<string, Party>()
  for (const b of bundles) {
    try {
      const party = await selfMade(b)
      found.set(`${party.did} ${party.version}`, party)
    } catch (e) {
      if (!isKeepwellError(e, 'BAD_SIGNATURE')) throw e
    }
  }
  return found
}
