/** The compartments every vault begins with (protocol §2); a patient may make others. */
export const COMPARTMENTS = [
  'general',
  'medications',
  'imaging',
  'laboratory',
  'mental-health',
  'sexual-health',
  'substance-use',
  'genomics',
  'wearables',
  'emergency',
] as const
export type CompartmentName = (typeof COMPARTMENTS)[number]

const SENSITIVE: readonly string[] = ['mental-health', 'sexual-health', 'substance-use', 'genomics'] satisfies CompartmentName[]

/** Whether people guard what such a compartment holds more than other care. */
export const isSensitive = (name: string): boolean => SENSITIVE.includes(name)

/** What a compartment holds, in the words of the consent screen. */
export const ABOUT: Readonly<Record<CompartmentName, string>> = {
  general: 'Conditions, visits, procedures, allergies, vaccinations, documents and everything without a place of its own.',
  medications: 'Medicines prescribed, dispensed and taken.',
  imaging: 'X-rays, CT, MR, ultrasound and their reports.',
  laboratory: 'Blood, urine and other laboratory results.',
  'mental-health': 'Psychiatry, psychotherapy and related notes.',
  'sexual-health': 'Contraception, pregnancy, HIV and sexually transmitted infections.',
  'substance-use': 'Alcohol, tobacco and drug use and its treatment.',
  genomics: 'Genetic tests and sequences.',
  wearables: 'Watches, phones, scales and home devices.',
  emergency: 'Advance directives, and what a doctor needs to know when you cannot speak.',
}
