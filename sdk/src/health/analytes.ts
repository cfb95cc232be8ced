/**
 * What laboratories measure under more than one code: the LOINC codes that name the same substance in blood, serum or plasma, as mass, as
 * amount of substance or otherwise, with what is needed to convert between them. Codes of one entry are shown as one series.
 *
 * Masses are g/mol of the substance by whose mass the result is reported (urea nitrogen: its two nitrogens; phosphate: phosphorus;
 * hemoglobin: the monomer). Joined are codes that differ in scale, in method or between blood, serum and plasma; not joined are other
 * specimens, other timings, and results by other definitions (direct and calculated LDL are; free and total calcium are not).
 */
export type Analyte = {
  readonly key: string
  readonly group: Group
  readonly loinc: readonly string[]
  /** A usual unit, UCUM: what a result must be convertible to. */
  readonly unit: string
  /** Folded names, for results without a LOINC code. */
  readonly names: readonly string[]
  /** g/mol. */
  readonly mass?: number
  readonly valence?: number
  /** An enzyme: international units are those of catalytic activity. */
  readonly enzyme?: true
}

export const GROUPS = [
  'vital',
  'metabolism',
  'lipids',
  'kidney',
  'electrolytes',
  'liver',
  'blood',
  'clotting',
  'inflammation',
  'thyroid',
  'iron',
  'heart',
  'hormones',
  'laboratory',
  'questionnaires',
  'other',
] as const
export type Group = (typeof GROUPS)[number]

