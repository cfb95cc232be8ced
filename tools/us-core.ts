/**
 * What US Core 6.1.0 (HL7; the release that ONC's certification names) asks beyond R4, written down from its pages: HL7 publishes it on no
 * registry that `gen-profiles.ts` could take it from. A line is an element, its cardinality where that is narrower, and what else is asked of it.
 */
const CORE = 'http://hl7.org/fhir/us/core/StructureDefinition/'
const SETS = 'http://hl7.org/fhir/us/core/ValueSet/'
const R4 = 'http://hl7.org/fhir/StructureDefinition/'
const VERSION = '6.1.0'

const SYSTEMS: Readonly<Record<string, string>> = {
  loinc: 'http://loinc.org',
  obs: 'http://terminology.hl7.org/CodeSystem/observation-category',
  condition: 'http://terminology.hl7.org/CodeSystem/condition-category',
  careplan: 'http://hl7.org/fhir/us/core/CodeSystem/careplan-category',
  v2: 'http://terminology.hl7.org/CodeSystem/v2-0074',
  v2id: 'http://terminology.hl7.org/CodeSystem/v2-0203',
  coverage: 'http://terminology.hl7.org/CodeSystem/coverage-class',
  agent: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type',
  usAgent: 'http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type',
}

const SAYS = '(component.empty() and hasMember.empty()) implies (dataAbsentReason.exists() or value.exists())'
const DONE = ['partial', 'preliminary', 'final', 'amended', 'corrected', 'appended'].map(s => `status='${s}'`).join(' or ')
const ORDERS = ['order', 'original-order', 'reflex-order', 'filler-order', 'instance-order'].map(i => `intent='${i}'`).join(' or ')

/** Keys are US Core's own; the sentences say what the expression says. */
const INVARIANTS: Readonly<Record<string, readonly [human: string, expression: string]>> = {
  'us-core-1': ['A time is given at least to the day', '$this is DateTime implies $this.toString().length() >= 10'],
  'us-core-2': ['There is a value, or a reason why not, where there are no components and members', SAYS],
  'us-core-3': [
    'The units of quantities are UCUM',
    "value.ofType(Quantity).system.empty() or value.ofType(Quantity).system = 'http://unitsofmeasure.org'",
  ],
  'us-core-6': ['There is an address or there are data', 'url.exists() or data.exists()'],
  'us-core-7': ['What is done or going on has a time', "(status='completed' or status='in-progress') implies performed.exists()"],
  'us-core-8': ['What is reported has a time', `(${DONE}) implies effective.exists()`],
  'us-core-13': [
    'There is a practitioner, organization, service or location',
    'practitioner or organization or healthcareService or location',
  ],
  'us-core-14': ['There is a name or a relationship', 'name.exists() or relationship.exists()'],
  'us-core-15': [
    'There is a member id',
    "identifier.type.coding.where(system='http://terminology.hl7.org/CodeSystem/v2-0203' and code='MB').exists() or subscriberId.exists()",
  ],
  'us-core-16': ['An NPI has 10 digits', "value.matches('^[0-9]{10}$')"],
  'us-core-18': ['A CLIA number has 10 characters with a D in third position', "value.matches('^[0-9]{2}D[0-9]{7}$')"],
  'us-core-19': ['A NAIC number has 5 digits', "value.matches('^[0-9]{5}$')"],
  'us-core-20': ['What was handed over has a time', "status='completed' implies whenHandedOver.exists()"],
  'us-core-21': ['An order has a requester', `(${ORDERS}) implies requester.exists()`],
  'us-core-name': [
    'A name has a family or a given name, or says why not',
    "(family.exists() or given.exists()) xor extension.where(url='http://hl7.org/fhir/StructureDefinition/data-absent-reason').exists()",
  ],
  'pd-1': ['There is contact information or an endpoint', 'telecom or endpoint'],
  'vs-1': ['A time is given at least to the day', '($this as dateTime).toString().length() >= 8'],
  'vs-2': ['There is a value, or a reason why not, where there are no components and members', SAYS],
  'vs-3': ['A component has a value, or a reason why not', 'value.exists() or dataAbsentReason.exists()'],
}

const UCUM = 'fixedUri=http://unitsofmeasure.org'

