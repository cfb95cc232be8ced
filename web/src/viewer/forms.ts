/** What a file is shown as. */
export type Form = 'dicom' | 'pdf' | 'photo' | 'cda' | 'hl7' | 'table' | 'text' | 'other'

const FORMS: readonly (readonly [RegExp, Form])[] = [
  [/^application\/dicom/, 'dicom'],
  [/^application\/pdf/, 'pdf'],
  [/^image\/(png|jpeg|jpg|gif|webp)$/, 'photo'],
  [/^application\/(cda\+xml|hl7-cda\+xml|hl7-sda\+xml)/, 'cda'],
  [/hl7-v2|hl7v2|x-hl7/, 'hl7'],
  [/^text\/csv/, 'table'],
  [/^text\/|json|xml|vcard|smart-health-card/, 'text'],
]

/** `mediaType` may carry parameters, as `text/plain; charset=utf-8`. */
export function formOf(mediaType: string): Form {
  const plain = mediaType.split(';')[0]!.trim().toLowerCase()
  return plain === 'image/svg+xml' ? 'text' : (FORMS.find(([pattern]) => pattern.test(plain))?.[1] ?? 'other')
}

const MB = 1 << 20
/** Larger files are not taken into the page's memory. */
export const LIMITS: Readonly<Record<Exclude<Form, 'other'>, number>> = {
  dicom: 768 * MB,
  pdf: 256 * MB,
  photo: 64 * MB,
  cda: 24 * MB,
  hl7: 8 * MB,
  table: 8 * MB,
  text: 8 * MB,
}
