import type { error as en } from '#words/en/error.ts'
import type { Texts } from '#words/words.ts'

export const error: Texts<typeof en> = {
  'error.title': 'Das hat nicht geklappt',
  'error.HELD_UNREACHABLE':
    'Das liegt bei der Stelle, die es verfasst hat; sie antwortet nicht oder hat es nicht mehr. Versuchen Sie es später, oder fragen Sie dort nach.',
  'error.HELD_REFUSED':
    'Die Stelle, die das verfasst hat, bewahrt es auf und gibt es nicht heraus. Alles andere, was geteilt ist, bleibt offen. Fragen Sie dort nach.',
  'error.HELD_ALTERED': 'Was die Stelle aufbewahrt, ist nicht mehr, was sie signiert hat; es wurde nicht geöffnet. Fragen Sie dort nach.',
  'error.RELAY_UNREACHABLE': 'Der Ort, der Ihre Akte bewahrt, antwortet nicht. Prüfen Sie die Verbindung und versuchen Sie es noch einmal.',
  'error.WEAK_PASSPHRASE':
    'Das gehört zum Ersten, was jemand ausprobiert. Vier gewöhnliche Wörter, die nicht zusammengehören, sind schwer zu erraten und leicht zu merken.',
  'error.WRONG_PASSPHRASE': 'Diese Passphrase passt nicht. Prüfen Sie Großschreibung und Tastatur und versuchen Sie es noch einmal.',
  'error.NO_KEY': 'Dieses Gerät hat keinen Schlüssel dafür. Vielleicht wurde es entfernt, oder es ist ein anderer Passkey.',
  'error.WRONG_WORDS':
    'Diese Wörter öffnen hier keine Akte. Prüfen Sie Schreibung und Reihenfolge: 24 Wörter, wie Sie sie aufgeschrieben haben.',
  'error.BAD_INPUT': 'Etwas an der Eingabe stimmt nicht. Prüfen Sie sie und versuchen Sie es noch einmal.',
  'error.BAD_LINK': 'Das ist keine Keepwell-Einladung. Kopieren Sie den ganzen Link und fügen Sie ihn erneut ein.',
  'error.NOT_SUPPORTED': 'Dieser Passkey oder Browser kann keine Schlüssel schützen. Wählen Sie stattdessen eine Passphrase.',
  'error.CANCELLED': 'Es wurde abgebrochen; nichts hat sich geändert.',
  'error.NEEDS_RELAY':
    'Eine Freigabe wird nur erteilt oder beendet, während der Ort, der Ihre Akte bewahrt, antwortet; jetzt antwortet er nicht. Von selbst wird später nichts nachgeholt: Gehen Sie davon aus, dass die Freigabe unverändert ist, und versuchen Sie es noch einmal.',
  'error.AGAINST_POLICY': 'Dem steht eine hier geltende Regel entgegen: {why} Es wurde nichts geteilt.',
  'error.DENIED': 'Der Zugriff wurde abgelehnt: Die Freigabe ist beendet oder umfasst das nicht.',
  'error.NO_GRANT': 'Dafür gibt es keine Freigabe mehr.',
  'error.INVITATION_USED': 'Diese Einladung wurde benutzt oder ist abgelaufen. Bitten Sie um eine neue.',
  'error.UNKNOWN_PARTY': 'Die Akte dieser Person ist nicht zu erreichen. Bitten Sie um eine neue Einladung.',
  'error.UNVERIFIED': 'Sie kennen diese Person noch nicht. Tauschen Sie zuerst eine Einladung aus.',
  'error.NOT_FOUND': 'Es ist nicht hier. Vielleicht wurde es auf einem anderen Gerät gelöscht.',
  'error.STORAGE_FULL': 'Es ist kein Platz mehr. Schaffen Sie Platz und versuchen Sie es noch einmal; nichts Bestätigtes ist verloren.',
  'error.STORAGE_FAILED': 'Der Speicher des Browsers versagte. Schließen Sie andere Tabs dieser Seite und versuchen Sie es noch einmal.',
  'error.CLOCK_SKEW': 'Die Uhr dieses Geräts geht mehr als fünf Minuten falsch. Stellen Sie sie und versuchen Sie es noch einmal.',
  'error.RATE_LIMITED': 'Zu viel auf einmal. Warten Sie einen Moment und versuchen Sie es noch einmal.',
  'error.BAD_SIGNATURE': 'Eine Signatur stimmt nicht. Es wurde nichts geöffnet.',
  'error.HEAD_ROLLBACK':
    'Der Ort Ihrer Akte zeigt einen älteren Stand, als dieses Gerät gesehen hat. Machen Sie nicht weiter, bevor das geklärt ist.',
  'error.TOO_LARGE': 'Das ist zu groß, um es hier zu öffnen. Sichern Sie stattdessen eine Kopie.',
  'error.PROVE_AGAIN': 'Es ist nichts geschehen: Dafür müssen Sie zeigen, dass Sie es sind.',
  'error.LOCKED': 'Die Akte ist gesperrt.',
  'error.other': 'Etwas ging schief ({code}). Nichts Bestätigtes ist verloren.',
}
