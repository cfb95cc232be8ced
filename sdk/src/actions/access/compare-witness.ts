import type { Ctx } from '#actions/context'
import { homeRelay } from '#actions/vault/calls'
import { checkpointOf, verifyCosignature, type WitnessKey, witnessKey } from '#audit/cosign'
import { readLogHead } from '#audit/head'
import { equal } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure } from '#base/error'
import { decodeAs } from '#base/shape'
import type { Charge, SeenHead, Witness } from '#ports/witness'
import { continued, type Problem } from './check-log.ts'
import { checkLogHead, type RelayParty, relayParty } from './check-receipt.ts'

export type WitnessSaid = {
  readonly name: string
  /** What it saw of the log, and when; null where it does not follow it, or saw nothing yet. */
  readonly seen: { readonly size: number; readonly at: number } | null
  /** What it holds against the log: its word, but for what the ledger took. */
  readonly charges: readonly Charge[]
  /** Where this device's own view is another than what the witness was shown. */
  readonly problems: readonly Problem[]
}

/**
 * Asks a witness what it was shown of the home relay's log, and shows it what is shown here: a relay that keeps one history for its patients
 * and another for everybody else is found by either. The witness learns that somebody here asks about that log, never who. One that lies
 * about what it saw throws BAD_SIGNATURE or BAD_PROOF; one that is another than before, UNVERIFIED.
 */
export async function compareWithWitness(ctx: Pick<Ctx, 'network' | 'catalog' | 'session'>, witness: Witness): Promise<WitnessSaid> {
  const relay = await homeRelay(ctx)
  const party = await relayParty(ctx, relay)
  const key = await sameAsBefore(ctx, witness)
  // Its head first: the relay may grow between two questions.
  const saw = await witness.seen(party.request)
  if (!saw) return { name: key.name, seen: null, charges: [], problems: [] }
  await checkSeen(party, key, saw)
  const head = await relay.head()
  await checkLogHead(party, head)
  const other = await continued(relay, saw.head, head)
  const { agrees, charges } = await witness.note(head)
  const disputed: Problem = {
    seq: 0,
    code: 'FORKED',
    message: 'The witness was shown another history of this relay’s log than this device.',
  }
  const { size } = readLogHead(saw.head.signed)
  return { name: key.name, seen: { size, at: saw.cosignature.time }, charges, problems: other ? [other] : agrees ? [] : [disputed] }
}

/** A witness is whom this device first met under its address. */
async function sameAsBefore({ catalog }: Pick<Ctx, 'catalog'>, witness: Witness): Promise<WitnessKey> {
  const key = await witness.info()
  const mark = `witness/${witness.url}`
  const kept = await catalog.marked(mark)
  const before = kept && decodeAs(witnessKey, kept)
  ensure(!before || equal(before.key, key.key), 'UNVERIFIED', 'Another witness answers under this address than before.')
  await catalog.mark(mark, encode(key))
  return key
}

async function checkSeen(party: RelayParty, key: WitnessKey, { head, cosignature, chainId }: SeenHead): Promise<void> {
  const message = await checkLogHead(party, head)
  const signed = chainId === party.chainHere && (await verifyCosignature(key, checkpointOf(chainId, message), cosignature))
  ensure(signed, 'BAD_PROOF', 'The witness shows a head that it did not cosign.')
}
