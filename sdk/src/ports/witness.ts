import type { WitnessKey } from '#audit/cosign'
import type { Evidence } from '#audit/evidence'
import type { LogHead } from '#audit/head'
import type { Infer } from '#base/shape'
import type { noted, reported, seenHead } from '#wire/witness'
import type { Address } from './ledger.ts'

export type SeenHead = Infer<typeof seenHead>
export type Noted = Infer<typeof noted>
/** What a witness holds against a log. `tx` is where the ledger took the proof; null where there is none, or it was not taken yet. */
export type Charge = Noted['charges'][number]

/**
 * Somebody who follows relays' logs and takes no part in them: heads come and go, nothing of anyone's record.
 *
 * - `seen`: the newest head that continues everything seen before; null for a log that is not followed, or not seen yet.
 * - `note`: a head that the asker was shown. One that the log's relay did not sign throws BAD_SIGNATURE, one of a log not followed
 *   NOT_FOUND. `agrees` is false when it does not go together with what the witness saw.
 * - `report`: proof against a followed log, brought to its ledger. Anything less throws BAD_PROOF.
 * - An unreachable witness throws RELAY_UNREACHABLE; one that cannot judge, because the relay does not answer it, too.
 */
export interface Witness {
  readonly url: string
  info(): Promise<WitnessKey>
  seen(log: Address): Promise<SeenHead | null>
  note(head: LogHead): Promise<Noted>
  report(evidence: Evidence): Promise<Infer<typeof reported>>
}

/** Witnesses by URL. */
export type Witnesses = (url: string) => Witness
