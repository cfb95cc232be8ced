/** OBR with its OBX and SPM → DiagnosticReport, Observation, Specimen; or ServiceRequest in an order (v2-to-FHIR ORU_R01, OML_O21). */
import { some } from '#health/fhir/build'
import type { JsonObject } from '#health/fhir/read'
import { codeKey } from './clinical.ts'
import { orderControl, orderStatus, reportStatus, tho, v2Table } from './codes.ts'
import { add, annotations, type Context, idOf, keyOf, note, when } from './context.ts'
import { composite, concept, entityId, organization, period, practitioner, toBase64 } from './datatypes.ts'
import type { Group } from './groups.ts'
import { mapObservation } from './observation.ts'
import type { Rep, Row } from './read.ts'

const first = (...reps: readonly (Rep | undefined)[]): Rep | undefined => reps.find(r => r?.text(1) ?? r?.text(3))

/** Placer and filler number as identifiers. */
function numbers(obr: Row | undefined, orc: Row | undefined): readonly JsonObject[] {
  const placer = first(obr?.first(2), orc?.first(2))
  const filler = first(obr?.first(3), orc?.first(3))
  return [placer && entityId(placer, 'PLAC'), filler && entityId(filler, 'FILL')].filter(i => i !== undefined)
}

/** What the order is known by: its filler's number, which every correction repeats, else the placer's, else the message itself. */
function orderKey(c: Context, group: Group, obr: Row | undefined): string {
  const number = keyOf(c, obr?.first(3)) ?? keyOf(c, group.orc?.first(3)) ?? keyOf(c, obr?.first(2)) ?? keyOf(c, group.orc?.first(2))
  return `${c.patientKey}|${number ?? `${c.sender}|${c.message.controlId}|${obr?.place ?? ''}`}|${codeKey(obr?.first(4))}`
}

/** OBR-24 (table 0074) is a category of its own; anything else counts as laboratory, as most results are. */
const IMAGING = new Set(['RAD', 'CT', 'NMR', 'NMS', 'RUS', 'OUS', 'VUS', 'XRC', 'CUS', 'RX', 'IMG', 'EC'])

export function mapSpecimen(c: Context, spm: Row, key: string): JsonObject {
  const id = spm.first(2)
  const collected = spm.first(17)
  const from = when(c, collected?.text(1))
  const to = when(c, collected?.text(2))
  const amount = composite(spm.first(12))
  const collection = {
    ...(to ? some('collectedPeriod', period(from, to)) : some('collectedDateTime', from)),
    ...some('quantity', amount),
    ...some('method', concept(spm.first(7), v2Table('0488'))),
    ...some('bodySite', concept(spm.first(8))),
  }
  const filler = id?.part(2)
  const identifier = filler?.text(1) ? entityId(filler) : id?.part(1).text(1) ? entityId(id.part(1)) : undefined
  spm.text(1)
  return add(
    c,
    {
      resourceType: 'Specimen',
      id: idOf(c, 'Specimen', c.patientKey, id?.raw || `${key}|${spm.place}`),
      ...some('identifier', identifier ? [identifier] : []),
      ...some('type', concept(spm.first(4), v2Table('0487'))),
      subject: c.patient,
      ...some('receivedTime', when(c, spm.text(18))),
      ...(Object.keys(collection).length ? { collection } : {}),
      ...some(
        'condition',
        spm.reps(24).flatMap(r => concept(r, v2Table('0493')) ?? []),
      ),
      ...some('note', spm.text(14) ? [{ text: spm.text(14) }] : []),
    },
    spm,
  )
}

function requestOf(c: Context, group: Group, obr: Row | undefined, key: string): JsonObject | undefined {
  const { orc } = group
  const code = concept(obr?.first(4))
  if (!code) return undefined
  const status = orderStatus(orc?.text(5)) ?? orderControl(orc?.text(1)) ?? 'unknown'
  const reasons = [...(obr?.reps(31) ?? []), ...(orc?.reps(16) ?? [])].flatMap(r => concept(r) ?? [])
  const requester = practitioner(orc?.first(12)) ?? practitioner(obr?.first(16))
  return add(
    c,
    {
      resourceType: 'ServiceRequest',
      id: idOf(c, 'ServiceRequest', key),
      ...some('identifier', numbers(obr, orc)),
      status,
      intent: 'order',
      ...some('priority', priorityOf(obr?.text(5) ?? group.timings[0]?.text(9))),
      code,
      subject: c.patient,
      ...some('encounter', c.encounter),
      ...some('occurrenceDateTime', when(c, obr?.text(7)) ?? when(c, group.timings[0]?.text(7))),
      ...some('authoredOn', when(c, orc?.text(9)) ?? when(c, obr?.text(6))),
      ...some('requester', requester),
      ...some('reasonCode', reasons),
      ...some('note', annotations(c, group.notes)),
    },
    obr ?? orc!,
  )
}

