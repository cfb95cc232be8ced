/** One message as FHIR R4 resources, by HL7's v2-to-FHIR maps, with an account of what found no place. */
import type { Resource } from '#health/fhir/build'
import type { JsonObject } from '#health/fhir/read'
import { mapAllergy, mapAllergyUpdate, mapCoverage, mapDiagnosis, mapProblem, mapProcedure } from './clinical.ts'
import { v2Table } from './codes.ts'
import { add, type Context, contextOf, idOf, type MapOptions, note, type Out } from './context.ts'
import { instant, organization, tidy } from './datatypes.ts'
import { mapDocument } from './document.ts'
import { mapEncounter } from './encounter.ts'
import { type Group, groupRows } from './groups.ts'
import { mapImmunization } from './immunization.ts'
import { mapAdministration, mapDispense, mapPrescription } from './medicine.ts'
import type { Fault, Message } from './message.ts'
import { mapObservation } from './observation.ts'
import { mapPatient, mapRelative, matchKey, patientIds } from './patient.ts'
import { type Reader, readMessage } from './read.ts'
import { mapOrder, sentBy } from './report.ts'
import { mapAppointment } from './schedule.ts'

/** What became of a message. Names of segments and fields only, never their values. */
export type Report = {
  readonly type: string
  /** Resources made, by type. */
  readonly made: Readonly<Record<string, number>>
  /** Fields that hold something and are in none of them: `PID-39`. Whole segments that nobody read as `ZPI`. */
  readonly unmapped: readonly string[]
  /** Fields by which the sender says that there is no value any more. */
  readonly nulls: readonly string[]
  /** What could not be said in FHIR, and what was wrong with the form. */
  readonly notes: readonly Fault[]
}

export type Mapped = {
  readonly resources: readonly Out[]
  readonly report: Report
  /** PID-3 as `authority|value`, best first; those of a merged patient apart. */
  readonly patient: readonly string[]
  readonly merged: readonly string[]
}

const RESULTS = new Set(['ORU', 'OUL', 'MDM', 'VXU', 'ORL', 'ORF'])

const EACH: Readonly<Record<string, (c: Context, row: Reader['rows'][number]) => void>> = {
  NK1: mapRelative,
  AL1: mapAllergy,
  IAM: mapAllergyUpdate,
  DG1: mapDiagnosis,
  PRB: mapProblem,
  PR1: mapProcedure,
  IN1: mapCoverage,
}

/**
 * Maps a message. The same message gives the same ids again, so that sending it twice, or a correction of it, makes new versions and no
 * doubles. Total for any message that `parseMessage` gives.
 */
export function toFhir(message: Message, options: MapOptions): Mapped {
  const c = contextOf(message, options)
  const { reader } = c
  const pid = reader.row('PID')
  if (pid) {
    mapPatient(c, pid)
    body(c)
    provenance(c)
  } else c.notes.push({ place: 'PID', text: 'The message is about no patient' })
  const others = reader.rows.filter(r => r.name === 'PID').length - 1
  if (others > 0) c.notes.push({ place: 'PID[2]', text: 'A message with several patients: only the first is mapped' })
  return {
    resources: [...c.out.values()],
    report: reportOf(c),
    ...idsOf(reader),
  }
}

export type Identity = Pick<Mapped, 'patient' | 'merged'>

/** Whose message it is, and nothing more: what a listener must know before it maps. */
export const identityOf = (message: Message): Identity => idsOf(readMessage(message))

const idsOf = (reader: Reader): Identity => ({
  patient: patientIds(reader.row('PID')).flatMap(r => matchKey(r) ?? []),
  merged: (reader.row('MRG')?.reps(1) ?? []).flatMap(r => matchKey(r) ?? []),
})

function body(c: Context): void {
  const { reader } = c
  const pv1 = reader.row('PV1')
  if (pv1) mapEncounter(c, pv1)
  for (const row of reader.rows) EACH[row.name]?.(c, row)
  const grouped = groupRows(reader.rows)
  const txa = reader.row('TXA')
  if (txa && c.message.type.code === 'MDM') mapDocument(c, txa, grouped.observations)
  else for (const { row, notes } of grouped.observations) mapLoose(c, row, notes)
  const sch = reader.row('SCH')
  if (sch) mapAppointment(c, sch)
  for (const group of grouped.groups) mapGroup(c, group)
  const [loose] = sch ? [] : grouped.notes
  if (loose) note(c, loose, 3, 'A note that belongs to no order or result: it is in the original only')
}

