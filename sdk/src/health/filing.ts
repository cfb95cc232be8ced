/**
 * Files a record in exactly one compartment (protocol §2): the author's own label first, then what is sensitive, then the type.
 * The table is data; what it cannot place goes to `general` and says so.
 */
import { COMPARTMENTS, type CompartmentName } from '#base/compartments'
import type { Coding, JsonObject } from './fhir/read.ts'
import { codings, conceptText, field, isObject, list, resourceTypeOf, string } from './fhir/read.ts'
import type { SensitiveCompartment } from './filing-codes.ts'
import { ATC, ICD10, LABELS, LOINC, RXNORM, SENSITIVE, SNOMED, WORDS } from './filing-codes.ts'

export type Filing = {
  readonly compartment: CompartmentName
  /** Which rule decided, for the person who asks why: e.g. `label:HIV`, `icd-10:F32`, `category:laboratory`, `type:Immunization`. */
  readonly rule: string
  /** False when no rule applied and `general` is only the fallback. */
  readonly placed: boolean
}

/** What is known of a record that is not FHIR. */
export type DocumentFacts = {
  readonly kind: string
  readonly mediaType?: string
  readonly title?: string
  /** DICOM modality. */
  readonly modality?: string
  /** HL7 v2 message type, e.g. `ORU^R01`. */
  readonly messageType?: string
  readonly codes?: readonly Coding[]
}

/** A label by which an author (or this vault, at an earlier import) names the compartment itself; in `meta.security` or `meta.tag`. */
export const COMPARTMENT_SYSTEM = 'urn:keepwell:compartment'

const placed = (compartment: CompartmentName, rule: string): Filing => ({ compartment, rule, placed: true })

/** Types whose place does not depend on their content. */
const BY_TYPE: Readonly<Record<string, CompartmentName>> = {
  Medication: 'medications',
  MedicationRequest: 'medications',
  MedicationStatement: 'medications',
  MedicationDispense: 'medications',
  MedicationAdministration: 'medications',
  MedicationKnowledge: 'medications',
  ImagingStudy: 'imaging',
  Specimen: 'laboratory',
  MolecularSequence: 'genomics',
  AllergyIntolerance: 'general',
  Flag: 'general',
}

/** Types that are `general` by decision, not by ignorance. */
const GENERAL = new Set(
  `Account AdverseEvent Appointment AppointmentResponse AuditEvent Basic BodyStructure CarePlan CareTeam ChargeItem Claim ClaimResponse
  ClinicalImpression Communication CommunicationRequest Composition Condition Consent Contract Coverage CoverageEligibilityRequest
  CoverageEligibilityResponse DetectedIssue Device DeviceMetric DeviceRequest DeviceUseStatement DocumentManifest DocumentReference Encounter
  EnrollmentRequest EnrollmentResponse EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory Goal Group HealthcareService Immunization
  ImmunizationEvaluation ImmunizationRecommendation Invoice Linkage List Location Measure MeasureReport NutritionOrder Organization
  OrganizationAffiliation Patient PaymentNotice PaymentReconciliation Person Practitioner PractitionerRole Procedure Provenance Questionnaire
  QuestionnaireResponse RelatedPerson RequestGroup ResearchStudy ResearchSubject RiskAssessment Schedule ServiceRequest Slot SupplyDelivery
  SupplyRequest Task VisionPrescription`.split(/\s+/),
)

/** Categories: observation-category, v2-0074 diagnostic service sections, document class and consent codes. */
const BY_CATEGORY: Readonly<Record<string, CompartmentName>> = {
  laboratory: 'laboratory',
  lab: 'laboratory',
  imaging: 'imaging',
  activity: 'wearables',
  'vital-signs': 'general',
  'social-history': 'general',
  survey: 'general',
  exam: 'general',
  procedure: 'general',
  therapy: 'general',
  LAB: 'laboratory',
  CH: 'laboratory',
  HM: 'laboratory',
  MB: 'laboratory',
  SR: 'laboratory',
  SP: 'laboratory',
  PAT: 'laboratory',
  CP: 'laboratory',
  IMM: 'laboratory',
  BLB: 'laboratory',
  TX: 'laboratory',
  VR: 'laboratory',
  CG: 'genomics',
  GE: 'genomics',
  RAD: 'imaging',
  RX: 'imaging',
  CT: 'imaging',
  NMR: 'imaging',
  NMS: 'imaging',
  RUS: 'imaging',
  VUS: 'imaging',
  OUS: 'imaging',
  CUS: 'imaging',
  XRC: 'imaging',
  acd: 'emergency',
  dnr: 'emergency',
  emrgonly: 'emergency',
  polst: 'emergency',
  hcd: 'emergency',
  // LOINC document and section classes
  '26436-6': 'laboratory',
  '18725-2': 'laboratory',
  '30954-2': 'laboratory',
  '18723-7': 'laboratory',
  '18719-5': 'laboratory',
  '11502-2': 'laboratory',
  'LP29684-5': 'imaging',
  'LP29708-2': 'general',
  'LP7839-6': 'laboratory',
  '18748-4': 'imaging',
  '55113-5': 'imaging',
  '55112-7': 'general',
  '34117-2': 'general',
  '11506-3': 'general',
  '11488-4': 'general',
  '18842-5': 'general',
  '51847-2': 'general',
  '34133-9': 'general',
  '60591-5': 'general',
  '42348-3': 'emergency',
  '75320-2': 'emergency',
  '84095-9': 'emergency',
}

