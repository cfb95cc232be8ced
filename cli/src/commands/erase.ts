import type { Ctx } from '@keepwell/sdk/actions/context'
import { eraseChosen } from '@keepwell/sdk/actions/records/erase-chosen'
import { entryOf } from '@keepwell/sdk/actions/records/list-entries'
import { planOwnRetention, readOwnRules, samePlan } from '@keepwell/sdk/actions/records/own-retention'
import { endRetention, readRetention, SHORTEST_NOTICE, setRetention } from '@keepwell/sdk/actions/records/standing-retention'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import type { Entry } from '@keepwell/sdk/records/catalog'
import type { Args, Command } from '#command'
import { confirmed } from '#confirm'
import { eraseEverything } from '#erase-everything'
import { withHome } from '#home'
import type { Io } from '#io'
import { readText } from '#keys'
import { entryNamed } from '#names'
import { count, result, safe, when } from '#show'
import { seconds } from '#words'

export const erase: Command = {
  name: 'erase',
  group: 'records',
  takes: '[ID…]',
  summary: 'Destroy the keys of records, or the whole record, for ever.',
  about:
    'Your relay destroys the keys and signs that it did. What someone opened before is beyond reach, and so are copies you exported or backed up.\n' +
    'With --rules FILE it shows what your own rules would erase: {"v":1,"rules":[{"compartment":"wearables","days":730}]}, counted from what a record tells of. Nothing goes until you give\n' +
    'the plan it shows: --plan. If anything has changed since, it refuses. No legal hold of anybody else stands in your way: it binds their copies.\n' +
    'With --rules FILE --standing you sign the rules, and your always-on agent (keepwell vault) keeps to them: what is due it announces to your inbox, waits (--notice, a fortnight unless you say otherwise,\n' +
    'a week at least), erases of it what is due still, and tells you. While somebody tells you of a legal hold it erases nothing by itself. --standing alone shows what waits; with --end all of it stays.\n' +
    'With --everything the record itself ends: consents, tokens, records, keys, at the relay and in this home. No words bring it back.',
  examples: [
    'keepwell erase 3fa2c1',
    'keepwell erase --rules rules.json',
    'keepwell erase --rules rules.json --plan 0f3a9c5d7e1b2a64',
    'keepwell erase --rules rules.json --standing --notice 30d',
    'keepwell export --as zip --out record.zip && keepwell erase --everything --receipts receipts.json',
  ],
  options: {
    everything: { type: 'boolean', about: 'End the whole record. Asks for its name; --yes does not ask.' },
    rules: { type: 'string', value: 'FILE', about: 'How long you want to keep what, by part: shows what is due.' },
    plan: { type: 'string', value: 'PLAN', about: 'With --rules: erase what this plan showed.' },
    standing: { type: 'boolean', about: 'With --rules: sign them, for the agent to keep to. Alone: show what stands and what waits.' },
    notice: { type: 'string', value: 'TIME', about: 'With --standing: how long what is due waits after you were told; default 14d.' },
    end: { type: 'boolean', about: 'With --standing: no rule stands any more, and what waits stays.' },
    receipts: { type: 'string', value: 'FILE', about: 'With --everything: write what the relay signed to this new file.' },
  },
  run: (io, args) =>
    args.flag('everything') ? eraseEverything(io, args) : args.flag('standing') ? standing(io, args) : eraseNamed(io, args),
}

