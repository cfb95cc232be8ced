import { isoTime } from '@keepwell/sdk/base/time'
import { count, escapeHtml, fact, PAGE_POLICY, plainPage } from '#http/plain-page'
import type { RelayStatus } from './service.ts'

/** The relay's front page: one file, no scripts, nothing from elsewhere. `now` in Unix seconds. */
export function statusPage(s: RelayStatus, now: number): { headers: Record<string, string>; body: string } {
  const facts = [
    fact('Relay', s.did, true),
    fact('Version', s.version),
    fact('Running for', duration(now - s.startedAt)),
    fact('Ledger', `chain ${s.chainId}, block ${count(s.block)}`),
    fact('Newest block', s.blockTime ? isoTime(s.blockTime) : 'genesis'),
    fact('Access log', `${count(s.log)} ${s.log === 1 ? 'entry' : 'entries'}`),
    fact('Sealed blocks', `${count(s.blocks)} (${bytes(s.bytes)})`),
  ]
  return { headers: { 'content-security-policy': PAGE_POLICY }, body: page(s.url, facts.join('')) }
}

const LEAD =
  'A personal health record that its owner keeps. This relay holds sealed records, hands them to those their owners chose, and writes a receipt for every opening. It cannot read any of them.'

const page = (url: string, facts: string): string =>
  plainPage({
    title: 'Keepwell relay',
    state: 'Running',
    lead: LEAD,
    body: `<dl>${facts}</dl>
<h2>Begin</h2>
<p>Make a record of your own that is kept at this relay, and take your files into it:</p>
<pre><code>keepwell init --relay ${escapeHtml(url)} --name "Your name"
keepwell import my-records.json
keepwell list</code></pre>
<p>Write down the recovery words that the first command shows: with them and a relay, everything can be restored; without them, nobody can help.</p>
<footer><a href="/openapi.json">Interface description</a> · <a href="/health">Health</a> · <a href="/metrics">Metrics</a></footer>`,
  })

function bytes(n: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, n < 1000 ? 0 : Math.floor(Math.log10(n) / 3))
  return power === 0 ? `${n} bytes` : `${(n / 1000 ** power).toFixed(1)} ${units[power]}`
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1) return 'less than a minute'
  const parts = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60]
  const names = ['d', 'h', 'min']
  return parts.flatMap((n, i) => (n ? [`${n} ${names[i]}`] : [])).join(' ')
}