/** Single LOINC codes with a place of their own: blood group, vital signs without category, and what wearables measure. */
const BY_LOINC: Readonly<Record<string, CompartmentName>> = {
  '882-1': 'laboratory',
  '883-9': 'laboratory',
  '884-7': 'laboratory',
  '10331-7': 'laboratory',
  '55423-8': 'wearables',
  '41950-7': 'wearables',
  '93832-4': 'wearables',
  '41981-2': 'wearables',
  '80404-7': 'wearables',
  ...Object.fromEntries(
    '85354-9 8480-6 8462-4 8867-4 9279-1 8310-5 29463-7 8302-2 39156-5 2708-6 59408-5 72166-2 82810-3 9843-4 8289-1 59576-9'
      .split(' ')
      .map(code => [code, 'general' as const]),
  ),
}

const SYSTEMS: readonly (readonly [RegExp, 'icd' | 'atc' | 'loinc' | 'snomed' | 'rxnorm' | 'label'])[] = [
  [/icd-?10|2\.16\.840\.1\.113883\.6\.(3|90)$|1\.3\.6\.1\.4\.1\.12559\.11\.10\.1\.3\.1\.44\.2/i, 'icd'],
  [/whocc\.no\/atc|\/atc\b|2\.16\.840\.1\.113883\.6\.73$/i, 'atc'],
  [/loinc\.org|2\.16\.840\.1\.113883\.6\.1$/i, 'loinc'],
  [/snomed\.info|2\.16\.840\.1\.113883\.6\.96$/i, 'snomed'],
  [/rxnorm|2\.16\.840\.1\.113883\.6\.88$/i, 'rxnorm'],
  [/ActCode$/i, 'label'],
]

const vocabulary = new Map<string, (typeof SYSTEMS)[number][1] | undefined>()
function vocabularyOf(system: string): (typeof SYSTEMS)[number][1] | undefined {
  if (!vocabulary.has(system)) {
    // Foreign input decides the keys, so the memo is kept small.
    if (vocabulary.size > 1000) vocabulary.clear()
    vocabulary.set(system, SYSTEMS.find(([pattern]) => pattern.test(system))?.[1])
  }
  return vocabulary.get(system)
}

function codeMatches(compartment: SensitiveCompartment, coding: Coding): string | null {
  const { code } = coding
  switch (vocabularyOf(coding.system)) {
    case 'icd':
      return ICD10[compartment].test(code.replace('.', '').toUpperCase()) ? `icd-10:${code.slice(0, 3)}` : null
    case 'atc':
      return ATC[compartment].test(code) ? `atc:${code.slice(0, 5)}` : null
    case 'loinc':
      return LOINC[compartment].has(code) ? `loinc:${code}` : null
    case 'snomed':
      return SNOMED[compartment].has(code) ? `snomed:${code}` : null
    case 'rxnorm':
      return RXNORM[compartment].has(code) ? `rxnorm:${code}` : null
    default:
      return null
  }
}

type Terms = { readonly codings: readonly Coding[]; readonly texts: readonly string[] }

/** Deeper or larger records are cut: a filing decision must not cost more than reading the record. */
const MAX_NODES = 20_000
const MAX_DEPTH = 24
/** Parts that describe people, places, forms and rules rather than the patient's health; labels are read apart. */
const SKIPPED = new Set(
  'meta text contained identifier telecom address name contact div data extension modifierExtension security'.split(' '),
)

/** Every coding and every text of a concept inside a resource, contained resources and entries included. */
function termsOf(resource: unknown): Terms {
  const found: Coding[] = []
  const texts: string[] = []
  let nodes = 0
  const walk = (x: unknown, depth: number): void => {
    if (depth > MAX_DEPTH || ++nodes > MAX_NODES) return
    if (Array.isArray(x)) for (const item of x) walk(item, depth + 1)
    else if (isObject(x)) {
      const code = x.code
      if (typeof code === 'string' && typeof x.system === 'string') found.push({ system: x.system, code })
      if (typeof x.display === 'string' && (typeof code === 'string' || Object.hasOwn(x, 'system'))) texts.push(x.display)
      if (typeof x.text === 'string') texts.push(x.text)
      for (const key in x) if (!SKIPPED.has(key) && typeof x[key] === 'object') walk(x[key], depth + 1)
    }
  }
  walk(resource, 0)
  for (const inner of list(field(resource, 'contained'))) walk(inner, 1)
  for (const title of [field(resource, 'description'), field(resource, 'title')]) if (string(title)) texts.push(title as string)
  return { codings: found, texts }
}

