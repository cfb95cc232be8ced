/** What the vault's agent has to say (`cli/src/agent-jobs.ts`, and what the patient's own rules erase), by its codes. */
export const agent = {
  'agent.failed': 'Your vault’s agent could not finish “{job}” ({error})',
  'agent.proofs': {
    one: 'The proof of a record is not on the ledger as it should be. Do not trust it.',
    other: 'The proof of {count} records is not on the ledger as it should be. Do not trust these.',
  },
  'agent.untold': {
    one: 'A reader could not be told yet that what they opened was corrected',
    other: '{count} readers could not be told yet that what they opened was corrected',
  },
  'agent.problems': {
    one: 'A record that arrived could not be opened or is not what it claims',
    other: '{count} records that arrived could not be opened or are not what they claim',
  },
  'agent.rules': {
    one: 'A rule is not as you signed it and counts for nothing',
    other: '{count} rules are not as you signed them and count for nothing',
  },
  'agent.retention': 'Your rules for erasing are not as you signed them and count for nothing. Sign them again.',
  'agent.due': {
    one: 'From {on} on your own rules erase a record for ever. Look at it; until then you can keep it.',
    other: 'From {on} on your own rules erase {count} records for ever. Look at them; until then you can keep them.',
  },
  'agent.gone': {
    one: 'Your own rules erased a record, as announced',
    other: 'Your own rules erased {count} records, as announced',
  },
  'agent.ends': {
    one: 'Your relay had not brought an end of a consent to the ledger; it is there now. Think of another relay.',
    other: 'Your relay had not brought {count} ends of consents to the ledger; they are there now. Think of another relay.',
  },
  'agent.calendar': {
    one: 'Somebody with a consent could not be sent new keys; share again if they cannot read',
    other: '{count} people with a consent could not be sent new keys; share again if they cannot read',
  },
  'agent.card': 'Your emergency card has to be renewed; do it where you made it',
  'agent.custodians': '{good} of {of} custodians proved their share, {needed} are needed',
  'agent.custodiansFew': 'Nobody could open your emergency summary: {good} of {of} custodians proved their share, {needed} are needed',
  'agent.backups': {
    one: 'An older backup cannot be read any more: {names}',
    other: '{count} older backups cannot be read any more: {names}',
  },
  'agent.noBackup': 'There is no backup to rehearse a restore with',
  'agent.drill': 'A rehearsed restore did not bring everything back: {said}',
  'agent.lost': {
    one: 'A block of your record cannot be had from any place any more. Restore from a backup.',
    other: '{count} blocks of your record cannot be had from any place any more. Restore from a backup.',
  },
  'agent.unmended': 'Copies are lost or damaged and could not be mended yet: {names}. It is tried again.',
  'agent.mended': 'Copies were lost or damaged and have been mended: {names}',
  'agent.funds': 'The wallet has not enough to pay for copies: {names}. Fill it up.',
  'agent.price': 'Copies cost more than you agreed to: {names}. Start keepwell vault anew to agree.',
  'agent.places': 'These places for copies did not answer: {names}',
} as const
