import type { Verdict } from '@keepwell/sdk/actions/records/import-item'
import { concat, equal } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import type { AccessRequest, AccessState, ProviderGrant, ProviderRecord, RecordMetadata } from '@keepwell/sdk/ports/provider'
import type { Actor, Gateway, GatewayPatient } from '#gateway/core/types'

/** Bytes of one record, in and out. */
export const MAX_RECORD = 64 << 20

/** What the patient granted to this organisation, as a program asks for it. */
export function grantOf(patient: GatewayPatient | null): ProviderGrant | null {
  const sides = [patient?.read, patient?.write].filter(s => s != null)
  if (!patient || !sides.length) return null
  return {
    patient: patient.id,
    levels: [...new Set(sides.map(s => s.terms.level))],
    purposes: [...new Set(sides.flatMap(s => s.terms.purposes))],
    until: Math.max(...sides.map(s => s.terms.expiry)),
  }
}

const KEPT = new Set<Verdict['outcome']>(['taken', 'taken-with-issues', 'already-there', 'unreadable'])

/** Files bytes under the consent to write; gives the ids of what was filed. */
export async function submitRecord(
  gateway: Gateway,
  actor: Actor,
  { patient, data, metadata }: { readonly patient: string; readonly data: Uint8Array; readonly metadata: RecordMetadata },
): Promise<string[]> {
  const { name, ...told } = metadata
  const item = {
    name,
    size: data.length,
    async *chunks() {
      yield data
    },
    told,
  }
  async function* items() {
    yield item
  }
  const verdicts = await gateway.submit(actor, patient, { items: items() })
  const failed = verdicts.find(v => !KEPT.has(v.outcome))
  ensure(failed?.code !== 'INFECTED', 'INFECTED', failed?.why ?? '')
  if (failed && !verdicts.some(v => v.id)) throw new KeepwellError('BAD_INPUT', 'Nothing of it could be filed.')
  return verdicts.flatMap(v => v.id ?? [])
}

/** Opens one record of a patient; null when the consent covers none of that id. */
export async function getRecord(gateway: Gateway, actor: Actor, patient: string, id: string): Promise<ProviderRecord | null> {
  const session = await gateway.session(actor, patient)
  const record = session.records.get(id)
  if (!record) return null
  const { mediaType, title, start } = record.card
  const { meta, read } = await session.openBody(id)
  ensure(meta.size <= MAX_RECORD, 'TOO_LARGE', `A record of more than ${MAX_RECORD} bytes is fetched by DICOMweb or FHIR.`)
  const parts: Uint8Array[] = []
  for await (const part of read(0, meta.size)) parts.push(part)
  const data = concat(...parts)
  ensure(equal(sha256(data), meta.bodyHash), 'BAD_SIGNATURE', 'The record is not the one its author signed.')
  return { id, mediaType, title, ...(start ? { date: start } : {}), data }
}

/** Asks a patient for access, unless it was granted already. Only the organisation's own systems ask: an app's token is for what was granted. */
export async function requestAccess(gateway: Gateway, actor: Actor, request: AccessRequest): Promise<AccessState> {
  ensure(actor.scopes === null && actor.patient === null, 'DENIED', 'Only a system of the organisation itself may ask patients for access.')
  const { patient: did, purpose, duration, level = 'read', parts = ['general'], text = '' } = request
  const patient = gateway.ids.patient(did)
  const there = gateway.patient(patient)
  const side = level === 'write' ? there?.write : there?.read
  if (side?.terms.purposes.includes(purpose)) return { patient, grant: grantOf(there) }
  await gateway.ask({ from: did, purpose, level, compartments: [...parts], seconds: duration, text })
  return { patient, grant: null }
}
