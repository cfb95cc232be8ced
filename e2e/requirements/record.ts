import type { Json } from '#e2e/gateway.kit'

/** A record with something of each profile of US Core 6.1.0, so that every search of its CapabilityStatement finds one thing. */

const LOINC = 'http://loinc.org'
const SNOMED = 'http://snomed.info/sct'
const TERMS = 'http://terminology.hl7.org/CodeSystem'
const coded = (system: string, code: string): Json => ({ coding: [{ system, code }] })
const DAY = '2026-03-01'
const at = `${DAY}T10:00:00Z`

/** Observation profiles: their category, code and unit; of those without a unit the value is further down. */
const OBSERVATIONS: Readonly<Record<string, readonly [category: string, code: string, unit: string | null]>> = {
  'head-occipital-frontal-circumference-percentile': ['vital-signs', '8289-1', '%'],
  'pediatric-bmi-for-age': ['vital-signs', '59576-9', '%'],
  'pediatric-weight-for-height': ['vital-signs', '77606-2', '%'],
  'us-core-blood-pressure': ['vital-signs', '85354-9', null],
  'us-core-bmi': ['vital-signs', '39156-5', 'kg/m2'],
  'us-core-body-height': ['vital-signs', '8302-2', 'cm'],
  'us-core-body-temperature': ['vital-signs', '8310-5', 'Cel'],
  'us-core-body-weight': ['vital-signs', '29463-7', 'kg'],
  'us-core-head-circumference': ['vital-signs', '9843-4', 'cm'],
  'us-core-heart-rate': ['vital-signs', '8867-4', '/min'],
  'us-core-observation-clinical-result': ['exam', '11502-2', '1'],
  'us-core-observation-lab': ['laboratory', '4548-4', '%'],
  'us-core-observation-occupation': ['social-history', '11341-5', null],
  'us-core-observation-pregnancyintent': ['social-history', '86645-9', null],
  'us-core-observation-pregnancystatus': ['social-history', '82810-3', null],
  'us-core-observation-screening-assessment': ['survey', '71802-3', '1'],
  'us-core-observation-sexual-orientation': ['social-history', '76690-7', null],
  'us-core-pulse-oximetry': ['vital-signs', '2708-6', '%'],
  'us-core-respiratory-rate': ['vital-signs', '9279-1', '/min'],
  'us-core-simple-observation': ['sdoh', '88122-7', '1'],
  'us-core-smokingstatus': ['social-history', '72166-2', null],
}

const quantity = (unit: string): Json => ({ value: 37, unit, system: 'http://unitsofmeasure.org', code: unit })
const pressure = (code: string): Json => ({ code: coded(LOINC, code), valueQuantity: quantity('mm[Hg]') })
/** What a profile asks beside, or in place of, a measured value. */
const ESPECIALLY: Readonly<Record<string, Json>> = {
  'us-core-blood-pressure': { component: [pressure('8480-6'), pressure('8462-4')] },
  'us-core-observation-occupation': {
    valueCodeableConcept: coded('urn:oid:2.16.840.1.114222.4.5.327', '29-1141.00.073129'),
  },
  'us-core-observation-pregnancyintent': { valueCodeableConcept: coded(SNOMED, '454381000124105') },
  'us-core-observation-pregnancystatus': { valueCodeableConcept: coded(SNOMED, '60001007') },
  'us-core-observation-sexual-orientation': { valueCodeableConcept: coded(SNOMED, '20430005') },
  'us-core-pulse-oximetry': { code: { coding: ['2708-6', '59408-5'].map(code => ({ system: LOINC, code })) } },
  'us-core-smokingstatus': { valueCodeableConcept: coded(SNOMED, '266919005') },
}

const address = [{ line: ['1 Fable Street'], city: 'Graz', state: 'ST', postalCode: '8010' }]
const npi = (value: string) => [{ system: 'http://hl7.org/fhir/sid/us-npi', value }]

const encounter = { reference: 'Encounter/us-core-encounter' }
const practitioner = { reference: 'Practitioner/us-core-practitioner' }
const organization = { reference: 'Organization/us-core-organization' }
type Subject = { readonly reference: string }
type Resources = Readonly<Record<string, Json>>

