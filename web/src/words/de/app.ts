import type { app as en } from '#words/en/app.ts'
import type { Texts } from '#words/words.ts'

export const app: Texts<typeof en> = {
  'app.name': 'Keepwell',
  'app.tagline': 'Ihre Gesundheitsakte, von Ihnen bewahrt.',
  'app.skip': 'Zum Inhalt springen',
  'app.loading': 'Einen Moment …',
  'app.offline': 'Der Ort, der Ihre Akte bewahrt, ist nicht erreichbar.',
  'app.sampleBanner':
    'Beispielpatient: eine erfundene Person. Nichts hier ist echt, und beim Sperren verschwindet alles aus diesem Browser.',
  'app.sampleLeave': 'Beispiel beenden',
  'app.lock': 'Sperren',
  'app.back': 'Zurück',
  'app.cancel': 'Abbrechen',
  'app.close': 'Schließen',
  'app.copy': 'Kopieren',
  'app.copied': 'Kopiert',
  'app.retry': 'Noch einmal',
  'app.continue': 'Weiter',
  'app.all': 'Alle ansehen',
  'app.none': 'Keine',
  'app.you': 'Sie',
  'nav.label': 'Hauptmenü',
  'nav.home': 'Übersicht',
  'nav.timeline': 'Verlauf',
  'nav.add': 'Hinzufügen',
  'nav.share': 'Teilen',
  'nav.who': 'Wer las',
  'nav.settings': 'Einstellungen',
}
