import type { Ctx } from '@keepwell/sdk/actions/context'
import { answerRight, askRight, disagree, lateness } from '@keepwell/sdk/actions/rights/cases'
import { confirmLimits, type Limited, objectTo, setLimits } from '@keepwell/sdk/actions/rights/limits'
import { limitsOf } from '@keepwell/sdk/actions/rights/ring'
import { ensure } from '@keepwell/sdk/base/error'
import { LAWS, NO_RIGHTS, RIGHTS, type RightsAsked, type RightsCase } from '@keepwell/sdk/identity/rights'
import type { Args, Command } from '#command'
import { dutyLine } from '#commands/sync'
import { confirmed } from '#confirm'
import { withHome } from '#home'
import type { Io } from '#io'
import { byPrefix, entryNamed, namedGiver, nameOf } from '#names'
import { count, day, result, safe, short, when } from '#show'
import { purpose, purposeWord } from '#words'

type Run = (io: Io, args: Args, ctx: Ctx) => Promise<void>

export const rights: Command = {
  name: 'rights',
  group: 'trust',
  takes: '[freeze|lift|object|allow|close|open|ask|answer|disagree] [WHAT]',
  summary: 'Your rights: freeze the record, object, opt out; ask others for yours, with deadlines, and answer them.',
  about:
    'freeze: nobody but you lists or opens anything, from the next request on; with --no-emergency not even in an emergency. lift ends it.\n' +
    'object PURPOSE: nobody acts for that purpose any more; consents for nothing else end; requests for it are declined. allow PURPOSE ends it.\n' +
    'close: no new consent but for emergencies is taken. open ends it.\n' +
    'Each is signed by you, and your relay signs that it is in force; those whose consents live are told.\n' +
    'ask RIGHT --of WHO: access, rectify, erase, restrict, object or accounting, of whoever keeps data about you. They have a month under the GDPR,\n' +
    'and 30 or 60 days under HIPAA; without a word, what was asked, of whom, and until when they must answer is shown.\n' +
    'answer ID: what somebody asked of you. disagree ID: file your own statement beside a record that its author refuses to rectify.\n' +
    'To take everything along: keepwell export --as zip. To erase: keepwell erase. To end a consent: keepwell revoke. Who looked: keepwell audit.',
  examples: [
    'keepwell rights',
    'keepwell rights freeze',
    'keepwell rights object research',
    'keepwell rights ask rectify --of "Dr West" --record 3fa2c1 --text "I am not allergic to penicillin."',
    'keepwell rights answer 8c01 --outcome refused --text "The finding is as it was measured. You may complain to …"',
  ],
  options: {
    'no-emergency': { type: 'boolean', about: 'With freeze: not even for emergencies.' },
    of: { type: 'string', value: 'WHO', about: 'With ask: the contact, or whoever gave you a consent.' },
    law: { type: 'string', value: 'LAW', about: 'With ask: gdpr (default) or hipaa; it sets the deadline.' },
    record: { type: 'string', multiple: true, value: 'ID', about: 'With ask: what it is about; may be given several times.' },
    text: { type: 'string', value: 'TEXT', about: 'In your words.' },
    outcome: { type: 'string', value: 'OUTCOME', about: 'With answer: done, refused, or extended (once, as long as the law gives).' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      const [what] = args.positionals
      if (what === undefined) return overview(io, args, ctx)
      const run = Object.hasOwn(RUNS, what) ? RUNS[what] : undefined
      ensure(run, 'USAGE', `Say: keepwell rights, or with one of ${Object.keys(RUNS).join(', ')}.`)
      return run(io, args, ctx)
    }),
}

const FROZEN =
  'Nobody but you will list or open anything, from now on. What was opened before is beyond reach. Others may still file what they write.'

