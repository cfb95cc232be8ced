/** Code maps of HL7's v2-to-FHIR project (concept maps of its tables), as far as the segments here need them. */

const THO = 'http://terminology.hl7.org/CodeSystem'

/** Table 0396 to the URIs that FHIR gives these code systems. */
const SYSTEMS: Readonly<Record<string, string>> = {
  LN: 'http://loinc.org',
  LOINC: 'http://loinc.org',
  SCT: 'http://snomed.info/sct',
  SCT2: 'http://snomed.info/sct',
  SNM: 'http://snomed.info/sct',
  SNOMEDCT: 'http://snomed.info/sct',
  I10: 'http://hl7.org/fhir/sid/icd-10',
  I10C: 'http://hl7.org/fhir/sid/icd-10-cm',
  ICD10: 'http://hl7.org/fhir/sid/icd-10',
  'ICD-10': 'http://hl7.org/fhir/sid/icd-10',
  I10P: 'http://www.cms.gov/Medicare/Coding/ICD10',
  I9C: 'http://hl7.org/fhir/sid/icd-9-cm',
  I9CDX: 'http://hl7.org/fhir/sid/icd-9-cm',
  I9: 'http://hl7.org/fhir/sid/icd-9-cm',
  CVX: 'http://hl7.org/fhir/sid/cvx',
  MVX: 'http://hl7.org/fhir/sid/mvx',
  NDC: 'http://hl7.org/fhir/sid/ndc',
  RXNORM: 'http://www.nlm.nih.gov/research/umls/rxnorm',
  RXN: 'http://www.nlm.nih.gov/research/umls/rxnorm',
  C4: 'http://www.ama-assn.org/go/cpt',
  CPT: 'http://www.ama-assn.org/go/cpt',
  CPT4: 'http://www.ama-assn.org/go/cpt',
  UCUM: 'http://unitsofmeasure.org',
  CDCREC: 'urn:oid:2.16.840.1.113883.6.238',
  NCIT: 'http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl',
  NUCC: 'http://nucc.org/provider-taxonomy',
  ISO3166_1: 'urn:iso:std:iso:3166',
  ISO639: 'urn:iso:std:iso:639',
  ATC: 'http://www.whocc.no/atc',
  HPC: 'https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets',
}

/** The URI of a coding system as v2 names it; undefined for one that is known only where the message was written. */
export function systemUri(name: string | undefined, oid?: string): string | undefined {
  if (oid && isOid(oid)) return `urn:oid:${oid}`
  if (!name) return undefined
  if (Object.hasOwn(SYSTEMS, name.toUpperCase())) return SYSTEMS[name.toUpperCase()]
  const table = /^HL7[\s_-]?(\d{4})$/i.exec(name)?.[1]
  if (table) return `${THO}/v2-${table}`
  return isOid(name) ? `urn:oid:${name}` : isUri(name) ? name : undefined
}

/** An object identifier of three arcs or more; shorter ones name no one. */
export const isOid = (s: string): boolean => /^[0-2](\.(0|[1-9]\d*)){2,}$/.test(s)
export const isUri = (s: string): boolean => /^(https?:\/\/|urn:[a-z0-9]+:)[^\s]+$/.test(s)

export const v2Table = (table: string): string => `${THO}/v2-${table}`
export const tho = (system: string): string => `${THO}/${system}`

type Map = Readonly<Record<string, string>>
const pick =
  (map: Map) =>
  (code: string | undefined): string | undefined =>
    code !== undefined && Object.hasOwn(map, code.toUpperCase()) ? map[code.toUpperCase()] : undefined

/** Table 0001. */
export const genderOf = pick({ M: 'male', F: 'female', O: 'other', A: 'other', N: 'other', X: 'other', U: 'unknown' })

/** Table 0190 address type, split as FHIR splits it: use and type. */
export const addressUse = pick({ H: 'home', L: 'home', C: 'temp', B: 'work', O: 'work', BI: 'billing', V: 'temp' })
export const addressType = pick({ M: 'postal', SH: 'postal', P: 'both' })

