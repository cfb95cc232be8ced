import { type Extract, type ExtractLine, extractWord, type SignedExtract, tells, wordOf } from '#audit/extract'
import { type LogHeadMessage, logHeadHash } from '#audit/head'
import { acceptanceMessage, readReceipt, receiptLeaf } from '#audit/receipt'
import { equal } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { verifyConsistency } from '#crypto/merkle'
import type { Party } from '#identity/bundle'
import { verifyProof } from '#identity/call'
import type { Did } from '#identity/did'
import { verifySigned } from '#identity/signed'
import { checkLogHead, checkUnder, describesCall, type RelayParty } from './check-receipt.ts'
import { selfMade } from './check-trail-proof.ts'

/** By what an entry is proven: a relay's receipt, its word for what it took in, or the organisation's word alone. `request`: whether its key was shown. */
export type ExtractProven = {
  readonly line: ExtractLine
  readonly by: 'receipt' | 'acceptance' | 'word'
  readonly request: 'verified' | 'unknown'
}

export type ExtractVerdict = Pick<Extract, 'holder' | 'name' | 'madeAt' | 'asked'> & {
  readonly lines: readonly ExtractProven[]
  readonly relays: readonly (Pick<Extract['relays'][number], 'chainId' | 'contract' | 'anchored'> & {
    readonly did: Did
    readonly logSize: number
  })[]
  readonly problems: readonly { readonly n: number; readonly code: string; readonly message: string }[]
}

/**
 * Checks one part of an organisation's trail without asking anybody: it is as the organisation signed it; each entry with a receipt says what
 * the relay signed, for a request that the organisation signed, under one log that only grew. What it does not show: entries that were not looked for or left
 * out, and whether the ledger holds what is said of it. Throws BAD_SIGNATURE for a file that is not the organisation's.
 */
export async function checkExtract({ extract: e, signature }: SignedExtract): Promise<ExtractVerdict> {
  const parties = await Promise.all(e.bundles.map(selfMade))
  const signer = parties.find(p => p.did === e.holder && p.version === signature.version)
  ensure(signer && signature.signer === e.holder, 'BAD_SIGNATURE', 'The file does not show the keys that signed it.')
  const said = await verifySigned(signature, 'extract', extractWord, signer.keys)
  const own = wordOf(e)
  ensure(equal(said.hash, own.hash) && said.holder === e.holder, 'BAD_SIGNATURE', 'The file is another than the organisation signed.')
  const problems: ExtractVerdict['problems'][number][] = []
  const told = (n: number, error: unknown): void => {
    if (!isKeepwellError(error)) throw error
    problems.push({ n, code: error.code, message: error.message })
  }
  const relays = new Map<string, Relay>()
  for (const r of e.relays) {
    const party: RelayParty = { ...(await selfMade(r.bundle)), manifestHere: { 'AuditTrail@1': r.contract }, chainHere: r.chainId }
    const newest = await checkLogHead(party, r.head)
    relays.set(party.did, { party, newest, grown: new Map(r.grown.map(g => [g.size, g.path])), anchored: r.anchored })
    if (!leads(newest, r.anchored, r.anchored?.proof ?? []))
      problems.push({ n: 0, code: 'FORKED', message: 'What the ledger is said to hold is not the beginning of the relay’s log.' })
  }
  const lines: ExtractProven[] = []
  for (const piece of e.lines) {
    try {
      lines.push({ line: piece.line, ...(await proven(piece, { holder: e.holder, parties, relays })) })
    } catch (error) {
      told(piece.line.n, error)
    }
  }
  return {
    ...{ holder: e.holder, name: e.name, madeAt: e.madeAt, asked: e.asked, lines, problems },
    relays: [...relays.values()].map(({ party, newest, anchored }) => ({
      ...{ did: party.did, logSize: newest.size, chainId: party.chainHere, anchored },
      contract: party.manifestHere['AuditTrail@1']!,
    })),
  }
}

/** What the parts before say of the next. */
type Before = { readonly extract: Extract; readonly heads: ReadonlyMap<string, Uint8Array>; readonly lowest: number }

/**
 * The same for all parts of a file, one after another: they follow each other as they were signed, of one holder, question and time, name the same
 * log of each relay, tell of no entry twice, and end where the organisation ended. Throws UNREADABLE for none.
 */
