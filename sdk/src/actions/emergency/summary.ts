import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { listEntries } from '#actions/records/list-entries'
import { compartmentNamed } from '#actions/records/secrets'
import { summarise } from '#actions/records/summarise'
import { changeRing } from '#actions/vault/change-ring'
import { equal, toHex, utf8 } from '#base/bytes'
import { isSensitive } from '#base/compartments'
import { sha256 } from '#crypto/hash'
import { facts, personName } from '#health/fhir/facts'
import { codings, isObject, type JsonObject, list, resourceTypeOf, string } from '#health/fhir/read'
import type { EmergencyState } from '#identity/emergency'

type Summing = Pick<Ctx, 'clock' | 'random' | 'network' | 'session' | 'catalog'>

const TITLE = 'Emergency summary'
/** Characters of a line, and of all of it: what fits a QR code beside the card's own data. */
const LINE = 240
const ALL = 900
/** LOINC: ABO and Rh, ABO, Rh. */
const BLOOD_GROUP = new Set(['882-1', '883-9', '10331-7'])

/** The sections that a stranger reads first, by LOINC code. */
const LINES: readonly (readonly [code: string, label: string])[] = [
  ['48765-2', 'Allergies'],
  ['10160-0', 'Medicines'],
  ['11450-4', 'Conditions'],
  ['46264-8', 'Implants'],
  ['42348-3', 'Directives'],
]

const resourcesOf = (bundle: JsonObject): JsonObject[] =>
  list(bundle.entry).flatMap(e => (isObject(e) && isObject(e.resource) ? [e.resource] : []))

const cut = (text: string, at: number): string => (text.length <= at ? text : `${text.slice(0, at - 1)}…`)

/** A section's entries by name. What is not recorded is said not to be recorded: silence is not "none". */
function lineOf(composition: JsonObject, byUrl: ReadonlyMap<string, JsonObject>, [code, label]: (typeof LINES)[number]): string[] {
  const section = list(composition.section).find(s => isObject(s) && codings(s.code).some(c => c.code === code))
  if (!isObject(section)) return []
  const names = list(section.entry).flatMap(e => {
    const found = isObject(e) ? byUrl.get(string(e.reference) ?? '') : undefined
    return found ? [facts(found).title] : []
  })
  return [cut(`${label}: ${names.length ? [...new Set(names)].join('; ') : 'none recorded'}`, LINE)]
}

function contactsOf(patient: JsonObject): string[] {
  const told = list(patient.contact).flatMap(c => {
    if (!isObject(c)) return []
    const phone = list(c.telecom).flatMap(t => (isObject(t) && string(t.value) ? [string(t.value)!] : []))[0]
    const line = [personName(c.name), phone].filter(Boolean).join(' ')
    return line ? [line] : []
  })
  return told.length ? [cut(`Contacts: ${told.join('; ')}`, LINE)] : []
}

/** What stands on the card in plain words, out of a patient summary. */
export function summaryText(bundle: JsonObject, name: string): string {
  const all = resourcesOf(bundle)
  const patient = all.find(r => resourceTypeOf(r) === 'Patient') ?? {}
  const composition = all.find(r => resourceTypeOf(r) === 'Composition') ?? {}
  const byUrl = new Map(
    list(bundle.entry).flatMap(e => (isObject(e) && isObject(e.resource) ? [[string(e.fullUrl) ?? '', e.resource] as const] : [])),
  )
  const blood = all.find(r => resourceTypeOf(r) === 'Observation' && codings(r.code).some(c => BLOOD_GROUP.has(c.code)))
  const born = string(patient.birthDate)
  const group = blood && (isObject(blood.valueCodeableConcept) ? string(blood.valueCodeableConcept.text) : string(blood.valueString))
  const lines = [
    cut(`EMERGENCY CARD: ${personName(list(patient.name)[0]) ?? name}${born ? `, born ${born}` : ''}`, LINE),
    ...(group ? [`Blood group: ${cut(group, 20)}`] : []),
    ...LINES.flatMap(line => lineOf(composition, byUrl, line)),
    ...contactsOf(patient),
    `As of ${(string(bundle.timestamp) ?? '').slice(0, 10)}. Readable without a network; the full summary needs Keepwell.`,
  ]
  return cut(lines.join('\n'), ALL)
}

/** The time of writing counts for nothing: a summary is another one when it says something else. */
function sameness(bundle: JsonObject): Uint8Array {
  const said = resourcesOf(bundle).map(r => {
    const { date: _date, id: _id, ...rest } = r
    return resourceTypeOf(r) === 'Composition' ? rest : r
  })
  return sha256(utf8(JSON.stringify(said)))
}

export type Summary = { readonly bundle: JsonObject; readonly hash: Uint8Array; readonly text: string }

/**
 * The emergency summary of the record as it is now (International Patient Summary). What lies in a guarded compartment (mental and sexual
 * health, substance use, genomics) stays out of it: the patient files a record in the emergency compartment by hand to have it there.
 */
export async function emergencySummary(ctx: Summing): Promise<Summary> {
  const { ring } = ctx.session.state
  const open = ring.compartments.filter(c => !isSensitive(c.name) && c.name !== 'emergency').map(c => toHex(c.id))
  const entries = (await listEntries(ctx)).filter(e => open.includes(toHex(e.compartment)))
  const bundle = await summarise(ctx, entries)
  return { bundle, hash: sameness(bundle), text: summaryText(bundle, ring.name) }
}

/** Files the summary in the emergency compartment when it says something new, as a version of the one before. True when it did. */
export async function fileSummary(
  ctx: Summing,
  made: Summary,
): Promise<{ readonly filed: boolean; readonly state: NonNullable<EmergencyState['summary']> }> {
  const { ring } = ctx.session.state
  const before = ring.emergency?.summary
  if (before && equal(before.hash, made.hash)) return { filed: false, state: before }
  const prior = before ? { prior: before.record } : {}
  const [entry] = await fileRecords(ctx, [
    {
      id: ctx.random(16),
      kind: 'fhir',
      mediaType: 'application/fhir+json',
      compartment: compartmentNamed(ring, 'emergency').id,
      authoredAt: ctx.clock(),
      body: utf8(JSON.stringify(made.bundle)),
      facts: { resourceType: 'Bundle', title: TITLE, codes: [{ system: 'http://loinc.org', code: '60591-5' }] },
      ...prior,
    },
  ])
  const state = { hash: made.hash, record: entry!.id, text: made.text }
  await changeRing(ctx, r => (r.emergency ? { ...r, emergency: { ...r.emergency, summary: state } } : r))
  return { filed: true, state }
}
