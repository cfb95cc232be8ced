import { describe, expect, test } from 'vitest'
import { ANALYTES, analyteNamed, analyteOf, foldName } from './analytes.ts'
import { converter } from './convert.ts'
import { corpusTest, FHIR_FOLDERS, parseJson, resourcesOf } from './corpora.kit.ts'
import { measuresOf } from './fhir/measures.ts'
import { dimensionKey, readUnit } from './ucum.ts'
import { unitOf } from './unit-names.ts'

/** What 7 of the first unit are in the second, as @lhncbc/ucum-lhc 7.1.9 converts them (with the molar mass given). */
const CONVERTED: readonly (readonly [from: string, to: string, mass: number, value: number])[] = [
  ['mg/dL', 'mmol/L', 180.156, 0.388_552_143_697_684_2],
  ['mmol/L', 'mg/dL', 180.156, 126.1092],
  ['mg/dL', 'umol/L', 113.12, 618.811_881_188_118_8],
  ['g/dL', 'mmol/L', 16_114.5, 4.343_913_866_393_62],
  ['pg/mL', 'pmol/L', 776.87, 9.010_516_560_042_22],
  ['mg/g', 'mg/mmol', 113.12, 0.791_84],
  ['[degF]', 'Cel', 0, -13.888_888_888_888_857],
  ['Cel', '[degF]', 0, 44.6],
  ['[lb_av]', 'kg', 0, 3.175_146_59],
  ['[in_i]', 'cm', 0, 17.78],
  ['10*3/uL', '10*9/L', 0, 7],
  ['/uL', '10*6/L', 0, 7],
  ['ng/mL', 'ug/L', 0, 7],
  ['mm[Hg]', 'kPa', 0, 0.933_254],
  ['U/L', 'ukat/L', 0, 0.116_666_666_666_666_67],
  ['%', '1', 0, 0.07],
  ['kg/m2', 'g/cm2', 0, 0.7],
  ['mL/min', 'L/h', 0, 0.42],
  ['mL/min/{1.73_m2}', 'mL/min', 0, 7],
  ['mm/h', 'cm/d', 0, 16.8],
  ['ug/mg{creat}', 'mg/g', 0, 7],
  ['/min', 'Hz', 0, 0.116_666_666_666_666_67],
  ['10*6/uL', '10*12/L', 0, 7],
  ['fL', 'um3', 0, 7],
  ['(mg/dL).(10*3)', 'g/dL', 0, 7],
  ['cm[H2O]', 'mm[Hg]', 0, 5.148_928_908_957_261],
  ['mosm/kg', 'osm/g', 0, 7e-6],
  ['kcal', 'kJ', 0, 29.288],
  ['a', 'd', 0, 2556.75],
]

