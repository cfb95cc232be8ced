/**
 * A made-up life as FHIR R4: one person, several providers, encounters from youth to today, and what each leaves behind.
 * The same seed and options give the same resources, byte for byte. References only point backwards, so any prefix stands alone.
 */
import { toBase64 } from './base64.ts'
import type { Analyte, Code, Disease, Panel } from './catalog.ts'
import { ALLERGENS, CVX, DISEASES, ICD10, IMAGING, LOINC, PANELS, SNOMED, UCUM, VACCINES, VITALS } from './catalog.ts'
import { address, clinicNames, person, specialties } from './people.ts'
import type { Prng } from './prng.ts'
import { prng } from './prng.ts'

export type Resource = { readonly resourceType: string; readonly id: string; readonly [key: string]: unknown }

export type SampleOptions = {
  /** How many resources, exactly; at least 1 (the Patient). */
  readonly resources: number
  /** The present, as Unix seconds. */
  readonly now: number
  /** How resources refer to each other: `Patient/id` (default), or `urn:uuid:id` as in a transaction Bundle. */
  readonly references?: 'relative' | 'urn'
  /** Size of the text of each clinical note, in bytes; 1,500 when absent. */
  readonly noteBytes?: number
}

type Reference = { readonly reference: string; readonly display?: string }
type Visit = {
  readonly at: number
  readonly encounter: Reference
  readonly doctor: Reference
  readonly clinic: Reference
  readonly number: number
}
type Life = {
  readonly random: Prng
  readonly options: SampleOptions
  readonly subject: Reference
  readonly doctors: readonly Reference[]
  readonly clinics: readonly Reference[]
  readonly diseases: readonly Disease[]
  /** Personal offset of each measure, in deviations, so that a person's values hang together. */
  readonly habit: ReadonlyMap<string, number>
}

const DAY = 86_400
const instant = (at: number): string => new Date(at * 1000).toISOString().replace('.000Z', '+00:00')
const day = (at: number): string => new Date(at * 1000).toISOString().slice(0, 10)

const concept = (system: string, code: string, display: string): Record<string, unknown> => ({
  coding: [{ system, code, display }],
  text: display,
})
const coded = ([system, code, display]: Code): Record<string, unknown> => concept(system, code, display)
const category = (code: string, display: string): unknown[] => [
  { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code, display }] },
]
const status = (system: string, code: string): Record<string, unknown> => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }],
})

const xmlText = (s: string): string => s.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const narrative = (words: string): Record<string, unknown> => ({
  status: 'generated',
  div: `<div xmlns="http://www.w3.org/1999/xhtml"><p>${xmlText(words)}</p></div>`,
})

function reference(life: Pick<Life, 'options'>, resource: Resource, display?: string): Reference {
  const target = life.options.references === 'urn' ? `urn:uuid:${resource.id}` : `${resource.resourceType}/${resource.id}`
  return display ? { reference: target, display } : { reference: target }
}

function make(life: Pick<Life, 'random'>, resourceType: string, words: string, body: Record<string, unknown>): Resource {
  return { resourceType, id: life.random.uuid(), text: narrative(words), ...body }
}

function patient(random: Prng, now: number): Resource {
  const who = person(random)
  return {
    resourceType: 'Patient',
    id: random.uuid(),
    text: narrative(`${who.given} ${who.family}, a made-up person`),
    identifier: [{ use: 'usual', system: 'urn:oid:2.999.1.1', value: `SAMPLE-${random.int(100_000, 999_999)}` }],
    active: true,
    name: [{ use: 'official', family: who.family, given: [who.given] }],
    telecom: [{ system: 'email', value: `${who.family.toLowerCase()}@sample.invalid` }],
    gender: who.gender,
    birthDate: day(now - random.int(25 * 365, 85 * 365) * DAY),
    address: [address(random)],
  }
}

