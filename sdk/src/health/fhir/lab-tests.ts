/** Tests that practices order most, to be typed in: LOINC (© Regenstrief Institute) and the UCUM units that laboratories report. */
export type LabTest = {
  readonly name: string
  /** What people call it, for the record's own text. */
  readonly label: string
  readonly loinc: string
  readonly display: string
  readonly unit: string
}

const SERUM = 'in Serum or Plasma'
const test = (name: string, label: string, loinc: string, display: string, unit: string): LabTest => ({ name, label, loinc, display, unit })

/** In the order in which a list offers them. A code says its unit's dimension, so a test in moles has one of its own. */
export const LAB_TESTS: readonly LabTest[] = [
  test('hba1c', 'HbA1c', '4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood', '%'),
  test('glucose', 'Glucose', '2345-7', `Glucose [Mass/volume] ${SERUM}`, 'mg/dL'),
  test('glucose-moles', 'Glucose', '14749-6', `Glucose [Moles/volume] ${SERUM}`, 'mmol/L'),
  test('creatinine', 'Creatinine', '2160-0', `Creatinine [Mass/volume] ${SERUM}`, 'mg/dL'),
  test('creatinine-moles', 'Creatinine', '14682-9', `Creatinine [Moles/volume] ${SERUM}`, 'umol/L'),
  test('urea-nitrogen', 'Urea nitrogen', '3094-0', `Urea nitrogen [Mass/volume] ${SERUM}`, 'mg/dL'),
  test('sodium', 'Sodium', '2951-2', `Sodium [Moles/volume] ${SERUM}`, 'mmol/L'),
  test('potassium', 'Potassium', '2823-3', `Potassium [Moles/volume] ${SERUM}`, 'mmol/L'),
  test('cholesterol', 'Total cholesterol', '2093-3', `Cholesterol [Mass/volume] ${SERUM}`, 'mg/dL'),
  test('ldl', 'LDL cholesterol', '2089-1', `Cholesterol in LDL [Mass/volume] ${SERUM}`, 'mg/dL'),
  test('hdl', 'HDL cholesterol', '2085-9', `Cholesterol in HDL [Mass/volume] ${SERUM}`, 'mg/dL'),
  test('triglycerides', 'Triglycerides', '2571-8', `Triglyceride [Mass/volume] ${SERUM}`, 'mg/dL'),
  test('alt', 'ALT', '1742-6', `Alanine aminotransferase [Enzymatic activity/volume] ${SERUM}`, 'U/L'),
  test('ast', 'AST', '1920-8', `Aspartate aminotransferase [Enzymatic activity/volume] ${SERUM}`, 'U/L'),
  test('ggt', 'GGT', '2324-2', `Gamma glutamyl transferase [Enzymatic activity/volume] ${SERUM}`, 'U/L'),
  test('bilirubin', 'Bilirubin', '1975-2', `Bilirubin.total [Mass/volume] ${SERUM}`, 'mg/dL'),
  test('crp', 'CRP', '1988-5', `C reactive protein [Mass/volume] ${SERUM}`, 'mg/L'),
  test('tsh', 'TSH', '3016-3', `Thyrotropin [Units/volume] ${SERUM}`, 'm[IU]/L'),
  test('ferritin', 'Ferritin', '2276-4', `Ferritin [Mass/volume] ${SERUM}`, 'ng/mL'),
  test('hemoglobin', 'Hemoglobin', '718-7', 'Hemoglobin [Mass/volume] in Blood', 'g/dL'),
  test('leukocytes', 'Leukocytes', '6690-2', 'Leukocytes [#/volume] in Blood by Automated count', '10*3/uL'),
  test('platelets', 'Platelets', '777-3', 'Platelets [#/volume] in Blood by Automated count', '10*3/uL'),
  test('inr', 'INR', '6301-6', 'INR in Platelet poor plasma by Coagulation assay', '{INR}'),
]