const RUNS: Readonly<Record<string, Run>> = {
  async freeze(io, args, ctx) {
    if (!args.json) io.note(FROZEN)
    ensure(await confirmed(io, args, 'Freeze the record?'), 'CANCELLED', 'Nothing was changed.')
    told(io, args, await setLimits(ctx, { frozen: true, emergency: !args.flag('no-emergency') }), 'The record is frozen')
  },
  lift: async (io, args, ctx) => told(io, args, await setLimits(ctx, { frozen: false }), 'The freeze is lifted'),
  async object(io, args, ctx) {
    const named = args.positionals.slice(1).map(purpose)
    ensure(named.length, 'USAGE', 'Say to what: keepwell rights object PURPOSE…')
    const done = await objectTo(ctx, named)
    told(io, args, done, `You object to ${named.map(purposeWord).join(', ')}; ${count(done.ended.length, 'consent')} ended`)
  },
  async allow(io, args, ctx) {
    const named = args.positionals.slice(1).map(purpose)
    const objects = (limitsOf(ctx.session.state.ring)?.limits.objects ?? []).filter(p => !named.includes(p))
    told(io, args, await setLimits(ctx, { objects }), 'The objection is withdrawn')
  },
  close: async (io, args, ctx) =>
    told(io, args, await setLimits(ctx, { closed: ctx.clock() }), 'No new consent is taken but for emergencies'),
  open: async (io, args, ctx) => told(io, args, await setLimits(ctx, { closed: null }), 'New consents are taken again'),
  async confirm(io, args, ctx) {
    const at = await confirmLimits(ctx)
    result(io, args, { confirmed: at }, () => [`In force at your relay since ${when(at)}, it signs.`])
  },
  async ask(io, args, ctx) {
    const { ring } = ctx.session.state
    const [, right] = args.positionals
    const named = RIGHTS.find(r => r === right)
    ensure(named, 'USAGE', `Say for what: ${RIGHTS.join(', ')}.`)
    const law = LAWS.find(l => l === (args.text('law') ?? 'gdpr'))
    ensure(law, 'USAGE', '--law is gdpr or hipaa.')
    const to = namedGiver(ring, args.need('of'))
    const records = (await Promise.all(args.list('record').map(r => entryNamed(ctx, r)))).map(e => e.id)
    const made = await askRight(ctx, { to, name: nameOf(ring, to), right: named, law, records, text: args.text('text') ?? '' })
    result(io, args, made, () => [`${safe(made.name)} was asked, and must answer until ${day(made.due)}: ${short(made.id)}`])
  },
  async answer(io, args, ctx) {
    const asked = byPrefix(rightsOf(ctx).asked, a => a.id, args.positionals[1] ?? '', 'request')
    const outcome = (['done', 'refused', 'extended'] as const).find(o => o === args.need('outcome'))
    ensure(outcome, 'USAGE', '--outcome is done, refused or extended.')
    const made = await answerRight(ctx, { id: asked.id, outcome, text: args.need('text') })
    result(io, args, made, () => [`${safe(made.name)} was answered.`])
  },
  async disagree(io, args, ctx) {
    const found = byPrefix(rightsOf(ctx).cases, c => c.id, args.positionals[1] ?? '', 'request')
    const entry = await disagree(ctx, found.id, args.need('text'))
    result(io, args, { record: entry.id }, () => [`Your statement is filed beside the record: ${short(entry.id)}`])
  },
}

const rightsOf = (ctx: Ctx) => ctx.session.state.ring.rights ?? NO_RIGHTS

function told(io: Io, args: Args, done: Limited, what: string): void {
  result(io, args, done, () => [
    `${what}. Your relay signed for it at ${when(done.confirmed)}.`,
    ...(done.told.length ? [`Told: ${done.told.map(safe).join(', ')}.`] : []),
    ...(done.unreached.length ? [`Could not be told: ${done.unreached.map(safe).join(', ')}.`] : []),
  ])
}

async function overview(io: Io, args: Args, ctx: Ctx): Promise<void> {
  const { cases, asked, told: said = [] } = rightsOf(ctx)
  const limits = limitsOf(ctx.session.state.ring)
  const now = ctx.clock()
  const value = {
    limits,
    cases: cases.map(c => ({ ...c, stands: lateness(c, now) })),
    asked: asked.map(a => ({ ...a, stands: lateness(a, now) })),
    told: said,
  }
  result(io, args, value, () => [
    ...limitLines(limits),
    ...(cases.length ? ['', 'You asked:', ...cases.map(c => line(c, now))] : []),
    ...(asked.length ? ['', 'You were asked:', ...asked.map(a => line(a, now))] : []),
    ...(said.length ? ['', 'You were told:', ...said.map(d => `  ${day(d.at)}  ${dutyLine(d)}`)] : []),
  ])
}

function limitLines(found: ReturnType<typeof limitsOf>): string[] {
  if (!found) return ['Nothing limits your consents: no freeze, no objection, no opt-out.']
  const { limits, confirmed: at, since } = found
  return [
    limits.frozen ? `FROZEN for everybody${limits.emergency ? ' but emergencies' : ''}, since ${when(since!)}.` : 'Not frozen.',
    limits.objects.length ? `You object to: ${limits.objects.map(purposeWord).join(', ')}.` : 'You object to no purpose.',
    limits.closed === null ? 'New consents are taken.' : `No new consent is taken since ${when(limits.closed)}, but for emergencies.`,
    at === null ? 'NOT CONFIRMED by your relay yet: keepwell rights confirm' : `In force at your relay since ${when(at)}.`,
  ]
}

function line(c: RightsCase | RightsAsked, now: number): string {
  const stands = { answered: c.state, waiting: `until ${day(c.due)}`, late: `LATE: was due ${day(c.due)}` }[lateness(c, now)]
  const answer = c.answer ? `\n      ${safe(c.answer)}` : ''
  return `  ${short(c.id)}  ${c.right} (${c.law}), ${safe(c.name)}, ${day(c.at)}: ${stands}${c.state === 'extended' ? ' (extended)' : ''}${c.text ? `\n      ${safe(c.text)}` : ''}${answer}`
}
