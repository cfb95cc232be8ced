import { lettersOf, parseScope } from '@keepwell/sdk/health/smart/scope'
import { type Language, WORDS } from './words.ts'

type Both = readonly [en: string, de: string]

/** What people call the kinds of resource; others keep their FHIR name. */
const TYPES: Readonly<Record<string, Both>> = {
  AllergyIntolerance: ['Allergies', 'Allergien'],
  Appointment: ['Appointments', 'Termine'],
  AuditEvent: ['Who looked', 'Wer hineinsah'],
  CarePlan: ['Care plans', 'Behandlungspläne'],
  CareTeam: ['Care team', 'Behandlungsteam'],
  Claim: ['Claims', 'Abrechnungen'],
  Condition: ['Conditions and diagnoses', 'Erkrankungen und Diagnosen'],
  Consent: ['Consents', 'Einwilligungen'],
  Coverage: ['Insurance', 'Versicherung'],
  Device: ['Implants and devices', 'Implantate und Geräte'],
  DiagnosticReport: ['Reports of examinations', 'Befunde'],
  DocumentReference: ['Documents and letters', 'Dokumente und Briefe'],
  Encounter: ['Visits and stays', 'Besuche und Aufenthalte'],
  ExplanationOfBenefit: ['Insurance statements', 'Leistungsübersichten'],
  FamilyMemberHistory: ['Family history', 'Familiengeschichte'],
  Goal: ['Goals', 'Ziele'],
  ImagingStudy: ['Images', 'Bilder'],
  Immunization: ['Vaccinations', 'Impfungen'],
  Medication: ['Medicines', 'Arzneimittel'],
  MedicationAdministration: ['Medicines given', 'Verabreichte Arzneimittel'],
  MedicationDispense: ['Medicines handed out', 'Abgegebene Arzneimittel'],
  MedicationRequest: ['Prescriptions', 'Verordnungen'],
  MedicationStatement: ['Medicines taken', 'Eingenommene Arzneimittel'],
  Observation: ['Measurements and results', 'Messwerte und Ergebnisse'],
  Patient: ['Name, birthday, address', 'Name, Geburtstag, Adresse'],
  Practitioner: ['Doctors and staff', 'Ärzte und Personal'],
  Procedure: ['Operations and procedures', 'Operationen und Eingriffe'],
  Provenance: ['Where records come from', 'Herkunft der Einträge'],
  QuestionnaireResponse: ['Questionnaires', 'Fragebögen'],
  ServiceRequest: ['Orders and referrals', 'Aufträge und Überweisungen'],
  Specimen: ['Samples', 'Proben'],
}

const CATEGORIES: Readonly<Record<string, Both>> = {
  laboratory: ['laboratory', 'Labor'],
  'vital-signs': ['vital signs', 'Vitalwerte'],
  'social-history': ['way of life', 'Lebensweise'],
  survey: ['questionnaires', 'Fragebögen'],
  imaging: ['imaging', 'Bildgebung'],
  'problem-list-item': ['problem list', 'Problemliste'],
  'encounter-diagnosis': ['diagnoses of visits', 'Diagnosen von Besuchen'],
  'health-concern': ['concerns', 'Sorgen'],
}

/** One scope as a sentence for people: what, which of it, and what may be done with it. */
export function scopeWords(text: string, language: Language): { readonly what: string; readonly acts: string } | null {
  const scope = parseScope(text)
  if (!scope) return null
  const words = WORDS[language]
  const say = (both: Both | undefined): string | undefined => both?.[language === 'de' ? 1 : 0]
  const kind = scope.type === '*' ? words.everything : (say(TYPES[scope.type]) ?? scope.type)
  const limits = scope.query.map(([, value]) => {
    const code = value.slice(value.lastIndexOf('|') + 1)
    return say(Object.hasOwn(CATEGORIES, code) ? CATEGORIES[code] : undefined) ?? code
  })
  const acts = lettersOf(scope).map(letter => words.acts[letter])
  return { what: limits.length ? `${kind} (${words.only}: ${limits.join(', ')})` : kind, acts: acts.join(', ') }
}
