import { createReadStream, existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { checkParts, type ExtractProven, type ExtractVerdict } from '@keepwell/sdk/actions/access/check-extract'
import { checkTrailProof } from '@keepwell/sdk/actions/access/check-trail-proof'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { liveEntries } from '@keepwell/sdk/actions/records/live-entries'
import { openBodies } from '@keepwell/sdk/actions/records/open-bodies'
import { checkState } from '@keepwell/sdk/actions/records/publish-state'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { eachEntry, selectEntries } from '@keepwell/sdk/actions/records/select-entries'
import { findParty, homeLedger, partyAt } from '@keepwell/sdk/actions/vault/calls'
import { readExtract } from '@keepwell/sdk/audit/extract'
import { readTrailFile } from '@keepwell/sdk/audit/trail-proof'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { verifyInclusion } from '@keepwell/sdk/crypto/merkle'
import { verifyAuthor } from '@keepwell/sdk/records/author'
import type { Entry } from '@keepwell/sdk/records/catalog'
import type { Args, Command } from '#command'
import { withHome } from '#home'
import type { Io } from '#io'
import { provenLine, provenTable, writtenIn } from '#proven'
import { count, result, safe, short, table, when } from '#show'
import { purposeWord } from '#words'

type Finding = { readonly check: string; readonly ok: boolean; readonly detail: string }

export const verify: Command = {
  name: 'verify',
  group: 'trust',
  summary: 'Check everything: proofs, signatures, the list of records, who looked.',
  takes: '[FILE]',
  about:
    'Opens your records (a sample of 200, or all with --all), checks who signed each and that the ledger holds its proof. Exit code 5 when something is wrong.\nWith FILE, made by keepwell audit --proof or taken out of a gateway’s trail by an auditor: checks a trail that somebody gave you. It takes no home and asks nobody.',
  options: {
    all: { type: 'boolean', about: 'Open every record.' },
    sample: { type: 'string', value: 'N', about: 'Open this many, evenly spread; default 200.' },
  },
  run: (io, args) => (args.positionals.length ? verifyFile(io, args) : verifyOwn(io, args)),
}

const verifyOwn = (io: Io, args: Args): Promise<number> =>
  withHome(io, args, async ({ ctx }) => {
    const received = await receiveRecords(ctx)
    const live = await liveEntries(ctx)
    const entries = await sampled(ctx, live.length, args.flag('all') ? live.length : Number(args.text('sample') ?? 200))
    const findings: Finding[] = [
      ...received.problems.map(p => ({ check: 'records', ok: false, detail: `${short(p.id)}: ${p.message}` })),
      await attempt('list of records', async () => {
        checkState(ctx, live)
        return `${count(live.length, 'record')}, as the signed head names them`
      }),
      await attempt('keys', async () => {
        ensure(await findParty(ctx, ctx.session.state.ring.did), 'BAD_SIGNATURE', 'Your own key bundle does not verify.')
        return 'your key bundle is endorsed by your controller'
      }),
      await anchors(ctx),
      await contents(ctx, entries, done => io.progress(`${done} opened …`)),
      await attempt('who looked', async () => {
        const trail = await verifyTrail(ctx)
        ensure(!trail.problems.length, 'BAD_PROOF', trail.problems.map(p => p.message).join(' '))
        return `${count(trail.looked.length, 'receipt')}, log of ${trail.logSize}${trail.anchored ? `, on the ledger up to ${trail.anchored.size}` : ''}`
      }),
    ]
    const ok = findings.every(f => f.ok)
    result(io, args, { ok, findings }, () => [
      ...findings.map(f => `${f.ok ? 'ok  ' : 'FAIL'} ${f.check}: ${f.detail}`),
      ok ? 'Everything holds.' : 'Something is wrong; see above.',
    ])
    return ok ? 0 : 5
  })

/** What a stranger can say of a trail: everything but what only the ledger knows, which is named. */
async function verifyFile(io: Io, args: Args): Promise<number> {
  const file = args.one('file')
  ensure(existsSync(file), 'USAGE', 'There is no such file.')
  const parts = await readExtract(createReadStream(file))
  if (parts) return verifyExtract(io, args, checkParts(parts))
  const bytes = await readFile(file)
  const { lines, problems, anchored, ...about } = await checkTrailProof(readTrailFile(bytes))
  const shown = lines.map(provenLine)
  result(io, args, { ok: !problems.length, ...about, anchored, problems, lines: shown }, () => [
    ...provenTable(shown),
    '',
    ...problems.map(p => `FAIL receipt ${p.seq}: ${p.message} (${p.code})`),
    problems.length
      ? 'Something is wrong; see above.'
      : `All ${count(lines.length, 'receipt')} hold: signed by the relay, without a gap, in one log of ${about.logSize}.`,
    anchored
      ? `Ask the ledger (chain ${about.chainId}, AuditTrail ${about.contract}) whether it took entry ${anchored.size} at ${when(anchored.time)} under root ${toHex(anchored.root)}${writtenIn(anchored.written)}.`
      : 'Nothing of it was on the ledger yet when it was made.',
  ])
  return problems.length ? 5 : 0
}

const PROVEN: Readonly<Record<ExtractVerdict['lines'][number]['by'], string>> = {
  receipt: 'relay’s receipt',
  acceptance: 'relay’s word',
  word: 'organisation’s word alone',
}

/** Part of an organisation's trail, as its gateway gives it to an auditor; the proofs of one part are in memory at a time. */
async function verifyExtract(io: Io, args: Args, parts: AsyncIterable<ExtractVerdict>): Promise<number> {
  const lines: ExtractProven[] = []
  const problems: ExtractVerdict['problems'][number][] = []
  const known = new Map<string, ExtractVerdict['relays'][number]>()
  let about = { holder: '', name: '', madeAt: 0, asked: '' }
  for await (const { lines: some, problems: wrong, relays: of, ...rest } of parts) {
    lines.push(...some)
    problems.push(...wrong)
    for (const relay of of) known.set(relay.did, relay)
    about = rest
    io.progress(`${lines.length} entries …`)
  }
  const relays = [...known.values()]
  const shown = lines.map(({ line, by, request }) => ({ ...line, by, request }))
  const words = lines.filter(l => l.by === 'word').length
  result(io, args, { ok: !problems.length, ...about, relays, problems, lines: shown }, () => [
    ...table(
      lines.map(({ line: l, by }) => [
        when(l.at),
        safe(l.person),
        l.refused === undefined ? l.action : `refused: ${safe(l.refused)}`,
        purposeWord(l.purpose),
        PROVEN[by],
      ]),
      70,
    ),
    '',
    ...problems.map(p => `FAIL entry ${p.n}: ${p.message} (${p.code})`),
    problems.length
      ? 'Something is wrong; see above.'
      : `Signed by ${safe(about.name)} (${about.holder}) at ${when(about.madeAt)}, for: ${safe(about.asked)}. ${count(lines.length, 'entry', 'entries')} hold${words ? `, ${words} of them on its word alone` : ''}.`,
    ...relays.map(r =>
      r.anchored
        ? `Ask the ledger (chain ${r.chainId}, AuditTrail ${r.contract}) whether it took entry ${r.anchored.size} of ${r.did} at ${when(r.anchored.time)} under root ${toHex(r.anchored.root)}${writtenIn(r.anchored.written)}.`
        : `Nothing of ${r.did} was on the ledger yet when it was made.`,
    ),
  ])
  return problems.length ? 5 : 0
}

async function attempt(check: string, work: () => Promise<string>): Promise<Finding> {
  try {
    return { check, ok: true, detail: await work() }
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return { check, ok: false, detail: `${e.message} (${e.code})` }
  }
}

/** Proofs known from before are checked again, against the ledger as it is now. */
async function anchors(ctx: Ctx): Promise<Finding> {
  return attempt('proofs', async () => {
    const fresh = await confirmAnchors(ctx, await selectEntries(ctx, e => e.anchoredAt === undefined))
    ensure(!fresh.wrong.length, 'BAD_PROOF', `The ledger does not hold the proof of ${fresh.wrong.map(short).join(', ')}.`)
    const ledger = await homeLedger(ctx)
    const roots = new Map<string, number | null>()
    let waiting = 0
    let checked = 0
    for await (const e of eachEntry(ctx)) {
      if (!e.anchor) {
        waiting++
        continue
      }
      const key = toHex(e.anchor.root)
      if (!roots.has(key)) roots.set(key, (await ledger.anchors.of(e.anchor.root))?.size ?? null)
      const holds = roots.get(key) === e.anchor.size && verifyInclusion({ leaf: e.leaf, ...e.anchor })
      ensure(holds, 'BAD_PROOF', `The ledger does not hold the proof of ${short(e.id)}.`)
      checked++
    }
    return `${checked.toLocaleString('en')} on the ledger under ${count(roots.size, 'root')}${waiting ? `, ${waiting} not anchored yet` : ''}`
  })
}

async function contents(ctx: Ctx, entries: readonly Entry[], progress: (done: number) => void): Promise<Finding> {
  let done = 0
  let unknown = 0
  return attempt('contents', async () => {
    for await (const { meta, proof, chunks } of openBodies(ctx, entries)) {
      for await (const _ of chunks()) void _
      const author = await partyAt(ctx, meta.author, proof.batch.version)
      if (author) await verifyAuthor({ meta, proof }, author)
      else unknown++
      progress(++done)
    }
    return `${count(done, 'record')} opened, whole and signed by their authors${unknown ? `; ${unknown} by authors who cannot be asked now` : ''}`
  })
}

/** At most `n` of the records, evenly spread. */
function sampled(ctx: Ctx, total: number, n: number): Promise<Entry[]> {
  const step = n > 0 ? Math.max(1, total / n) : 1
  let at = -1
  return selectEntries(ctx, () => Math.floor(++at / step) !== Math.floor((at - 1) / step))
}
