/** OBX → Observation, or an attachment of the report it stands in (v2-to-FHIR segment map OBX[Observation]). */
import { some } from '#health/fhir/build'
import type { JsonObject } from '#health/fhir/read'
import { codeKey } from './clinical.ts'
import { isUri, observationStatus, tho, v2Table } from './codes.ts'
import { add, annotations, type Context, idOf, note, when } from './context.ts'
import {
  concept,
  decimal,
  encapsulated,
  entityId,
  nameText,
  organization,
  practitioner,
  quantity,
  structured,
  unitOf,
} from './datatypes.ts'
import type { Rep, Row } from './read.ts'

export type Placed = {
  /** What makes its id unique: the order it answers, or the patient. */
  readonly key: string
  readonly notes: readonly Row[]
  readonly category?: string
  /** When the sender says nothing in the OBX itself. */
  readonly effective?: string | undefined
  readonly specimen?: JsonObject | undefined
  readonly basedOn?: JsonObject | undefined
  readonly partOf?: JsonObject | undefined
}

export type Observed = { readonly reference?: JsonObject; readonly attachments: readonly JsonObject[] }

const NOTHING: Observed = { attachments: [] }

const lines = (reps: readonly Rep[]): string | undefined => {
  const text = reps
    .map(r => r.whole() ?? '')
    .join('\n')
    .trim()
  return text || undefined
}

const TIME = /^(\d{2})(\d{2})(\d{2})?/

/** OBX-5 by the type in OBX-2. Undefined: it has no form in FHIR, and its words are kept as text. */
function saidBy(c: Context, obx: Row, type: string): JsonObject | undefined {
  const reps = obx.reps(5).filter(r => !r.isNull)
  const [first] = reps
  if (!first) return {}
  const unit = unitOf(obx.first(6))
  const words = lines(reps)
  const asText = words === undefined ? {} : { valueString: words }
  switch (type) {
    case 'NM': {
      const value = reps.length === 1 ? decimal(first.text()) : undefined
      return value === undefined ? undefined : { valueQuantity: quantity(value, unit) }
    }
    case 'SN':
      return structured(first, unit)
    case 'CQ': {
      const value = decimal(first.text())
      return value === undefined ? undefined : { valueQuantity: quantity(value, first.text(2) ? unitOf(first.part(2)) : unit) }
    }
    case 'CE':
    case 'CWE':
    case 'CNE':
    case 'CF':
    case 'IS':
    case 'ID': {
      const said = reps.length === 1 ? concept(first, type === 'IS' || type === 'ID' ? undefined : v2Table('0000')) : undefined
      return said ? { valueCodeableConcept: withoutGuess(said) } : asText
    }
    case 'DT':
    case 'TS':
    case 'DTM': {
      const value = when(c, first.text())
      return value ? { valueDateTime: value } : undefined
    }
    case 'TM': {
      const m = TIME.exec(first.text() ?? '')
      return m && m[1]! < '24' && m[2]! < '60' ? { valueTime: `${m[1]}:${m[2]}:${m[3] ?? '00'}` } : undefined
    }
    case 'XPN':
      return some('valueString', nameText(first))
    case 'XCN':
      return some('valueString', nameText(first, 1))
    default:
      return asText
  }
}

/** Codes of a system that only the sender knows keep no system. */
function withoutGuess(said: JsonObject): JsonObject {
  const coding = (said.coding as JsonObject[] | undefined)?.map(({ system, ...rest }) =>
    system && system !== v2Table('0000') ? { system, ...rest } : rest,
  )
  return { ...said, ...(coding ? { coding } : {}) }
}

/** `3.5-5.5`, `<5`, `>=10` become numbers; anything else stays as it is written. */
export function referenceRange(text: string | undefined, unit: JsonObject): readonly JsonObject[] {
  if (!text) return []
  const between = /^\s*\(?(-?\d+(?:\.\d+)?)\s*(?:-|–|to)\s*(-?\d+(?:\.\d+)?)\)?\s*$/.exec(text)
  if (between && Number(between[1]) <= Number(between[2]))
    return [{ low: quantity(Number(between[1]), unit), high: quantity(Number(between[2]), unit), text }]
  const below = /^\s*<=?\s*(\d+(?:\.\d+)?)\s*$/.exec(text)
  if (below) return [{ high: quantity(Number(below[1]), unit), text }]
  const above = /^\s*>=?\s*(\d+(?:\.\d+)?)\s*$/.exec(text)
  return above ? [{ low: quantity(Number(above[1]), unit), text }] : [{ text }]
}

const INTERPRETATIONS = new Set(
  'L H LL HH N A AA U D B W S R I MS VS < > LU HU LX HX CAR IND NEG POS DET ND RR WR NR E EX IE SDD SYN-R SYN-S NS UNE EXP NCL POS TOX QCF OBX IE HM H< L> NAT'.split(
    ' ',
  ),
)

