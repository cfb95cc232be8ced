import { endRule, makeRule, readRule, vetoUse } from '@keepwell/sdk/actions/access/rules'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { compartmentNamed } from '@keepwell/sdk/actions/records/secrets'
import { ensure } from '@keepwell/sdk/base/error'
import type { KeptRule, RuleUse } from '@keepwell/sdk/identity/keyring'
import type { Args, Command } from '#command'
import { withHome } from '#home'
import { byPrefix, nameOf, partyNamed } from '#names'
import { count, day, result, safe, short, when } from '#show'
import { purpose, purposeWord, seconds, until } from '#words'

const DAY = 86_400

export const rules: Command = {
  name: 'rules',
  group: 'sharing',
  summary: 'Say once who may be given what while you are away; see and end such rules.',
  about:
    'Your always-on agent (keepwell vault) answers requests under the rules that you sign here: to read, never more than the rule says, each use\n' +
    'told to you before and after. What is sensitive, the emergency part and anything else than reading is never given by a rule. A request that\n' +
    'asks for more than a rule allows waits for you.',
  examples: [
    'keepwell rules --add "My heart doctor" --to "Dr West" --compartment laboratory --purpose treatment --longest 90d --cap 2 --until 1y',
    'keepwell rules --add Research --role RESEARCH --compartment wearables --purpose research --longest 180d --until 6m --veto 7d',
    'keepwell rules --veto 3f2a',
  ],
  options: {
    add: { type: 'string', value: 'NAME', about: 'Sign a new rule of that name.' },
    to: { type: 'string', value: 'WHO', about: 'For this verified contact.' },
    role: { type: 'string', value: 'ROLE', about: 'Or for whoever holds a live credential of this role.' },
    compartment: { type: 'string', multiple: true, value: 'NAME', about: 'Which part; may be given several times.' },
    purpose: { type: 'string', multiple: true, value: 'WHY', about: 'What for; may be given several times.' },
    longest: { type: 'string', value: 'TIME', about: 'The longest consent it gives: 90d.' },
    cap: { type: 'string', value: 'N', about: 'How many in 30 days; default 1.' },
    until: { type: 'string', value: 'TIME', about: 'When the rule ends, at most a year from now.' },
    veto: {
      type: 'string',
      value: 'TIME or USE',
      about: 'With --add: how long you have to say no, default 24h. Alone: say no to this use.',
    },
    end: { type: 'string', value: 'RULE', about: 'End this rule; what was given stays.' },
    'with-given': { type: 'boolean', about: 'With --end: end what was given under it as well.' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      const name = args.text('add')
      const end = args.text('end')
      const veto = args.text('veto')
      if (name) await add(ctx, args, name)
      else if (end) {
        const kept = byPrefix(all(ctx), k => readRule(k).id, end, 'rule')
        await endRule(ctx, readRule(kept).id, { given: args.flag('with-given') })
      } else if (veto) {
        const waiting = all(ctx).flatMap(k => k.uses.filter(u => u.state === 'waiting'))
        await vetoUse(ctx, byPrefix(waiting, u => u.request, veto, 'use').request)
      }
      const shown = all(ctx).map(k => ({ ...readRule(k), ended: k.ended, uses: k.uses }))
      result(io, args, { rules: shown }, () => (shown.length ? all(ctx).flatMap(k => lines(ctx, k)) : ['There is no rule.']))
    }),
}

const all = (ctx: Ctx): readonly KeptRule[] => ctx.session.state.ring.rules ?? []

async function add(ctx: Ctx, args: Args, name: string): Promise<void> {
  const { ring } = ctx.session.state
  const [to, role] = [args.text('to'), args.text('role')]
  ensure((to === undefined) !== (role === undefined), 'USAGE', 'Say for whom: --to WHO, or --role ROLE.')
  const cap = Number(args.text('cap') ?? '1')
  ensure(Number.isInteger(cap) && cap > 0, 'USAGE', '--cap is a whole number.')
  const now = ctx.clock()
  await makeRule(ctx, {
    name,
    to: to === undefined ? null : partyNamed(ring, to),
    role: role ?? null,
    compartments: args.list('compartment').map(c => compartmentNamed(ring, c).id),
    purposes: args.list('purpose').map(purpose),
    longest: seconds(args.need('longest')),
    cap,
    notBefore: now,
    expiry: until(args.need('until'), now),
    veto: seconds(args.text('veto') ?? '24h'),
  })
}

function lines(ctx: Ctx, kept: KeptRule): string[] {
  const { ring } = ctx.session.state
  const rule = readRule(kept)
  const parts = rule.compartments.map(id => ring.compartments.find(c => c.id.join() === id.join())?.name ?? short(id))
  const whom = rule.to ? nameOf(ring, rule.to) : `whoever is a ${rule.role}`
  return [
    `${short(rule.id)}  ${safe(rule.name)}${kept.ended ? '  (ended)' : ''}: ${safe(whom)} may read ${parts.map(safe).join(', ')} for ${rule.purposes.map(purposeWord).join(', ')}`,
    `  at most ${Math.round(rule.longest / DAY)} days, ${count(rule.cap, 'time')} in 30 days, until ${day(rule.expiry)}; you have ${Math.round(rule.veto / 3600)} hours to say no`,
    ...kept.uses.map(useLine),
  ]
}

const useLine = (u: RuleUse): string =>
  `  ${short(u.request)}  ${safe(u.name)}, ${u.compartments.map(safe).join(', ')}: ${u.state === 'waiting' ? `is given at ${when(u.due)} unless you say no` : u.state}`
