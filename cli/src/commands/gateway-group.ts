import { groupsAt } from '@keepwell/daemon/bin/gateway-groups'
import type { Groups } from '@keepwell/daemon/gateway/bulk/groups'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { ensure } from '@keepwell/sdk/base/error'
import type { Args } from '#command'
import { namesById, patientIdOf } from '#commands/gateway-patients'
import { withHome } from '#home'
import type { Io } from '#io'
import { count, result, safe, table } from '#show'

type Verb = (io: Io, args: Args, ctx: Ctx, groups: Groups) => Promise<void>

const add: Verb = async (io, args, _ctx, groups) => {
  const made = await groups.add(args.need('name'))
  result(io, args, made, () => [`Group ${made.id}. Put patients into it with keepwell gateway group join --id ${made.id} --patient WHO.`])
}

const join: Verb = async (io, args, ctx, groups) => {
  const patient = patientIdOf(ctx, args.need('patient'))
  const { id, members } = await groups.change(args.need('id'), before => [...before, patient])
  result(io, args, { id, members: members.length }, () => [`The group has ${count(members.length, 'member')}.`])
}

const leave: Verb = async (io, args, ctx, groups) => {
  const patient = patientIdOf(ctx, args.need('patient'))
  const { id, members } = await groups.change(args.need('id'), before => before.filter(m => m !== patient))
  result(io, args, { id, members: members.length }, () => [`The group has ${count(members.length, 'member')}.`])
}

const list: Verb = async (io, args, ctx, groups) => {
  const names = namesById(ctx)
  const all = (await groups.list()).map(g => ({
    id: g.id,
    name: g.name,
    members: g.members.map(m => names.get(m) ?? 'no consent is known'),
  }))
  result(io, args, all, () =>
    all.length ? table(all.map(g => [g.id, safe(g.name), g.members.map(safe).join(', ')])) : ['There are no groups but "all".'],
  )
}

const remove: Verb = async (io, args, _ctx, groups) => {
  const id = args.need('id')
  ensure(await groups.get(id), 'NOT_FOUND', 'There is no such group.')
  await groups.remove(id)
  result(io, args, { removed: id }, () => ['The group is gone; its members’ records are as they were.'])
}

const VERBS: Readonly<Record<string, Verb>> = { add, join, leave, list, remove }

/** `keepwell gateway group …`: which patients are exported together. Also while the gateway runs. */
export async function group(io: Io, args: Args): Promise<void> {
  const [, name = 'list', ...more] = args.positionals
  const verb = Object.hasOwn(VERBS, name) && !more.length ? VERBS[name] : undefined
  ensure(verb, 'USAGE', `Say: keepwell gateway group ${Object.keys(VERBS).join(', ')}.`)
  await withHome(
    io,
    args,
    async ({ ctx, dir }) => {
      const groups = groupsAt(ctx, dir)
      try {
        await verb(io, args, ctx, groups)
      } finally {
        await groups.close()
      }
    },
    { offline: true },
  )
}