const quantity = (at: string, unit: string): string[] => [
  `${at}.value 1..`,
  `${at}.unit 1..`,
  `${at}.system 1.. ${UCUM}`,
  `${at}.code 1.. ${unit.startsWith('http') ? `set=${unit}` : `fixedCode=${unit}`}`,
]
const SIGN = [
  ' invariant=vs-2',
  'category 1.. by=value:coding.code,value:coding.system',
  'category:VSCat 1..1',
  'category:VSCat.coding 1..',
  `category:VSCat.coding.system 1.. fixedUri=${SYSTEMS.obs}`,
  'category:VSCat.coding.code 1.. fixedCode=vital-signs',
  'subject 1.. to=us-core-patient',
  'effective[x] 1.. type=dateTime,Period invariant=vs-1',
  'component invariant=vs-3',
]
const sign = (loinc: string, unit: string): string[] => [
  ...SIGN,
  `code coding=loinc|${loinc}`,
  'value[x] by=type:$this',
  'value[x]:valueQuantity ..1 type=Quantity',
  ...quantity('value[x]:valueQuantity', unit),
]
const LENGTH = 'http://hl7.org/fhir/ValueSet/ucum-bodylength'
const result = (...more: string[]): string[] => [
  ' invariant=us-core-2',
  'category 1.. by=pattern:$this',
  ...more,
  'subject 1.. to=us-core-patient',
  'effective[x] invariant=us-core-1',
]
const social = (loinc: string): string[] => [
  'category by=pattern:$this',
  'category:SocialHistory ..1 coding=obs|social-history',
  `code coding=loinc|${loinc}`,
  'subject 1.. to=us-core-patient',
  'value[x] 1.. type=CodeableConcept',
]
const pressure = (name: string, loinc: string): string[] => [
  `component:${name} 1..1`,
  `component:${name}.code coding=loinc|${loinc}`,
  `component:${name}.value[x] type=Quantity`,
  ...quantity(`component:${name}.value[x]`, 'mm[Hg]'),
]
const flow = (name: string, loinc: string, unit: string): string[] => [
  `component:${name} ..1`,
  `component:${name}.code coding=loinc|${loinc}`,
  `component:${name}.value[x] type=Quantity`,
  ...quantity(`component:${name}.value[x]`, unit),
]
/** An extension that is made of others: their names, cardinalities, types and value sets. */
const parts = (...list: readonly (readonly [name: string, cardinality: string, type: string, set?: string])[]): string[] => [
  'extension 1.. by=value:url',
  'value[x] ..0',
  ...list.flatMap(([name, cardinality, type, set]) => [
    `extension:${name} ${cardinality}`,
    `extension:${name}.url fixedUri=${name}`,
    `extension:${name}.value[x] 1.. type=${type}${set ? ` set=${set}` : ''}`,
  ]),
]

const REPORTERS = 'us-core-practitioner,us-core-organization,us-core-careteam,us-core-practitionerrole'

