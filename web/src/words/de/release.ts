import type { release as en } from '#words/en/release.ts'
import type { Texts } from '#words/words.ts'

export const release: Texts<typeof en> = {
  'release.refusedTitle': 'Diese App wurde in einer Form angeboten, die ihre Hersteller nicht signiert haben',
  'release.refused':
    'Die Stelle, die diese App ausliefert, bietet eine an, die ihre Hersteller nicht signiert haben. Sie benutzen weiter die vorhandene; Ihre Akte ist unberührt.',
  'release.why.unsigned': 'Sie trägt keine gültige Signatur.',
  'release.why.other-key': 'Sie ist von anderen signiert als Ihre App.',
  'release.why.older': 'Sie ist älter als Ihre App.',
  'release.why.twice': 'Sie trägt die Nummer Ihrer App, ist aber eine andere.',
  'release.why.altered': 'Ein Teil von ihr ist nicht so, wie er signiert wurde.',
  'release.details': 'Einzelheiten',
  'release.ready': 'Eine neue Version liegt bereit, von ihren Herstellern signiert. Sie gilt, sobald Sie die App neu öffnen.',
  'release.reopen': 'Jetzt öffnen',
  'release.replacedTitle': 'Der Wächter dieser App wurde ausgetauscht',
  'release.replaced':
    'Die Stelle, die diese App ausliefert, hat ihr ein anderes Programm vorgeschaltet, das ihre Hersteller nicht angekündigt haben. Ihre Akte wurde gesperrt. Sie ist weiterhin versiegelt, hier und dort, wo sie liegt.',
  'release.replacedDo':
    'Schließen Sie alle Fenster der App. Geben Sie unter dieser Adresse weder Passphrase noch Wiederherstellungswörter ein, bis die Betreiber das erklärt haben. Auf einem anderen Gerät oder mit der Kommandozeile können Sie weiterarbeiten.',
  'release.replacedClose': 'Die gesperrte App trotzdem zeigen',
  'release.title': 'Die App selbst',
  'release.about':
    'Bei jeder Benutzung wird jede Datei der App mit dem verglichen, was ihre Hersteller signiert haben. Vergleichen Sie deren Schlüssel mit dem veröffentlichten.',
  'release.version': 'Version',
  'release.key': 'Schlüssel der Hersteller',
  'release.state': 'Zustand',
  'release.good': 'Wie signiert',
  'release.bad': 'Etwas Unsigniertes wurde angeboten und abgewiesen',
  'release.none': 'In diesem Fenster nicht bewacht: ein erster Besuch, ein privates Fenster oder eine erzwungen neu geladene Seite.',
  'release.check': 'Jetzt jede Datei vergleichen',
  'release.checked': 'Jede Datei, die gerade ausgeliefert wird, ist die signierte.',
  'release.unreached': 'Die Stelle, die die App ausliefert, ist nicht erreichbar; was installiert ist, ist wie signiert.',
  'release.trust': 'Stattdessen diesen Herstellern vertrauen',
  'release.trustTitle': 'Die App von anderen Herstellern beziehen?',
  'release.trustNote':
    'Tun Sie das nur, wenn Sie wissen, warum der Schlüssel ein anderer ist, etwa weil Sie die App selbst neu gebaut haben, und wenn Ihnen der Schlüssel unten auf anderem Weg als über diese Seite genannt wurde. Von da an ist diese App die ihre, und sie kann lesen, was Sie öffnen.',
  'release.trustGo': 'Diesem Schlüssel vertrauen',
}