function* household(random: Prng, options: SampleOptions): Generator<Resource, Life> {
  const life = { random, options }
  const who = patient(random, options.now)
  yield who
  const clinics: Reference[] = []
  const doctors: Reference[] = []
  for (const name of clinicNames) {
    const clinic = make(life, 'Organization', name, {
      active: true,
      name,
      identifier: [{ system: 'urn:oid:2.999.1.2', value: String(random.int(1000, 9999)) }],
    })
    clinics.push(reference(life, clinic, name))
    yield clinic
  }
  for (const [code, specialty] of specialties) {
    const { given, family, gender } = person(random)
    const name = `Dr. ${given} ${family}`
    const doctor = make(life, 'Practitioner', name, {
      active: true,
      name: [{ use: 'official', family, given: [given], prefix: ['Dr.'] }],
      gender,
      qualification: [{ code: concept(SNOMED, code, specialty) }],
    })
    doctors.push(reference(life, doctor, name))
    yield doctor
  }
  const habit = new Map([...VITALS, ...PANELS.flatMap(p => p.analytes)].map(a => [a.code, random.normal(0, 1)]))
  const order = random.int(0, DISEASES.length - 1)
  const diseases = DISEASES.map((_, i) => DISEASES[(i * 5 + order) % DISEASES.length]!)
  return { random, options, subject: reference(life, who), doctors, clinics, diseases, habit }
}

function observation(life: Life, visit: Visit, a: Analyte, kind: 'vital-signs' | 'laboratory'): Resource {
  const drift = (life.habit.get(a.code) ?? 0) * 0.8 + life.random.normal(0, 0.6)
  const value = Number(Math.max(0, a.mean + drift * a.deviation).toFixed(a.digits))
  const flag = value < a.low ? 'L' : value > a.high ? 'H' : 'N'
  const quantity = (v: number): Record<string, unknown> => ({ value: v, unit: a.unit, system: UCUM, code: a.unit })
  return make(life, 'Observation', `${a.name}: ${value} ${a.unit}`, {
    status: 'final',
    category: category(kind, kind === 'laboratory' ? 'Laboratory' : 'Vital Signs'),
    code: concept(LOINC, a.code, a.name),
    subject: life.subject,
    encounter: visit.encounter,
    effectiveDateTime: instant(visit.at),
    issued: instant(visit.at + 3600),
    performer: [kind === 'laboratory' ? visit.clinic : visit.doctor],
    valueQuantity: quantity(value),
    ...(kind === 'laboratory'
      ? {
          interpretation: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code: flag }] }],
          referenceRange: [{ low: quantity(a.low), high: quantity(a.high) }],
        }
      : {}),
  })
}

function bloodPressure(life: Life, visit: Visit): Resource {
  const systolic = Math.round(life.random.normal(126, 12))
  const diastolic = Math.round(systolic * 0.62)
  const part = (code: string, name: string, value: number): Record<string, unknown> => ({
    code: concept(LOINC, code, name),
    valueQuantity: { value, unit: 'mmHg', system: UCUM, code: 'mm[Hg]' },
  })
  return make(life, 'Observation', `Blood pressure ${systolic}/${diastolic} mmHg`, {
    status: 'final',
    category: category('vital-signs', 'Vital Signs'),
    code: concept(LOINC, '85354-9', 'Blood pressure panel with all children optional'),
    subject: life.subject,
    encounter: visit.encounter,
    effectiveDateTime: instant(visit.at),
    component: [part('8480-6', 'Systolic blood pressure', systolic), part('8462-4', 'Diastolic blood pressure', diastolic)],
  })
}

function* laboratory(life: Life, visit: Visit, panel: Panel): Generator<Resource> {
  const results: Reference[] = []
  for (const a of panel.analytes) {
    const result = observation(life, visit, a, 'laboratory')
    results.push(reference(life, result, a.name))
    yield result
  }
  yield make(life, 'DiagnosticReport', panel.name, {
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code: 'LAB', display: 'Laboratory' }] }],
    code: concept(LOINC, panel.code, panel.name),
    subject: life.subject,
    encounter: visit.encounter,
    effectiveDateTime: instant(visit.at),
    issued: instant(visit.at + 7200),
    performer: [visit.clinic],
    result: results,
  })
}