function sensitive(terms: Terms): Filing | null {
  for (const compartment of SENSITIVE)
    for (const coding of terms.codings) {
      const rule = codeMatches(compartment, coding)
      if (rule) return placed(compartment, rule)
    }
  for (const compartment of SENSITIVE)
    for (const words of terms.texts)
      if (words.length < 400 && WORDS[compartment].test(words)) return placed(compartment, `words:${compartment}`)
  return null
}

/** `meta.security` (and our own label in `meta.tag`), of the resource itself. */
function labelled(resource: JsonObject): Filing | null {
  const meta = resource.meta
  const labels = [...codings(field(meta, 'security')), ...codings(field(meta, 'tag'))]
  for (const label of labels) {
    const own = COMPARTMENTS.find(name => label.system === COMPARTMENT_SYSTEM && label.code === name)
    if (own) return placed(own, `label:${own}`)
  }
  for (const compartment of SENSITIVE) {
    const label = labels.find(l => LABELS[compartment].includes(l.code) && (l.system === '' || vocabularyOf(l.system) === 'label'))
    if (label) return placed(compartment, `label:${label.code}`)
  }
  return null
}

const WEARABLE =
  /apple ?health|healthkit|health ?connect|google ?fit|fitbit|garmin|withings|oura|polar flow|samsung health|whoop|open ?mhealth/i

function fromWearable(resource: JsonObject): boolean {
  const source = string(field(resource.meta, 'source')) ?? ''
  const device = string(field(resource.device, 'display')) ?? ''
  return WEARABLE.test(source) || WEARABLE.test(device)
}

/** How names of laboratory tests (LOINC long names) tell the specimen or the method. */
const ANALYTE =
  /\b(in|of|-) (venous |arterial |capillary )?(serum|plasma|blood|urine|stool|saliva|cerebral spinal fluid|sputum|nasopharynx|respiratory)|\b(panel|NAA|immunoassay|immunofluorescence|\/100 (leukocytes|WBC))\b|^(neutro|lympho|mono|eosino|baso)(phils|cytes)/i

function ordinary(resource: JsonObject, resourceType: string): Filing | null {
  const byType = BY_TYPE[resourceType]
  if (byType) return placed(byType, `type:${resourceType}`)
  if (resourceType === 'Observation' && fromWearable(resource)) return placed('wearables', 'source:wearable')
  const codes = codings(resource.code)
  for (const { code } of codes) if (BY_LOINC[code]) return placed(BY_LOINC[code], `loinc:${code}`)
  for (const { code } of [...codings(resource.category), ...codings(resource.type), ...codes])
    if (Object.hasOwn(BY_CATEGORY, code)) return placed(BY_CATEGORY[code]!, `category:${code}`)
  if (resourceType === 'Observation' || resourceType === 'DiagnosticReport') {
    if (resource.specimen !== undefined || list(resource.referenceRange).length) return placed('laboratory', 'specimen or reference range')
    if (resource.imagingStudy !== undefined) return placed('imaging', 'imaging study')
    const name = conceptText(resource.code) ?? ''
    return ANALYTE.test(name) ? placed('laboratory', 'words:specimen') : null
  }
  if (resourceType === 'Media') return placed('imaging', 'type:Media')
  return GENERAL.has(resourceType) ? placed('general', `type:${resourceType}`) : null
}

/** Kinds of files with a place of their own. */
const BY_KIND: Readonly<Record<string, CompartmentName>> = {
  dicom: 'imaging',
  vcf: 'genomics',
  'apple-health': 'wearables',
  wearable: 'wearables',
  shc: 'general',
}
const BY_MESSAGE: Readonly<Record<string, CompartmentName>> = {
  ORU: 'laboratory',
  OUL: 'laboratory',
  ADT: 'general',
  VXU: 'general',
  SIU: 'general',
  MDM: 'general',
  RDE: 'medications',
  RDS: 'medications',
  RAS: 'medications',
}

function fileDocument(document: DocumentFacts): Filing {
  const found = sensitive({ codings: document.codes ?? [], texts: document.title ? [document.title] : [] })
  if (found) return found
  const byKind = BY_KIND[document.kind]
  if (byKind) return placed(byKind, `kind:${document.kind}`)
  const message = document.messageType?.slice(0, 3) ?? ''
  if (BY_MESSAGE[message]) return placed(BY_MESSAGE[message], `message:${message}`)
  for (const { code } of document.codes ?? []) if (Object.hasOwn(BY_CATEGORY, code)) return placed(BY_CATEGORY[code]!, `category:${code}`)
  return { compartment: 'general', rule: 'default', placed: false }
}

/**
 * Which compartment a record belongs to. Total: anything gets an answer.
 * @param record a FHIR resource, or what is known of another kind of document.
 */
export function file(record: unknown): Filing {
  if (!isObject(record)) return { compartment: 'general', rule: 'default', placed: false }
  const resourceType = resourceTypeOf(record)
  if (!resourceType) return typeof record.kind === 'string' ? fileDocument(record as DocumentFacts) : fileDocument({ kind: '' })
  return (
    labelled(record) ??
    sensitive(termsOf(record)) ??
    ordinary(record, resourceType) ?? { compartment: 'general', rule: 'default', placed: false }
  )
}
