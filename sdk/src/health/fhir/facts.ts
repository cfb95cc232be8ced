/** What a list or a timeline needs to know of a resource. Total: imperfect FHIR is shown as well as it can be, never dropped. */
import type { Coding, JsonObject } from './read.ts'
import { at, codings, conceptText, field, isObject, list, resourceTypeOf, string } from './read.ts'

export type Facts = {
  readonly resourceType: string
  readonly id?: string
  /** For people, at most {@link TITLE_LENGTH} characters. */
  readonly title: string
  /** At most {@link MAX_CODES}, in the order of importance. */
  readonly codes: readonly Coding[]
  /** Dates of care (not of filing), as FHIR wrote them: YYYY, YYYY-MM, YYYY-MM-DD or an instant with its offset. */
  readonly dates: { readonly start?: string; readonly end?: string }
  /** Codes of `category`, e.g. `laboratory`. */
  readonly category?: readonly string[]
  /** Reference to the Encounter it belongs to. */
  readonly encounter?: string
  readonly status?: string
}

export const TITLE_LENGTH = 120
export const MAX_CODES = 8

/** Where the name of a thing stands, most telling first, for types that have more (or other) than `code`. */
const TITLE_PATHS: Readonly<Record<string, readonly string[]>> = {
  Immunization: ['vaccineCode'],
  MedicationRequest: ['medicationCodeableConcept', 'medicationReference'],
  MedicationStatement: ['medicationCodeableConcept', 'medicationReference'],
  MedicationDispense: ['medicationCodeableConcept', 'medicationReference'],
  MedicationAdministration: ['medicationCodeableConcept', 'medicationReference'],
  Encounter: ['type', 'serviceType', 'reasonCode', 'class'],
  DocumentReference: ['description', 'type', 'category'],
  Composition: ['title', 'type'],
  CarePlan: ['title', 'description', 'category'],
  CareTeam: ['name', 'category'],
  Goal: ['description'],
  ImagingStudy: ['description', 'procedureCode', 'modality'],
  ServiceRequest: ['code', 'category'],
  Appointment: ['description', 'serviceType', 'appointmentType'],
  Claim: ['type', 'item'],
  ExplanationOfBenefit: ['type'],
  Coverage: ['type', 'payor'],
  Consent: ['category', 'scope'],
  Device: ['deviceName', 'type'],
  DeviceUseStatement: ['device'],
  FamilyMemberHistory: ['relationship', 'name'],
  Specimen: ['type'],
  Organization: ['name', 'type'],
  Location: ['name', 'type'],
  HealthcareService: ['name', 'type'],
  PractitionerRole: ['code', 'specialty', 'practitioner'],
  QuestionnaireResponse: ['questionnaire'],
  Questionnaire: ['title', 'name'],
  RiskAssessment: ['code', 'method'],
  NutritionOrder: ['oralDiet', 'enteralFormula'],
  VisionPrescription: ['lensSpecification'],
  Media: ['content', 'type', 'modality'],
  Communication: ['topic', 'category'],
  List: ['title', 'code'],
  Task: ['description', 'code'],
  Flag: ['code', 'category'],
  EpisodeOfCare: ['type'],
  ClinicalImpression: ['description', 'code', 'summary'],
  AdverseEvent: ['event', 'category'],
  MolecularSequence: ['type'],
}
const COMMON_TITLES = ['code', 'title', 'name', 'description', 'type', 'category', 'display', 'text']
/** Elements whose codings go on the card. */
const CODE_PATHS = [
  'code',
  'vaccineCode',
  'medicationCodeableConcept',
  'type',
  'procedureCode',
  'modality',
  'class',
  'serviceType',
  'reasonCode',
]

/** Date of care, best first; a path may end in a Period, a Timing or a plain date. */
const DATE_PATHS: readonly (readonly string[])[] = [
  ['effectiveDateTime'],
  ['effectivePeriod'],
  ['effectiveInstant'],
  ['effectiveTiming', 'event'],
  ['performedDateTime'],
  ['performedPeriod'],
  ['occurrenceDateTime'],
  ['occurrencePeriod'],
  ['onsetDateTime'],
  ['onsetPeriod'],
  ['period'],
  ['context', 'period'],
  ['started'],
  ['start'],
  ['whenHandedOver'],
  ['whenPrepared'],
  ['servicedPeriod'],
  ['servicedDate'],
  ['billablePeriod'],
  ['collection', 'collectedDateTime'],
  ['collection', 'collectedPeriod'],
  ['createdDateTime'],
  ['createdPeriod'],
  ['startDate'],
  ['occurrenceString'],
  ['recordedDate'],
  ['assertedDate'],
  ['authoredOn'],
  ['authored'],
  ['dateAsserted'],
  ['dateTime'],
  ['detected'],
  ['sent'],
  ['recorded'],
  ['issued'],
  ['date'],
  ['created'],
  ['timestamp'],
]
const END_PATHS: readonly (readonly string[])[] = [['abatementDateTime'], ['abatementPeriod'], ['end'], ['resolvedDate']]

const DATE = /^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$/
const date = (x: unknown): string | undefined => {
  const value = string(Array.isArray(x) ? x[0] : x)?.trim()
  return value && DATE.test(value) ? value : undefined
}

function datesOf(resource: JsonObject): Facts['dates'] {
  let start: string | undefined
  let end: string | undefined
  for (const path of DATE_PATHS) {
    const value = at(resource, ...path)
    const first = isObject(value) ? (date(value.start) ?? date(value.end)) : date(value)
    if (!first) continue
    start = first
    end = isObject(value) ? date(value.end) : undefined
    break
  }
  for (const path of END_PATHS) {
    const value = at(resource, ...path)
    end ??= date(isObject(value) ? value.end : value)
  }
  return { ...(start ? { start } : {}), ...(end && end !== start ? { end } : {}) }
}