/** Table 0200 name type. */
export const nameUse = pick({
  L: 'official',
  D: 'usual',
  N: 'nickname',
  A: 'anonymous',
  M: 'maiden',
  B: 'old',
  BAD: 'old',
  S: 'anonymous',
  I: 'temp',
})

/** Tables 0201 use and 0202 equipment. */
export const telecomUse = pick({ PRN: 'home', ORN: 'home', WPN: 'work', VHN: 'home', PRS: 'mobile', NET: 'home' })
export const telecomSystem = pick({
  PH: 'phone',
  CP: 'phone',
  SAT: 'phone',
  TDD: 'phone',
  TTY: 'phone',
  MD: 'other',
  FX: 'fax',
  BP: 'pager',
  INTERNET: 'email',
  'X.400': 'email',
})

/** Table 0085, OBX-11 → Observation.status. */
export const observationStatus = pick({
  A: 'amended',
  B: 'amended',
  C: 'corrected',
  D: 'entered-in-error',
  F: 'final',
  I: 'registered',
  N: 'registered',
  O: 'registered',
  P: 'preliminary',
  R: 'preliminary',
  S: 'preliminary',
  U: 'final',
  V: 'final',
  W: 'entered-in-error',
  X: 'cancelled',
})

/** Table 0123, OBR-25 → DiagnosticReport.status. */
export const reportStatus = pick({
  A: 'partial',
  C: 'corrected',
  F: 'final',
  I: 'registered',
  M: 'amended',
  N: 'registered',
  O: 'registered',
  P: 'preliminary',
  R: 'preliminary',
  S: 'registered',
  X: 'cancelled',
  Y: 'unknown',
  Z: 'unknown',
})

/** Table 0038, ORC-5 → ServiceRequest.status; ORC-1 (table 0119) where that is silent. */
export const orderStatus = pick({
  A: 'active',
  CA: 'revoked',
  CM: 'completed',
  DC: 'revoked',
  ER: 'entered-in-error',
  HD: 'on-hold',
  IP: 'active',
  RP: 'revoked',
  SC: 'active',
})
export const orderControl = pick({
  NW: 'active',
  CA: 'revoked',
  OC: 'revoked',
  CR: 'revoked',
  DC: 'revoked',
  HD: 'on-hold',
  RE: 'completed',
  OK: 'active',
  SC: 'active',
  XO: 'active',
})

/** Table 0004, PV1-2 → Encounter.class (v3 ActCode). */
export const encounterClass = pick({ E: 'EMER', I: 'IMP', O: 'AMB', P: 'PRENC', R: 'AMB', B: 'IMP' })

/** What an ADT event says of the encounter's state. */
const EVENT_STATE: Map = {
  A01: 'in-progress',
  A02: 'in-progress',
  A03: 'finished',
  A04: 'in-progress',
  A05: 'planned',
  A06: 'in-progress',
  A07: 'in-progress',
  A09: 'in-progress',
  A10: 'in-progress',
  A11: 'cancelled',
  A12: 'in-progress',
  A13: 'in-progress',
  A14: 'planned',
  A15: 'in-progress',
  A16: 'in-progress',
  A21: 'onleave',
  A22: 'in-progress',
  A23: 'entered-in-error',
  A25: 'in-progress',
  A26: 'in-progress',
  A27: 'cancelled',
  A38: 'cancelled',
}
export const eventState = pick(EVENT_STATE)

/** Table 0127 → AllergyIntolerance.category; 0128 → criticality. */
export const allergyCategory = pick({
  DA: 'medication',
  FA: 'food',
  EA: 'environment',
  AA: 'environment',
  LA: 'environment',
  PA: 'environment',
})
export const allergyCriticality = pick({ SV: 'high', MO: 'low', MI: 'low', U: 'unable-to-assess' })

