import type { Evidence } from '@keepwell/sdk/actions/access/ask'
import type { Audited, Backing } from '@keepwell/sdk/audit/audit-event'
import type { Action } from '@keepwell/sdk/audit/receipt'
import { readReceipt, receiptHash } from '@keepwell/sdk/audit/receipt'
import { toHex } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Signed } from '@keepwell/sdk/identity/signed'
import type { Actor } from './types.ts'

/** One opening, write or refusal at this gateway. Of content it holds nothing. */
export type Noted = Pick<Actor, 'person' | 'role' | 'purpose' | 'client'> & {
  /** Unix seconds. */
  readonly at: number
  /** The vault's logical id; null when a refusal does not say whose record was meant, and for what concerns nobody's alone. */
  readonly patient: string | null
  readonly action: Action
  readonly refused?: string
  readonly records: readonly { readonly id: string; readonly reference?: string | null }[]
  readonly backing?: Backing
  readonly policy?: NonNullable<Audited['policy']>
  /** Of a look into this trail: what was looked for. Of a login that was changed: what it may do. */
  readonly query?: string
}

/** The organisation's own trail, which outlives consents: it is what it answers for. */
export type Trail = {
  /** Notes it; gives what adds to it which resource a record turned out to be. */
  note(noted: Noted, evidence?: Uint8Array): (record: string, reference: string) => void
}

export const NO_TRAIL: Trail = { note: () => () => {} }

/** The policies under which something was decided, where there are any. */
export type Under = Pick<Noted, 'policy'>

type Acting = Pick<Actor, 'person' | 'role' | 'purpose' | 'client'>
const acting = ({ person, role, purpose, client }: Acting): Acting => ({ person, role, purpose, ...(client ? { client } : {}) })

/** Notes each access of one actor by its receipt, at the vault that the receipt is of, and what its records turn out to be. */
export function accesses(trail: Trail, actor: Acting, idOf: (vault: Did) => string, under: () => Under) {
  const naming = new Map<string, (record: string, reference: string) => void>()
  return {
    receipted(evidence: Evidence): void {
      const { signed } = evidence.receipt
      const m = readReceipt(signed)
      const records = m.ids.map(id => ({ id: toHex(id) }))
      const backing: Backing = {
        by: 'receipt',
        relay: m.relay,
        seq: m.seq,
        index: evidence.inclusion.index,
        hash: toHex(receiptHash(signed)),
      }
      const refused = m.verdict === 'denied' ? { refused: m.reasons.join(', ') } : {}
      const noted: Noted = {
        ...acting(actor),
        ...under(),
        at: m.time,
        patient: idOf(m.vault),
        action: m.action,
        ...refused,
        records,
        backing,
      }
      const name = trail.note(noted, encode({ receipt: evidence.receipt, inclusion: evidence.inclusion }))
      for (const { id } of records) naming.set(id, name)
    },
    placed(record: string, reference: string): void {
      naming.get(record)?.(record, reference)
      naming.delete(record)
    },
  }
}

/** Notes a write by the relay's acceptance. `references` by hex id, as far as they are known. */
export const writes =
  (trail: Trail, actor: Acting, patient: string, at: number, under: Under) =>
  (acceptance: Signed, firstSeq: number, ids: readonly Uint8Array[], references?: ReadonlyMap<string, string>): void => {
    const records = ids.map(toHex).map(id => ({ id, reference: references?.get(id) ?? null }))
    const backing: Backing = { by: 'acceptance', relay: acceptance.signer, seq: firstSeq, count: ids.length }
    trail.note({ ...acting(actor), ...under, at, patient, action: 'create', records, backing }, encode({ acceptance }))
  }

export const refusal = (actor: Acting, patient: string | null, at: number, refused: string, under: Under = {}): Noted => ({
  ...acting(actor),
  ...under,
  ...{ at, patient, action: 'deny', refused, records: [] },
})
