import type { add as en } from '#words/en/add.ts'
import type { Texts } from '#words/words.ts'

export const add: Texts<typeof en> = {
  'add.title': 'Zur Akte hinzufügen',
  'add.lead': 'Dateien werden auf diesem Gerät gelesen, geordnet und versiegelt. Was nicht verstanden wird, bleibt erhalten, wie es ist.',
  'add.drop': 'Dateien oder Ordner hier ablegen',
  'add.dropNote': 'FHIR, DICOM-Bilder, PDF, C-CDA, HL7, Fotos und alles andere',
  'add.files': 'Dateien wählen',
  'add.folder': 'Ordner wählen',
  'add.progress': { one: '{count} Eintrag abgelegt', other: '{count} Einträge abgelegt' },
  'add.working': 'Wird gelesen und versiegelt …',
  'add.stop': 'Anhalten',
  'add.stopped': 'Angehalten. Was abgelegt ist, bleibt; fügen Sie dieselben Dateien erneut hinzu, um fortzufahren.',
  'add.done': { one: 'Fertig: {count} Eintrag abgelegt.', other: 'Fertig: {count} Einträge abgelegt.' },
  'add.doneNothing': 'Nichts Neues: Alles war schon da.',
  'add.see': 'Im Verlauf ansehen',
  'add.more': 'Mehr hinzufügen',
  'add.failed': 'Es brach ab: {why} Was abgelegt ist, bleibt.',
  'add.taken': { one: '{count} übernommen', other: '{count} übernommen' },
  'add.withIssues': { one: '{count} unregelmäßig, erhalten wie es kam', other: '{count} unregelmäßig, erhalten wie sie kamen' },
  'add.already': { one: '{count} schon da', other: '{count} schon da' },
  'add.unreadable': { one: '{count} als einfaches Dokument erhalten', other: '{count} als einfache Dokumente erhalten' },
  'add.failedFile': { one: '{count} konnte nicht erhalten werden', other: '{count} konnten nicht erhalten werden' },
  'add.list': 'Dateien',
  'add.reading': 'wird gelesen',
  'add.waiting': 'wartet',
  'add.hospital': 'Aus einem Krankenhaus',
}
