// For tests: a message of each family, by the numbers of its fields.

/** A segment by the numbers of its fields. */
export const segment = (name: string, fields: Readonly<Record<number, string>>): string =>
  [name, ...Array.from({ length: Math.max(...Object.keys(fields).map(Number)) }, (_, i) => fields[i + 1] ?? '')].join('|')

export const header = (type: string, zone = '+0100', id = '17'): string =>
  String.raw`MSH|^~\&|LAB^1.2.3^ISO|CLINIC|KW|KW|20260102030405${zone}||${type}|${id}|P|2.5.1`

export const PID = segment('PID', {
  1: '1',
  3: '4711^^^CLINIC&2.16.840.1.113883.19.5&ISO^MR~123456789^^^USA^SS',
  5: 'Ostrowska^Ada^Maria^^Dr^^L',
  7: '19800229',
  8: 'F',
  10: '2106-3^White^CDCREC',
  11: '1 Rose St^^Leeds^^LS1^GBR^H',
  13: '^PRN^PH^^44^113^5550100~^NET^Internet^ada@example.org',
  14: '^WPN^CP^^^^5550199',
  15: 'eng^English^ISO639',
  16: 'M',
})

export const ADMISSION = [
  header('ADT^A01^ADT_A01'),
  'EVN|A01|20260102030000+0100',
  PID,
  'NK1|1|Ostrowski^Jan|SPO^Spouse^HL70063||^PRN^PH^^^^5550111',
  segment('PV1', {
    2: 'I',
    3: 'W3^12^A^CLINIC',
    7: '77^House^Gregory^^^Dr^^^NPI&2.16.840.1.113883.4.6&ISO',
    19: 'V100^^^CLINIC',
    44: '20260102020000+0100',
  }),
  'AL1|1|DA|7980^Penicillin^RXNORM|SV|Hives~Wheeze',
  'DG1|1||I10^Hypertension^I10C||20251201|F',
  'PR1|1||47562^Cholecystectomy^CPT||20260102',
  segment('IN1', {
    2: 'GOLD',
    3: '123^^^NAIC',
    4: 'Good Insurance',
    8: 'GRP1',
    9: 'Group one',
    12: '20250101',
    13: '20261231',
    17: 'SEL',
    36: 'P-55',
  }),
]

export const RESULT = [
  header('ORU^R01^ORU_R01'),
  PID,
  'ORC|RE|P1^EHR|F1^LAB',
  segment('OBR', {
    2: 'P1^EHR',
    3: 'F1^LAB',
    4: '24323-8^CMP^LN',
    7: '20260101080000+0100',
    22: '20260101120000+0100',
    24: 'LAB',
    25: 'F',
  }),
  'NTE|1||Fasting',
  'OBX|1|NM|2345-7^Glucose^LN||5.40|mmol/L^^UCUM|3.9-5.6|N|||F|||20260101080500+0100',
  'NTE|1||Repeated',
  'OBX|2|SN|1988-5^CRP^LN||<^5|mg/L^^UCUM|<5||||F',
  'OBX|3|SN|X1^Titre^L||^1^:^128|||||F',
  'OBX|3|SN|X2^Range^L||^3^-^5|mm^^UCUM||||F',
  'OBX|4|CWE|600-7^Culture^LN||3092008^S. aureus^SCT||||||P',
  String.raw`OBX|5|TX|22634-0^Report^LN||line one\.br\two \T\ three~line three||||||C`,
  'OBX|6|DT|8665-2^LMP^LN||20251230||||||F',
  'OBX|7|TM|X7^Time^L||0830||||||F',
  'OBX|8|NM|X8^Bad number^L||many||||||F',
  'OBX|9|NM|X9^Pending^L||||||||I',
  'OBX|10|ED|PDF^Report^L||^application^pdf^Base64^JVBERi0xLjQK||||||F',
  segment('SPM', { 1: '1', 2: 'S1&EHR^S2&LAB', 4: 'SER^Serum^HL70487', 17: '20260101075500+0100', 18: '20260101090000+0100' }),
]

export const VACCINATION = [
  header('VXU^V04^VXU_V04'),
  PID,
  'ORC|RE||I1^REG|||||||||7^Ord^Erin',
  segment('RXA', {
    3: '20260102',
    5: '207^COVID-19^CVX',
    6: '0.3',
    7: 'mL^^UCUM',
    9: '00^New^NIP001',
    10: '9^Adm^Ann',
    15: 'LOT9',
    16: '20270101',
    17: 'PFR^Pfizer^MVX',
    20: 'CP',
  }),
  'RXR|IM^Intramuscular^HL70162|LA^Left arm^HL70163',
  'OBX|1|CE|64994-7^Eligibility^LN|1|V01^Not eligible^HL70064||||||F',
  'OBX|2|CE|69764-9^Document^LN|2|VIS1^COVID VIS^cdcgs1vis||||||F',
  'OBX|3|DT|29769-7^Presented^LN|2|20260102||||||F',
  'ORC|RE||I2^REG',
  segment('RXA', { 3: '20260102', 5: '88^influenza^CVX', 6: '999', 18: '00^Parent refused^NIP002', 20: 'RE' }),
]

export const letter = (event: string): string[] => [
  header(`MDM^${event}`),
  PID,
  segment('TXA', {
    2: 'DS^Discharge summary^HL70270',
    3: 'TX',
    4: '20260102',
    7: '20260102100000+0100',
    9: '7^Au^Thor',
    12: 'DOC1^SYS',
    13: 'DOC0^SYS',
    17: 'AU',
    19: 'AV',
  }),
  'OBX|1|TX|1||Dear colleague||||||F',
  'OBX|2|TX|1||she is well||||||F',
  'OBX|3|ED|2||^application^pdf^Base64^JVBERi0xLjQK||||||F',
]

export const ORDER = [
  header('ORM^O01'),
  PID,
  'ORC|NW|P1^EHR||||||||||7^Who^Asks',
  'OBR|1|P1^EHR||24323-8^CMP^LN|S',
  'DG1|1||I10^Hypertension^I10C',
]

export const VISIT = [
  header('SIU^S12'),
  'SCH|A1^EHR|A2^EHR|||||ROUTINE|Normal|30|min|^^30^20260203090000+0100',
  PID,
  'AIP|1||7^Who^Cares|||20260203090000+0100',
]
