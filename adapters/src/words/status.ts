type Table = Readonly<Record<string, string>>

/** What FHIR's statuses are called where the code itself does not read well: the same on a screen and on paper. */
const STATUS: Readonly<Record<'en' | 'de', Table>> = {
  en: { remission: 'in remission', recurrence: 'has come back' },
  de: {
    active: 'aktiv',
    inactive: 'inaktiv',
    resolved: 'überstanden',
    remission: 'in Remission',
    recurrence: 'wiedergekehrt',
    completed: 'abgeschlossen',
    stopped: 'abgesetzt',
    cancelled: 'abgesagt',
    final: 'endgültig',
    preliminary: 'vorläufig',
    amended: 'ergänzt',
    confirmed: 'gesichert',
    finished: 'beendet',
    current: 'aktuell',
    draft: 'Entwurf',
    unknown: 'unbekannt',
    'entered-in-error': 'irrtümlich erfasst',
    'not-done': 'nicht durchgeführt',
    'on-hold': 'ausgesetzt',
    'in-progress': 'läuft',
  },
}

/** A code without a word of its own is said as it is, its hyphens as spaces. */
export const statusWord = (language: 'en' | 'de', code: string): string => STATUS[language][code] ?? code.replaceAll('-', ' ')
