import type { Ctx } from '@keepwell/sdk/actions/context'
import {
  askGuardian,
  drillGuardians,
  endGuardians,
  guardiansOf,
  removeGuardian,
  setGuardians,
  settleGuardians,
} from '@keepwell/sdk/actions/guardians/guardians'
import { acceptGuarding, leaveGuarding } from '@keepwell/sdk/actions/guardians/take'
import { equal } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Did } from '@keepwell/sdk/identity/did'
import { planHash } from '@keepwell/sdk/identity/recovery-typed-data'
import type { RecoveryState } from '@keepwell/sdk/ports/recoveries'
import type { Args, Command } from '#command'
import { quietSync, roundLines } from '#commands/sync'
import { confirmed } from '#confirm'
import { withHome } from '#home'
import type { Io } from '#io'
import { partyNamed } from '#names'
import { day, result, safe, when } from '#show'
import { seconds } from '#words'

type Run = (io: Io, args: Args, ctx: Ctx) => Promise<void>

export const guardians: Command = {
  name: 'guardians',
  group: 'home',
  takes: '[add|set|remove|drill|accept|leave WHO]',
  summary: 'Choose people who can help you back in when you lost everything; be a guardian yourself.',
  about:
    'Each guardian holds a share that is worth nothing alone. Ask three or more contacts (add), who agree on their side (accept); then put them in charge\n' +
    '(set --take 2): two of them bring you back, after a time lock in which any device you still have can stop it. Other guardians count after 14 days.\n' +
    'After remove, set those who are left in charge; set --take 0 does without guardians.',
  examples: [
    'keepwell guardians add "Ben Example"',
    'keepwell guardians set --take 2',
    'keepwell guardians drill',
    'keepwell guardians accept "Ada Example"',
  ],
  options: {
    take: {
      type: 'string',
      value: 'NUMBER',
      about: 'Of set: how many guardians it takes; one fewer than there are, at most. 0: no guardians any more.',
    },
    wait: { type: 'string', value: 'TIME', about: 'Of set: the time lock, 1d to 4d; default 3d.' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      const [what = 'list'] = args.positionals
      const runs: Readonly<Record<string, Run>> = { list: async () => {}, add, set, remove, drill, accept, leave }
      ensure(Object.hasOwn(runs, what), 'USAGE', 'Say: keepwell guardians, or keepwell guardians add, set, remove, drill, accept or leave.')
      await quietSync(io, ctx)
      await runs[what]!(io, args, ctx)
      const state = await settleGuardians(ctx)
      result(io, args, shown(ctx, state), () => lines(ctx, state))
      return undefined
    }),
}

const who = (args: Args): string => {
  const [, name] = args.positionals
  ensure(name, 'USAGE', 'Say who: keepwell guardians add "Ben Example"')
  return name
}

const add: Run = (_io, args, ctx) => askGuardian(ctx, partyNamed(ctx.session.state.ring, who(args)))

const set: Run = async (io, args, ctx) => {
  const take = Number(args.need('take'))
  ensure(Number.isInteger(take), 'USAGE', 'How many guardians does it take? Say: --take 2')
  const wait = args.text('wait')
  if (take === 0) {
    ensure(await confirmed(io, args, 'Do without guardians?'), 'CANCELLED', 'Nothing was changed.')
    return endGuardians(ctx)
  }
  const unreached = await setGuardians(ctx, { threshold: take, ...(wait ? { delay: seconds(wait) } : {}) })
  for (const name of unreached) io.note(`${safe(name)} could not be reached; their share is still to be sent.`)
}

const remove: Run = async (io, args, ctx) => {
  const { asked } = guardiansOf(ctx)
  await removeGuardian(ctx, named(asked, who(args)))
  io.note('Until you put those who are left in charge (keepwell guardians set --take …), and 14 days after, they keep their place.')
}

const drill: Run = async (io, _args, ctx) => {
  const unreached = await drillGuardians(ctx)
  for (const name of unreached) io.note(`${safe(name)} could not be reached.`)
  io.note('They are asked; each answers when they next open Keepwell.')
}

const guardedBy = (ctx: Ctx, name: string): Did =>
  named(
    (ctx.session.state.ring.guarding ?? []).map(g => ({ did: g.vault, name: g.name })),
    name,
  )

const accept: Run = (_io, args, ctx) => acceptGuarding(ctx, guardedBy(ctx, who(args)))

const leave: Run = async (io, args, ctx) => {
  const did = guardedBy(ctx, who(args))
  ensure(await confirmed(io, args, 'Forget their share? They have one guardian fewer then.'), 'CANCELLED', 'Nothing was changed.')
  await leaveGuarding(ctx, did)
}

/** The only one of that name, or DID, among these people. */
export function named(people: readonly { readonly did: Did; readonly name: string }[], text: string): Did {
  const wanted = text.trim().toLowerCase()
  const found = people.filter(p => p.did === text || p.name.toLowerCase() === wanted)
  const [one] = found.length ? found : people.filter(p => p.name.toLowerCase().startsWith(wanted))
  if (!one || found.length > 1) throw new KeepwellError('UNKNOWN_PARTY', `There is nobody, or more than one, called "${safe(text)}" here.`)
  return one.did
}

const inForce = (plan: Uint8Array | null | undefined) => (c: { readonly plan: Parameters<typeof planHash>[0] }) =>
  plan !== null && plan !== undefined && equal(planHash(c.plan), plan)

function shown(ctx: Ctx, state: RecoveryState) {
  const { asked, circles } = guardiansOf(ctx)
  const circle = circles.find(inForce(state.plan))
  const plain = (c: typeof circle) =>
    c && { take: c.plan.threshold, wait: c.plan.delay, guardians: c.seats.map(({ did, name, drilledAt }) => ({ did, name, drilledAt })) }
  const coming = circles.find(inForce(state.pending?.plan))
  return {
    asked: asked.map(({ did, name, address }) => ({ did, name, agreed: address !== null })),
    inForce: plain(circle) ?? null,
    coming: state.pending ? { from: state.pending.from, ...plain(coming) } : null,
    round: state.round,
    guarding: (ctx.session.state.ring.guarding ?? []).map(({ vault, name, key, held }) => ({
      vault,
      name,
      agreed: key !== null,
      holds: held !== undefined,
    })),
  }
}

function lines(ctx: Ctx, state: RecoveryState): string[] {
  const { asked, inForce: circle, coming, round, guarding } = shown(ctx, state)
  return [
    ...(round?.state === 'running' ? roundLines(round) : []),
    circle
      ? `In charge: ${circle.take} of ${circle.guardians.length}, time lock ${circle.wait / 86_400} days.`
      : 'Nobody can help you back in yet; only your recovery words can.',
    ...(circle?.guardians ?? []).map(g => `  ${safe(g.name)}${g.drilledAt ? `, share proved ${day(g.drilledAt)}` : ''}`),
    ...(coming
      ? [
          `From ${when(coming.from)}: ${coming.guardians ? `${coming.take} of ${coming.guardians.map(g => safe(g.name)).join(', ')}` : 'nobody'}.`,
        ]
      : []),
    ...asked.map(a => `Asked: ${safe(a.name)}${a.agreed ? ', agreed' : ', not answered yet'}`),
    ...guarding.map(
      g =>
        `You are asked by ${safe(g.name)}: ${g.holds ? 'you hold a share' : g.agreed ? 'you agreed' : `keepwell guardians accept "${safe(g.name)}"`}`,
    ),
  ]
}