describe('units', () => {
  test('conversions agree with the reference library', () => {
    for (const [from, to, mass, value] of CONVERTED) {
      const convert = converter(readUnit(from)!, readUnit(to)!, { key: '', ...(mass ? { mass } : {}) })
      expect(convert?.(7), `${from} → ${to}`).toBeCloseTo(value, 9)
    }
  })

  test('what measures something else does not convert', () => {
    const pairs = [
      ['mg/dL', 'mmol/L'],
      ['mg', 'mg/dL'],
      ['U/L', '[IU]/L'],
      ['meq/L', 'mmol/L'],
      ['[pH]', '1'],
      ['[AU]/mL', '[IU]/mL'],
      ['Cel', 'kg'],
    ] as const
    for (const [from, to] of pairs) expect(converter(readUnit(from)!, readUnit(to)!), `${from} → ${to}`).toBe(null)
  })

  test('the analyte decides what UCUM cannot: valence, activity, and HbA1c by its two definitions', () => {
    const by = (loinc: string, from: string, to: string, value: number) =>
      converter(readUnit(from)!, readUnit(to)!, analyteOf(loinc)!)?.(value)
    expect(by('2951-2', 'meq/L', 'mmol/L', 140)).toBeCloseTo(140, 9)
    expect(by('2000-8', 'meq/L', 'mmol/L', 5)).toBeCloseTo(2.5, 9)
    expect(by('2000-8', 'mmol/L', 'mg/dL', 2.4)).toBeCloseTo(9.619, 3)
    expect(by('1742-6', '[IU]/L', 'U/L', 31)).toBeCloseTo(31, 9)
    expect(by('4548-4', '%', 'mmol/mol', 6.5)).toBeCloseTo(47.5, 1)
    expect(by('59261-8', 'mmol/mol', '%', 53)).toBeCloseTo(7, 1)
    expect(by('3094-0', 'mg/dL', 'mmol/L', 14)).toBeCloseTo(4.998, 3)
  })

  test('units are read as people write them', () => {
    const same = (written: string, ucum: string): void => {
      const unit = unitOf({ unit: written })
      const meant = readUnit(ucum)!
      expect(unit && [dimensionKey(unit), unit.factor, unit.offset], written).toEqual([dimensionKey(meant), meant.factor, meant.offset])
    }
    const pairs = `mg/dl=mg/dL MG/DL=mg/dL µmol/l=umol/L mcg/dL=ug/dL mmHg=mm[Hg] x10E3/uL=10*3/uL 10^9/L=10*9/L K/uL=10*3/uL IU/L=[IU]/L
      mIU/L=m[IU]/L µIU/mL=u[IU]/mL lbs=[lb_av] °F=[degF] °C=Cel degC=Cel bpm=/min mEq/L=meq/L mL/min/1.73m²=mL/min kg/m²=kg/m2 Gpt/l=10*9/L
      mm/hr=mm/h U/l=U/L sec=s Tsd./µl=10*3/uL MMOL/L=mmol/L`
    for (const pair of pairs.split(/\s+/)) same(...(pair.split('=') as [string, string]))
    expect(unitOf({ unit: 'per high power field' })).toBe(null)
    expect(unitOf({ ucum: 'no unit', unit: 'mg/dl' })).not.toBe(null)
  })

  test('broken and hostile codes are no units', () => {
    for (const bad of [
      '',
      '/',
      'mg//dL',
      '(mg',
      'mg)',
      'mg/',
      'xyz',
      '{a',
      'm'.repeat(200),
      '('.repeat(50),
      'constructor',
      '__proto__',
      'mCel',
    ])
      expect(readUnit(bad), bad).toBe(null)
  })

  test('the table of analytes says nothing twice, and its units are units', () => {
    const codes = ANALYTES.flatMap(a => a.loinc)
    expect(codes.length).toBe(new Set(codes).size)
    expect(new Set(ANALYTES.map(a => a.key)).size).toBe(ANALYTES.length)
    for (const a of ANALYTES) {
      expect(readUnit(a.unit), a.key).not.toBe(null)
      for (const name of a.names) expect([name, foldName(name), analyteNamed(name)?.key]).toEqual([name, name, a.key])
      for (const code of a.loinc) expect(code).toMatch(/^\d{3,6}-\d$/)
    }
  })
})

corpusTest('units of real records are understood', ({ files }) => {
  const unknown = new Map<string, number>()
  let all = 0
  for (const { bytes } of FHIR_FOLDERS.flatMap(f => files(f, '.json'))) {
    let parsed: unknown
    try {
      parsed = parseJson(bytes)
    } catch {
      continue
    }
    for (const resource of resourcesOf(parsed))
      for (const m of measuresOf(resource)) {
        if (!m.ucum && !m.unit) continue
        all++
        const name = `${m.ucum ?? ''}|${m.unit}`
        if (!unitOf(m)) unknown.set(name, (unknown.get(name) ?? 0) + 1)
      }
  }
  const missed = [...unknown.values()].reduce((a, b) => a + b, 0)
  console.log(`units: ${all} read, ${missed} not understood: ${[...unknown.keys()].join(' ')}`)
  expect(missed / all).toBeLessThan(0.01)
})
