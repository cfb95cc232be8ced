import { writeDurable } from '@keepwell/daemon/bin/files'
import { dicomDrawer } from '@keepwell/daemon/bin/gateway'
import { type Quarantine, quarantine as quarantineOf } from '@keepwell/daemon/gateway/dicomweb/quarantine'
import { ensure } from '@keepwell/sdk/base/error'
import type { Args } from '#command'
import { withHome } from '#home'
import type { Io } from '#io'
import { count, result, safe, table } from '#show'

type Verb = (io: Io, args: Args, held: Quarantine) => Promise<void>

/** So much of a name tells one file from another. */
const SHORT = 12

async function nameOf(args: Args, held: Quarantine): Promise<string> {
  const id = args.need('id')
  const found = (await held.names()).filter(n => n.startsWith(id))
  ensure(found.length === 1 && id.length >= 4, 'NOT_FOUND', 'There is no such file in quarantine, or more than one.')
  return found[0]!
}

const list: Verb = async (io, args, held) => {
  const rows: { id: string; bytes: number | null; reason: string }[] = []
  for (const name of (await held.names()).toSorted()) {
    const found = await held.open(name).catch(() => null)
    rows.push({ id: name.slice(0, SHORT), bytes: found?.file.length ?? null, reason: found?.reason ?? 'cannot be opened' })
  }
  result(io, args, rows, () =>
    rows.length ? table(rows.map(r => [r.id, count(r.bytes ?? 0, 'byte'), safe(r.reason)])) : ['Nothing is in quarantine.'],
  )
}

const save: Verb = async (io, args, held) => {
  const name = await nameOf(args, held)
  const out = args.need('out')
  const found = await held.open(name)
  ensure(found, 'NOT_FOUND', 'There is no such file in quarantine.')
  await writeDurable(out, found.file)
  result(io, args, { id: name.slice(0, SHORT), out, bytes: found.file.length }, () => [`Saved as it came: ${out}. It lies there unsealed.`])
}

const drop: Verb = async (io, args, held) => {
  const names = args.need('id') === 'all' ? await held.names() : [await nameOf(args, held)]
  for (const name of names) await held.drop(name)
  result(io, args, { dropped: names.map(n => n.slice(0, SHORT)) }, () => [`${count(names.length, 'file')} removed for good.`])
}

const VERBS: Readonly<Record<string, Verb>> = { list, save, drop }

/** `keepwell gateway quarantine …`: files that came as images and could not be read. Also while the gateway runs. */
export async function quarantine(io: Io, args: Args): Promise<void> {
  const [, name = 'list', ...more] = args.positionals
  const verb = Object.hasOwn(VERBS, name) && !more.length ? VERBS[name] : undefined
  ensure(verb, 'USAGE', `Say: keepwell gateway quarantine ${Object.keys(VERBS).join(', ')}.`)
  await withHome(
    io,
    args,
    async ({ ctx, dir }) => verb(io, args, quarantineOf(await dicomDrawer(dir), ctx.session.state.ring.catalog, ctx.random)),
    { offline: true },
  )
}
