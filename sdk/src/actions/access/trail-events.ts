import { auditEvent } from '#audit/audit-event'
import { toHex } from '#base/bytes'
import type { Did } from '#identity/did'
import type { Looked } from './verify-trail.ts'

type Json = { readonly [name: string]: unknown }

/**
 * The patient's own log as FHIR R4: one AuditEvent for each receipt, a collection Bundle of them. Each names its receipt, by which the relay's
 * log proves it.
 */
export const trailEvents = (
  looked: readonly Pick<Looked, 'receipt' | 'index' | 'name' | 'hash' | 'policy'>[],
  vault: { readonly did: Did; readonly name: string },
): Json => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: looked.map(({ receipt: r, index, name, hash, policy }) => ({
    fullUrl: `urn:keepwell:receipt:${r.relay}:${r.seq}`,
    resource: auditEvent({
      id: `receipt-${r.seq}`,
      at: r.time,
      action: r.action,
      ...(r.verdict === 'denied' ? { refused: r.reasons.join(', ') } : {}),
      purpose: r.purpose,
      party: { did: r.actor, name: r.actor === vault.did ? vault.name : name },
      ...(r.person === undefined ? {} : { person: r.person }),
      ...(r.role === undefined ? {} : { role: r.role }),
      observer: { did: r.relay, name: 'Relay' },
      patient: { did: vault.did, name: vault.name },
      records: r.ids.map(id => ({ id: toHex(id) })),
      ...(policy ? { policy: { cid: policy, forbids: [] } } : {}),
      backing: { by: 'receipt', relay: r.relay, seq: r.seq, index, hash: toHex(hash) },
    }),
  })),
})