const PROFILES: Readonly<Record<string, readonly [type: string, ...lines: string[]]>> = {
  'us-core-allergyintolerance': ['AllergyIntolerance', 'code 1..', 'patient to=us-core-patient'],
  'us-core-birthsex': ['Extension', 'value[x] 1.. type=code set=birthsex'],
  'us-core-blood-pressure': [
    'Observation',
    ...SIGN,
    'code coding=loinc|85354-9',
    'component 2.. by=pattern:code invariant=vs-3',
    ...pressure('systolic', '8480-6'),
    ...pressure('diastolic', '8462-4'),
  ],
  'us-core-bmi': ['Observation', ...sign('39156-5', 'kg/m2')],
  'us-core-body-height': ['Observation', ...sign('8302-2', LENGTH)],
  'us-core-body-temperature': ['Observation', ...sign('8310-5', 'http://hl7.org/fhir/ValueSet/ucum-bodytemp')],
  'us-core-body-weight': ['Observation', ...sign('29463-7', 'http://hl7.org/fhir/ValueSet/ucum-bodyweight')],
  'us-core-careplan': [
    'CarePlan',
    'text.status set=us-core-narrative-status',
    'category 1.. by=pattern:$this',
    'category:AssessPlan 1..1 coding=careplan|assess-plan',
    'subject to=us-core-patient',
  ],
  'us-core-careteam': ['CareTeam', 'subject 1.. to=us-core-patient', 'participant 1..', 'participant.role 1..1', 'participant.member 1..'],
  'us-core-condition-encounter-diagnosis': [
    'Condition',
    'category 1.. by=pattern:$this',
    'category:us-core 1..1 coding=condition|encounter-diagnosis',
    'code 1..',
    'subject to=us-core-patient',
  ],
  'us-core-condition-problems-health-concerns': [
    'Condition',
    'category 1.. by=pattern:$this',
    'category:us-core 1.. set=us-core-problem-or-health-concern',
    'code 1..',
    'subject to=us-core-patient',
  ],
  'us-core-coverage': [
    'Coverage',
    ' invariant=us-core-15',
    'identifier by=pattern:type',
    'identifier:memberid ..1',
    'identifier:memberid.type 1.. coding=v2id|MB',
    'beneficiary to=us-core-patient',
    'relationship 1..',
    'payor ..1',
    'class by=pattern:type',
    'class:group ..1',
    'class:group.type coding=coverage|group',
    'class:plan ..1',
    'class:plan.type coding=coverage|plan',
  ],
  'us-core-diagnosticreport-lab': [
    'DiagnosticReport',
    ' invariant=us-core-8',
    'category 1.. by=pattern:$this',
    'category:LaboratorySlice 1..1 coding=v2|LAB',
    'subject 1.. to=us-core-patient',
    `performer to=${REPORTERS}`,
  ],
  'us-core-diagnosticreport-note': [
    'DiagnosticReport',
    ' invariant=us-core-8',
    'category 1..',
    'subject 1.. to=us-core-patient',
    `performer to=${REPORTERS}`,
  ],
  'us-core-direct': ['Extension', 'value[x] 1.. type=boolean'],
  'us-core-documentreference': [
    'DocumentReference',
    'type 1..',
    'category 1..',
    'subject 1.. to=us-core-patient',
    'content.attachment invariant=us-core-6',
    'context.encounter ..1',
  ],
  'us-core-encounter': ['Encounter', 'identifier.system 1..', 'identifier.value 1..', 'type 1..', 'subject 1.. to=us-core-patient'],
  'us-core-ethnicity': [
    'Extension',
    ...parts(['ombCategory', '..1', 'Coding', 'omb-ethnicity-category'], ['detailed', '', 'Coding'], ['text', '1..1', 'string']),
  ],
  'us-core-genderIdentity': ['Extension', 'value[x] type=CodeableConcept'],
  'us-core-goal': ['Goal', 'subject to=us-core-patient'],
  'us-core-head-circumference': ['Observation', ...sign('9843-4', LENGTH)],
  'head-occipital-frontal-circumference-percentile': ['Observation', ...sign('8289-1', '%')],
  'us-core-heart-rate': ['Observation', ...sign('8867-4', '/min')],
  'us-core-immunization': ['Immunization', 'patient to=us-core-patient'],
  'us-core-implantable-device': [
    'Device',
    'udiCarrier ..1',
    'udiCarrier.deviceIdentifier 1..',
    'type 1..',
    'patient 1.. to=us-core-patient',
  ],
  'us-core-location': ['Location', 'name 1..', 'managingOrganization to=us-core-organization'],
  'us-core-medication': ['Medication', 'code 1..'],
  'us-core-medicationdispense': ['MedicationDispense', ' invariant=us-core-20', 'subject 1.. to=us-core-patient'],
  'us-core-medicationrequest': ['MedicationRequest', ' invariant=us-core-21', 'subject to=us-core-patient'],
  'us-core-observation-clinical-result': ['Observation', ...result(), 'value[x] invariant=us-core-3'],
  'us-core-observation-lab': ['Observation', ...result('category:us-core 1..1 coding=obs|laboratory'), 'value[x] invariant=us-core-3'],
  'us-core-observation-occupation': [
    'Observation',
    ...social('11341-5'),
    'component by=pattern:code',
    'component:industry ..1',
    'component:industry.code coding=loinc|86188-0',
    'component:industry.value[x] 1.. type=CodeableConcept',
  ],
  'us-core-observation-pregnancyintent': ['Observation', ...social('86645-9'), 'effective[x] 1.. type=dateTime'],
  'us-core-observation-pregnancystatus': ['Observation', ...social('82810-3'), 'effective[x] 1.. type=dateTime'],
  'us-core-observation-screening-assessment': ['Observation', ...result('category:survey 1..1 coding=obs|survey')],
  'us-core-observation-sexual-orientation': [
    'Observation',
    ' invariant=us-core-2',
    'code coding=loinc|76690-7',
    'subject 1.. to=us-core-patient',
  ],
  'us-core-organization': [
    'Organization',
    'identifier by=pattern:$this',
    'identifier:NPI patternIdentifier={"system":"http://hl7.org/fhir/sid/us-npi"} invariant=us-core-16',
    'identifier:CLIA patternIdentifier={"system":"urn:oid:2.16.840.1.113883.4.7"} invariant=us-core-18',
    'identifier:NAIC patternIdentifier={"system":"urn:oid:2.16.840.1.113883.6.300"} invariant=us-core-19',
    'active 1..',
    'name 1..',
    'address.line ..4',
  ],
  'us-core-patient': [
    'Patient',
    'extension by=value:url',
    'extension:race ..1 profile=us-core-race',
    'extension:ethnicity ..1 profile=us-core-ethnicity',
    'extension:tribalAffiliation profile=us-core-tribal-affiliation',
    'extension:birthsex ..1 profile=us-core-birthsex',
    'extension:sex ..1 profile=us-core-sex',
    'extension:genderIdentity profile=us-core-genderIdentity',
    'identifier 1..',
    'identifier.system 1..',
    'identifier.value 1..',
    'name 1.. invariant=us-core-name',
    'telecom.system 1..',
    'telecom.value 1..',
    'gender 1..',
  ],
  'pediatric-bmi-for-age': ['Observation', ...sign('59576-9', '%')],
  'pediatric-weight-for-height': ['Observation', ...sign('77606-2', '%')],
  'us-core-practitioner': [
    'Practitioner',
    'identifier 1.. by=pattern:$this',
    'identifier.system 1..',
    'identifier.value 1..',
    'identifier:NPI patternIdentifier={"system":"http://hl7.org/fhir/sid/us-npi"} invariant=us-core-16',
    'name 1..',
    'name.family 1..',
    'address.line ..4',
  ],
  'us-core-practitionerrole': [
    'PractitionerRole',
    ' invariant=pd-1,us-core-13',
    'practitioner to=us-core-practitioner',
    'organization to=us-core-organization',
    'telecom.system 1..',
    'telecom.value 1..',
  ],
  'us-core-procedure': ['Procedure', ' invariant=us-core-7', 'code 1..', 'subject to=us-core-patient'],
  'us-core-provenance': [
    'Provenance',
    'target 1..',
    'agent by=pattern:type',
    'agent:ProvenanceAuthor',
    'agent:ProvenanceAuthor.type 1.. coding=agent|author',
    'agent:ProvenanceTransmitter',
    'agent:ProvenanceTransmitter.type 1.. coding=usAgent|transmitter',
    'agent.onBehalfOf to=us-core-organization',
  ],
  'us-core-pulse-oximetry': [
    'Observation',
    ...SIGN,
    'code.coding 2.. by=pattern:$this',
    'code.coding:PulseOx 1..1 patternCoding={"system":"http://loinc.org","code":"59408-5"}',
    'code.coding:O2Sat 1..1 patternCoding={"system":"http://loinc.org","code":"2708-6"}',
    'value[x] by=type:$this',
    'value[x]:valueQuantity ..1 type=Quantity',
    ...quantity('value[x]:valueQuantity', '%'),
    'component by=pattern:code invariant=vs-3',
    ...flow('FlowRate', '3151-8', 'L/min'),
    ...flow('Concentration', '3150-0', '%'),
  ],
  'us-core-questionnaireresponse': ['QuestionnaireResponse', 'questionnaire 1..', 'subject 1.. to=us-core-patient', 'authored 1..'],
  'us-core-race': [
    'Extension',
    ...parts(['ombCategory', '..5', 'Coding', 'omb-race-category'], ['detailed', '', 'Coding'], ['text', '1..1', 'string']),
  ],
  'us-core-relatedperson': ['RelatedPerson', ' invariant=us-core-14', 'active 1..', 'patient to=us-core-patient'],
  'us-core-respiratory-rate': ['Observation', ...sign('9279-1', '/min')],
  'us-core-servicerequest': ['ServiceRequest', 'code 1..', 'subject to=us-core-patient'],
  'us-core-sex': ['Extension', 'value[x] 1.. type=code'],
  'us-core-simple-observation': ['Observation', 'category 1..', 'subject 1.. to=us-core-patient'],
  'us-core-smokingstatus': [
    'Observation',
    'status set=us-core-observation-smoking-status-status',
    'category 1.. by=pattern:$this',
    'category:SocialHistory 1..1 coding=obs|social-history',
    'subject 1.. to=us-core-patient',
    'effective[x] 1.. type=dateTime',
    'value[x] 1.. invariant=us-core-3',
  ],
  'us-core-specimen': ['Specimen', 'type 1..', 'subject to=us-core-patient'],
  'us-core-tribal-affiliation': ['Extension', ...parts(['tribalAffiliation', '1..1', 'CodeableConcept'], ['isEnrolled', '..1', 'boolean'])],
  'us-core-vital-signs': ['Observation', ...SIGN],
}

