import { nameUuid } from '@keepwell/sdk/crypto/name-uuid'
import { ccdaText, type Inventory, inventoryOf } from '@keepwell/sdk/health/ccda/inventory'
import { renamed } from '@keepwell/sdk/health/ccda/rename'
import { negated, repairCcda } from '@keepwell/sdk/health/ccda/repair'
import type { Checker } from '@keepwell/sdk/health/fhir/check'
import { mend } from '@keepwell/sdk/health/fhir/mend'
import { at, field, isObject, type JsonObject, list, string } from '@keepwell/sdk/health/fhir/read'
import { type Ccda, convertCcdaToFhir, convertXmlToCcda } from '@medplum/ccda'
import type { CcdaAnswer, SectionReport } from './ccda.ts'

type Parsed = JsonObject
type Made = { resources: JsonObject[]; left: Map<string, number>; mapped: number; references: string[] }

const OPTIONS = { ignoreUnsupportedSections: true }
/** Who a document is from and about: not what an entry says. */
const HEADER = new Set(['Patient', 'Composition', 'Practitioner', 'PractitionerRole', 'Organization', 'RelatedPerson', 'Device'])

const copy = (resources: unknown): JsonObject[] =>
  list(resources).flatMap(e => {
    const r = field(e, 'resource')
    return isObject(r) ? [JSON.parse(JSON.stringify(r)) as JsonObject] : []
  })

/** The document with these sections only; the header is in each, since entries point to its patient. */
const withSections = (document: Parsed, sections: readonly unknown[]): Ccda =>
  ({ ...document, component: { structuredBody: { component: sections.map(section => ({ section: [section] })) } } }) as unknown as Ccda

const convert = (document: Parsed, sections: readonly unknown[]): JsonObject[] =>
  copy(convertCcdaToFhir(structuredClone(withSections(document, sections)), OPTIONS).entry)

/** Sections in the order of the document, nested ones after those they stand in, as the inventory counts them. */
function* sectionsOf(component: unknown): Generator<JsonObject> {
  for (const c of list(component))
    for (const section of list(field(c, 'section')))
      if (isObject(section)) {
        yield section
        yield* sectionsOf(section.component)
      }
}

const MAIN = ['act', 'observation', 'substanceAdministration', 'procedure', 'encounter', 'organizer', 'supply'] as const

/** `negationInd` of the entry itself, or of what a concern act is about: it says that the thing is *not* so. */
function isNegated(entry: unknown): boolean {
  const says = (x: unknown): boolean => field(x, '@_negationInd') === 'true'
  return MAIN.some(kind =>
    list(field(entry, kind)).some(
      main =>
        says(main) ||
        list(field(main, 'entryRelationship')).some(r => field(r, '@_typeCode') === 'SUBJ' && list(field(r, 'observation')).some(says)),
    ),
  )
}

/** One entry by itself, so that one that breaks the converter, or means the opposite, is seen as such. */
function entryOf(
  document: Parsed,
  section: JsonObject,
  entry: unknown,
  check: Checker,
  struck: Map<string, number>,
): JsonObject[] | string {
  let made: JsonObject[]
  try {
    made = convert(document, [{ ...section, entry: [entry] }])
  } catch {
    return 'could not be converted'
  }
  const own = made.filter(r => !HEADER.has(String(r.resourceType)))
  if (!own.length) return 'of a kind that is not converted'
  const not = isNegated(entry)
  const sound: JsonObject[] = []
  for (const r of own) {
    const said = not ? negated({ ...r }) : r
    if (!said) return 'says that something is not so'
    const mended = mend(said, check, repairCcda)
    for (const path of mended?.struck ?? []) struck.set(path, (struck.get(path) ?? 0) + 1)
    if (mended) sound.push(mended.resource)
  }
  if (!sound.length) return 'lacks what FHIR demands'
  const people = made.filter(r => HEADER.has(String(r.resourceType)) && r.resourceType !== 'Composition' && r.resourceType !== 'Patient')
  return [...sound, ...people]
}

const bump = (counts: Map<string, number>, key: string, n = 1): void => void counts.set(key, (counts.get(key) ?? 0) + n)

