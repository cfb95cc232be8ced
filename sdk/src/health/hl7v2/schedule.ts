/** SCH with AIS, AIG, AIL and AIP → Appointment (v2-to-FHIR SIU_S12, in brief). */
import { some } from '#health/fhir/build'
import type { JsonObject } from '#health/fhir/read'
import { appointmentStatus, v2Table } from './codes.ts'
import { add, annotations, type Context, idOf, keyOf, when } from './context.ts'
import { concept, entityId, location, practitioner } from './datatypes.ts'
import type { Row } from './read.ts'

/** What the event says, where SCH-25 does not. */
const BY_EVENT: Readonly<Record<string, string>> = {
  S12: 'booked',
  S13: 'booked',
  S14: 'booked',
  S15: 'cancelled',
  S16: 'cancelled',
  S17: 'entered-in-error',
  S26: 'noshow',
}

const participant = (actor: JsonObject | undefined): readonly JsonObject[] => (actor ? [{ actor, status: 'accepted' }] : [])

/** Start, and minutes until the end: of the timing segment, else of the first resource, else SCH-11. */
function span(c: Context, sch: Row): { start?: string; minutes?: number } {
  const tq1 = c.reader.row('TQ1')
  const first = c.reader.row('AIS') ?? c.reader.row('AIG') ?? c.reader.row('AIP') ?? c.reader.row('AIL')
  const at = first?.name === 'AIS' ? 4 : first?.name === 'AIG' ? 8 : 6
  const start = instant(when(c, tq1?.text(7))) ?? instant(when(c, sch.text(11, 4))) ?? instant(when(c, first?.text(at)))
  const length = Number(sch.text(9) ?? first?.text(first.name === 'AIS' ? 7 : first.name === 'AIG' ? 11 : 9))
  const unit = (sch.text(10) ?? 'min').toLowerCase()
  const minutes = unit.startsWith('s') ? length / 60 : unit.startsWith('h') ? length * 60 : length
  return {
    ...(start ? { start } : {}),
    ...(Number.isFinite(minutes) && minutes >= 1 && minutes < 100_000 ? { minutes: Math.round(minutes) } : {}),
  }
}

const instant = (value: string | undefined): string | undefined => (value?.includes('T') ? value : undefined)

const later = (start: string, minutes: number): string => new Date(Date.parse(start) + minutes * 60_000).toISOString()

export function mapAppointment(c: Context, sch: Row): void {
  const rows = c.reader.rows
  const said = (appointmentStatus((sch.text(25) ?? '').toUpperCase()) ?? BY_EVENT[c.message.type.trigger] ?? 'proposed') as string
  const { start, minutes } = span(c, sch)
  const timed = start !== undefined && minutes !== undefined
  // Without both ends FHIR lets an appointment only be proposed, waiting or cancelled (app-3).
  const status = timed || ['proposed', 'cancelled', 'waitlist', 'entered-in-error', 'noshow'].includes(said) ? said : 'proposed'
  const reason = concept(sch.first(7), v2Table('0276'))
  const people = rows.filter(r => r.name === 'AIP').flatMap(r => r.reps(3).flatMap(x => participant(practitioner(x))))
  const places = rows.filter(r => r.name === 'AIL').flatMap(r => r.reps(3).flatMap(x => participant(location(x))))
  const things = rows
    .filter(r => r.name === 'AIG')
    .flatMap(r => (concept(r.first(3)) ? participant({ type: 'Device', display: r.text(3, 2) ?? r.text(3) }) : []))
  const services = rows.filter(r => r.name === 'AIS').flatMap(r => concept(r.first(3)) ?? [])
  const numbers = [sch.first(1), sch.first(2)].flatMap((r, i) => (r ? (entityId(r, i ? 'FILL' : 'PLAC') ?? []) : []))
  const key = keyOf(c, sch.first(2)) ?? keyOf(c, sch.first(1)) ?? `${c.sender}|${c.message.controlId}`
  const needsBoth = !timed && !['proposed', 'cancelled', 'waitlist'].includes(status)
  add(
    c,
    {
      resourceType: 'Appointment',
      id: idOf(c, 'Appointment', c.patientKey, key),
      ...some('identifier', numbers),
      status: needsBoth ? 'cancelled' : status,
      ...(status === 'cancelled' && reason ? { cancelationReason: reason } : {}),
      ...some('serviceType', services),
      ...some('appointmentType', concept(sch.first(8), v2Table('0277'))),
      ...(status !== 'cancelled' && reason ? { reasonCode: [reason] } : {}),
      ...(timed ? { start, end: later(start, minutes), minutesDuration: minutes } : {}),
      ...some(
        'comment',
        annotations(
          c,
          rows.filter(r => r.name === 'NTE'),
        )
          .map(n => n.text)
          .join('\n'),
      ),
      participant: [{ actor: c.patient, status: 'accepted' }, ...people, ...places, ...things],
    },
    sch,
  )
}