const PRIORITIES: Readonly<Record<string, string>> = { S: 'stat', A: 'asap', R: 'routine', P: 'routine', C: 'urgent', T: 'urgent' }
const priorityOf = (code: string | undefined): string | undefined =>
  code && Object.hasOwn(PRIORITIES, code) ? PRIORITIES[code] : undefined

export type Family = 'result' | 'order'

/** One group of an ORU, OUL, ORM, OML or OMG. */
export function mapOrder(c: Context, group: Group, family: Family): void {
  const obr = group.details.find(d => d.name === 'OBR')
  if (!obr && !group.observations.length) {
    note(c, group.orc ?? { name: 'ORC', place: 1 }, 1, 'An order that does not say what for')
    return
  }
  const key = orderKey(c, group, obr)
  const specimens = group.specimens.map(s => mapSpecimen(c, s, key))
  const basedOn = family === 'order' ? requestOf(c, group, obr, key) : undefined
  const start = when(c, obr?.text(7))
  const end = when(c, obr?.text(8))
  const imaging = IMAGING.has(obr?.text(24) ?? '')
  const category = imaging ? 'imaging' : 'laboratory'
  obr?.text(1)
  const observed = group.observations.map(({ row, notes }) =>
    mapObservation(c, row, { key, notes, category, effective: start, specimen: specimens[0], ...(basedOn ? { basedOn } : {}) }),
  )
  const attachments = observed.flatMap(o => o.attachments)
  if (!obr || (family === 'order' && !group.observations.length)) return
  if (family === 'order' && !obr.text(25) && !attachments.length) return
  const status = reportStatus(obr.text(25)) ?? (family === 'result' ? 'unknown' : 'registered')
  const issued = when(c, obr.text(22))
  const notes = annotations(c, family === 'order' ? [] : group.notes)
  const code = concept(obr.first(4)) ?? { text: 'Result' }
  const diagnoses = obr.reps(31).flatMap(r => concept(r) ?? [])
  add(
    c,
    {
      resourceType: 'DiagnosticReport',
      id: idOf(c, 'DiagnosticReport', key),
      ...some('identifier', numbers(obr, group.orc)),
      ...some('basedOn', basedOn ? [basedOn] : []),
      status,
      category: [
        obr.text(24)
          ? { coding: [{ system: v2Table('0074'), code: obr.text(24)! }] }
          : { coding: [{ system: v2Table('0074'), code: 'LAB' }] },
      ],
      code,
      subject: c.patient,
      ...some('encounter', c.encounter),
      ...(end && start ? some('effectivePeriod', period(start, end)) : some('effectiveDateTime', start)),
      ...some('issued', issued?.includes('T') ? issued : undefined),
      ...some('performer', performersOf(obr)),
      ...some(
        'resultsInterpreter',
        obr.reps(32).flatMap(r => practitioner(nameWithDate(r)) ?? []),
      ),
      ...some('specimen', specimens),
      ...some(
        'result',
        observed.flatMap(o => o.reference ?? []),
      ),
      ...some('conclusionCode', diagnoses),
      ...some('presentedForm', [...attachments, ...asForm(notes)]),
    },
    obr,
  )
}

/** FHIR's report has no notes: they are a page of it. */
const asForm = (notes: readonly JsonObject[]): readonly JsonObject[] =>
  notes.length
    ? [
        {
          contentType: 'text/plain; charset=utf-8',
          title: 'Notes',
          data: toBase64(new TextEncoder().encode(notes.map(n => n.text).join('\n\n'))),
        },
      ]
    : []

const performersOf = (obr: Row): readonly JsonObject[] =>
  [...obr.reps(10).map(practitioner), organization(obr.first(44))].filter(p => p !== undefined).slice(0, 5)

/** NDL: the name is in the first component, as a CNN. */
function nameWithDate(ndl: Rep): Rep {
  const cnn = ndl.part(1)
  return cnn.text(2) ? cnn : ndl
}

export const sentBy = (code: string): JsonObject => ({ coding: [{ system: tho('provenance-participant-type'), code }] })