/** Signs the rules that the agent keeps to, ends them, or shows them and what waits. */
const standing = (io: Io, args: Args): Promise<void> =>
  withHome(io, args, async ({ ctx }) => {
    const file = args.text('rules')
    ensure(!args.positionals.length && !args.text('plan'), 'USAGE', '--standing takes no ids and no plan.')
    ensure(!(file && args.flag('end')), 'USAGE', 'Either --rules or --end.')
    if (args.flag('end')) await endRetention(ctx)
    if (file) {
      const rules = readOwnRules(await readText(file, '--rules'))
      const { due } = await planOwnRetention(ctx, rules)
      if (!args.json) io.note(`${count(due.length, 'record')} would be announced at once.`)
      ensure(await confirmed(io, args, 'Sign these rules?'), 'CANCELLED', 'No rule was signed.')
      await setRetention(ctx, { rules, notice: seconds(args.text('notice') ?? `${(2 * SHORTEST_NOTICE) / 86_400}d`) })
    }
    const kept = ctx.session.state.ring.retention
    if (!kept) return result(io, args, { standing: null }, () => ['No rule of yours erases anything by itself.'])
    const { rules, notice, at } = readRetention(kept)
    const waits = kept.round ? (await Promise.all(kept.round.ids.map(id => entryOf(ctx, id)))).filter(e => e !== null) : []
    const waiting = kept.round && { at: kept.round.at, on: kept.round.on, records: waits.map(e => e.id) }
    result(io, args, { standing: { rules: rules.rules, notice, at, waiting } }, () => [
      ...rules.rules.map(r => `${safe(r.compartment)}: kept for ${count(r.days, 'day')}`),
      `What is due is announced ${count(Math.round(notice / 86_400), 'day')} before it goes.`,
      ...(kept.round ? [`From ${when(kept.round.on)} on these go, unless you end it (--standing --end):`] : ['Nothing waits.']),
      ...waits.map(e => `  ${safe(e.card.title)}`),
    ])
  })

const eraseNamed = (io: Io, args: Args): Promise<void> =>
  withHome(io, args, async ({ ctx }) => {
    ensure(!args.text('receipts'), 'USAGE', '--receipts belongs to --everything.')
    const file = args.text('rules')
    ensure(file || args.positionals.length, 'USAGE', 'Say which: keepwell erase ID…')
    ensure(!file || !args.positionals.length, 'USAGE', 'Either --rules or ids.')
    const named = file ? await dueBy(io, args, ctx, file) : await Promise.all(args.positionals.map(p => entryNamed(ctx, p)))
    if (!named) return
    const chosen = [...new Map(named.map(e => [toHex(e.id), e])).values()]
    if (!args.json) for (const e of chosen) io.note(`  ${safe(e.card.title)}`)
    ensure(await confirmed(io, args, `Erase ${count(chosen.length, 'record')} for ever?`), 'CANCELLED', 'Nothing was erased.')
    const done = await eraseChosen(ctx, chosen)
    const { burned } = done
    result(io, args, done, () => [
      `${count(done.erased.length, 'record')} erased; the relay signed ${count(done.receipts.length, 'deletion receipt')}.`,
      ...(chosen.some(e => e.card.held)
        ? ['Whoever held content of its own keeps its original; nobody gets it through these records any more.']
        : []),
      ...(burned ? [`${count(burned, 'token')} burned.`] : []),
      ...(done.told.length ? [`Told, for they may have read it: ${done.told.map(safe).join(', ')}.`] : []),
      ...(done.unreached.length ? [`Could not be told: ${done.unreached.map(safe).join(', ')}.`] : []),
      ...done.pending.map(p => `Pending at ${p}.`),
    ])
  })

/** What the rules hit, when it is the plan that was given; without one the plan is shown, and nothing is to be erased. */
async function dueBy(io: Io, args: Args, ctx: Ctx, file: string): Promise<readonly Entry[] | null> {
  const rules = readOwnRules(await readText(file, '--rules'))
  const hash = args.text('plan')
  if (hash) return (await samePlan(ctx, rules, hash)).due
  const { due, byPart, hash: plan } = await planOwnRetention(ctx, rules)
  result(io, args, { plan, due: due.map(e => e.id), byPart }, () => [
    ...byPart.map(p => `${safe(p.part)}: ${count(p.due, 'record')} older than ${count(p.days, 'day')}`),
    due.length ? `Nothing was erased. To erase these: --plan ${plan}` : 'Nothing is due.',
  ])
  return null
}