const RACES = 'urn:oid:2.16.840.1.113883.6.238'
const NULLS = 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor'
const VALUE_SETS: Readonly<Record<string, readonly (readonly [system: string, codes: string])[]>> = {
  'omb-race-category': [
    [RACES, '1002-5 2028-9 2054-5 2076-8 2106-3'],
    [NULLS, 'UNK ASKU'],
  ],
  'omb-ethnicity-category': [
    [RACES, '2135-2 2186-5'],
    [NULLS, 'UNK ASKU'],
  ],
  birthsex: [
    ['http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender', 'F M'],
    [NULLS, 'UNK ASKU OTH'],
  ],
  'us-core-narrative-status': [['http://hl7.org/fhir/narrative-status', 'additional generated']],
  'us-core-observation-smoking-status-status': [['http://hl7.org/fhir/observation-status', 'final entered-in-error']],
  'us-core-problem-or-health-concern': [
    [SYSTEMS.condition!, 'problem-list-item'],
    ['http://hl7.org/fhir/us/core/CodeSystem/condition-category', 'health-concern'],
  ],
}

type Json = Record<string, unknown>

function typed(key: string, value: string): Json {
  const urls = (list: string): string[] => list.split(',').map(v => (v.startsWith('us-core') ? CORE : R4) + v)
  switch (key) {
    case 'type':
      return { type: value.split(',').map(code => ({ code })) }
    case 'to':
      return { type: [{ code: 'Reference', targetProfile: urls(value) }] }
    case 'profile':
      return { type: [{ code: 'Extension', profile: urls(value) }] }
    case 'set':
      return { binding: { strength: 'required', valueSet: value.startsWith('http') ? value : SETS + value } }
    case 'coding': {
      const [system, code] = value.split('|')
      return { patternCodeableConcept: { coding: [{ system: SYSTEMS[system!], code }] } }
    }
    case 'by':
      return { slicing: { rules: 'open', discriminator: value.split(',').map(d => ({ type: d.split(':')[0], path: d.split(':')[1] })) } }
    case 'invariant':
      return {
        constraint: value.split(',').map(k => {
          const [human, expression] = INVARIANTS[k]!
          return { key: k, severity: 'error', human, expression, source: `${CORE}us-core` }
        }),
      }
    default:
      return { [key]: value.startsWith('{') ? JSON.parse(value) : value }
  }
}