/** A HumanName as people write it. */
export function personName(name: unknown): string | undefined {
  const all = list(name)
  const best = all.find(n => field(n, 'use') === 'official') ?? all.find(n => field(n, 'use') === 'usual') ?? all[0]
  const whole = string(field(best, 'text'))
  if (whole) return whole
  const parts = [
    ...list(field(best, 'prefix')),
    ...list(field(best, 'given')),
    ...list(field(best, 'family')),
    ...list(field(best, 'suffix')),
  ]
  return string(parts.filter(p => typeof p === 'string').join(' '))
}

/** One line without control or direction-changing characters (which could disguise a title), cut at a whole character. */
export function clean(title: string): string {
  const line = title
    .slice(0, 2000)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
  const points = [...line]
  return points.length <= TITLE_LENGTH ? line : `${points.slice(0, TITLE_LENGTH - 1).join('')}…`
}

/** Text of a value of any usual shape: string, concept, reference, attachment, device name. */
function textOf(value: unknown): string | undefined {
  const first = Array.isArray(value) ? value[0] : value
  if (typeof first === 'string') return string(first)
  if (!isObject(first)) return undefined
  return conceptText(first) ?? string(first.title) ?? string(first.name) ?? personName(first) ?? conceptText(first.type)
}

/** The name of what a local reference (`#id`) points to. */
function containedText(resource: JsonObject, target: unknown): string | undefined {
  const reference = string(at(target, 'reference'))
  if (!reference?.startsWith('#')) return undefined
  const found = list(resource.contained).find(c => field(c, 'id') === reference.slice(1))
  return textOf(field(found, 'code')) ?? textOf(found)
}

/** `LABEL value unit` for a measurement, since the name alone says little in a list. */
function withValue(resource: JsonObject, title: string): string {
  const quantity = resource.valueQuantity
  const value = field(quantity, 'value')
  if (typeof value === 'number' && Number.isFinite(value)) {
    const unit = string(field(quantity, 'unit')) ?? string(field(quantity, 'code')) ?? ''
    return `${title}: ${Number(value.toPrecision(6))} ${unit}`.trim()
  }
  const pressure = pressureOf(resource)
  if (pressure) return `${title}: ${pressure}`
  const told = conceptText(resource.valueCodeableConcept) ?? string(resource.valueString)
  return told && told.length <= 60 ? `${title}: ${told}` : title
}

/** `120/80 mmHg`: the one pair of components that people read as one value (LOINC 8480-6 and 8462-4). */
function pressureOf(resource: JsonObject): string | undefined {
  const parts = ['8480-6', '8462-4'].map(code => list(resource.component).find(c => codings(field(c, 'code')).some(x => x.code === code)))
  const values = parts.map(c => at(c, 'valueQuantity', 'value'))
  if (!values.every(v => typeof v === 'number' && Number.isFinite(v))) return undefined
  const unit = string(at(parts[0], 'valueQuantity', 'unit')) ?? ''
  return `${values.map(v => Number((v as number).toPrecision(6))).join('/')} ${unit}`.trim()
}

function titleOf(resource: JsonObject, resourceType: string): string {
  if (resourceType === 'Patient' || resourceType === 'Practitioner' || resourceType === 'RelatedPerson' || resourceType === 'Person') {
    const name = personName(resource.name)
    if (name) return name
  }
  for (const path of [...(TITLE_PATHS[resourceType] ?? []), ...COMMON_TITLES]) {
    // A medication's category is `inpatient`, an Observation's `laboratory`: no names.
    if (path === 'category' && !TITLE_PATHS[resourceType]?.includes(path) && resourceType !== 'DiagnosticReport') continue
    const told = textOf(field(resource, path)) ?? containedText(resource, field(resource, path))
    if (told) return resourceType === 'Observation' ? withValue(resource, told) : told
  }
  const attachment = textOf(at(resource, 'content', 'attachment'))
  return attachment ?? spaced(resourceType)
}

/** `MedicationRequest` → `Medication request`. */
function spaced(resourceType: string): string {
  const words = resourceType.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function codesOf(resource: JsonObject): Coding[] {
  const out: Coding[] = []
  const seen = new Set<string>()
  const take = (value: unknown): void => {
    for (const c of codings(value)) {
      const key = `${c.system}|${c.code}`
      if (out.length >= MAX_CODES || seen.has(key) || c.code.length > 128 || c.system.length > 256) continue
      seen.add(key)
      out.push(c.display ? { ...c, display: clean(c.display) } : c)
    }
  }
  for (const path of CODE_PATHS) take(field(resource, path))
  for (const component of list(resource.component)) take(field(component, 'code'))
  return out
}

/**
 * @param resource any JSON object with a `resourceType`; anything else is described as `Unknown`.
 */
export function facts(resource: unknown): Facts {
  const resourceType = resourceTypeOf(resource) ?? 'Unknown'
  if (!isObject(resource)) return { resourceType, title: resourceType, codes: [], dates: {} }
  const id = string(resource.id)
  const category = [...new Set(codings(resource.category).map(c => c.code))].slice(0, MAX_CODES)
  const encounter = string(at(resource, 'encounter', 'reference')) ?? string(at(resource, 'context', 'encounter', 'reference'))
  const status = string(resource.status) ?? codings(resource.clinicalStatus)[0]?.code ?? string(resource.lifecycleStatus)
  return {
    resourceType,
    ...(id ? { id } : {}),
    title: clean(titleOf(resource, resourceType)) || resourceType,
    codes: codesOf(resource),
    dates: datesOf(resource),
    ...(category.length ? { category } : {}),
    ...(encounter ? { encounter } : {}),
    ...(status ? { status } : {}),
  }
}
