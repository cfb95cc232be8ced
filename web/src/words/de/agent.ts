import type { agent as en } from '#words/en/agent.ts'
import type { Texts } from '#words/words.ts'

export const agent: Texts<typeof en> = {
  'agent.failed': 'Der Agent Ihrer Akte konnte „{job}“ nicht erledigen ({error})',
  'agent.proofs': {
    one: 'Der Beweis eines Eintrags steht nicht so im Ledger, wie er sollte. Vertrauen Sie ihm nicht.',
    other: 'Der Beweis von {count} Einträgen steht nicht so im Ledger, wie er sollte. Vertrauen Sie ihnen nicht.',
  },
  'agent.untold': {
    one: 'Jemand konnte noch nicht erfahren, dass etwas Gelesenes berichtigt wurde',
    other: '{count} Personen konnten noch nicht erfahren, dass etwas Gelesenes berichtigt wurde',
  },
  'agent.problems': {
    one: 'Ein Eintrag, der ankam, ließ sich nicht öffnen oder ist nicht, was er vorgibt',
    other: '{count} Einträge, die ankamen, ließen sich nicht öffnen oder sind nicht, was sie vorgeben',
  },
  'agent.rules': {
    one: 'Eine Regel ist nicht so, wie Sie sie unterschrieben haben, und gilt nicht',
    other: '{count} Regeln sind nicht so, wie Sie sie unterschrieben haben, und gelten nicht',
  },
  'agent.retention':
    'Ihre Regeln zum Löschen sind nicht so, wie Sie sie unterschrieben haben, und gelten nicht. Unterschreiben Sie sie neu.',
  'agent.due': {
    one: 'Ab {on} löschen Ihre eigenen Regeln einen Eintrag für immer. Sehen Sie ihn an; bis dahin können Sie ihn behalten.',
    other: 'Ab {on} löschen Ihre eigenen Regeln {count} Einträge für immer. Sehen Sie sie an; bis dahin können Sie sie behalten.',
  },
  'agent.gone': {
    one: 'Ihre eigenen Regeln haben einen Eintrag gelöscht, wie angekündigt',
    other: 'Ihre eigenen Regeln haben {count} Einträge gelöscht, wie angekündigt',
  },
  'agent.ends': {
    one: 'Ihr Relay hatte das Ende einer Einwilligung nicht ins Ledger gebracht; jetzt steht es dort. Denken Sie an ein anderes Relay.',
    other:
      'Ihr Relay hatte {count} Enden von Einwilligungen nicht ins Ledger gebracht; jetzt stehen sie dort. Denken Sie an ein anderes Relay.',
  },
  'agent.calendar': {
    one: 'Jemand mit einer Einwilligung bekam keine neuen Schlüssel; teilen Sie neu, wenn er nicht lesen kann',
    other: '{count} Menschen mit einer Einwilligung bekamen keine neuen Schlüssel; teilen Sie neu, wenn sie nicht lesen können',
  },
  'agent.card': 'Ihre Notfallkarte ist zu erneuern; tun Sie es dort, wo Sie sie gemacht haben',
  'agent.custodians': '{good} von {of} Verwahrern haben ihren Teil nachgewiesen, {needed} sind nötig',
  'agent.custodiansFew':
    'Niemand könnte Ihre Notfall-Übersicht öffnen: {good} von {of} Verwahrern haben ihren Teil nachgewiesen, {needed} sind nötig',
  'agent.backups': {
    one: 'Eine ältere Sicherung lässt sich nicht mehr lesen: {names}',
    other: '{count} ältere Sicherungen lassen sich nicht mehr lesen: {names}',
  },
  'agent.noBackup': 'Es gibt keine Sicherung, mit der sich eine Wiederherstellung üben ließe',
  'agent.drill': 'Eine geübte Wiederherstellung brachte nicht alles zurück: {said}',
  'agent.lost': {
    one: 'Ein Block Ihrer Akte ist nirgends mehr zu bekommen. Stellen Sie ihn aus einer Sicherung wieder her.',
    other: '{count} Blöcke Ihrer Akte sind nirgends mehr zu bekommen. Stellen Sie sie aus einer Sicherung wieder her.',
  },
  'agent.unmended': 'Kopien sind verloren oder beschädigt und ließen sich noch nicht ausbessern: {names}. Es wird wieder versucht.',
  'agent.mended': 'Kopien waren verloren oder beschädigt und sind ausgebessert: {names}',
  'agent.funds': 'Im Wallet ist nicht genug, um Kopien zu bezahlen: {names}. Füllen Sie es auf.',
  'agent.price': 'Kopien kosten mehr, als Sie erlaubt haben: {names}. Starten Sie keepwell vault neu, um zuzustimmen.',
  'agent.places': 'Diese Orte für Kopien haben nicht geantwortet: {names}',
}
