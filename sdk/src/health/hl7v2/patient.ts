/** PID, PD1, NK1 and MRG → Patient and RelatedPerson (v2-to-FHIR segment maps of the same names). */
import { some } from '#health/fhir/build'
import { codings, type JsonObject } from '#health/fhir/read'
import { genderOf, relationship, tho, v2Table } from './codes.ts'
import { add, type Context, idOf, when } from './context.ts'
import {
  address,
  authority,
  concept,
  contactPoint,
  date,
  humanName,
  identifier,
  nameText,
  organization,
  practitioner,
  tidy,
} from './datatypes.ts'
import type { Rep, Row } from './read.ts'

const CORE = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-'
const HL7 = 'http://hl7.org/fhir/StructureDefinition/patient-'
const RACES = new Set(['1002-5', '2028-9', '2054-5', '2076-8', '2106-3', 'UNK', 'ASKU'])
const ETHNICITIES = new Set(['2135-2', '2186-5'])
const CDCREC = 'urn:oid:2.16.840.1.113883.6.238'

/** An identifier as patients are matched by it: `authority|value`; the authority is the universal id, else the local name, else empty. */
export const matchKey = (cx: Rep): string | undefined => {
  const value = cx.text(1)
  return value ? `${authority(cx.part(4)) ?? ''}|${value}` : undefined
}

const PREFERRED = ['MR', 'PI', 'PT', 'MC', 'NI', 'PN']

/** PID-3, the medical record number first. */
export function patientIds(pid: Row | undefined): readonly Rep[] {
  const all = (pid?.reps(3) ?? []).filter(r => r.text(1))
  const rank = (r: Rep): number => {
    const at = PREFERRED.indexOf(r.text(5) ?? '')
    return at < 0 ? PREFERRED.length : at
  }
  return all.toSorted((a, b) => rank(a) - rank(b))
}

const cwes = (row: Row, field: number, table?: string): readonly JsonObject[] =>
  row.reps(field).flatMap<JsonObject>(r => concept(r, table) ?? [])

/** US Core's race and ethnicity; only codes of CDC's own system may stand in them, the text always. */
function groupExtension(kind: 'race' | 'ethnicity', concepts: readonly JsonObject[], broad: ReadonlySet<string>): readonly JsonObject[] {
  if (!concepts.length) return []
  const coding = concepts.flatMap(c => (c.coding as JsonObject[] | undefined)?.slice(0, 1) ?? [])
  const known = coding.filter(
    c => (c.system === CDCREC || c.system === v2Table('0005') || c.system === v2Table('0189')) && /^\d{4}-\d$/.test(String(c.code)),
  )
  const text = concepts
    .map(c => c.text ?? (c.coding as JsonObject[] | undefined)?.[0]?.code)
    .filter(Boolean)
    .join(', ')
  let main = 0
  const parts = known.map(c => {
    const isMain = broad.has(String(c.code)) && (kind === 'race' || main++ === 0)
    return { url: isMain ? 'ombCategory' : 'detailed', valueCoding: { ...c, system: CDCREC } }
  })
  return [{ url: `${CORE}${kind}`, extension: [...parts, ...(text ? [{ url: 'text', valueString: text }] : [])] }]
}

function extensions(pid: Row): readonly JsonObject[] {
  const place = pid.text(23)
  return [
    ...pid.reps(6).flatMap(r => (r.text(1) ? [{ url: `${HL7}mothersMaidenName`, valueString: r.text(1) }] : [])),
    ...groupExtension('race', cwes(pid, 10, v2Table('0005')), RACES),
    ...groupExtension('ethnicity', cwes(pid, 22, v2Table('0189')), ETHNICITIES),
    ...cwes(pid, 17, v2Table('0006')).map(valueCodeableConcept => ({ url: `${HL7}religion`, valueCodeableConcept })),
    ...(place ? [{ url: `${HL7}birthPlace`, valueAddress: { text: place } }] : []),
    ...cwes(pid, 26, v2Table('0171')).map(code => ({ url: `${HL7}citizenship`, extension: [{ url: 'code', valueCodeableConcept: code }] })),
    ...cwes(pid, 28, v2Table('0212')).map(code => ({ url: `${HL7}nationality`, extension: [{ url: 'code', valueCodeableConcept: code }] })),
  ]
}