/** `key | unit | LOINC codes | names | mass | valence or E` */
const TABLE: Readonly<Partial<Record<Group, string>>> = {
  vital: `
    systolic | mm[Hg] | 8480-6 | systolic blood pressure, systolic, systolischer blutdruck, systole
    diastolic | mm[Hg] | 8462-4 | diastolic blood pressure, diastolic, diastolischer blutdruck, diastole
    heart-rate | /min | 8867-4 76282-3 | heart rate, pulse, pulse rate, puls, herzfrequenz
    breathing | /min | 9279-1 | respiratory rate, atemfrequenz
    temperature | Cel | 8310-5 8331-1 8332-9 8328-7 | body temperature, temperature, temp, korpertemperatur, temperatur
    oxygen | % | 2708-6 59408-5 20564-1 | oxygen saturation, spo2, o2 saturation, sauerstoffsattigung
    weight | kg | 29463-7 3141-9 3142-7 8335-2 | body weight, weight, korpergewicht, gewicht
    height | cm | 8302-2 3137-7 8308-9 | body height, height, korpergrosse, grosse
    bmi | kg/m2 | 39156-5 | body mass index, bmi`,
  metabolism: `
    glucose | mg/dL | 2345-7 2339-0 14749-6 15074-8 41653-7 32016-8 | glucose, blood glucose, blood sugar, glukose, blutzucker | 180.156
    glucose-fasting | mg/dL | 1558-6 14771-0 76629-5 | fasting glucose, nuchternglukose, nuchternblutzucker | 180.156
    a1c | % | 4548-4 17856-6 59261-8 41995-2 62388-4 | hemoglobin a1c, hba1c, a1c, hamoglobin a1c, glycated hemoglobin
    uric-acid | mg/dL | 3084-1 14933-6 | uric acid, urate, harnsaure | 168.11
    lactate | mmol/L | 2524-7 14118-4 32693-4 | lactate, lactic acid, laktat | 90.08`,
  lipids: `
    cholesterol | mg/dL | 2093-3 14647-2 | cholesterol, total cholesterol, cholesterin, gesamtcholesterin | 386.65
    ldl | mg/dL | 13457-7 18262-6 2089-1 22748-8 39469-2 69419-0 | ldl cholesterol, cholesterol in ldl, ldl, ldl cholesterin | 386.65
    hdl | mg/dL | 2085-9 14646-4 | hdl cholesterol, cholesterol in hdl, hdl, hdl cholesterin | 386.65
    triglycerides | mg/dL | 2571-8 14927-8 3043-7 | triglycerides, triglyceride | 885.4`,
  kidney: `
    creatinine | mg/dL | 2160-0 38483-4 14682-9 | creatinine, kreatinin | 113.12
    urea-nitrogen | mg/dL | 3094-0 6299-2 22664-7 14937-7 | urea nitrogen, blood urea nitrogen, bun | 28.014
    urea | mg/dL | 3091-6 22705-8 | urea, harnstoff | 60.056
    egfr | mL/min | 33914-3 62238-1 98979-8 77147-7 48642-3 48643-1 69405-9 88293-6 88294-4 50044-7 | egfr, gfr, estimated gfr
    albumin-creatinine | mg/g | 9318-7 14959-1 14958-3 32294-1 30000-4 | albumin creatinine ratio, microalbumin creatinine ratio, acr | 113.12`,
  electrolytes: `
    sodium | mmol/L | 2951-2 2947-0 | sodium, natrium | 22.990 | 1
    potassium | mmol/L | 2823-3 6298-4 | potassium, kalium | 39.098 | 1
    chloride | mmol/L | 2075-0 2069-3 | chloride, chlorid | 35.453 | 1
    bicarbonate | mmol/L | 1963-8 1959-6 | bicarbonate, bikarbonat | 61.017 | 1
    carbon-dioxide | mmol/L | 2028-9 20565-8 | carbon dioxide, co2, total co2 | 44.01 | 1
    calcium | mg/dL | 17861-6 49765-1 2000-8 | calcium, kalzium | 40.078 | 2
    calcium-ionized | mmol/L | 1995-0 1994-3 17863-2 | ionized calcium, calcium ionized, ionisiertes calcium | 40.078 | 2
    magnesium | mg/dL | 19123-9 2601-3 | magnesium | 24.305 | 2
    phosphate | mg/dL | 2777-1 14879-1 | phosphate, phosphorus, phosphat | 30.974`,
  liver: `
    alt | U/L | 1742-6 1743-4 1744-2 | alanine aminotransferase, alt, sgpt, gpt, alat | | E
    ast | U/L | 1920-8 30239-8 88112-8 | aspartate aminotransferase, ast, sgot, got, asat | | E
    alp | U/L | 6768-6 | alkaline phosphatase, alp, alkalische phosphatase, ap | | E
    ggt | U/L | 2324-2 | gamma glutamyl transferase, ggt, gamma gt | | E
    ldh | U/L | 2532-0 14804-9 14805-6 | lactate dehydrogenase, ldh | | E
    lipase | U/L | 3040-3 | lipase | | E
    amylase | U/L | 1798-8 | amylase, alpha amylase | | E
    bilirubin | mg/dL | 1975-2 14631-6 | total bilirubin, bilirubin total, bilirubin, gesamtbilirubin | 584.66
    bilirubin-direct | mg/dL | 1968-7 14629-0 | direct bilirubin, bilirubin direct, direktes bilirubin | 584.66
    albumin | g/dL | 1751-7 61151-7 61152-5 | albumin | 66437
    protein | g/dL | 2885-2 | total protein, protein, gesamteiweiss`,
  blood: `
    hemoglobin | g/dL | 718-7 59260-0 20509-6 30313-1 30350-3 | hemoglobin, hamoglobin, hb, hgb | 16114.5
    hematocrit | % | 4544-3 20570-8 4545-0 71833-8 | hematocrit, hamatokrit, hct
    erythrocytes | 10*6/uL | 789-8 26453-1 790-6 | erythrocytes, red blood cells, rbc, erythrozyten
    leukocytes | 10*3/uL | 6690-2 26464-8 804-5 | leukocytes, white blood cells, wbc, leukozyten
    platelets | 10*3/uL | 777-3 26515-7 778-1 | platelets, thrombocytes, thrombozyten
    mcv | fL | 787-2 30428-7 | mcv
    mch | pg | 785-6 28539-5 | mch
    mchc | g/dL | 786-4 28540-3 | mchc | 16114.5
    rdw | % | 788-0 30385-9 | rdw
    neutrophils | 10*3/uL | 751-8 26499-4 753-4 | neutrophils absolute, absolute neutrophils
    lymphocytes | 10*3/uL | 731-0 26474-7 732-8 | lymphocytes absolute, absolute lymphocytes
    neutrophils-share | % | 770-8 26511-6 | neutrophils, neutrophile
    lymphocytes-share | % | 736-9 26478-8 | lymphocytes, lymphozyten`,
  clotting: `
    inr | 1 | 6301-6 34714-6 46418-0 | inr
    prothrombin-time | s | 5902-2 5964-2 | prothrombin time, pt
    aptt | s | 14979-9 3173-2 | aptt, ptt
    fibrinogen | mg/dL | 3255-7 | fibrinogen`,
  inflammation: `
    crp | mg/L | 1988-5 30522-7 71426-1 76485-2 | c reactive protein, crp, c reaktives protein
    esr | mm/h | 4537-7 30341-2 18184-2 | erythrocyte sedimentation rate, esr, sed rate, bsg
    procalcitonin | ng/mL | 33959-8 75241-0 | procalcitonin`,
  thyroid: `
    tsh | m[IU]/L | 3016-3 11579-0 11580-8 | tsh, thyrotropin, thyroid stimulating hormone
    t4-free | ng/dL | 3024-7 14920-3 | free t4, ft4, t4 free, thyroxine free | 776.87
    t3-free | pg/mL | 3051-0 14928-6 | free t3, ft3, t3 free | 650.97`,
  iron: `
    ferritin | ng/mL | 2276-4 20567-4 24373-3 | ferritin
    iron | ug/dL | 2498-4 14798-3 | iron, eisen | 55.845
    transferrin | mg/dL | 3034-6 | transferrin
    vitamin-d | ng/mL | 1989-3 62292-8 14635-7 68438-1 35365-6 | vitamin d, 25 hydroxyvitamin d, 25 oh vitamin d | 400.64
    vitamin-b12 | pg/mL | 2132-9 14685-0 16695-9 | vitamin b12, cobalamin, b12 | 1355.37
    folate | ng/mL | 2284-8 14732-2 | folate, folic acid, folsaure | 441.40`,
  heart: `
    nt-probnp | pg/mL | 33762-6 83107-3 83108-1 | nt probnp
    bnp | pg/mL | 30934-4 42637-9 | bnp
    ck | U/L | 2157-6 | creatine kinase, ck, kreatinkinase | | E`,
  hormones: `
    testosterone | ng/dL | 2986-8 14913-8 | testosterone, testosteron | 288.42
    estradiol | pg/mL | 2243-4 14715-7 | estradiol, ostradiol | 272.38
    cortisol | ug/dL | 2143-6 14675-3 | cortisol | 362.46
    psa | ng/mL | 2857-1 | prostate specific antigen, psa`,
}

