import { readFile } from 'node:fs/promises'
import { openCustodians } from '@keepwell/adapters/custodian/http'
import { approveEmergency, askEmergency, askedBefore, emergencyStatus, openEmergency } from '@keepwell/sdk/actions/emergency/ask'
import { fromHex, text } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { readCard, readPreauthorisation } from '@keepwell/sdk/identity/emergency'
import type { Args } from '#command'
import { doorToOthers, type Home, withHome } from '#home'
import type { Io } from '#io'
import { once, saveStream } from '#save'
import { result, safe, short, table, when } from '#show'

/** What a professional does with somebody's emergency card. */
export async function ask(io: Io, args: Args): Promise<unknown> {
  const [what] = args.positionals
  if (what !== 'request') return withHome(io, args, home => (what === 'approve' ? approve(io, args, home) : open(io, args, home)))
  const read = await cardOf(args)
  // What is printed on the card needs nobody, so it is told before anybody is asked: the relay may be down (threat T12).
  if (!args.json) for (const line of read.summary.split('\n')) io.note(safe(line))
  if (!read.vouched) io.note('The card’s own key did not sign these words: they may have been changed.')
  return withHome(io, args, home => request(io, args, home, read))
}

type Card = ReturnType<typeof readCard>

async function cardOf(args: Args): Promise<Card> {
  const given = args.need('card')
  if (given.includes('keepwell:emergency#')) return readCard(given)
  return readCard(
    await readFile(given, 'utf8').catch(cause => {
      throw new KeepwellError('BAD_INPUT', 'The file with what was scanned cannot be read.', { cause })
    }),
  )
}

async function request(io: Io, args: Args, { ctx }: Home, { card, summary, vouched }: Card): Promise<void> {
  const word = args.text('preauthorised')
  const made = await askEmergency(ctx, {
    card,
    reason: args.need('reason'),
    ...(word ? { preauthorisation: readPreauthorisation(word) } : {}),
  })
  const found = await emergencyStatus(ctx, card, made.tag)
  const value = { tag: made.tag, state: found?.state, opensAt: found?.opensAt, closesAt: found?.closesAt, summary, vouched }
  result(io, args, value, () => [
    `Request ${short(made.tag)} is ${found?.state}. The patient is told when custodians release.`,
    found?.state === 'waiting' && !found.opensAt
      ? `A second professional approves it: keepwell emergency approve ${Buffer.from(made.tag).toString('hex')} --card …`
      : `Open it: keepwell emergency open ${short(made.tag)} --card …`,
  ])
}

async function approve(io: Io, args: Args, { ctx }: Home): Promise<void> {
  const [, tag = ''] = args.positionals
  ensure(/^[0-9a-f]{64}$/i.test(tag), 'USAGE', 'Give the whole tag, 64 hex digits, as the first professional’s screen shows it.')
  const { card } = await cardOf(args)
  await approveEmergency(ctx, { tag: fromHex(tag.toLowerCase()), relays: card.relays })
  result(io, args, { tag }, () => ['Approved: you are the second person, and your credential stands on the ledger beside the first.'])
}

async function open(io: Io, args: Args, home: Home): Promise<void> {
  const { ctx } = home
  const [, tag] = args.positionals
  ensure(tag, 'USAGE', 'Say which request, by the first digits of its tag.')
  const { card } = await cardOf(args)
  const { fetch } = await doorToOthers(home)
  const opened = await openEmergency({ ...ctx, custodians: openCustodians({ fetch }) }, { card, asked: askedBefore(ctx, tag) })
  const { session, custodians, closesAt } = opened
  const summaries = session.records.filter(r => r.card.title === 'Emergency summary').toSorted((a, b) => b.seq - a.seq)
  const [newest] = summaries
  const [whole] = newest ? await session.open([newest.id]) : []
  const out = args.text('out')
  if (out && whole) await saveStream(out, once(whole.body))
  const records = session.records.map(r => ({ id: r.id, title: r.card.title, kind: r.card.kind, start: r.card.start }))
  result(io, args, { records, custodians, closesAt, summary: whole ? JSON.parse(text(whole.body)) : null }, () => [
    ...table(records.map(r => [r.start ?? '', r.kind, safe(r.title)])),
    out && whole ? `The summary is saved: ${safe(out)}` : 'Save the summary with --out FILE.',
    `The window closes at ${when(closesAt)}. A receipt of this reading is with the patient.`,
    ...custodians.filter(c => c.state === 'tampered').map(c => `Custodian ${safe(c.url)} gave a share that was not the one dealt to it.`),
  ])
  session.close()
}
