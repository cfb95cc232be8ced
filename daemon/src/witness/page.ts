import type { Followed } from '@keepwell/sdk/actions/witness/followed'
import { verifierKey, type WitnessKey } from '@keepwell/sdk/audit/cosign'
import { readLogHead } from '@keepwell/sdk/audit/head'
import { isoTime } from '@keepwell/sdk/base/time'
import type { ChargeKind } from '@keepwell/sdk/wire/witness'
import { count, escapeHtml, fact, plainPage } from '#http/plain-page'

export const IN_WORDS: Readonly<Record<ChargeKind, string>> = {
  fork: 'It signed two histories that contradict each other; both are kept.',
  unproven: 'It cannot show that its log holds a head it signed.',
  shorter: 'Its log became shorter: entries are gone.',
  anchored: 'Its log is not the one it anchored on the ledger.',
  late: 'Its log grew and was not anchored in time.',
  replaced: 'Another relay, ledger or key answers at its address.',
  forged: 'It shows what is not signed by it.',
  silent: 'Nothing that could be checked was answered for a while.',
}

const LEAD =
  'Follows the access logs of relays from outside: whether they only grow, are what the ledger holds, and are the same for everybody. It sees how many entries a log has and nothing of what is in them.'

/** What a witness sees, for people. */
export function witnessPage(key: WitnessKey, all: readonly Followed[]): string {
  const wrong = all.some(f => f.charges.some(c => c.until === null))
  const logs = all.map(logPart).join('')
  const body = `<dl>${fact('Name', key.name)}${fact('Logs followed', count(all.length))}${fact('Verifier key', verifierKey(key), true)}</dl>${logs}
<footer><a href="/metrics">Metrics</a></footer>`
  return plainPage({ title: 'Keepwell witness', state: wrong ? 'Something is wrong' : 'All logs hold', lead: LEAD, body })
}

function logPart(f: Followed): string {
  const now = f.charges.filter(c => c.until === null)
  const past = f.charges.filter(c => c.until !== null)
  const line = (c: Followed['charges'][number]): string => {
    const until = c.until === null ? '' : ` until ${isoTime(c.until)}`
    const told = c.tx ? ' The ledger holds the proof.' : c.evidence ? ' The ledger has not taken the proof yet.' : ''
    return `<p>${escapeHtml(`${IN_WORDS[c.kind]} Since ${isoTime(c.since)}${until}.${told}`)}</p>`
  }
  const facts = [
    fact('Log', f.log, true),
    fact('Entries', f.head ? count(readLogHead(f.head.signed).size) : 'none seen'),
    fact('On the ledger', f.anchored ? `${count(f.anchored.size)} (${isoTime(f.anchored.time)})` : 'not yet'),
    fact('Last seen', f.looked === null ? 'never' : isoTime(f.looked)),
    fact('Chain', String(f.chainId)),
  ]
  return `<h2>${escapeHtml(f.url)}</h2>${now.map(line).join('') || '<p>Nothing is held against this log.</p>'}<dl>${facts.join('')}</dl>${past.map(line).join('')}`
}
