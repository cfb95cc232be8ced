import { giveBell, lookedAfter, removeFromBell, takeBellBack, untoldOfBell } from '@keepwell/sdk/actions/emergency/bell'
import { emergencyOf } from '@keepwell/sdk/actions/emergency/set-up'
import { chooseBell, removeWake, untoldOfWakes, wokenDevices, wouldCome } from '@keepwell/sdk/actions/emergency/wake'
import { ensure } from '@keepwell/sdk/base/error'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Args } from '#command'
import { quietSync } from '#commands/sync'
import { type Home, withHome } from '#home'
import type { Io } from '#io'
import { byPrefix, partyNamed } from '#names'
import { count, day, result, safe, short, table } from '#show'

type Run = (io: Io, args: Args, home: Home) => Promise<void>

const verbs: Readonly<Record<string, Run>> = { devices, wake, offer }

/** What a person chooses about devices that are woken. A device is added in the app, on itself: a command line has none to be woken. */
export const woken = (io: Io, args: Args): Promise<void> =>
  withHome(io, args, async home => {
    await quietSync(io, home.ctx)
    await verbs[args.positionals[0]!]!(io, args, home)
  })

const IN_APP = 'in the app, on that device, under Emergency'

async function devices(io: Io, args: Args, { ctx }: Home): Promise<void> {
  ensure(args.positionals.length === 1, 'USAGE', 'Say which is woken no more: keepwell emergency devices --remove ID')
  const listed = () => [
    ...wokenDevices(ctx).map(d => ({ ...d, wokenFor: 'own' as const, gone: d.gone ?? null })),
    ...(ctx.session.state.ring.bell?.devices ?? []).map(d => ({ ...d, wokenFor: 'others' as const, gone: null, stale: false })),
  ]
  const id = args.text('remove')
  if (id) {
    const { wake: one, wokenFor } = byPrefix(listed(), d => d.wake.id, id, 'device')
    await (wokenFor === 'own' ? removeWake : removeFromBell)(ctx, one.id)
  }
  // A wake itself holds the key of a subscription, so its members are named here.
  const value = listed().map(({ wake: { id }, name, wokenFor, at, gone, stale }) => ({ id, name, wokenFor, at, gone, stale }))
  const unreached = untoldOfWakes(ctx.session.state.ring).map(c => c.name)
  result(io, args, { devices: value, unreached }, () => [
    ...table(
      value.map(d => [
        short(d.id),
        safe(d.name),
        d.wokenFor === 'own' ? 'in your emergencies' : 'for people you look after',
        `since ${day(d.at)}`,
        d.gone ? `not reached since ${day(d.gone)}: turn it on again there` : d.stale ? 'of custodians before: open Emergency there' : '',
      ]),
    ),
    ...(value.length ? [] : [`No device of yours is woken. One is added ${IN_APP}.`]),
    ...waiting(unreached),
  ])
}

async function wake(io: Io, args: Args, { ctx }: Home): Promise<void> {
  emergencyOf(ctx)
  const who = whom(args, ctx)
  if (who) await chooseBell(ctx, who, !args.flag('off'))
  const people = wouldCome(ctx)
  const unreached = untoldOfWakes(ctx.session.state.ring).map(c => c.name)
  result(io, args, { people, unreached }, () => [
    ...table(people.map(p => [safe(p.name), p.chosen ? 'is woken in your emergencies' : 'offers to be woken, and is not'])),
    ...(people.length
      ? []
      : ['Nobody offered to be woken yet. People do so in their own Keepwell, under Emergency or by keepwell emergency offer.']),
    ...waiting(unreached),
  ])
}

async function offer(io: Io, args: Args, { ctx }: Home): Promise<void> {
  const who = whom(args, ctx)
  if (who) await (args.flag('off') ? takeBellBack : giveBell)(ctx, who)
  const { ring } = ctx.session.state
  const [people, hung] = [lookedAfter(ctx), ring.bell?.devices.length ?? 0]
  const unreached = untoldOfBell(ring).map(p => p.name)
  result(io, args, { people, devices: hung, unreached }, () => [
    ...table(people.map(p => [safe(p.name), p.given ? 'can choose that you are woken' : 'not offered'])),
    ...(people.length ? [] : ['Nobody yet whose keys you compared; exchange an invitation: keepwell invite']),
    hung
      ? `${count(hung, 'device')} of yours would be woken. See: keepwell emergency devices`
      : `No device of yours is woken for others yet. One is added ${IN_APP}.`,
    ...waiting(unreached),
  ])
}

function whom(args: Args, { session }: Home['ctx']): Did | null {
  const [verb, who, ...more] = args.positionals
  ensure(!more.length && (who || !args.flag('off')), 'USAGE', `Name one person: keepwell emergency ${verb} "Ben Example"`)
  return who ? partyNamed(session.state.ring, who) : null
}

const waiting = (names: readonly string[]): string[] =>
  names.length ? [`Not told yet: ${names.map(safe).join(', ')}. It is tried again with the next sync.`] : []
