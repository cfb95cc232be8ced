import { accountingCsv } from '@keepwell/adapters/paper/accounting-csv'
import { openWitnesses } from '@keepwell/adapters/witness/http'
import { accountFor } from '@keepwell/sdk/actions/access/account-for'
import type { Problem } from '@keepwell/sdk/actions/access/check-log'
import { compareWithWitness, type WitnessSaid } from '@keepwell/sdk/actions/access/compare-witness'
import { proveTrail } from '@keepwell/sdk/actions/access/prove-trail'
import { readTrail, trailGrants } from '@keepwell/sdk/actions/access/read-trail'
import { reportProof } from '@keepwell/sdk/actions/access/report-proof'
import { trailEvents } from '@keepwell/sdk/actions/access/trail-events'
import { type Looked, type Trail, verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { sixYearsBefore } from '@keepwell/sdk/audit/accounting'
import { trailFile } from '@keepwell/sdk/audit/trail-proof'
import { toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import type { Entry } from '@keepwell/sdk/records/catalog'
import { compartmentOf } from '#choose'
import type { Args, Command } from '#command'
import { quietSync } from '#commands/sync'
import { withHome } from '#home'
import type { Io } from '#io'
import { provenLine, provenTable, writtenIn } from '#proven'
import { saveStream } from '#save'
import { bytesOf, count, result, safe, short, table, when } from '#show'
import { languageOf, purposeWord } from '#words'

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
    'Each receipt must be signed by reader and relay, numbered without a gap, and lie in the relay’s log, which only grows and is anchored on the\nledger. A witness follows that log from outside: --witness compares what it was shown with what you are shown; it learns that somebody asks, not\nwho. --report brings proof against the relay to the ledger, where it counts for everybody. Exit code 5 when something does not hold.\n' +
    'With --pdf or --csv: the account of disclosures for a lawyer or a spreadsheet, six years back: date, recipient, what, purpose, legal basis and\n' +
    'the receipt of each, those for treatment, refusals and emergencies too.',
  examples: [
    'keepwell audit --others',
    'keepwell audit --pdf disclosures.pdf --language de',
    'keepwell audit --csv all.csv --from beginning',
    'keepwell audit --of "Ada Example" --proof ada.keepwell',
  ],
  options: {
    fhir: { type: 'boolean', about: 'As FHIR R4: a Bundle of AuditEvents, each with the receipt that proves it.' },
    witness: { type: 'string', value: 'URL', multiple: true, about: 'Compare with this witness.' },
    report: { type: 'boolean', about: 'Report a relay that signed two histories on the ledger.' },
    pdf: { type: 'string', value: 'FILE', about: 'The account of disclosures on paper, to a new file.' },
    csv: { type: 'string', value: 'FILE', about: 'The same for a spreadsheet.' },
    from: { type: 'string', value: 'DAY', about: 'With --pdf or --csv: its first day (UTC), or beginning; default six years ago.' },
    to: { type: 'string', value: 'DAY', about: 'With --pdf or --csv: its last day (UTC); default today.' },
    language: { type: 'string', value: 'LANGUAGE', about: 'With --pdf or --csv: en (default) or de.' },
    proof: {
      type: 'string',
      value: 'FILE',
      about: 'Write the whole trail with its proofs, for somebody else to check: keepwell verify FILE.',
    },
    of: {
      type: 'string',
      value: 'WHO',
      about: 'Somebody else’s, who granted you to read who looked (keepwell share --audit); with --proof as a file.',
    },
    person: { type: 'string', value: 'NAME', about: 'With --of: who reads, for organisations; it is on the receipt.' },
    others: { type: 'boolean', about: 'Leave out your own readings.' },
    limit: { type: 'string', value: 'N', about: 'The last N lines; default 50, 0 for all.' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      if (args.text('of')) return ofAnother(io, args, ctx)
      if (args.text('proof')) return toProof(io, args, ctx)
      const checked = await verifyTrail(ctx)
      const witnesses = args.list('witness').map(url => ({ url, witness: openWitnesses()(url) }))
      const said: Said[] = []
      for (const { url, witness } of witnesses) said.push(await askWitness(ctx, url, witness))
      const trail = { ...checked, problems: [...checked.problems, ...said.flatMap(s => s.problems)] }
      const reported = args.flag('report') ? await reportAll(ctx, trail.problems, witnesses) : null
      const { ring } = ctx.session.state
      const entries = new Map((await listEntries(ctx)).map(e => [toHex(e.id), e]))
      if (args.text('pdf') || args.text('csv')) return toPaper(io, args, ctx, { trail, entries })
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
        unbroken: trail.unbroken,
        problems: trail.problems.map(({ seq, code, message, evidence }) => ({ seq, code, message, provable: evidence !== undefined })),
        witnesses: said.map(({ problems: _, ...s }) => s),
        reported,
      }
      result(io, args, value, () => [
        ...table(
          shown.map(l => row(l, entries)),
          70,
        ),
        '',
        trail.problems.length
          ? `${trail.problems.length} PROBLEMS:`
          : `All ${trail.looked.length} receipts hold: signed by reader and relay, without a gap, in the log${trail.anchored ? `, which is on the ledger up to entry ${trail.anchored.size}${writtenIn(trail.anchored.written)}` : ' (not yet on the ledger)'}.`,
        ...(trail.unbroken
          ? [
              `The log of ${trail.logSize} was seen by this device since ${when(trail.unbroken.since)}, from entry ${trail.unbroken.from} on, and only grew.`,
            ]
          : []),
        ...trail.problems.map(p => `  ${p.seq ? `receipt ${p.seq}: ` : ''}${p.message} (${p.code})`),
        ...said.map(witnessLine),
        ...(reported ? [reported.line] : []),
      ])
      return trail.problems.length ? 5 : 0
    }),
}

