import type { backups as en } from '#words/en/backups.ts'
import type { Texts } from '#words/words.ts'

export const backups: Texts<typeof en> = {
  'backups.title': 'Sicherungen',
  'backups.sub': 'Wann Ihre Akte zuletzt gesichert wurde, womit und wohin',
  'backups.lead': 'Damit nichts verloren geht, wenn alle Geräte verloren sind oder der Ort, an dem Ihre Akte liegt.',
  'backups.last': 'Wie es steht',
  'backups.made': 'Letzte Sicherung',
  'backups.never': 'Es gibt noch keine.',
  'backups.madeWhat': { one: '{count} Eintrag, {size}', other: '{count} Einträge, {size}' },
  'backups.behind': { one: '{count} Eintrag kam später dazu.', other: '{count} Einträge kamen später dazu.' },
  'backups.read': 'Zuletzt zurückgelesen',
  'backups.readNever': 'Noch nicht.',
  'backups.readMade': 'Als sie gemacht wurde: Jeder Eintrag wurde geöffnet und verglichen.',
  'backups.readWhat': { one: '{count} Eintrag, aus einer Sicherung vom {date}', other: '{count} Einträge, aus einer Sicherung vom {date}' },
  'backups.drilled': 'Letzte Probe',
  'backups.drillNever':
    'Nie. Ihr ständig laufender Helfer (keepwell vault) probt es jeden Monat; sofort geht es mit keepwell backup drill.',
  'backups.drillGood': {
    one: '{count} Eintrag kam auf einer leeren Maschine in {time} vollständig zurück.',
    other: 'Alle {count} Einträge kamen auf einer leeren Maschine in {time} vollständig zurück.',
  },
  'backups.drillBad': {
    one: '{count} Eintrag kam nicht zurück. Machen Sie jetzt eine neue Sicherung.',
    other: '{count} Einträge kamen nicht zurück. Machen Sie jetzt eine neue Sicherung.',
  },
  'backups.here': 'dieses Gerät',
  'backups.gone': 'ein Gerät, das Sie entfernt haben',
  'backups.by': '{time}, {device}',
  'backups.go': 'Sicherung machen',
  'backups.test': 'Sicherung prüfen',
  'backups.testNote':
    'Wählen Sie eine Sicherungsdatei: Sie wird im Speicher dieses Geräts zurückgeholt, jeder Eintrag geöffnet und verglichen. Nichts ändert sich.',
  'backups.done': {
    one: '{count} Eintrag, {size}, zurückgelesen und verglichen ({opened} ganz geöffnet).',
    other: '{count} Einträge, {size}, zurückgelesen und verglichen ({opened} ganz geöffnet).',
  },
  'backups.good': {
    one: 'Diese Sicherung vom {date} ist vollständig: Ihr {count} Eintrag wurde bis zum letzten Byte geöffnet.',
    other: 'Diese Sicherung vom {date} ist vollständig: Alle {count} Einträge wurden bis zum letzten Byte geöffnet.',
  },
  'backups.lacking': {
    one: 'Seither kam {count} Eintrag dazu, der nicht darin ist.',
    other: 'Seither kamen {count} Einträge dazu, die nicht darin sind.',
  },
  'backups.all': 'Seither kam nichts dazu, das ihr fehlt.',
  'backups.due': 'Die letzte Sicherung ist vom {date}: älter, als Sie wollten.',
  'backups.remind': 'Erinnern, wenn die letzte Sicherung älter ist als',
  'backups.days': { one: '{count} Tag', other: '{count} Tage' },
  'backups.off': 'Nie erinnern',
  'backups.copies': 'Zweitkopien',
  'backups.copiesNote':
    'Versiegelte Blöcke an anderen Orten. Es wird zufällig gezogen, geholt und verglichen; was fehlt, wird von einem anderen Ort ersetzt.',
  'backups.copiesNone':
    'Es gibt keine. Ihr ständig laufender Helfer (keepwell vault) legt sie in einen Ordner, auf eine Freigabe im Netz oder in einen Bucket und fragt jeden Tag nach ihnen.',
  'backups.home': 'Wo Ihre Akte liegt',
  'backups.asked': '{asked} Stichproben aus {of} Blöcken',
  'backups.mended': { one: '{count} Block wurde ersetzt', other: '{count} Blöcke wurden ersetzt' },
  'backups.left': { one: '{count} Block ist noch nicht ersetzt', other: '{count} Blöcke sind noch nicht ersetzt' },
  'backups.state.good': 'Vorhanden',
  'backups.state.silent': 'Lange nicht gefragt',
  'backups.state.away': 'Antwortet nicht',
  'backups.state.unmended': 'Noch nicht ersetzt',
  'backups.state.lost': 'Blöcke verloren',
  'backups.lost': {
    one: '{count} Block Ihrer Akte ist an keinem Ort mehr zu bekommen. Holen Sie ihn aus einer Sicherung zurück.',
    other: '{count} Blöcke Ihrer Akte sind an keinem Ort mehr zu bekommen. Holen Sie sie aus einer Sicherung zurück.',
  },
  'backups.silent': 'Seit Tagen hat niemand nach Ihren Zweitkopien gefragt. Läuft die Maschine mit keepwell vault noch?',
  'backups.away': 'Ein Ort für Zweitkopien hat nicht geantwortet. Was dort liegt, ist nicht bekannt.',
  'backups.unmended':
    'An einem Ort sind Kopien verloren oder beschädigt und ließen sich noch nicht ersetzen. Es wird jeden Tag wieder versucht.',
  'backups.forEver':
    'In {place} lässt sich nie etwas löschen. Was Sie löschen, bleibt dort versiegelt liegen; sein Schlüssel wird vernichtet, und es ist unlesbar, solange die Verschlüsselung hält. Alle können sehen, dass diese Blöcke zusammengehören, wie viele und wie groß sie sind und wann sie kamen.',
  'backups.agreed': 'Sie haben zugestimmt: {when}',
  'backups.agent': 'Ohne daran zu denken',
  'backups.agentNote':
    'Eine Maschine von Ihnen, die immer läuft, kann all das von selbst: jeden Tag eine Sicherung, Kopien an anderen Orten, jeden Monat eine Probe. Dort läuft:',
  'backups.file': 'keepwell-{date}.backup',
  'error.WRONG_SUBJECT': 'Das gehört zur Akte von jemand anderem, nicht zu dieser.',
}