function* illness(life: Life, visit: Visit, disease: Disease): Generator<Resource> {
  const over = !disease.chronic && visit.at + 30 * DAY < life.options.now
  const condition = make(life, 'Condition', disease.name, {
    clinicalStatus: status('condition-clinical', over ? 'resolved' : 'active'),
    verificationStatus: status('condition-ver-status', 'confirmed'),
    category: [status('condition-category', 'encounter-diagnosis')],
    code: {
      coding: [
        { system: SNOMED, code: disease.snomed, display: disease.name },
        { system: ICD10, code: disease.icd10 },
      ],
      text: disease.name,
    },
    subject: life.subject,
    encounter: visit.encounter,
    onsetDateTime: instant(visit.at),
    ...(over ? { abatementDateTime: instant(visit.at + life.random.int(4, 29) * DAY) } : {}),
    recordedDate: instant(visit.at),
  })
  yield condition
  const reason = [reference(life, condition, disease.name)]
  if (disease.procedure)
    yield make(life, 'Procedure', disease.procedure[2], {
      status: 'completed',
      code: coded(disease.procedure),
      subject: life.subject,
      encounter: visit.encounter,
      performedPeriod: { start: instant(visit.at), end: instant(visit.at + 1800) },
      reasonReference: reason,
    })
  if (disease.drug) yield prescription(life, visit, disease.drug, reason)
  if (disease.chronic) yield carePlan(life, visit, disease, reason)
}

function prescription(life: Life, visit: Visit, drug: Code, reason: readonly Reference[]): Resource {
  return make(life, 'MedicationRequest', drug[2], {
    status: visit.at + 365 * DAY > life.options.now ? 'active' : 'completed',
    intent: 'order',
    medicationCodeableConcept: coded(drug),
    subject: life.subject,
    encounter: visit.encounter,
    authoredOn: instant(visit.at),
    requester: visit.doctor,
    reasonReference: reason,
    dosageInstruction: [
      {
        sequence: 1,
        text: 'One tablet once a day, with water',
        timing: { repeat: { frequency: 1, period: 1, periodUnit: 'd' } },
        doseAndRate: [{ doseQuantity: { value: 1, unit: 'tablet', system: UCUM, code: '{tbl}' } }],
      },
    ],
    dispenseRequest: {
      numberOfRepeatsAllowed: life.random.int(0, 5),
      quantity: { value: 30, unit: 'tablet', system: UCUM, code: '{tbl}' },
    },
  })
}

function carePlan(life: Life, visit: Visit, disease: Disease, reason: readonly Reference[]): Resource {
  return make(life, 'CarePlan', `Care plan: ${disease.name}`, {
    status: 'active',
    intent: 'plan',
    title: `Care plan: ${disease.name}`,
    category: [concept(SNOMED, '736353004', 'Inpatient care plan')],
    subject: life.subject,
    encounter: visit.encounter,
    period: { start: day(visit.at) },
    addresses: reason,
    activity: [{ detail: { status: 'in-progress', description: 'Regular check-up and self-measurement at home' } }],
  })
}

function immunization(life: Life, visit: Visit): Resource {
  const [code, name, manufacturer] = VACCINES[visit.number % VACCINES.length]!
  return make(life, 'Immunization', name, {
    status: 'completed',
    vaccineCode: concept(CVX, code, name),
    patient: life.subject,
    encounter: visit.encounter,
    occurrenceDateTime: instant(visit.at),
    primarySource: true,
    manufacturer: { display: manufacturer },
    lotNumber: `S${life.random.int(10_000, 99_999)}`,
    performer: [{ actor: visit.doctor }],
  })
}

function allergy(life: Life, visit: Visit, index: number): Resource {
  const [code, name, kind] = ALLERGENS[index % ALLERGENS.length]!
  return make(life, 'AllergyIntolerance', name, {
    clinicalStatus: status('allergyintolerance-clinical', 'active'),
    verificationStatus: status('allergyintolerance-verification', 'confirmed'),
    type: 'allergy',
    category: [kind],
    criticality: life.random.chance(0.3) ? 'high' : 'low',
    code: concept(SNOMED, code, name),
    patient: life.subject,
    recordedDate: instant(visit.at),
  })
}