function element(type: string, line: string): Json {
  const [id = '', ...rest] = line.split(' ')
  const path = id ? `${type}.${id}` : type
  const out: Json = { id: path, path: path.replace(/:\w+/g, '') }
  for (const word of rest.filter(Boolean)) {
    const range = /^(\d*)\.\.(\d*)$/.exec(word)
    if (range) Object.assign(out, range[1] ? { min: Number(range[1]) } : {}, range[2] ? { max: range[2] } : {})
    else Object.assign(out, typed(word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)))
  }
  return out
}

const title = (id: string): string =>
  id.startsWith('us-core') ? `US Core ${id.slice('us-core-'.length).replaceAll('-', ' ')}` : `US Core ${id.replaceAll('-', ' ')}`

/** As definitions, for the compiler. */
export const usCore = (): unknown[] => [
  ...Object.entries(PROFILES).map(([id, [type, ...lines]]) => ({
    resourceType: 'StructureDefinition',
    derivation: 'constraint',
    url: CORE + id,
    version: VERSION,
    title: title(id),
    type,
    snapshot: { element: [{ id: type, path: type }, ...lines.map(line => element(type, line))] },
  })),
  ...Object.entries(VALUE_SETS).map(([id, include]) => ({
    resourceType: 'ValueSet',
    url: SETS + id,
    compose: { include: include.map(([system, codes]) => ({ system, concept: codes.split(' ').map(code => ({ code })) })) },
  })),
]
