import type { health as en } from '#words/en/health.ts'
import type { Texts } from '#words/words.ts'

export const health: Texts<typeof en> = {
  'fhir.narrative': 'In Worten',
  'fhir.empty': 'leer',
  'fhir.yes': 'ja',
  'fhir.no': 'nein',
  'fhir.more': '{count} weitere zeigen',
  'fhir.timing': { one: 'einmal pro {period}', other: '{count}-mal pro {period}' },
  'fhir.attachment': 'Anlage, {size}',
  'about.general': 'Diagnosen, Besuche, Eingriffe, Allergien, Impfungen, Dokumente und alles ohne eigenen Platz.',
  'about.medications': 'Verordnete, abgegebene und eingenommene Medikamente.',
  'about.imaging': 'Röntgen, CT, MRT, Ultraschall und die Befunde dazu.',
  'about.laboratory': 'Blut-, Urin- und andere Laborwerte.',
  'about.mental-health': 'Psychiatrie, Psychotherapie und Notizen dazu.',
  'about.sexual-health': 'Verhütung, Schwangerschaft, HIV und sexuell übertragbare Infektionen.',
  'about.substance-use': 'Alkohol, Tabak, Drogen und deren Behandlung.',
  'about.genomics': 'Genetische Tests und Sequenzen.',
  'about.wearables': 'Uhren, Telefone, Waagen und Geräte zu Hause.',
  'about.emergency': 'Vorausverfügungen und was man wissen muss, wenn Sie nicht sprechen können.',
  'about.inbox': 'Was ankam und noch nicht eingeordnet ist.',
}
