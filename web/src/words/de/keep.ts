import type { keep as en } from '#words/en/keep.ts'
import type { Texts } from '#words/words.ts'

export const keep: Texts<typeof en> = {
  'keep.title': 'Wie lange etwas bleibt',
  'keep.lead':
    'Was älter ist, als Ihre eigenen Regeln erlauben, löscht Ihr ständig laufender Helfer. Er kündigt es vorher an, und bis zuletzt können Sie alles behalten.',
  'keep.held': 'Solange dies gilt, geht nichts von selbst: {name} darf nach eigenen Worten nichts von dem löschen, was dort über Sie liegt',
  'keep.heldNote': 'Das bindet die Kopien dort, nicht Ihre Akte: Von Hand können Sie löschen, was Sie möchten.',
  'keep.inForce': 'In Kraft',
  'keep.invalid': 'So haben Sie diese Regeln nicht unterschrieben. Sie gelten nicht; beenden Sie sie und unterschreiben Sie neu.',
  'keep.kept': 'bleibt {time}',
  'keep.notice': 'Vorher angekündigt',
  'keep.signed': 'Unterschrieben',
  'keep.agent':
    'Von selbst geschieht nichts: Eine Maschine von Ihnen mit keepwell vault hält sich daran. Eine geschlossene App löscht nichts.',
  'keep.nothingWaits': 'Angekündigt ist nichts.',
  'keep.waits': { one: 'Ein Eintrag geht ab {date}', other: '{count} Einträge gehen ab {date}' },
  'keep.waitsNote': 'Sehen Sie nach, was es ist. Um es zu behalten, beenden Sie die Regeln; andere können Sie danach unterschreiben.',
  'keep.end': 'Regeln beenden',
  'keep.endWaiting': 'Regeln beenden und dies alles behalten',
  'keep.ended': 'Beendet. Nichts geht mehr von selbst, und was angekündigt war, bleibt.',
  'keep.new': 'Neue Regeln',
  'keep.change': 'Andere Regeln',
  'keep.add': 'Einen Teil hinzufügen',
  'keep.what': 'Was?',
  'keep.howLong': 'Aufbewahren für',
  'keep.remove': 'Weglassen',
  'keep.noticeAsk': 'Wie lange vorher erfahren Sie es?',
  'keep.noticeNote': 'So lange wartet es in Ihren Neuigkeiten, und Sie können es behalten.',
  'keep.apart':
    'Was keine Regel nennt, bleibt. Das Alter zählt ab dem, wovon ein Eintrag handelt. Den Notfallteil, was Sie noch nicht angesehen haben und wer hineingesehen hat, leert keine Regel.',
  'keep.simulate': 'Zeigen, was gehen würde',
  'keep.shown': 'Was gehen würde, und wann',
  'keep.now': {
    one: '{count} Eintrag ist jetzt so alt: Er würde sofort angekündigt und geht {time} später.',
    other: '{count} Einträge sind jetzt so alt: Sie würden sofort angekündigt und gehen {time} später.',
  },
  'keep.nowNone': 'So alt ist jetzt nichts.',
  'keep.year': { one: '{count} weiterer folgt innerhalb eines Jahres.', other: '{count} weitere folgen innerhalb eines Jahres.' },
  'keep.later': { one: '{count} folgt danach.', other: '{count} folgen danach.' },
  'keep.goes': 'geht frühestens am {date}',
  'keep.more': { one: 'und {count} weiterer', other: 'und {count} weitere' },
  'keep.not1': 'Was gegangen ist, kann niemand zurückholen, auch Sie nicht.',
  'keep.not2': 'Was jemand vorher gelesen oder gesichert hat, bleibt dort.',
  'keep.not3': 'Sicherungen von vorher enthalten es noch.',
  'keep.sign': 'Diese Regeln unterschreiben',
  'keep.done': 'Unterschrieben. Ihr Helfer hält sich von jetzt an an diese Regeln.',
}