type Found = { readonly trail: Trail; readonly entries: ReadonlyMap<string, Entry> }

/** The first second of a day, or the last. Throws USAGE. */
function dayOf(text: string, time: string): number {
  const parsed = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T${time}Z`) : Number.NaN
  ensure(!Number.isNaN(parsed), 'USAGE', `"${text}" is no day; write 2026-11-29.`)
  return Math.floor(parsed / 1000)
}

async function toPaper(io: Io, args: Args, ctx: Ctx, { trail, entries }: Found): Promise<number> {
  const now = ctx.clock()
  const { from: first, to: last } = { from: args.text('from'), to: args.text('to') }
  const language = languageOf(args)
  const accounting = await accountFor(ctx, {
    trail,
    from: first === 'beginning' ? null : first ? dayOf(first, '00:00:00') : sixYearsBefore(now),
    until: last ? dayOf(last, '23:59:59') : now,
    own: !args.flag('others'),
    titleOf: id => entries.get(id)?.card.title ?? null,
  })
  const lines = accounting.disclosures.length
  for (const [path, make] of [
    [args.text('pdf'), async () => (await import('@keepwell/adapters/paper/accounting-pdf')).accountingPdf(accounting, language)],
    [args.text('csv'), async () => utf8(accountingCsv(accounting, language))],
  ] as const) {
    if (!path) continue
    const bytes = await make()
    await saveStream(path, only(bytes))
    result(io, args, { out: path, disclosures: lines, bytes: bytes.length, problems: trail.problems }, () => [
      `${count(lines, 'line')} written to ${path} (${bytesOf(bytes.length)}).`,
    ])
  }
  return trail.problems.length ? 5 : 0
}

/** The trail for a stranger, who checks it alone. */
async function toProof(io: Io, args: Args, ctx: Ctx): Promise<number> {
  const file = args.need('proof')
  const proof = await proveTrail(ctx)
  await saveStream(file, only(trailFile(proof)))
  const receipts = proof.pages.reduce((n, p) => n + p.receipts.length, 0)
  result(io, args, { file, receipts }, () => [
    `${count(receipts, 'receipt')} with proofs in ${file}. It names readers, purposes and times; it holds no record.`,
  ])
  return 0
}

/** Who looked into another's record, under their consent to that: as their vault published it, checked as a stranger checks a file, and against log and ledger as they are now. */
async function ofAnother(io: Io, args: Args, ctx: Ctx): Promise<number> {
  await quietSync(io, ctx)
  const who = args.need('of')
  const mine = trailGrants(ctx).filter(g => g.grant.name === who || g.terms.patient === who)
  const grant = mine.toSorted((a, b) => b.terms.expiry - a.terms.expiry)[0]
  ensure(
    grant,
    'NO_GRANT',
    `Nobody of that name lets you read who looked${
      trailGrants(ctx).length
        ? `; these do: ${trailGrants(ctx)
            .map(g => safe(g.grant.name))
            .join(', ')}`
        : ''
    }.`,
  )
  const person = args.text('person')
  const { trail, verdict, place } = await readTrail(ctx, { grant, ...(person ? { person } : {}) })
  const file = args.text('proof')
  if (file) await saveStream(file, only(trailFile(trail)))
  const { lines, problems, vault, relay, logSize } = verdict
  const limit = Number(args.text('limit') ?? (args.json ? 0 : 50))
  const shown = lines.slice(limit > 0 ? -limit : 0).map(l => provenLine(l))
  const { anchored } = place ?? { anchored: null }
  result(io, args, { ok: !problems.length, vault, relay, logSize, anchored, problems, file: file ?? null, lines: shown }, () => [
    ...provenTable(shown),
    '',
    ...problems.map(p => `FAIL receipt ${p.seq}: ${p.message} (${p.code})`),
    `${count(lines.length, 'receipt')} of ${safe(grant.grant.name)}, published until ${when(trail.madeAt)}${problems.length ? '' : ': signed by the relay, without a gap, in its log as it is now'}${anchored?.covers ? `, on the ledger since ${when(anchored.time)}${writtenIn(anchored.written)}` : ''}.`,
    ...(file ? [`Written with proofs to ${file}.`] : []),
  ])
  return problems.length ? 5 : 0
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
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

type Said = Partial<WitnessSaid> & { readonly url: string; readonly problems: readonly Problem[]; readonly failed?: string }

/** A witness that cannot be asked, or lies itself, says nothing against the relay. */
async function askWitness(ctx: Ctx, url: string, witness: Parameters<typeof compareWithWitness>[1]): Promise<Said> {
  try {
    return { url, ...(await compareWithWitness(ctx, witness)) }
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return { url, problems: [], failed: `${e.message} (${e.code})` }
  }
}

function witnessLine(s: Said): string {
  if (s.failed) return `Witness ${s.url}: ${s.failed}`
  if (!s.seen) return `Witness ${s.url} does not follow this relay’s log.`
  const held = s.charges?.map(c => c.kind + (c.tx ? ' (on the ledger)' : '')) ?? []
  const agrees = s.problems.length
    ? 'was shown another history'
    : `was shown the same history, up to entry ${s.seen.size} (${when(s.seen.at)})`
  return `Witness ${s.url} ${agrees}${held.length ? `; it holds against it: ${held.join(', ')}` : ''}.`
}

type Reported = { readonly tx: string | null; readonly by: string | null; readonly line: string }

/** One proof is enough: the ledger marks the log for ever. */
async function reportAll(
  ctx: Ctx,
  problems: readonly Problem[],
  witnesses: readonly { readonly witness: Parameters<typeof compareWithWitness>[1] }[],
): Promise<Reported> {
  const evidence = problems.find(p => p.evidence)?.evidence
  if (!evidence) return { tx: null, by: null, line: 'There is nothing that the ledger could check: nothing was reported.' }
  const { tx, by } = await reportProof(ctx, { evidence, witnesses: witnesses.map(w => w.witness) })
  return { tx, by, line: tx ? `Reported on the ledger through ${by}: ${tx}` : 'The ledger holds proof against this relay already.' }
}