function care(subject: Subject): Resources {
  const condition = (category: string) => ({
    resourceType: 'Condition',
    clinicalStatus: coded(`${TERMS}/condition-clinical`, 'resolved'),
    category: [coded(`${TERMS}/condition-category`, category)],
    code: coded(SNOMED, category === 'encounter-diagnosis' ? '195967001' : '73211009'),
    subject,
    encounter,
    extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/condition-assertedDate', valueDateTime: DAY }],
    onsetDateTime: DAY,
    abatementDateTime: '2026-04-01',
    recordedDate: DAY,
  })
  return {
    'us-core-allergyintolerance': {
      resourceType: 'AllergyIntolerance',
      clinicalStatus: coded(`${TERMS}/allergyintolerance-clinical`, 'active'),
      code: coded(SNOMED, '91936005'),
      patient: subject,
    },
    'us-core-careplan': {
      resourceType: 'CarePlan',
      status: 'active',
      intent: 'plan',
      category: [coded('http://hl7.org/fhir/us/core/CodeSystem/careplan-category', 'assess-plan')],
      subject,
      period: { start: DAY, end: DAY },
    },
    'us-core-careteam': {
      resourceType: 'CareTeam',
      status: 'active',
      subject,
      participant: [{ role: [coded(SNOMED, '223366009')], member: practitioner }],
    },
    'us-core-condition-encounter-diagnosis': condition('encounter-diagnosis'),
    'us-core-condition-problems-health-concerns': condition('problem-list-item'),
    'us-core-goal': {
      resourceType: 'Goal',
      lifecycleStatus: 'active',
      description: { ...coded(SNOMED, '129006008'), text: 'Walk a mile' },
      subject,
      target: [{ dueDate: DAY }],
    },
    'us-core-encounter': {
      resourceType: 'Encounter',
      identifier: [{ system: 'urn:visit', value: '1' }],
      status: 'finished',
      class: { system: `${TERMS}/v3-ActCode`, code: 'AMB' },
      type: [coded(SNOMED, '185349003')],
      subject,
      period: { start: at, end: at },
      location: [{ location: { reference: 'Location/us-core-location' } }],
      hospitalization: { dischargeDisposition: coded(`${TERMS}/discharge-disposition`, 'home') },
    },
    'us-core-procedure': {
      resourceType: 'Procedure',
      status: 'completed',
      code: coded(SNOMED, '80146002'),
      subject,
      encounter,
      performedDateTime: at,
    },
    'us-core-servicerequest': {
      resourceType: 'ServiceRequest',
      status: 'active',
      intent: 'order',
      category: [coded(SNOMED, '386053000')],
      code: coded(LOINC, '24356-8'),
      subject,
      encounter,
      authoredOn: DAY,
    },
  }
}

function documents(subject: Subject): Resources {
  const report = (category: Json, code: string) => ({
    resourceType: 'DiagnosticReport',
    status: 'final',
    category: [category],
    code: coded(LOINC, code),
    subject,
    encounter,
    effectiveDateTime: at,
    issued: at,
  })
  return {
    'us-core-diagnosticreport-lab': report(coded(`${TERMS}/v2-0074`, 'LAB'), '58410-2'),
    'us-core-diagnosticreport-note': report(coded(LOINC, 'LP29684-5'), '18748-4'),
    'us-core-documentreference': {
      resourceType: 'DocumentReference',
      status: 'current',
      type: coded(LOINC, '18842-5'),
      category: [coded('http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category', 'clinical-note')],
      subject,
      date: at,
      content: [{ attachment: { contentType: 'text/plain', data: 'TmV1' } }],
      context: { encounter: [encounter], period: { start: DAY, end: DAY } },
    },
    'us-core-questionnaireresponse': {
      resourceType: 'QuestionnaireResponse',
      questionnaire: 'http://example.org/Questionnaire/q',
      status: 'completed',
      subject,
      authored: at,
    },
    'us-core-provenance': {
      resourceType: 'Provenance',
      target: [{ reference: 'Observation/us-core-heart-rate' }],
      recorded: at,
      agent: [
        {
          type: coded(`${TERMS}/provenance-participant-type`, 'author'),
          who: practitioner,
          onBehalfOf: organization,
        },
      ],
    },
    'us-core-specimen': { resourceType: 'Specimen', type: coded(SNOMED, '119364003'), subject },
  }
}

