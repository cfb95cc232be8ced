/** Units as laboratories and devices write them, read as UCUM. */
import { readUnit, type Unit } from './ucum.ts'

/** By their lower-case name without blanks. */
const NAMES: Readonly<Record<string, string>> = {
  mmhg: 'mm[Hg]',
  bpm: '/min',
  'beats/min': '/min',
  'beats/minute': '/min',
  'breaths/min': '/min',
  'breaths/minute': '/min',
  '1/min': '/min',
  lb: '[lb_av]',
  lbs: '[lb_av]',
  pound: '[lb_av]',
  pounds: '[lb_av]',
  oz: '[oz_av]',
  in: '[in_i]',
  inch: '[in_i]',
  inches: '[in_i]',
  ft: '[ft_i]',
  c: 'Cel',
  '°c': 'Cel',
  degc: 'Cel',
  celsius: 'Cel',
  f: '[degF]',
  '°f': '[degF]',
  degf: '[degF]',
  fahrenheit: '[degF]',
  percent: '%',
  pct: '%',
  ph: '[pH]',
  ratio: '1',
  index: '1',
  inr: '1',
  sec: 's',
  secs: 's',
  seconds: 's',
  years: 'a',
  'mm/hr': 'mm/h',
  'mm/1h': 'mm/h',
  'kg/m2': 'kg/m2',
  'kg/m^2': 'kg/m2',
  'mgalb/gcreat': 'mg/g',
  'ml/min/1.73m2': 'mL/min',
  'ml/min/1.73': 'mL/min',
  'ml/min/1.73m^2': 'mL/min',
  'ml/min/{1.73_m2}': 'mL/min',
  'ml/min/1,73m2': 'mL/min',
  'k/ul': '10*3/uL',
  'm/ul': '10*6/uL',
  'thousand/ul': '10*3/uL',
  'million/ul': '10*6/uL',
  'thou/ul': '10*3/uL',
  'mill/ul': '10*6/uL',
  'tsd/ul': '10*3/uL',
  'tsd./ul': '10*3/uL',
  'mio/ul': '10*6/uL',
  'mio./ul': '10*6/uL',
  'gpt/l': '10*9/L',
  'tpt/l': '10*12/L',
  'g/l(leukozyten)': '10*9/L',
  'cells/ul': '/uL',
  '/cumm': '/mm3',
  '/cmm': '/mm3',
  'units/l': 'U/L',
  'u/l': 'U/L',
  gm: 'g',
}

/** Usual codes, for those who write units in capitals or small letters alone. */
const USUAL = `mg/dL mmol/L umol/L nmol/L pmol/L g/dL g/L mg/L ug/L ug/dL ng/mL ng/dL pg/mL ug/mL pg fL U/L meq/L [IU]/L m[IU]/L u[IU]/mL m[IU]/mL
  [IU]/mL 10*3/uL 10*6/uL 10*9/L 10*12/L mL/min mm/h mosm/kg mg/g mg/mmol mmol/mol kg cm mm[Hg] /min %`
const BY_CASE: ReadonlyMap<string, string> = new Map(USUAL.split(/\s+/).map(u => [u.toLowerCase(), u]))

const SUPER: Readonly<Record<string, string>> = { '²': '2', '³': '3', '⁶': '6', '⁹': '9', '¹²': '12' }

function written(name: string): string {
  return name
    .replace(/[\s ]+/g, '')
    .replace(/[µμ]/g, 'u')
    .replace(/¹²|[²³⁶⁹]/g, s => SUPER[s]!)
    .replace(/^mc(?=[gmLlI])/, 'u')
    .replace(/^[x×*]?10(?:[Ee^*]|\*\*)(\d{1,2})/, '10*$1')
    .replace(/^[x×]?1[Ee](\d{1,2})/, '10*$1')
}

const withArbitrary = (s: string): string => s.replace(/(?<!\[)\b([mukM]?)(?:IU|iu|IE|iE)\b(?!\])/g, '$1[IU]')

const read = new Map<string, Unit | null>()
const MAX_READ = 2000

/** The unit that a source meant: by its UCUM code, else by what it wrote. Null when that cannot be made out. */
export function unitOf({ ucum, unit }: { readonly ucum?: string | undefined; readonly unit?: string | undefined }): Unit | null {
  const coded = ucum ? readUnit(ucum) : null
  if (coded || !unit) return coded
  const before = read.get(unit)
  if (before !== undefined) return before
  const found = byName(unit)
  if (read.size < MAX_READ) read.set(unit, found)
  return found
}

function byName(name: string): Unit | null {
  const tidy = written(name)
  const low = tidy.toLowerCase()
  if (Object.hasOwn(NAMES, low)) return readUnit(NAMES[low]!)
  const exact = readUnit(withArbitrary(tidy))
  if (exact) return exact
  const usual = BY_CASE.get(low) ?? BY_CASE.get(withArbitrary(low).toLowerCase().replace('[iu]', '[iu]'))
  return usual ? readUnit(usual) : null
}
