/**
 * What a patient's own app asks a hospital for: the types of US Core (8.0, "Quick Start" of each profile and its CapabilityStatement), and
 * further ones of the patient compartment where a server lists them.
 */
export type Course = {
  readonly type: string
  /** Whether US Core asks servers for it; others are asked for only where a server lists them. */
  readonly core: boolean
  /**
   * Ways to ask, best first. All searches of one way together give the type; a server that refuses the first way (some want a category or
   * a status beside the patient) is asked in the next. Each is a list of parameters beside `patient`.
   */
  readonly ways: readonly (readonly string[])[]
}

const course = (type: string, ...narrower: readonly (readonly string[])[]): Course => ({ type, core: true, ways: [[''], ...narrower] })
const further = (type: string): Course => ({ type, core: false, ways: [['']] })
const by = (name: string, values: string): readonly string[] => values.split(' ').map(v => `${name}=${v}`)

export const COURSES: readonly Course[] = [
  course('AllergyIntolerance'),
  course('Condition', by('category', 'problem-list-item health-concern encounter-diagnosis')),
  course('MedicationRequest', ['intent=proposal,plan,order,original-order,reflex-order,filler-order,instance-order,option']),
  course('MedicationDispense'),
  course('Immunization'),
  course(
    'Observation',
    by(
      'category',
      'laboratory vital-signs social-history survey sdoh functional-status disability-status cognitive-status imaging procedure exam therapy activity',
    ),
  ),
  course('DiagnosticReport', by('category', 'LAB LP29684-5 LP29708-2 LP7839-6 RAD PAT')),
  course('Procedure'),
  course('Encounter'),
  course('DocumentReference', ['category=clinical-note']),
  course('CarePlan', ['category=assess-plan']),
  course('CareTeam', ['status=active', 'status=proposed', 'status=suspended', 'status=inactive']),
  course('Goal'),
  course('Coverage'),
  course('Device'),
  course('ServiceRequest'),
  course('Specimen'),
  course('QuestionnaireResponse'),
  course('RelatedPerson'),
  further('MedicationStatement'),
  further('MedicationAdministration'),
  further('FamilyMemberHistory'),
  further('ImagingStudy'),
  further('Media'),
  further('Composition'),
  further('ClinicalImpression'),
  further('RiskAssessment'),
  further('Flag'),
  further('EpisodeOfCare'),
  further('NutritionOrder'),
  further('Communication'),
  further('Consent'),
  further('Appointment'),
  further('ExplanationOfBenefit'),
  further('Claim'),
  further('List'),
]

/** Whom and what a patient's resources point to, and which are read by themselves, for a search by patient does not give them. */
export const POINTED_TO: readonly string[] = [
  'Practitioner',
  'PractitionerRole',
  'Organization',
  'Location',
  'Medication',
  'RelatedPerson',
  'Specimen',
]

/** Every type that a login asks leave to see. */
export const patientTypes = (has: (type: string) => boolean | null): string[] => {
  const asked = COURSES.filter(c => (c.core ? has(c.type) !== false : has(c.type) === true)).map(c => c.type)
  const beside = [...POINTED_TO, 'Provenance', 'Binary'].filter(t => has(t) !== false)
  return [...new Set(['Patient', ...asked, ...beside])]
}