function interpretations(obx: Row): readonly JsonObject[] {
  return obx.reps(8).flatMap(r => {
    const said = concept(r)
    const code = r.text(1)
    if (!said || !code) return []
    const system = INTERPRETATIONS.has(code) ? tho('v3-ObservationInterpretation') : v2Table('0078')
    const [own] = (said.coding as JsonObject[] | undefined) ?? []
    return [{ ...said, coding: [{ ...(own?.display ? { display: own.display } : {}), system, code }] }]
  })
}

/** What the OBX carries is a document, an image or a sound, or the address of one. */
function attachmentsOf(c: Context, obx: Row, type: string): readonly JsonObject[] | null {
  const title = concept(obx.first(3))?.text
  const named = (a: JsonObject): JsonObject => ({ ...a, ...(title ? { title } : {}) })
  if (type === 'ED') {
    const found = obx.reps(5).flatMap<JsonObject>(r => encapsulated(r) ?? [])
    if (!found.length) note(c, obx, 5, 'Encapsulated data that is empty, or in an encoding that cannot be undone')
    return found.map(named)
  }
  if (type !== 'RP') return null
  const found = obx.reps(5).flatMap(r => (r.text(1) && isUri(r.text(1)!) ? [{ url: r.text(1)! }] : []))
  if (!found.length) note(c, obx, 5, 'A pointer that is no address')
  return found.map(named)
}

const performers = (obx: Row): readonly JsonObject[] =>
  [...obx.reps(16).map(practitioner), organization(obx.first(23)), ...obx.reps(25).map(practitioner)].filter(p => p !== undefined)

/** Maps one OBX. Encapsulated data and pointers come back as attachments: FHIR R4's Observation cannot hold them. */
export function mapObservation(c: Context, obx: Row, placed: Placed): Observed {
  const type = obx.text(2) ?? ''
  const code = concept(obx.first(3)) ?? concept(obx.first(4))
  obx.text(1)
  const attachments = attachmentsOf(c, obx, type)
  if (attachments) {
    for (const field of [3, 11, 14]) obx.text(field)
    return { attachments }
  }
  if (!code) {
    note(c, obx, 3, 'An observation that does not say of what')
    return NOTHING
  }
  const status = observationStatus(obx.text(11)) ?? 'unknown'
  const found = saidBy(c, obx, type)
  const words = lines(obx.reps(5).filter(r => !r.isNull))
  if (found === undefined) note(c, obx, 5, 'A value that is not of the type in OBX-2; kept as text')
  const value = found ?? (words ? { valueString: words } : {})
  const empty = Object.keys(value).length === 0
  const unit = unitOf(obx.first(6))
  const times = obx.first(5) ? '' : '|none'
  const id = obx.first(21)
  const key = id?.text(1) || id?.text(3) ? id.raw : `${codeKey(obx.first(3))}|${obx.text(4) ?? ''}${times}`
  const method = concept(obx.first(17))
  const device = obx.first(18)
  const reference = add(
    c,
    {
      resourceType: 'Observation',
      id: uniqueId(c, placed.key, key),
      ...some('identifier', id ? [entityId(id)].filter(i => i !== undefined) : []),
      ...some('basedOn', placed.basedOn ? [placed.basedOn] : []),
      ...some('partOf', placed.partOf ? [placed.partOf] : []),
      status,
      ...some('category', placed.category ? [{ coding: [{ system: tho('observation-category'), code: placed.category }] }] : []),
      code,
      subject: c.patient,
      ...some('encounter', c.encounter),
      ...some('effectiveDateTime', when(c, obx.text(14)) ?? placed.effective),
      ...some('issued', issued(c, obx)),
      ...some('performer', performers(obx)),
      ...value,
      ...(empty ? { dataAbsentReason: { coding: [{ system: tho('data-absent-reason'), code: absentCode(status) }] } } : {}),
      ...some('interpretation', interpretations(obx)),
      ...some('note', annotations(c, placed.notes)),
      ...some('bodySite', concept(obx.first(20))),
      ...some('method', method),
      ...some('specimen', placed.specimen),
      ...some('device', device ? { type: 'Device', display: device.text(1) ?? device.whole() } : undefined),
      ...some(
        'referenceRange',
        referenceRange(obx.first(7)?.whole(), 'valueQuantity' in value ? unitPart(value.valueQuantity as JsonObject) : unit),
      ),
    },
    obx,
  )
  return { reference, attachments: [] }
}

const unitPart = ({ value: _v, comparator: _c, ...unit }: JsonObject): JsonObject => unit

const absentCode = (status: string): string => (status === 'registered' || status === 'preliminary' ? 'temp-unknown' : 'unknown')

function issued(c: Context, obx: Row): string | undefined {
  const time = when(c, obx.text(19))
  return time?.includes('T') ? time : undefined
}

/** Two results of one code in one order without sub-ids are two results: the second is counted on. */
function uniqueId(c: Context, ...key: readonly string[]): string {
  for (let n = 0; ; n++) {
    const id = idOf(c, 'Observation', ...key, ...(n ? [String(n)] : []))
    if (!c.out.has(`Observation/${id}`)) return id
  }
}
