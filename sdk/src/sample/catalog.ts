/** What a made-up life contains: real codes, plausible numbers. */

export type Code = readonly [system: string, code: string, display: string]

export const LOINC = 'http://loinc.org'
export const SNOMED = 'http://snomed.info/sct'
export const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm'
export const CVX = 'http://hl7.org/fhir/sid/cvx'
export const ICD10 = 'http://hl7.org/fhir/sid/icd-10-cm'
export const UCUM = 'http://unitsofmeasure.org'

/** One measured quantity: LOINC, name, UCUM unit, reference range, and how it varies in a person. */
export type Analyte = {
  readonly code: string
  readonly name: string
  readonly unit: string
  readonly low: number
  readonly high: number
  readonly mean: number
  readonly deviation: number
  readonly digits: number
}
const analyte = (
  code: string,
  name: string,
  unit: string,
  range: readonly [number, number],
  typical: readonly [number, number],
  digits = 1,
): Analyte => ({
  code,
  name,
  unit,
  low: range[0],
  high: range[1],
  mean: typical[0],
  deviation: typical[1],
  digits,
})

export const VITALS: readonly Analyte[] = [
  analyte('8867-4', 'Heart rate', '/min', [60, 100], [72, 9], 0),
  analyte('9279-1', 'Respiratory rate', '/min', [12, 20], [15, 2], 0),
  analyte('8310-5', 'Body temperature', 'Cel', [36.1, 37.8], [36.8, 0.3]),
  analyte('29463-7', 'Body weight', 'kg', [45, 110], [76, 3]),
  analyte('8302-2', 'Body height', 'cm', [145, 200], [171, 0.4]),
  analyte('2708-6', 'Oxygen saturation in Arterial blood', '%', [94, 100], [97.5, 1], 0),
]

export type Panel = { readonly code: string; readonly name: string; readonly analytes: readonly Analyte[] }
export const PANELS: readonly Panel[] = [
  {
    code: '58410-2',
    name: 'CBC panel - Blood by Automated count',
    analytes: [
      analyte('6690-2', 'Leukocytes [#/volume] in Blood by Automated count', '10*3/uL', [4, 11], [7, 1.6]),
      analyte('789-8', 'Erythrocytes [#/volume] in Blood by Automated count', '10*6/uL', [4.2, 5.9], [4.8, 0.35], 2),
      analyte('718-7', 'Hemoglobin [Mass/volume] in Blood', 'g/dL', [12, 17.5], [14.2, 1.1]),
      analyte('4544-3', 'Hematocrit [Volume Fraction] of Blood by Automated count', '%', [36, 50], [42, 3]),
      analyte('777-3', 'Platelets [#/volume] in Blood by Automated count', '10*3/uL', [150, 400], [250, 50], 0),
    ],
  },
  {
    code: '51990-0',
    name: 'Basic metabolic panel - Blood',
    analytes: [
      analyte('2345-7', 'Glucose [Mass/volume] in Serum or Plasma', 'mg/dL', [70, 99], [98, 16], 0),
      analyte('2160-0', 'Creatinine [Mass/volume] in Serum or Plasma', 'mg/dL', [0.6, 1.3], [0.95, 0.2], 2),
      analyte('3094-0', 'Urea nitrogen [Mass/volume] in Serum or Plasma', 'mg/dL', [7, 20], [14, 4], 0),
      analyte('2951-2', 'Sodium [Moles/volume] in Serum or Plasma', 'mmol/L', [136, 145], [140, 2], 0),
      analyte('2823-3', 'Potassium [Moles/volume] in Serum or Plasma', 'mmol/L', [3.5, 5.1], [4.2, 0.3]),
    ],
  },
  {
    code: '57698-3',
    name: 'Lipid panel with direct LDL - Serum or Plasma',
    analytes: [
      analyte('2093-3', 'Cholesterol [Mass/volume] in Serum or Plasma', 'mg/dL', [0, 200], [195, 30], 0),
      analyte('2085-9', 'Cholesterol in HDL [Mass/volume] in Serum or Plasma', 'mg/dL', [40, 90], [54, 11], 0),
      analyte('18262-6', 'Cholesterol in LDL [Mass/volume] in Serum or Plasma by Direct assay', 'mg/dL', [0, 130], [118, 26], 0),
      analyte('2571-8', 'Triglyceride [Mass/volume] in Serum or Plasma', 'mg/dL', [0, 150], [130, 45], 0),
    ],
  },
  {
    code: '24323-8',
    name: 'Comprehensive metabolic 2000 panel - Serum or Plasma',
    analytes: [
      analyte('4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood', '%', [4, 5.6], [5.7, 0.6]),
      analyte('3016-3', 'Thyrotropin [Units/volume] in Serum or Plasma', 'm[IU]/L', [0.4, 4.5], [2.1, 0.9], 2),
      analyte('1742-6', 'Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma', 'U/L', [7, 56], [28, 12], 0),
    ],
  },
]

/** A complaint or disease: codes, what is prescribed for it, what is done. */
export type Disease = {
  readonly snomed: string
  readonly name: string
  readonly icd10: string
  readonly chronic: boolean
  readonly drug?: Code
  readonly procedure?: Code
  /** Which sensitive compartment it should end up in; only for tests and demos. */
  readonly sensitive?: 'mental-health' | 'sexual-health' | 'substance-use' | 'genomics'
}
const rx = (code: string, display: string): Code => [RXNORM, code, display]
const act = (code: string, display: string): Code => [SNOMED, code, display]

