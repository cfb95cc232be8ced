import type { lost as en } from '#words/en/lost.ts'
import type { Texts } from '#words/words.ts'

export const lost: Texts<typeof en> = {
  'lost.title': 'Mit Ihren Wächtern zurück',
  'lost.lead':
    'Handy und Wörter sind weg, aber Menschen, die Sie kennen, halten je einen Teil. Es dauert einige Tage, dann ist Ihre Akte zurück.',
  'lost.step1': 'Sie schicken Ihren Wächtern einen Link. Jeder sieht oder hört Sie und vergleicht zwölf Ziffern.',
  'lost.step2': 'Haben genug zugestimmt, beginnt eine Frist: so lang, wie Sie einst gewählt haben, ein bis vier Tage.',
  'lost.step3': 'In dieser Zeit kann jedes Gerät, das Ihre Akte noch öffnet, es anhalten. Das schützt Sie vor anderen.',
  'lost.step4': 'Dann bekommt alles neue Schlüssel und neue Wiederherstellungswörter. Alte Geräte und Wörter öffnen nichts mehr.',
  'lost.where': 'Beginnen Sie dort, wo Ihre Akte aufbewahrt wurde. Hier ist {place}. Lag Ihre woanders, öffnen Sie die App dort.',
  'lost.start': 'Beginnen',
  'lost.passkeyName': 'Zurückgeholte Akte',
  'lost.goOnTitle': 'Weiter, wo Sie waren',
  'lost.goOnLead': 'Was Sie begonnen haben, liegt in diesem Browser, unter dem Schloss von damals. Es wird auch Ihre Akte öffnen.',
  'lost.goOn': 'Weiter',
  'lost.askTitle': 'Fragen Sie Ihre Wächter',
  'lost.askLead': 'Schicken Sie jedem diesen Link, oder lassen Sie den Code lesen. In Keepwell wählen sie „Jemandem wieder hineinhelfen“.',
  'lost.qr': 'Code für Ihre Wächter',
  'lost.digits': 'Dort müssen diese Ziffern stehen',
  'lost.digitsNote':
    'Lesen Sie sie vor, von Angesicht zu Angesicht oder am Telefon. Stehen dort andere, kam der Link von jemand anderem: dann nicht weitermachen.',
  'lost.noVotes': 'Noch hat kein Wächter geantwortet.',
  'lost.votes': '{votes} von {needed} Wächtern haben zugestimmt.',
  'lost.enough': '{votes} Wächter haben zugestimmt; es braucht {needed}.',
  'lost.until': 'Stimmen zählen bis {time}. Sie können die Seite schließen und wiederkommen; alles liegt hier unter Ihrem Schloss.',
  'lost.over': 'Die Zeit für Stimmen ist vorbei. Geben Sie diesen Versuch auf und beginnen Sie neu.',
  'lost.tampered': 'Wächter {place} hat einen anderen Teil geschickt als den, den er bekam. Er zählt nicht; fragen Sie jemand anderen.',
  'lost.cancelled': 'Es wurde angehalten',
  'lost.cancelledNote':
    'Wer ein Gerät Ihrer Akte hat, hat es angehalten. Waren das nicht Sie, lassen Sie Ihre Wächter noch einmal zustimmen: jetzt braucht es {count} von ihnen und doppelt so lang, und niemand kann es anhalten.',
  'lost.startLock': 'Frist beginnen',
  'lost.lockTitle': 'Die Frist läuft',
  'lost.lockUntil': 'Ihre Akte ist zurück am {time}.',
  'lost.lockNote': 'Bis dahin kann jedes Gerät, das sie noch öffnet, es einmal anhalten.',
  'lost.lockFinal': 'Niemand kann es mehr anhalten.',
  'lost.close': 'Sie können die Seite schließen. Kommen Sie dann mit diesem Browser wieder; alles Nötige liegt hier unter Ihrem Schloss.',
  'lost.ready': 'Die Frist ist um',
  'lost.finish': 'Akte zurückholen',
  'lost.finishing': 'Ihre Akte kommt zurück',
  'lost.words': 'Sie ist zurück. Das sind Ihre neuen Wörter',
  'lost.giveUp': 'Aufgeben',
  'lost.giveUpTitle': 'Diesen Versuch aufgeben?',
  'lost.giveUpNote': 'Was begonnen wurde, wird hier und dort, wo es liegt, vernichtet. Stimmen sind verloren; Sie können neu beginnen.',
  'error.LOST_TWO':
    'Wächter zweier verschiedener Akten haben geantwortet. Geben Sie auf, beginnen Sie neu, und zeigen Sie den Link nur Ihren eigenen Wächtern.',
  'error.LOST_EARLY': 'Es ist zu früh: Stimmen fehlen, oder die Frist läuft noch.',
  'error.LOST_NO_KEY':
    'Ihre Identität gehört wieder Ihnen, aber wer die offene Akte hatte, hat den Schlüssel Ihrer Wächter entfernt. Holen Sie die Einträge aus einer Sicherung.',
  'error.LOST_STOPPED': 'Es wurde von einem Gerät der Akte angehalten, oder es gehört zu einer anderen Maschine.',
}