/** The time of birth belongs to the day of birth, not to the person. */
function born(c: Context, pid: Row): JsonObject {
  const full = when(c, pid.text(7))
  const time = full?.includes('T') ? { _birthDate: { extension: [{ url: `${HL7}birthTime`, valueDateTime: full }] } } : {}
  return { ...some('birthDate', date(pid.text(7))), ...time }
}

/** FHIR names languages by BCP 47 and nothing else; whatever else the sender calls one is kept as its words. */
function language(pid: Row): JsonObject | undefined {
  const told = concept(pid.first(15))
  if (!told) return undefined
  const [first] = codings(told)
  const known = first && /^([a-z]{2,3})(-[a-z]{2})?$/i.test(first.code)
  const words = told.text ?? first?.display ?? first?.code
  // ISO 639-2 has three letters where BCP 47 has two: `eng` is `en`.
  const [code] = known ? Intl.getCanonicalLocales(first.code) : []
  return code ? { coding: [{ system: 'urn:ietf:bcp:47', code }], ...some('text', words) } : { text: words }
}

function identifiers(pid: Row): readonly JsonObject[] {
  const all: JsonObject[] = [
    ...pid.reps(3).flatMap<JsonObject>(r => identifier(r) ?? []),
    ...pid.reps(2).flatMap<JsonObject>(r => identifier(r) ?? []),
    ...pid.reps(4).flatMap<JsonObject>(r => identifier(r) ?? []),
    ...pid.reps(18).flatMap<JsonObject>(r => identifier(r, 'AN') ?? []),
    ...pid.reps(19).flatMap<JsonObject>(r => identifier(r, 'SS') ?? []),
    ...pid.reps(20).flatMap<JsonObject>(r => identifier(r, 'DL') ?? []),
  ]
  const seen = new Set<string>()
  return all.filter(i => {
    const key = `${String(i.system ?? JSON.stringify(i.assigner ?? ''))}|${String(i.value)}`
    return seen.has(key) ? false : seen.add(key)
  })
}

const births = (pid: Row): JsonObject => {
  const order = Number(pid.text(25))
  const told = pid.text(24)
  if (Number.isInteger(order) && order > 0) return { multipleBirthInteger: order }
  return told === 'Y' ? { multipleBirthBoolean: true } : told === 'N' ? { multipleBirthBoolean: false } : {}
}

function death(c: Context, pid: Row): JsonObject {
  const time = when(c, pid.text(29))
  const told = pid.text(30)
  return time ? { deceasedDateTime: time } : told === 'Y' ? { deceasedBoolean: true } : told === 'N' ? { deceasedBoolean: false } : {}
}

/** Maps the PID and makes its patient the one that everything after it is about. */
export function mapPatient(c: Context, pid: Row): void {
  const pd1 = c.reader.row('PD1')
  const [best] = patientIds(pid)
  const name = pid.reps(5).map(r => nameText(r))[0]
  c.patientKey = best ? matchKey(best)! : (keyWithout(pid) ?? `${name ?? ''}|${pid.text(7) ?? ''}`)
  // A number without an authority says nothing outside of its sender.
  const key = c.patientKey.startsWith('|') ? c.sender + c.patientKey : c.patientKey
  const id = c.options.patientId ?? idOf(c, 'Patient', key)
  const standing = c.message.type.code === 'ADT' ? 'told' : 'named'
  const family = [...pid.reps(5), ...pid.reps(9)].flatMap(r => humanName(r) ?? [])
  const telecom = [
    ...pid.reps(13).map(r => contactPoint(r, 'home')),
    ...pid.reps(14).map(r => contactPoint(r, 'work')),
    ...pid.reps(40).map(r => contactPoint(r)),
  ]
  const spoken = language(pid)
  const resource = {
    resourceType: 'Patient',
    id,
    ...some('extension', extensions(pid)),
    ...some('identifier', identifiers(pid)),
    ...some('name', family),
    ...some(
      'telecom',
      telecom.filter(t => t !== undefined),
    ),
    ...some('gender', genderOf(pid.text(8))),
    ...born(c, pid),
    ...death(c, pid),
    ...some(
      'address',
      pid.reps(11).flatMap(r => address(r) ?? []),
    ),
    ...some('maritalStatus', maritalStatus(pid)),
    ...births(pid),
    ...(spoken ? { communication: [{ language: spoken }] } : {}),
    ...some(
      'generalPractitioner',
      [...(pd1?.reps(4) ?? []).map(practitioner), ...(pd1?.reps(3) ?? []).map(organization)].filter(p => p !== undefined),
    ),
    ...links(c),
  }
  pid.text(1)
  c.patient = { reference: `Patient/${id}` }
  add(c, resource, pid, standing)
}

