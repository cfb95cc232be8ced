import type { timeline as en } from '#words/en/timeline.ts'
import type { Texts } from '#words/words.ts'

export const timeline: Texts<typeof en> = {
  'timeline.title': 'Verlauf',
  'timeline.search': 'In Ihrer Akte suchen',
  'timeline.part': 'Teil der Akte',
  'timeline.anyPart': 'Alle Teile',
  'timeline.kind': 'Art',
  'timeline.anyKind': 'Alles',
  'timeline.count': { one: '{count} Eintrag', other: '{count} Einträge' },
  'timeline.list': 'Einträge nach Behandlungsdatum, neueste zuerst',
  'timeline.nothing': 'Nichts gefunden',
  'timeline.nothingLead': 'Versuchen Sie es mit weniger Wörtern oder einem anderen Teil der Akte.',
  'timeline.clear': 'Suche leeren',
  'timeline.undated': 'Ohne Datum',
  'timeline.empty': 'Noch nichts hier',
  'timeline.issues': { one: '{count} Unregelmäßigkeit', other: '{count} Unregelmäßigkeiten' },
  'timeline.by': 'von {name}',
  'timeline.unverified': 'Signatur nicht geprüft',
}
