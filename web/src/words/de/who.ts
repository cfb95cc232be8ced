import type { who as en } from '#words/en/who.ts'
import type { Texts } from '#words/words.ts'

export const who: Texts<typeof en> = {
  'who.title': 'Wer las',
  'who.lead': 'Jedes Öffnen Ihrer Akte hinterlässt eine Quittung, signiert von der lesenden Person und dem Ort, der sie bewahrt.',
  'who.checking': 'Jede Quittung wird geprüft …',
  'who.good': { one: 'Alle {count} Quittungen stimmen', other: 'Alle {count} Quittungen stimmen' },
  'who.goodNote':
    'Auf diesem Gerät geprüft am {date}: signiert von Leserin oder Leser und Bewahrer, lückenlos nummeriert, Teil eines Protokolls, das nur wächst.',
  'who.anchored': 'Das Protokoll steht bis Nummer {size} seit {date} im Register.',
  'who.notAnchored': 'Das Protokoll steht noch nicht im Register.',
  'who.bad': { one: '{count} Sache stimmt nicht', other: '{count} Dinge stimmen nicht' },
  'who.badNote':
    'Verlassen Sie sich nicht darauf, dass die Liste unten vollständig ist. Heben Sie diese Seite auf und fragen Sie, wer den Ort Ihrer Akte betreibt.',
  'who.own': 'Auch meine eigenen zeigen',
  'who.none': 'Außer Ihnen hat niemand gelesen.',
  'who.noneOwn': 'Noch wurde nichts geöffnet.',
  'who.again': 'Erneut prüfen',
  'who.saw': 'sah die Liste von',
  'who.list': '{name} sah die Liste: {parts}',
  'who.view': '{name} öffnete {records}',
  'who.create': '{name} ergänzte {records}',
  'who.update': '{name} änderte {records}',
  'who.share': '{name} teilte',
  'who.revoke': '{name} beendete eine Freigabe',
  'who.export': '{name} exportierte {records}',
  'who.erase': '{name} löschte {records}',
  'who.emergency': '{name} öffnete {records} im Notfall',
  'who.deny': '{name} wurde abgewiesen',
  'who.person': 'Person: {person}',
  'who.record': { one: 'ein Eintrag', other: '{count} Einträge' },
  'who.gone': 'ein gelöschter Eintrag',
  'who.more': 'und {count} weitere',
  'who.reader': 'Signatur der lesenden Person geprüft',
  'who.readerUnknown': 'Signatur der lesenden Person nicht prüfbar',
  'who.number': 'Quittung {number}',
}
