import type { offline as en } from '#words/en/offline.ts'
import type { Texts } from '#words/words.ts'

export const offline: Texts<typeof en> = {
  'offline.asOf': 'Sie sehen den Stand von {time}.',
  'offline.never': 'Sie sehen, was auf diesem Gerät ist.',
  'offline.waits': {
    one: '{count} Eintrag wartet versiegelt auf diesem Gerät und wird von selbst gesendet.',
    other: '{count} Einträge warten versiegelt auf diesem Gerät und werden von selbst gesendet.',
  },
  'offline.waiting': 'wartet auf das Senden',
  'offline.waitingRecord':
    'Dies wartet versiegelt auf diesem Gerät, bis der Ort, der Ihre Akte bewahrt, wieder antwortet. Niemand sonst kann es bisher lesen.',
  'offline.added': {
    one: '{count} davon wartet auf diesem Gerät auf das Senden; Sie brauchen nichts zu tun.',
    other: '{count} davon warten auf diesem Gerät auf das Senden; Sie brauchen nichts zu tun.',
  },
  'offline.clock': 'Die Uhr dieses Geräts geht {span} {direction}. Bis sie gestellt ist, kann nichts gesendet oder geholt werden.',
  'offline.ahead': 'vor',
  'offline.behind': 'nach',
  'offline.title': 'Auf diesem Gerät',
  'offline.about':
    'Mit Kopien können Sie ohne Verbindung lesen. Sie sind so versiegelt wie dort, wo Ihre Akte liegt, und was gelöscht wird, verschwindet auch aus ihnen.',
  'offline.keep': 'Eine Kopie auf diesem Gerät behalten',
  'offline.keep.recent': 'Von der Übersicht und dem zuletzt Geöffneten',
  'offline.keep.all': 'Von allem, soweit Platz ist',
  'offline.keep.none': 'Von nichts',
  'offline.kept': { one: '{count} Eintrag, {size}', other: '{count} Einträge, {size}' },
  'offline.news': 'Alle Neuigkeiten gehört',
}
