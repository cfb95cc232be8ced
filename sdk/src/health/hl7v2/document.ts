/** TXA with its OBX → DocumentReference (v2-to-FHIR MDM_T02). */
import { some } from '#health/fhir/build'
import type { JsonObject } from '#health/fhir/read'
import { documentAvailability, documentState, v2Table } from './codes.ts'
import { add, type Context, idOf, keyOf, note, when } from './context.ts'
import { concept, entityId, practitioner, toBase64 } from './datatypes.ts'
import type { Noted } from './groups.ts'
import { mapObservation } from './observation.ts'
import type { Row } from './read.ts'

const TEXT = new Set(['TX', 'FT', 'ST', ''])

/** The lines of text among the OBX are one document; everything else in them stands by itself. */
function contents(c: Context, observations: readonly Noted[], key: string): JsonObject[] {
  const written: string[] = []
  const attached: JsonObject[] = []
  for (const { row, notes } of observations) {
    if (TEXT.has(row.text(2) ?? '')) {
      written.push(...row.reps(5).map(r => r.whole() ?? ''))
      for (const field of [1, 3, 4, 11]) row.text(field)
    } else attached.push(...mapObservation(c, row, { key, notes }).attachments)
  }
  const text = written.join('\n').trim()
  return [...(text ? [{ contentType: 'text/plain; charset=utf-8', data: toBase64(new TextEncoder().encode(text)) }] : []), ...attached]
}

/** T11 takes a document back. */
const CANCELLED = new Set(['T11'])

export function mapDocument(c: Context, txa: Row, observations: readonly Noted[]): void {
  const number = txa.first(12)
  const key = keyOf(c, number) ?? `${c.sender}|${c.message.controlId}`
  const parts = contents(c, observations, key)
  if (!parts.length) note(c, txa, 12, 'A notice of a document that comes without it')
  const type = concept(txa.first(2), v2Table('0270'))
  const parent = txa.first(13)
  const parentId = parent && entityId(parent)
  const created = when(c, txa.text(6)) ?? when(c, txa.text(4))
  const at = instant(when(c, txa.text(8))) ?? instant(when(c, txa.text(7))) ?? instant(when(c, txa.text(6)))
  const authors = [...txa.reps(9), ...txa.reps(5)].flatMap(r => practitioner(r) ?? [])
  const signer = practitioner(txa.first(22)) ?? practitioner(txa.first(10))
  const title = txa.text(16) ?? type?.text
  txa.text(1)
  txa.text(3)
  const masterIdentifier = number && entityId(number)
  add(
    c,
    {
      resourceType: 'DocumentReference',
      id: idOf(c, 'DocumentReference', key),
      ...some('masterIdentifier', masterIdentifier),
      status: CANCELLED.has(c.message.type.trigger) ? 'entered-in-error' : (documentAvailability(txa.text(19)) ?? 'current'),
      ...some('docStatus', documentState(txa.text(17))),
      ...some('type', type),
      subject: c.patient,
      ...some('date', at),
      ...some('author', authors),
      ...some('authenticator', signer),
      ...some('relatesTo', parentId ? [{ code: 'replaces', target: { type: 'DocumentReference', identifier: parentId } }] : []),
      ...some('description', txa.text(25)),
      content: (parts.length ? parts : [{}]).map(p => ({
        attachment: {
          ...p,
          ...(title && !('title' in p) ? { title: String(title) } : {}),
          ...some('creation', created),
          ...(parts.length ? {} : absent),
        },
      })),
      ...(c.encounter ? { context: { encounter: [c.encounter] } } : {}),
    },
    txa,
  )
}

const absent: JsonObject = {
  _url: { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }] },
}

const instant = (value: string | undefined): string | undefined => (value?.includes('T') ? value : undefined)