export const DISEASES: readonly Disease[] = [
  { snomed: '59621000', name: 'Essential hypertension', icd10: 'I10', chronic: true, drug: rx('314076', 'lisinopril 10 MG Oral Tablet') },
  {
    snomed: '44054006',
    name: 'Type 2 diabetes mellitus',
    icd10: 'E11.9',
    chronic: true,
    drug: rx('860975', 'metformin hydrochloride 500 MG Extended Release Oral Tablet'),
  },
  { snomed: '55822004', name: 'Hyperlipidemia', icd10: 'E78.5', chronic: true, drug: rx('617311', 'atorvastatin 40 MG Oral Tablet') },
  {
    snomed: '195967001',
    name: 'Asthma',
    icd10: 'J45.909',
    chronic: true,
    drug: rx('245314', 'albuterol 5 MG/ML Inhalation Solution'),
    procedure: act('23426006', 'Measurement of respiratory function'),
  },
  { snomed: '444814009', name: 'Viral sinusitis', icd10: 'J01.90', chronic: false },
  { snomed: '10509002', name: 'Acute bronchitis', icd10: 'J20.9', chronic: false, drug: rx('313782', 'acetaminophen 325 MG Oral Tablet') },
  {
    snomed: '43878008',
    name: 'Streptococcal sore throat',
    icd10: 'J02.0',
    chronic: false,
    drug: rx('834102', 'penicillin V potassium 500 MG Oral Tablet'),
    procedure: act('117015009', 'Throat culture'),
  },
  {
    snomed: '70704007',
    name: 'Sprain of wrist',
    icd10: 'S63.509A',
    chronic: false,
    drug: rx('310965', 'ibuprofen 200 MG Oral Tablet'),
    procedure: act('274474001', 'Bone immobilization'),
  },
  { snomed: '74400008', name: 'Appendicitis', icd10: 'K37', chronic: false, procedure: act('80146002', 'Appendectomy') },
  {
    snomed: '239873007',
    name: 'Osteoarthritis of knee',
    icd10: 'M17.9',
    chronic: true,
    drug: rx('849574', 'naproxen sodium 220 MG Oral Tablet'),
  },
  {
    snomed: '370143000',
    name: 'Major depressive disorder',
    icd10: 'F32.9',
    chronic: true,
    drug: rx('312940', 'sertraline 25 MG Oral Tablet'),
    procedure: act('75516001', 'Psychotherapy'),
    sensitive: 'mental-health',
  },
  {
    snomed: '21897009',
    name: 'Generalized anxiety disorder',
    icd10: 'F41.1',
    chronic: true,
    procedure: act('75516001', 'Psychotherapy'),
    sensitive: 'mental-health',
  },
  {
    snomed: '15167005',
    name: 'Alcohol abuse',
    icd10: 'F10.10',
    chronic: true,
    drug: rx('1483744', 'naltrexone hydrochloride 50 MG Oral Tablet'),
    procedure: act('24165007', 'Alcoholism counseling'),
    sensitive: 'substance-use',
  },
  {
    snomed: '240589008',
    name: 'Chlamydia trachomatis infection',
    icd10: 'A56.8',
    chronic: false,
    procedure: act('310861008', 'Chlamydia antigen test'),
    sensitive: 'sexual-health',
  },
  {
    snomed: '86406008',
    name: 'Human immunodeficiency virus infection',
    icd10: 'B20',
    chronic: true,
    drug: rx('1433873', 'dolutegravir 50 MG Oral Tablet'),
    sensitive: 'sexual-health',
  },
  {
    snomed: '307091009',
    name: 'Factor V Leiden mutation',
    icd10: 'D68.51',
    chronic: true,
    procedure: act('405824009', 'Genetic test'),
    sensitive: 'genomics',
  },
]

export const VACCINES: readonly (readonly [code: string, name: string, manufacturer: string])[] = [
  ['140', 'Influenza, seasonal, injectable, preservative free', 'Sampleton Biologics (fictional)'],
  ['113', 'Td (adult), 5 Lf tetanus toxoid, preservative free, adsorbed', 'Fable Vaccines (fictional)'],
  ['208', 'COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose', 'Sampleton Biologics (fictional)'],
  ['121', 'zoster live', 'Fable Vaccines (fictional)'],
  ['33', 'pneumococcal polysaccharide PPV23', 'Fable Vaccines (fictional)'],
]

export const ALLERGENS: readonly (readonly [code: string, name: string, category: 'food' | 'medication' | 'environment'])[] = [
  ['91935009', 'Allergy to peanuts', 'food'],
  ['91936005', 'Allergy to penicillin', 'medication'],
  ['300913006', 'Shellfish allergy', 'food'],
  ['232347008', 'Dander (animal) allergy', 'environment'],
]

export const IMAGING: readonly (readonly [modality: string, loinc: string, name: string, body: string])[] = [
  ['DX', '30745-4', 'Chest X-ray', 'CHEST'],
  ['CT', '24627-2', 'Chest CT', 'CHEST'],
  ['MR', '24590-2', 'Brain MRI', 'BRAIN'],
  ['US', '24558-9', 'Abdomen US', 'ABDOMEN'],
]
