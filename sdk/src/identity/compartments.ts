import { bytes } from '#base/shape'

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

/** Opaque on the wire: 16 random bytes. */
export const compartmentId = bytes(16)

/** Where a writer without a calendar entry seals to: the vault's inbox key; the vault re-files it. */
export const INBOX = new Uint8Array(16)
export const isInbox = (id: Uint8Array): boolean => id.every(b => b === 0)

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
  emergency: 'What a doctor needs to know when you cannot speak.',
}
