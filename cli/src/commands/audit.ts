import { trailEvents } from '@keepwell/sdk/actions/access/trail-events'
import { type Looked, verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { toHex } from '@keepwell/sdk/base/bytes'
import type { Entry } from '@keepwell/sdk/records/catalog'
import { compartmentOf } from '#choose'
import type { Command } from '#command'
import { withHome } from '#home'
import { result, safe, short, table, when } from '#show'
import { purposeWord } from '#words'

const ACTIONS: Readonly<Record<string, string>> = {
  list: 'saw the list',
  view: 'opened',
  create: 'wrote',
  deny: 'was refused',
  export: 'exported',
  erase: 'erased',
}

export const audit: Command = {
  name: 'audit',
  group: 'trust',
  summary: 'Show who looked at what, when and why; every line is checked.',
  about:
    'Each receipt must be signed by reader and relay, numbered without a gap, and lie in the relay’s log, which only grows and is anchored on the\nledger. Exit code 5 when something does not hold.',
  options: {
    fhir: { type: 'boolean', about: 'As FHIR R4: a Bundle of AuditEvents, each with the receipt that proves it.' },
    others: { type: 'boolean', about: 'Leave out your own readings.' },
    limit: { type: 'string', value: 'N', about: 'The last N lines; default 50, 0 for all.' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      const trail = await verifyTrail(ctx)
      const { ring } = ctx.session.state
      const entries = new Map((await listEntries(ctx)).map(e => [toHex(e.id), e]))
      const lines = trail.looked.filter(l => !args.flag('others') || l.name !== 'you')
      const limit = Number(args.text('limit') ?? (args.json || args.flag('fhir') ? 0 : 50))
      const shown = limit > 0 ? lines.slice(-limit) : lines
      if (args.flag('fhir')) {
        io.print(JSON.stringify(trailEvents(shown, { did: ring.did, name: ring.name }), null, 2))
        return trail.problems.length ? 5 : 0
      }
      const value = {
        looked: shown.map(l => ({
          ...asJson(l),
          compartments: l.receipt.compartments.map(id => compartmentOf(ring, { compartment: id })),
        })),
        logSize: trail.logSize,
        anchored: trail.anchored,
        problems: trail.problems,
      }
      result(io, args, value, () => [
        ...table(
          shown.map(l => row(l, entries)),
          70,
        ),
        '',
        trail.problems.length
          ? `${trail.problems.length} PROBLEMS:`
          : `All ${trail.looked.length} receipts hold: signed by reader and relay, without a gap, in the log${trail.anchored ? `, which is on the ledger up to entry ${trail.anchored.size}` : ' (not yet on the ledger)'}.`,
        ...trail.problems.map(p => `  receipt ${p.seq}: ${p.message} (${p.code})`),
      ])
      return trail.problems.length ? 5 : 0
    }),
}

function row(l: Looked, entries: ReadonlyMap<string, Entry>): string[] {
  const { receipt: r } = l
  const what = r.ids.slice(0, 3).map(id => safe(entries.get(toHex(id))?.card.title ?? short(id)))
  const more = r.ids.length > 3 ? ` and ${r.ids.length - 3} more` : ''
  const who = `${safe(l.name)}${r.person ? ` (${safe(r.person)})` : ''}${l.reader === 'verified' ? '' : ' [signature not checked]'}`
  return [
    when(r.time),
    who,
    ACTIONS[r.action] ?? r.action,
    purposeWord(r.purpose),
    r.verdict === 'denied' ? r.reasons.join(', ') : what.join('; ') + more,
  ]
}

const asJson = (l: Looked) => ({
  seq: l.receipt.seq,
  time: l.receipt.time,
  actor: l.receipt.actor,
  name: l.name,
  person: l.receipt.person ?? null,
  role: l.receipt.role ?? null,
  action: l.receipt.action,
  verdict: l.receipt.verdict,
  reasons: l.receipt.reasons,
  purpose: l.receipt.purpose,
  records: l.receipt.ids,
  grant: l.grant,
  reader: l.reader,
})