function mapLoose(c: Context, row: Reader['rows'][number], notes: Reader['rows']): void {
  const visit = (c.encounter?.reference as string | undefined) ?? ''
  const { attachments } = mapObservation(c, row, {
    key: `${c.patientKey}|${visit}|${c.sender}|${row.text(14) ?? c.message.controlId}`,
    notes,
  })
  attachments.forEach((attachment, n) => {
    add(
      c,
      {
        resourceType: 'DocumentReference',
        id: idOf(c, 'DocumentReference', c.patientKey, c.sender, c.message.controlId, row.name, String(row.place), String(n)),
        status: 'current',
        subject: c.patient,
        content: [{ attachment }],
      },
      row,
    )
  })
}

function mapGroup(c: Context, group: Group): void {
  const { code } = c.message.type
  const medicines = group.details.filter(d => d.name.startsWith('RX'))
  // An encoded order (RXE) says over again what the order (RXO) asked for, and more exactly.
  const encoded = medicines.some(d => d.name === 'RXE')
  for (const row of medicines) {
    if (row.name === 'RXA') (code === 'RAS' ? mapAdministration : mapImmunization)(c, row, group)
    else if (row.name === 'RXD') mapDispense(c, row, group)
    else if (row.name === 'RXE' || !encoded) mapPrescription(c, row, group)
  }
  if (medicines.length) {
    if (!medicines.some(d => d.name === 'RXA'))
      for (const { row, notes } of group.observations)
        mapObservation(c, row, { key: `${c.patientKey}|${c.sender}|${c.message.controlId}`, notes })
  } else mapOrder(c, group, RESULTS.has(code) ? 'result' : 'order')
}

function provenance(c: Context): void {
  const msh = c.reader.row('MSH')!
  if (c.out.size === 0) return
  const { type, controlId } = c.message
  for (const field of [1, 2, 9, 10, 11, 12, 15, 16, 18]) msh.text(field)
  const sender = organization(msh.first(22)) ?? { type: 'Organization', display: msh.text(4) ?? msh.text(3) ?? 'Sender without a name' }
  const evn = c.reader.row('EVN')
  const happened = instant(evn?.text(6), c.zone) ?? instant(evn?.text(2), c.zone) ?? instant(msh.text(7), c.zone)
  const event = [type.code, type.trigger].filter(Boolean).join('^')
  const resource: Resource = {
    resourceType: 'Provenance',
    id: idOf(c, 'Provenance', c.sender, controlId, msh.text(7), event),
    target: [...c.out.keys()].map(reference => ({ reference })),
    ...(happened ? { occurredDateTime: happened } : {}),
    recorded: c.options.received,
    ...(event
      ? { activity: tidy({ coding: type.trigger ? [{ system: v2Table('0003'), code: type.trigger, display: event }] : [], text: event }) }
      : {}),
    agent: [{ type: sentBy('author'), who: sender as JsonObject }],
    ...(c.options.original ? { entity: [{ role: 'source', what: c.options.original }] } : {}),
  }
  add(c, resource, msh)
}

function reportOf(c: Context): Report {
  const { type, faults } = c.message
  const made: Record<string, number> = {}
  for (const { resource } of c.out.values()) made[resource.resourceType] = (made[resource.resourceType] ?? 0) + 1
  return {
    type: [type.code, type.trigger].filter(Boolean).join('^'),
    made,
    unmapped: shortened(c.reader),
    nulls: c.reader.nulls(),
    notes: [...faults, ...c.notes],
  }
}

/** Fields nobody read; a segment of which no field was read is named once. MSH and EVN say nothing about a patient. */
function shortened(reader: Reader): readonly string[] {
  const unread = reader.unread().filter(n => !/^(MSH|EVN|SFT|UAC)-/.test(n))
  const bySegment = Map.groupBy(unread, n => n.slice(0, 3))
  return [...bySegment].flatMap(([name, fields]) => (READ.has(name) ? fields : [name]))
}

const READ = new Set(
  'PID PD1 PV1 PV2 NK1 MRG AL1 IAM DG1 PRB PR1 IN1 ORC OBR OBX NTE SPM TQ1 RXA RXR RXO RXE RXD TXA SCH AIS AIG AIL AIP'.split(' '),
)
