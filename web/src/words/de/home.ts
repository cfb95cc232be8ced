import type { home as en } from '#words/en/home.ts'
import type { Texts } from '#words/words.ts'

export const home: Texts<typeof en> = {
  'home.summary': { one: '{count} Eintrag seit {year}', other: '{count} Einträge seit {year}' },
  'home.summaryBare': { one: '{count} Eintrag', other: '{count} Einträge' },
  'home.opening': '{said} · werden geöffnet …',
  'home.empty': 'Ihre Akte ist bereit und leer',
  'home.emptyLead':
    'Fügen Sie hinzu, was Sie haben: einen Export vom Krankenhaus oder der Praxis, Laborwerte, Bilder, PDFs. Alles wird auf diesem Gerät gelesen, geordnet und versiegelt.',
  'home.emptyAdd': 'Erste Einträge hinzufügen',
  'home.emptyJoin': 'Ich habe einen Einladungslink',
  'home.more': '{count} weitere',
  'home.places': 'Was Ihre Akte enthält',
  'home.shares': { one: '{count} Person darf einen Teil davon lesen', other: '{count} Personen dürfen einen Teil davon lesen' },
  'home.noShares': 'Außer Ihnen kann das niemand lesen.',
  'home.requests': { one: '{count} Anfrage wartet auf Ihre Antwort', other: '{count} Anfragen warten auf Ihre Antwort' },
  'emergency.link': 'Notfallkarte und Notfallzugriff',
  'guarding.asks': '{name} fragt, ob Sie Wächter sein wollen',
}
