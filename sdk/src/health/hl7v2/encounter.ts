/** PV1 and PV2 → Encounter; ADT events say which state it is in (v2-to-FHIR segment map PV1[Encounter]). */
import { some } from '#health/fhir/build'
import type { JsonObject } from '#health/fhir/read'
import { encounterClass, eventState, tho, v2Table } from './codes.ts'
import { add, type Context, idOf, keyOf, when } from './context.ts'
import { concept, identifier, location, organization, period, practitioner } from './datatypes.ts'
import type { Row } from './read.ts'

const ROLES: readonly (readonly [field: number, code: string])[] = [
  [7, 'ATND'],
  [8, 'REF'],
  [9, 'CON'],
  [17, 'ADM'],
]

function participants(pv1: Row): readonly JsonObject[] {
  const told = ROLES.flatMap(([field, code]) =>
    pv1.reps(field).flatMap(r => {
      const individual = practitioner(r)
      return individual ? [{ type: [{ coding: [{ system: tho('v3-ParticipationType'), code }] }], individual }] : []
    }),
  )
  const others = pv1.reps(52).flatMap(r => {
    const individual = practitioner(r)
    return individual ? [{ individual }] : []
  })
  return [...told, ...others]
}

function locations(pv1: Row): readonly JsonObject[] {
  const one = (field: number, status: string): JsonObject[] => {
    const place = location(pv1.first(field))
    return place ? [{ location: place, status }] : []
  }
  return [...one(3, 'active'), ...one(6, 'completed'), ...one(11, 'active'), ...one(42, 'planned'), ...one(43, 'completed')]
}

function hospitalization(pv1: Row): JsonObject | undefined {
  const parts = {
    ...some('admitSource', concept(pv1.first(14), v2Table('0023'))),
    ...some('reAdmission', concept(pv1.first(13), v2Table('0092'))),
    ...some(
      'dietPreference',
      pv1.reps(38).flatMap(r => concept(r, v2Table('0114')) ?? []),
    ),
    ...some(
      'specialCourtesy',
      pv1.reps(22).flatMap(r => concept(r, v2Table('0045')) ?? []),
    ),
    ...some(
      'specialArrangement',
      pv1.reps(15).flatMap(r => concept(r, v2Table('0009')) ?? []),
    ),
    ...some('dischargeDisposition', concept(pv1.first(36), v2Table('0112'))),
    ...some('destination', pv1.text(37) ? { display: pv1.text(37) } : undefined),
  }
  return Object.keys(parts).length ? parts : undefined
}

/** What the event, the discharge time, or the kind of message says of it. */
function stateOf(c: Context, ended: string | undefined): string {
  const { code, trigger } = c.message.type
  const event = code === 'ADT' ? eventState(trigger) : undefined
  if (event && event !== 'in-progress') return event
  // A13 takes a discharge back.
  if (ended && trigger !== 'A13') return 'finished'
  if (code === 'SIU') return 'planned'
  return event ?? (code === 'ADT' ? 'in-progress' : 'unknown')
}

/** Maps the visit and makes it the one that everything after it belongs to; class N is "not applicable": no visit at all. */
export function mapEncounter(c: Context, pv1: Row): void {
  const letter = pv1.text(2)
  const number = pv1.first(19)
  if (letter === 'N' && !number) return
  const pv2 = c.reader.row('PV2')
  const start = when(c, pv1.text(44))
  const end = when(c, pv1.text(45))
  const cls = encounterClass(letter)
  const key =
    keyOf(c, number) ??
    keyOf(c, pv1.first(50)) ??
    (start ? `${c.patientKey}|${start}` : `${c.patientKey}|${c.sender}|${c.message.controlId}`)
  const type = [concept(pv1.first(4), v2Table('0007')), concept(pv1.first(18), v2Table('0018')), concept(pv2?.first(2))].filter(
    t => t !== undefined,
  )
  const reason = concept(pv2?.first(3))
  const service = pv1.first(10)
  const standing = c.message.type.code === 'ADT' ? 'told' : 'named'
  pv1.text(1)
  c.encounter = add(
    c,
    {
      resourceType: 'Encounter',
      id: idOf(c, 'Encounter', key),
      ...some(
        'identifier',
        [number && identifier(number, 'VN'), pv1.first(50) && identifier(pv1.first(50)!)].filter(i => i !== undefined),
      ),
      status: stateOf(c, end),
      class: cls ? { system: tho('v3-ActCode'), code: cls } : { system: v2Table('0004'), code: letter ?? 'U' },
      ...some('type', type),
      ...some('serviceType', concept(service, v2Table('0069'))),
      ...some('priority', concept(pv2?.first(25), v2Table('0217'))),
      subject: c.patient,
      ...some('participant', participants(pv1)),
      ...some('period', period(start, end)),
      ...some('reasonCode', reason ? [reason] : []),
      ...some('hospitalization', hospitalization(pv1)),
      ...some('location', locations(pv1)),
      ...some('serviceProvider', organization(pv2?.first(23)) ?? facility(pv1)),
    },
    pv1,
    standing,
  )
}

const facility = (pv1: Row): JsonObject | undefined => {
  const name = pv1.text(39)
  return name ? { type: 'Organization', display: name } : undefined
}