/** Table 0322, RXA-20 → Immunization.status. */
export const immunizationStatus = pick({ CP: 'completed', PA: 'completed', RE: 'not-done', NA: 'not-done' })

/** Table 0271, TXA-17 → DocumentReference.docStatus. */
export const documentState = pick({
  AU: 'final',
  LA: 'final',
  DI: 'preliminary',
  DO: 'preliminary',
  IN: 'preliminary',
  IP: 'preliminary',
  PA: 'preliminary',
  UN: 'preliminary',
})
/** Table 0273, TXA-19 → DocumentReference.status. */
export const documentAvailability = pick({ AV: 'current', UN: 'current', CA: 'entered-in-error', OB: 'superseded' })

/** Table 0278, SCH-25 → Appointment.status. */
export const appointmentStatus = pick({
  PENDING: 'pending',
  WAITLIST: 'waitlist',
  BOOKED: 'booked',
  STARTED: 'arrived',
  COMPLETE: 'fulfilled',
  CANCELLED: 'cancelled',
  DC: 'cancelled',
  DELETED: 'entered-in-error',
  BLOCKED: 'booked',
  OVERBOOK: 'booked',
  NOSHOW: 'noshow',
})

/** Diagnosis type, table 0052 → Condition.verificationStatus. */
export const diagnosisCertainty = pick({ A: 'provisional', W: 'provisional', F: 'confirmed' })

/** Table 0063 → v3 RoleCode, for NK1-3. */
export const relationship = pick({
  BRO: 'BRO',
  CGV: 'CAREGIVER',
  CHD: 'CHILD',
  DEP: 'DEPEN',
  DOM: 'DOMPART',
  EXF: 'EXT',
  FCH: 'CHLDFOST',
  FND: 'FRND',
  FTH: 'FTH',
  GCH: 'GRNDCHILD',
  GRD: 'GUARD',
  GRP: 'GRPRN',
  MTH: 'MTH',
  NCH: 'NCHILD',
  PAR: 'PRN',
  SCH: 'STPCHLD',
  SIB: 'SIB',
  SIS: 'SIS',
  SPO: 'SPS',
})

/** Problem life cycle (PRB-14, table 0512 as sites write it) → the two states of a Condition. */
export function problemStates(said: string | undefined, ended: boolean, removed: boolean): { clinical?: string; verification?: string } {
  if (removed) return { verification: 'entered-in-error' }
  const word = (said ?? '').toLowerCase()
  if (/resolved|closed|cured/.test(word)) return { clinical: 'resolved' }
  if (/inactive/.test(word)) return { clinical: 'inactive' }
  if (/remission/.test(word)) return { clinical: 'remission' }
  return { clinical: ended && !word ? 'resolved' : 'active' }
}

/** MIME type of an encapsulated value: ED-2 and ED-3, or ED-3 alone where it is one (table 0834). */
export function mimeOf(type: string | undefined, subtype: string | undefined): string | undefined {
  const sub = (subtype ?? '').toLowerCase().replace(/^x-hl7-/, '')
  if (/^[a-z]+\/[a-z0-9.+-]+$/.test(sub)) return sub
  const known: Map = {
    PDF: 'application/pdf',
    RTF: 'application/rtf',
    HTML: 'text/html',
    XML: 'application/xml',
    'CDA-LEVEL-ONE': 'application/cda+xml',
    'OCTET-STREAM': 'application/octet-stream',
    'HL7-CDA-LEVEL-ONE': 'application/cda+xml',
    JPEG: 'image/jpeg',
    PNG: 'image/png',
    TIFF: 'image/tiff',
    GIF: 'image/gif',
    DICOM: 'application/dicom',
    BASIC: 'audio/basic',
    PLAIN: 'text/plain',
    TEXT: 'text/plain',
  }
  const found = pick(known)(sub)
  if (found) return found
  const main = (type ?? '').toLowerCase()
  return /^(application|audio|image|text|video|multipart)$/.test(main) && /^[a-z0-9.+-]+$/.test(sub) ? `${main}/${sub}` : undefined
}