/** An OID under the UUID arc (ITU-T X.667), as DICOM allows for UIDs. */
export const uid = (random: Prng): string => `2.25.${BigInt(`0x${random.uuid().replaceAll('-', '')}`)}`

function* imaging(life: Life, visit: Visit): Generator<Resource> {
  const [modality, code, name, body] = IMAGING[visit.number % IMAGING.length]!
  const dcm = { system: 'http://dicom.nema.org/resources/ontology/DCM', code: modality }
  const study = make(life, 'ImagingStudy', name, {
    status: 'available',
    identifier: [{ system: 'urn:dicom:uid', value: `urn:oid:${uid(life.random)}` }],
    modality: [dcm],
    subject: life.subject,
    encounter: visit.encounter,
    started: instant(visit.at),
    description: name,
    numberOfSeries: 1,
    numberOfInstances: 1,
    series: [
      {
        uid: uid(life.random),
        number: 1,
        modality: dcm,
        bodySite: { system: 'urn:dicom:body-part-examined', code: body },
        numberOfInstances: 1,
        instance: [
          { uid: uid(life.random), sopClass: { system: 'urn:ietf:rfc3986', code: 'urn:oid:1.2.840.10008.5.1.4.1.1.7' }, number: 1 },
        ],
      },
    ],
  })
  yield study
  yield make(life, 'DiagnosticReport', `Report: ${name}`, {
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code: 'RAD', display: 'Radiology' }] }],
    code: concept(LOINC, code, name),
    subject: life.subject,
    encounter: visit.encounter,
    effectiveDateTime: instant(visit.at),
    imagingStudy: [reference(life, study)],
    conclusion: 'No acute finding in this made-up picture.',
  })
}

const NOTE =
  'History taken and examination done as usual for a person who does not exist. Advice given, questions answered, follow-up arranged. '

/** A document of a LOINC type; the text says that nobody is meant. */
function document(life: Life, visit: Visit, code: string, name: string): Resource {
  const size = life.options.noteBytes ?? 1500
  const words = `Visit ${visit.number} on ${day(visit.at)}. ${NOTE.repeat(Math.ceil(size / NOTE.length))}`.slice(0, size)
  return make(life, 'DocumentReference', `${name}, ${day(visit.at)}`, {
    status: 'current',
    docStatus: 'final',
    type: concept(LOINC, code, name),
    category: [
      { coding: [{ system: 'http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category', code: 'clinical-note' }] },
    ],
    subject: life.subject,
    date: instant(visit.at + 1800),
    author: [visit.doctor],
    content: [
      {
        attachment: {
          contentType: 'text/plain',
          data: toBase64(words),
          title: `${name}, ${day(visit.at)}`,
          size: words.length,
          creation: day(visit.at),
        },
      },
    ],
    context: { encounter: [visit.encounter], period: { start: instant(visit.at), end: instant(visit.at + 1800) } },
  })
}

/** Answers and findings that belong in the guarded compartments. */
function guarded(life: Life, visit: Visit): Resource {
  const scored = (code: string, name: string, most: number): Resource =>
    make(life, 'Observation', name, {
      status: 'final',
      category: category('survey', 'Survey'),
      code: concept(LOINC, code, name),
      subject: life.subject,
      encounter: visit.encounter,
      effectiveDateTime: instant(visit.at),
      valueQuantity: { value: life.random.int(0, most), unit: '{score}', system: UCUM, code: '{score}' },
    })
  const found = (code: string, name: string, value: Code): Resource =>
    make(life, 'Observation', name, {
      status: 'final',
      category: category('laboratory', 'Laboratory'),
      code: concept(LOINC, code, name),
      subject: life.subject,
      encounter: visit.encounter,
      effectiveDateTime: instant(visit.at),
      valueCodeableConcept: coded(value),
    })
  const choices: readonly (() => Resource)[] = [
    () => scored('44261-6', 'Patient Health Questionnaire 9 item (PHQ-9) total score', 27),
    () => scored('75626-2', 'Total score [AUDIT-C]', 12),
    () => found('56888-1', 'HIV 1+2 Ab+HIV1 p24 Ag [Presence] in Serum or Plasma by Immunoassay', [SNOMED, '260385009', 'Negative']),
    () => found('69548-6', 'Genetic variant assessment', [LOINC, 'LA9633-4', 'Present']),
  ]
  return choices[((visit.number - 1) / 2) % choices.length]!()
}

