import type { Keyring } from '@keepwell/sdk/identity/keyring'
import type { Entry } from '@keepwell/sdk/records/catalog'
import { timeline as byYear, careDate } from '@keepwell/sdk/records/timeline'
import { CHOICE, choose, compartmentOf } from '#choose'
import type { Command } from '#command'
import { withHome } from '#home'
import { nameOf } from '#names'
import { count, day, result, safe, short, table } from '#show'

export const list: Command = {
  name: 'list',
  group: 'records',
  summary: 'List your records, newest care first.',
  options: { ...CHOICE, limit: { type: 'string', value: 'N', about: 'At most this many; default 50, 0 for all.' } },
  run: (io, args) =>
    withHome(
      io,
      args,
      async ({ ctx }) => {
        const { ring } = ctx.session.state
        const found = await choose(ctx, args)
        const limit = Number(args.text('limit') ?? (args.json ? 0 : 50))
        const some = limit > 0 ? found.slice(0, limit) : found
        result(io, args, { total: found.length, records: some.map(e => described(ring, e)) }, () => [
          ...table(some.map(e => line(ring, e))),
          some.length < found.length
            ? `${some.length} of ${count(found.length, 'record')}; --limit 0 shows all.`
            : `${count(found.length, 'record')}.`,
        ])
      },
      { offline: true },
    ),
}

export const timeline: Command = {
  name: 'timeline',
  group: 'records',
  summary: 'Show your record by years of care.',
  options: CHOICE,
  run: (io, args) =>
    withHome(
      io,
      args,
      async ({ ctx }) => {
        const { ring } = ctx.session.state
        const years = byYear(await choose(ctx, args))
        const value = { years: years.map(y => ({ year: y.year, records: y.entries.map(e => described(ring, e)) })) }
        result(io, args, value, () =>
          years.flatMap(y => [
            `${y.year}  (${count(y.entries.length, 'record')})`,
            ...table(y.entries.map(e => ['', ...line(ring, e)])),
            '',
          ]),
        )
      },
      { offline: true },
    ),
}

const line = (ring: Keyring, e: Entry): string[] => [
  short(e.id),
  careDate(e).slice(0, 10),
  compartmentOf(ring, e),
  safe(e.card.resourceType ?? e.card.kind),
  safe(e.card.title) + marks(ring, e),
]

/** What a person should know at a glance: who else wrote it, and what is wrong with it. */
function marks(ring: Keyring, e: Entry): string {
  const author =
    e.card.author === ring.did ? '' : ` — by ${nameOf(ring, e.card.author)}${e.state === 'unverified' ? ', signature not checked' : ''}`
  const held = e.card.held ? ', held there' : ''
  return `${author}${held}${e.card.issues ? ` — ${count(e.card.issues, 'issue')}` : ''}`
}

/** A record as JSON shows it. */
export const described = (ring: Keyring, e: Entry): Record<string, unknown> => {
  const { salt: _salt, token: _token, v: _v, ...card } = e.card
  return {
    id: e.id,
    compartment: compartmentOf(ring, e),
    date: careDate(e),
    state: e.state,
    filed: day(e.filedAt),
    anchored: e.anchoredAt ?? null,
    ...card,
  }
}