function read(group: Group, row: string): Analyte {
  const [key, unit, codes, names = '', mass, last] = row.split('|').map(part => part.trim())
  return {
    key: key!,
    group,
    unit: unit!,
    loinc: codes!.split(/\s+/),
    names: names.split(',').map(n => n.trim()),
    ...(mass ? { mass: Number(mass) } : {}),
    ...(last === 'E' ? { enzyme: true as const } : last ? { valence: Number(last) } : {}),
  }
}

export const ANALYTES: readonly Analyte[] = GROUPS.flatMap(group =>
  (TABLE[group] ?? '')
    .split('\n')
    .filter(row => row.trim())
    .map(row => read(group, row)),
)

const BY_LOINC = new Map(ANALYTES.flatMap(a => a.loinc.map(code => [code, a] as const)))
const BY_NAME = new Map(ANALYTES.flatMap(a => a.names.map(name => [name, a] as const)))

export const analyteOf = (loinc: string): Analyte | undefined => BY_LOINC.get(loinc)
/** @param folded a name as `foldName` gives it. */
export const analyteNamed = (folded: string): Analyte | undefined => BY_NAME.get(folded)

/**
 * A name without case, accents, and what LOINC's long names add about scale and specimen, so that `Glucose [Mass/volume] in Serum or
 * Plasma` and `GLUCOSE, SERUM` are one. Other specimens stay in the name.
 */
export const foldName = (name: string): string =>
  name
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replace(/\[[^\]]*\]|\([^)]*\)/g, ' ')
    .replace(/\b(in|im) (serum or plasma|serum, plasma or blood|serum|plasma|blood|blut|venous blood|arterial blood)\b.*$/, ' ')
    .replace(/\b(by|mittels) .*$/, ' ')
    .replace(/[^a-z0-9]+/g, ' ')
    .replace(/\b(serum|plasma|s|p|ser plas)$/, '')
    .trim()