/** PID-2 and PID-4 held the number in early versions. */
function keyWithout(pid: Row): string | undefined {
  const old = pid.reps(2)[0] ?? pid.reps(4)[0]
  return old && matchKey(old)
}

const MARITAL = new Set(['A', 'D', 'I', 'L', 'M', 'P', 'S', 'T', 'U', 'W'])
function maritalStatus(pid: Row): JsonObject | undefined {
  const said = concept(pid.first(16), v2Table('0002'))
  const code = pid.text(16)
  if (!said || !code || !MARITAL.has(code)) return said
  const v3 = code === 'U' ? { system: tho('v3-NullFlavor'), code: 'UNK' } : { system: tho('v3-MaritalStatus'), code }
  return { ...said, coding: [v3] }
}

/** A merge (A18, A34, A36, A40 …): the patient of the MRG is replaced by the one of the PID, and both say so. */
function links(c: Context): JsonObject {
  const old = (c.reader.row('MRG')?.reps(1) ?? []).flatMap<JsonObject>(r => identifier(r) ?? [])
  return old.length ? { link: old.map(i => ({ other: { type: 'Patient', identifier: i }, type: 'replaces' })) } : {}
}

/** NK1 → RelatedPerson. */
export function mapRelative(c: Context, nk1: Row): void {
  const names = nk1.reps(2).flatMap(r => humanName(r) ?? [])
  const contact = nk1.reps(30).flatMap(r => humanName(r) ?? [])
  const relation = concept(nk1.first(3), v2Table('0063'))
  const v3 = relationship(nk1.text(3))
  const code =
    v3 && relation ? { ...relation, coding: [...(relation.coding as JsonObject[]), { system: tho('v3-RoleCode'), code: v3 }] } : relation
  const role = concept(nk1.first(7), v2Table('0131'))
  const telecom = [
    ...nk1.reps(5).map(r => contactPoint(r, 'home')),
    ...nk1.reps(6).map(r => contactPoint(r, 'work')),
    ...nk1.reps(40).map(r => contactPoint(r)),
  ]
  const numbers = nk1.reps(33).flatMap<JsonObject>(r => identifier(r) ?? [])
  const employer = organization(nk1.first(13))
  const all = names.length ? names : contact.length ? contact : employer?.display ? [{ text: employer.display }] : []
  if (!all.length && !code && !telecom.length) return
  const key = nk1.reps(33)[0]?.raw ?? [nk1.reps(2)[0]?.raw, nk1.text(3)].join('|')
  nk1.text(1)
  add(
    c,
    {
      resourceType: 'RelatedPerson',
      id: idOf(c, 'RelatedPerson', c.patientKey, key),
      ...some('identifier', numbers),
      patient: c.patient,
      ...some(
        'relationship',
        [code, role].filter(r => r !== undefined),
      ),
      ...some('name', all),
      ...some(
        'telecom',
        telecom.filter(t => t !== undefined),
      ),
      ...some('gender', genderOf(nk1.text(15))),
      ...some('birthDate', date(nk1.text(16))),
      ...some(
        'address',
        nk1.reps(4).flatMap(r => address(r) ?? []),
      ),
      ...some('period', tidy({ start: date(nk1.text(8)), end: date(nk1.text(9)) })),
    },
    nk1,
  )
}
