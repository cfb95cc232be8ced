import type { summary as en } from '#words/en/summary.ts'
import type { Texts } from '#words/words.ts'

export const summary: Texts<typeof en> = {
  'life.zoom': 'Wie genau',
  'life.decade': 'Jahrzehnte',
  'life.year': 'Jahre',
  'life.month': 'Monate',
  'life.day': 'Tage',
  'life.decadeName': '{year}er',
  'life.all': 'Alle Zeit',
  'life.trail': 'Zeitraum',
  'life.strip': 'Einträge im Lauf der Zeit. Eingabetaste: genauer, Escape: zurück.',
  'life.bar': { one: '{when}: {count} Eintrag', other: '{when}: {count} Einträge' },
  'life.closer': '{when} genauer ansehen',
  'life.dayGroup': 'An einem Tag',
  'life.more': 'Weitere Filter',
  'life.from': 'Von',
  'life.to': 'Bis',
  'life.author': 'Abgelegt von',
  'life.anyAuthor': 'Allen',
  'life.own': 'Ihnen',
}