function steps(life: Life, visit: Visit): Resource {
  const value = Math.round(life.random.normal(7800, 2500))
  const resource = make(life, 'Observation', `Steps in 24 hours: ${value}`, {
    status: 'final',
    category: category('activity', 'Activity'),
    code: concept(LOINC, '41950-7', 'Number of steps in 24 hour Measured'),
    subject: life.subject,
    effectivePeriod: { start: instant(visit.at - DAY), end: instant(visit.at) },
    valueQuantity: { value: Math.max(0, value), unit: 'steps', system: UCUM, code: '{steps}' },
    device: { display: 'Made-up wrist tracker' },
  })
  return resource
}

function* visit(life: Life, number: number, at: number): Generator<Resource> {
  const { random } = life
  const doctor = life.doctors[number % life.doctors.length]!
  const clinic = life.clinics[number % life.clinics.length]!
  const checkup = number % 3 === 0
  const encounter = make(life, 'Encounter', checkup ? 'Check-up' : 'Consultation', {
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB', display: 'ambulatory' },
    type: [
      checkup ? concept(SNOMED, '162673000', 'General examination of patient') : concept(SNOMED, '185345009', 'Encounter for symptom'),
    ],
    subject: life.subject,
    participant: [{ individual: doctor }],
    period: { start: instant(at), end: instant(at + 1800) },
    serviceProvider: clinic,
  })
  yield encounter
  const here: Visit = { at, encounter: reference(life, encounter), doctor, clinic, number }
  if (number < 3) yield allergy(life, here, number)
  yield bloodPressure(life, here)
  for (const a of VITALS) if (number === 0 || random.chance(0.6)) yield observation(life, here, a, 'vital-signs')
  if (number % 2 === 0) yield* laboratory(life, here, PANELS[(number / 2) % PANELS.length]!)
  if (number % 2 === 1) yield* illness(life, here, life.diseases[((number - 1) / 2) % life.diseases.length]!)
  if (checkup) yield immunization(life, here)
  if (number % 5 === 2) yield* imaging(life, here)
  if (number % 2 === 1) yield guarded(life, here)
  if (number % 6 === 4) yield steps(life, here)
  if (number === 1) yield document(life, here, '42348-3', 'Advance directive')
  yield document(life, here, '11506-3', 'Progress note')
}

/** On average this many resources come of one visit; it spreads the visits over the life. */
const PER_VISIT = 12

/**
 * The resources of one made-up patient, oldest first, the Patient at the front.
 * From 120 resources on, every guarded kind of content occurs.
 */
export function* samplePatient(seed: string, options: SampleOptions): Generator<Resource> {
  const random = prng(`keepwell-sample/${seed}`)
  let left = Math.max(1, options.resources)
  const people = household(random, options)
  let next = people.next()
  for (; !next.done; next = people.next()) {
    yield next.value
    if (--left === 0) return
  }
  const life = next.value
  const visits = Math.max(1, Math.ceil(left / PER_VISIT))
  const span = 22 * 365 * DAY
  for (let number = 0; left > 0; number++) {
    // Visits get rarer once the estimate was too low, but never lie in the future.
    const share = number < visits ? number / visits : 1 - 1 / (number + 2)
    const at = Math.floor(options.now - span + share * span - random.int(1, 3) * 3600)
    for (const resource of visit(life, number, at)) {
      yield resource
      if (--left === 0) return
    }
  }
}
