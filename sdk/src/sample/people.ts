/** People and places that plainly do not exist. */
import type { Prng } from './prng.ts'

const FAMILIES =
  'Sampleton Testerby Demoson Mockridge Fictiva Placeholm Exempli Nonesuch Specimen Dummeldorf Beispielmann Muestrez Exempleau Primerov Vzorkova Misalogullari'.split(
    ' ',
  )
const FEMALE = 'Zephyrine Quilla Ombretta Fenella Isaurea Marigoldine Théodosie Ximénita'.split(' ')
const MALE = 'Quillon Barnabix Orsino Peregrin Ludovix Ambrosius Jürgén Bohumir'.split(' ')
const STREETS = ['Imaginary Lane', 'Nowhere Road', 'Example Avenue', 'Fable Street']
const CITIES = ['Samplebury', 'Testerville', 'Port Fiction', 'Bad Beispiel']
const CLINICS = [
  'Samplebury General Hospital (fictional)',
  'Fable Street Family Practice (fictional)',
  'Port Fiction Laboratories (fictional)',
  'Nowhere Imaging Centre (fictional)',
]
const SPECIALTIES: readonly (readonly [string, string])[] = [
  ['394814009', 'General practice'],
  ['394579002', 'Cardiology'],
  ['394587001', 'Psychiatry'],
  ['394914008', 'Radiology'],
]

export type Gender = 'female' | 'male'
export type Person = { readonly given: string; readonly family: string; readonly gender: Gender }

export function person(random: Prng): Person {
  const gender: Gender = random.chance(0.5) ? 'female' : 'male'
  return { given: random.pick(gender === 'female' ? FEMALE : MALE), family: random.pick(FAMILIES), gender }
}

export const address = (random: Prng): Record<string, unknown> => ({
  use: 'home',
  line: [`${random.int(1, 199)} ${random.pick(STREETS)}`],
  city: random.pick(CITIES),
  postalCode: `00${random.int(100, 999)}`,
  country: 'ZZ',
})

export const clinicNames: readonly string[] = CLINICS
export const specialties: readonly (readonly [code: string, name: string])[] = SPECIALTIES