function readSection(document: Parsed, section: JsonObject, check: Checker, struck: Map<string, number>): Made {
  const made: Made = { resources: [], left: new Map(), mapped: 0, references: [] }
  for (const entry of list(section.entry)) {
    const found = entryOf(document, section, entry, check, struck)
    if (typeof found === 'string') {
      bump(made.left, found)
      continue
    }
    made.mapped++
    made.resources.push(...found)
    made.references.push(...found.filter(r => !HEADER.has(String(r.resourceType))).map(r => `${String(r.resourceType)}/${String(r.id)}`))
  }
  return made
}

/** The inventory's word counts: entries that the converter's parser did not even see are left, too. */
function account(inventory: Inventory, made: readonly Made[]): SectionReport[] {
  return inventory.sections.map((s, i) => {
    const mapped = Math.min(made[i]?.mapped ?? 0, s.entries)
    const left = Object.fromEntries(made[i]?.left ?? [])
    const unseen = s.entries - mapped - Object.values(left).reduce((a, b) => a + b, 0)
    return {
      code: s.code,
      title: s.title,
      entries: s.entries,
      mapped,
      left: unseen > 0 ? { ...left, 'not seen by the converter': unseen } : left,
    }
  })
}

/** The file inside an unstructured document. */
function embedded(document: Parsed, patient: string): JsonObject[] {
  const text = at(document, 'component', 'nonXMLBody', 'text')
  const data = (typeof text === 'string' ? text : string(field(text, '#text')))?.replace(/\s/g, '')
  if (!data || field(text, '@_representation') !== 'B64') return []
  const title = string(document.title)
  const attachment = { contentType: string(field(text, '@_mediaType')) ?? 'application/octet-stream', data, ...(title ? { title } : {}) }
  return [
    { resourceType: 'DocumentReference', id: 'embedded', status: 'current', subject: { reference: patient }, content: [{ attachment }] },
  ]
}

/** Converts a document. @throws KeepwellError UNREADABLE, TOO_LARGE. */
export function readCcda(bytes: Uint8Array, check: Checker): CcdaAnswer {
  const xml = ccdaText(bytes)
  const inventory = inventoryOf(xml)
  const document = convertXmlToCcda(xml) as unknown as Parsed
  const struck = new Map<string, number>()
  const sections = [...sectionsOf(at(document, 'component', 'structuredBody', 'component'))]
  const made = sections.map(s => readSection(document, s, check, struck))
  const header = convert(
    document,
    sections.map(({ entry: _, component: _c, ...s }) => s),
  )
  const patient = header.find(r => r.resourceType === 'Patient')
  const patientReference = `Patient/${String(patient?.id)}`
  const all: JsonObject[] = []
  const add = (r: JsonObject): void => {
    const mended = mend(ofPatient(r, patientReference), check, repairCcda)
    for (const path of mended?.struck ?? []) bump(struck, path)
    if (mended) all.push(mended.resource)
  }
  for (const r of header) add(r.resourceType === 'Composition' ? withEntries(r, made) : r)
  for (const r of [...made.flatMap(m => m.resources), ...embedded(document, patientReference)]) add(r)
  return {
    resources: renamed(distinct(all), { uuid: nameUuid, patient: inventory.patient, document: inventory.id }),
    report: { type: inventory.type, sections: account(inventory, made), struck: Object.fromEntries(struck) },
  }
}

/** Each entry was converted with a patient of its own, under another made-up id. */
const ofPatient = (resource: JsonObject, patient: string): JsonObject =>
  JSON.parse(JSON.stringify(resource), (key, value: unknown) =>
    key === 'reference' && typeof value === 'string' && value.startsWith('Patient/') ? patient : value,
  ) as JsonObject

/** The table of contents points to what was made of its entries. */
function withEntries(composition: JsonObject, made: readonly Made[]): JsonObject {
  const section = list(composition.section).map((s, i) => ({
    ...(s as JsonObject),
    entry: (made[i]?.references ?? []).map(reference => ({ reference })),
  }))
  return { ...composition, section }
}

/** The people of the header come with every entry: one of each is enough. */
function distinct(resources: readonly JsonObject[]): JsonObject[] {
  const seen = new Set<string>()
  return resources.filter(r => {
    const key = `${String(r.resourceType)}/${String(r.id)}`
    return seen.has(key) ? false : seen.add(key)
  })
}
