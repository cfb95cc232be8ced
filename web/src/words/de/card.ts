import type { card as english } from '#words/en/card.ts'
import type { Texts } from '#words/words.ts'

export const card: Texts<typeof english> = {
  'card.title': 'Gesundheitskarte',
  'card.lead':
    'Eine SMART Health Card ist eine unterschriebene Impfung, ein Befund oder ein Dokument, als Code auf Papier oder als Datei. Sie wird auf diesem Gerät gelesen; ihr Aussteller wird nach dem Schlüssel gefragt, der sie unterschrieb, und nach nichts von Ihnen.',
  'card.paste': 'Oder den Text des Codes (shc:/…) oder der Datei einfügen',
  'card.file': 'Datei oder Foto wählen',
  'card.noCamera': 'Es gibt keine Kamera, um den Code zu lesen. Wählen Sie ein Foto oder fügen Sie seinen Text ein.',
  'card.part': '{have} von {of} Codes dieser Karte sind gelesen. Lesen Sie den nächsten.',
  'card.bad': 'Das ist keine Gesundheitskarte, oder nicht alle Codes gehören zu einer Karte.',
  'card.judge': 'Wer unter dieser Adresse Schlüssel veröffentlicht, hat sie unterschrieben. Ob Sie ihm glauben, entscheiden Sie.',
  'card.take': 'In meine Akte legen',
  'card.another': 'Andere Karte',
  'card.checking': 'Ihr Aussteller wird nach seinem Schlüssel gefragt …',
  'card.code': 'Code dieser Karte, zum Scannen',
  'card.codeOf': 'Code {index} von {count} dieser Karte, zum Scannen',
  'card.codeNote': 'Zeigen Sie ihn dem, der die Karte prüfen soll. Der Code sagt alles, was die Karte enthält.',
  'card.why.not-a-card': 'sie ist keine Karte',
  'card.why.too-large': 'sie ist zu groß',
  'card.why.bad-header': 'sie ist anders unterschrieben als Karten',
  'card.why.bad-compression': 'sie ist beschädigt',
  'card.why.bad-payload': 'ihr Inhalt ist nicht der einer Karte',
  'card.why.bad-issuer': 'sie nennt keinen richtigen Aussteller',
  'card.why.unknown-key': 'ihr Aussteller antwortet nicht oder kennt den Schlüssel nicht, der sie unterschrieb',
  'card.why.bad-signature': 'ihre Unterschrift ist falsch: sie wurde verändert, oder ein anderer machte sie',
  'card.why.not-yet-valid': 'sie gilt noch nicht',
  'card.why.expired': 'sie ist abgelaufen',
  'card.why.revoked': 'ihr Aussteller hat sie widerrufen',
}