export async function* checkParts(parts: AsyncIterable<SignedExtract>): AsyncGenerator<ExtractVerdict> {
  let before: Before | null = null
  let about: ExtractVerdict | null = null
  for await (const signed of parts) {
    about = await checkExtract(signed)
    yield { ...about, problems: [...apart(before, signed.extract), ...about.problems] }
    before = upTo(before, signed.extract)
  }
  ensure(before && about, 'UNREADABLE', 'The file holds no part of a trail.')
  if (before.extract.part.last) return
  const missing = { n: 0, code: 'OMISSION', message: 'The file ends before the organisation’s own end: parts are missing.' }
  yield { ...about, lines: [], problems: [missing] }
}

function upTo(before: Before | null, extract: Extract): Before {
  const heads = new Map(before?.heads)
  for (const { head } of extract.relays) heads.set(head.signed.signer, logHeadHash(head.signed))
  return { extract, heads, lowest: extract.lines.at(-1)?.line.n ?? before?.lowest ?? Number.POSITIVE_INFINITY }
}

/** What does not fit between a part and those before it. */
function apart(before: Before | null, e: Extract): ExtractVerdict['problems'] {
  const { number, before: named } = e.part
  const follows = before
    ? !before.extract.part.last &&
      number === before.extract.part.number + 1 &&
      named !== null &&
      equal(named, wordOf(before.extract).hash) &&
      (['holder', 'name', 'asked', 'madeAt'] as const).every(k => e[k] === before.extract[k])
    : number === 1 && named === null
  const seen = e.lines.map(l => l.line.n)
  const once = seen.every((n, i) => n < (i ? seen[i - 1]! : (before?.lowest ?? Number.POSITIVE_INFINITY)))
  const oneLog = e.relays.every(({ head }) => {
    const known = before?.heads.get(head.signed.signer)
    return !known || equal(known, logHeadHash(head.signed))
  })
  return [
    ...(follows
      ? []
      : [{ n: 0, code: 'OMISSION', message: 'A part does not follow the one before it: parts are missing or of another file.' }]),
    ...(once ? [] : [{ n: 0, code: 'BAD_PROOF', message: 'Entries are out of order, or there twice.' }]),
    ...(oneLog ? [] : [{ n: 0, code: 'FORKED', message: 'The parts name two heads of one relay’s log.' }]),
  ]
}

type Relay = {
  readonly party: RelayParty
  readonly newest: LogHeadMessage
  readonly grown: ReadonlyMap<number, readonly Uint8Array[]>
  readonly anchored: Extract['relays'][number]['anchored']
}
type Known = { readonly holder: Did; readonly parties: readonly Party[]; readonly relays: ReadonlyMap<string, Relay> }

/** Whether a log of that size and root is the beginning of the newest. */
const leads = (newest: LogHeadMessage, head: { size: number; root: Uint8Array } | null, proof: readonly Uint8Array[]): boolean =>
  !head ||
  (head.size === newest.size
    ? equal(head.root, newest.root)
    : verifyConsistency({ m: head.size, n: newest.size, rootM: head.root, rootN: newest.root, proof }))

async function proven({ line, backing }: Extract['lines'][number], known: Known): Promise<Omit<ExtractProven, 'line'>> {
  if (!backing) return { by: 'word', request: 'unknown' }
  const relay = known.relays.get(backing.by === 'receipt' ? backing.receipt.signed.signer : backing.acceptance.signer)
  ensure(relay, 'BAD_SIGNATURE', 'The keys of the relay that signed are not shown.')
  if (backing.by === 'acceptance') {
    const said = await verifySigned(backing.acceptance, 'acceptance', acceptanceMessage, relay.party.keys)
    ensure(
      said.count === line.records.length && line.action === 'create',
      'BAD_PROOF',
      'The entry says something else than the relay signed.',
    )
    return { by: 'acceptance', request: 'unknown' }
  }
  const { receipt, index, path } = backing
  const head = await checkLogHead(relay.party, backing.head)
  await checkUnder(relay.party, receiptLeaf(receipt.signed), { signed: receipt.signed, index, path, head })
  ensure(leads(relay.newest, head, relay.grown.get(head.size) ?? []), 'FORKED', 'Its head is not the beginning of the relay’s newest.')
  const said = readReceipt(receipt.signed)
  ensure(said.relay === relay.party.did && said.actor === known.holder, 'BAD_PROOF', 'The receipt is of another reader or relay.')
  ensure(describesCall(said, receipt.call), 'BAD_SIGNATURE', 'The receipt says something else than the request it stands for.')
  ensure(tells(line, said), 'BAD_PROOF', 'The entry says something else than the receipt that the relay signed.')
  const reader = known.parties.find(p => p.did === receipt.call.from && p.version === receipt.call.version)
  if (reader) verifyProof(receipt.call, reader.request)
  return { by: 'receipt', request: reader ? 'verified' : 'unknown' }
}