const remedies = (subject: Subject): Resources => ({
  'us-core-implantable-device': { resourceType: 'Device', status: 'active', type: coded(SNOMED, '2478003'), patient: subject },
  'us-core-immunization': {
    resourceType: 'Immunization',
    status: 'completed',
    vaccineCode: coded('http://hl7.org/fhir/sid/cvx', '140'),
    patient: subject,
    occurrenceDateTime: at,
  },
  'us-core-medication': { resourceType: 'Medication', code: coded('http://www.nlm.nih.gov/research/umls/rxnorm', '314076') },
  'us-core-medicationdispense': {
    resourceType: 'MedicationDispense',
    status: 'completed',
    type: coded(`${TERMS}/v3-ActCode`, 'FF'),
    medicationReference: { reference: 'Medication/us-core-medication' },
    subject,
    whenHandedOver: at,
  },
  'us-core-medicationrequest': {
    resourceType: 'MedicationRequest',
    status: 'active',
    intent: 'order',
    medicationReference: { reference: 'Medication/us-core-medication' },
    subject,
    encounter,
    authoredOn: DAY,
    requester: practitioner,
  },
})

const people = (subject: Subject): Resources => ({
  'us-core-coverage': {
    resourceType: 'Coverage',
    status: 'active',
    identifier: [{ type: coded(`${TERMS}/v2-0203`, 'MB'), system: 'urn:member', value: '1' }],
    beneficiary: subject,
    relationship: coded(`${TERMS}/subscriber-relationship`, 'self'),
    payor: [organization],
  },
  'us-core-location': { resourceType: 'Location', name: 'Ward Seven', address: address[0] },
  'us-core-organization': { resourceType: 'Organization', identifier: npi('1234567893'), active: true, name: 'Clinic of Fables', address },
  'us-core-patient': {
    resourceType: 'Patient',
    identifier: [{ system: 'urn:mrn', value: '4711' }],
    name: [{ family: 'Example', given: ['Ada'] }],
    gender: 'female',
    birthDate: '1980-02-03',
    deceasedDateTime: '2026-05-01',
  },
  'us-core-practitioner': { resourceType: 'Practitioner', identifier: npi('1245319599'), name: [{ family: 'Hopper', given: ['Grace'] }] },
  'us-core-practitionerrole': {
    resourceType: 'PractitionerRole',
    practitioner,
    organization,
    specialty: [coded('http://nucc.org/provider-taxonomy', '207R00000X')],
  },
  'us-core-relatedperson': { resourceType: 'RelatedPerson', active: true, patient: subject, name: [{ family: 'Kin' }] },
})

const measured = (subject: Subject): Resources =>
  Object.fromEntries(
    Object.entries(OBSERVATIONS).map(([profile, [category, code, unit]]) => [
      profile,
      {
        resourceType: 'Observation',
        status: 'final',
        category: [coded(`${TERMS}/observation-category`, category)],
        code: coded(LOINC, code),
        subject,
        encounter,
        effectiveDateTime: at,
        ...(unit ? { valueQuantity: quantity(unit) } : {}),
        ...ESPECIALLY[profile],
      },
    ]),
  )

/** By profile; `id` is the profile's name. The patient's own details have the patient's id. */
export function sampleRecord(patient: string): Record<string, Json> {
  const subject = { reference: `Patient/${patient}` }
  const all = { ...measured(subject), ...people(subject), ...care(subject), ...documents(subject), ...remedies(subject) }
  return Object.fromEntries(
    Object.entries(all).map(([profile, resource]) => [profile, { ...resource, id: profile === 'us-core-patient' ? patient : profile }]),
  )
}
