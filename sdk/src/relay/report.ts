import { accuses } from '#audit/evidence'
import { ensure } from '#base/error'
import type { Answer, Body } from '#wire/methods'
import type { RelayContext } from './context.ts'
import { trailContract } from './heads.ts'

/**
 * Brings proof against a log of this ledger there, this relay's own or another's. It pays for what the ledger would take, about logs that
 * were published there, once: anybody can sign two heads with a key made for it.
 */
export async function report({ ledger }: Pick<RelayContext, 'ledger'>, { evidence }: Body<'report'>): Promise<Answer<'report'>> {
  const log = accuses(trailContract({ ledger }), evidence)
  ensure(log, 'BAD_PROOF', 'That does not prove anything against a log of this ledger.')
  const known = await ledger.trail.latest(log)
  ensure(known, 'NOT_FOUND', 'No log of that key was ever published on this ledger.')
  if (known.forked) {
    const { block, time } = await ledger.head()
    return { tx: '', block, time }
  }
  return evidence.kind === 'fork' ? ledger.trail.reportFork(evidence) : ledger.trail.reportInconsistency(evidence)
}
