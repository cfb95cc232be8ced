import { setTimeout as sleep } from 'node:timers/promises'
import { openAuthorizer } from '@keepwell/adapters/web/authorizer'
import { openWeb } from '@keepwell/adapters/web/fetch'
import { openOneRedirect } from '@keepwell/daemon/http/one-redirect'
import { type Connection, connections, pullState } from '@keepwell/sdk/actions/connect/connections'
import { disconnect } from '@keepwell/sdk/actions/connect/disconnect'
import { beginLogin, findHospital, finishLogin } from '@keepwell/sdk/actions/connect/log-in'
import { type Missing, missingWords } from '@keepwell/sdk/actions/connect/missing'
import { type Pulled, pull } from '@keepwell/sdk/actions/connect/pull'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { selectEntries } from '@keepwell/sdk/actions/records/select-entries'
import { refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Args, Command } from '#command'
import { confirmed } from '#confirm'
import { describeElsewhere } from '#describe-worker'
import { withHome } from '#home'
import type { Io } from '#io'
import { openBrowser } from '#open-browser'
import { count, result, safe, short, when } from '#show'

export const connect: Command = {
  name: 'connect',
  group: 'records',
  takes: 'URL | list | pull [NAME] | again NAME | remove NAME',
  summary: 'Pull your own record from a hospital, with your login there.',
  about:
    'Give the FHIR address of the hospital. Your browser shows its login; this machine waits for the answer, pulls your record and keeps it, each resource with where\n' +
    'it came from. Nobody stands between: this machine talks to the hospital itself. Pulling again brings what is new or changed; a pull that was broken off goes on.\n' +
    'What cannot be had is listed, and does not keep the rest back. Exit code 6 when a pull ended before its end. docs/connect.md says more.',
  examples: [
    'keepwell connect https://fhir.hospital.example/r4 --name "Hospital West"',
    'keepwell connect https://fhir.hospital.example/r4 --client-id 6c12dff4',
    'keepwell connect pull',
    'keepwell connect list',
    'keepwell connect remove "Hospital West"',
  ],
  options: {
    name: { type: 'string', value: 'NAME', about: 'What you call the hospital; default: its host.' },
    'client-id': { type: 'string', value: 'ID', about: 'Where the hospital gives apps an id; else Keepwell registers itself.' },
    code: { type: 'string', value: 'CODE', about: 'A code of the hospital with which an app may register itself.' },
    scope: { type: 'string', value: 'SCOPES', about: 'Ask for this instead of all that Keepwell can take in.' },
    port: { type: 'string', value: 'N', about: 'Wait for the login at this port of this machine; default: any.' },
    'no-browser': { type: 'boolean', about: 'Only print the address of the login.' },
    'no-pull': { type: 'boolean', about: 'Only log in.' },
    all: { type: 'boolean', about: 'With pull: from the beginning, not only what changed.' },
  },
  // A login may take minutes; the home's relay is not held meanwhile.
  run: (io, args) => withHome(io, args, ({ ctx }) => doWhat(io, args, ctx), { offline: true }),
}

async function doWhat(io: Io, args: Args, ctx: Ctx): Promise<unknown> {
  const [what, name] = args.positionals
  if (what === undefined) throw new KeepwellError('USAGE', 'Say: keepwell connect URL, connect list, pull, again NAME, or remove NAME.')
  if (what === 'list') return list(io, args, ctx)
  if (what === 'pull') return pullAll(io, args, ctx, name === undefined ? await connections(ctx) : [await named(ctx, name)])
  if (what === 'remove') return remove(io, args, ctx, await named(ctx, name ?? ''))
  const again = what === 'again' ? await named(ctx, name ?? '') : undefined
  ensure(again || what.includes(':'), 'USAGE', `"${safe(what).slice(0, 40)}" is no address; write https://…`)
  const made = await logIn(io, args, ctx, again?.base ?? what, again)
  if (!args.flag('no-pull')) return pullAll(io, args, ctx, [made])
  result(io, args, { id: toHex(made.id), name: made.label, server: made.base }, () => [`${safe(made.label)} is connected.`])
}

/** A slow search of a large server takes its time. */
const PATIENCE_MS = 120_000

const powers = (ctx: Ctx) => {
  const web = openWeb({ timeout: PATIENCE_MS })
  const pause = async (seconds: number, signal?: AbortSignal): Promise<void> => {
    await sleep(seconds * 1000, undefined, signal ? { signal } : {}).catch(cause => {
      throw new KeepwellError('CANCELLED', 'Stopped while the server wanted a pause.', { cause })
    })
  }
  return { ...ctx, web, authorizer: openAuthorizer(web), pause }
}

async function logIn(io: Io, args: Args, ctx: Ctx, address: string, again?: Connection): Promise<Connection> {
  const all = powers(ctx)
  const hospital = await findHospital(all, address)
  const redirect = await openOneRedirect(portOf(args, again))
  try {
    const client = args.text('client-id') ?? again?.client
    const code = args.text('code')
    const scope = args.text('scope')
    const begun = await beginLogin(all, {
      hospital,
      redirect: redirect.url,
      ...(client ? { client } : {}),
      ...(code ? { code } : {}),
      ...(scope ? { scope } : {}),
    })
    io.note(`Log in to the hospital in your browser, at:\n\n${begun.url}\n\nThis machine waits for the answer; Ctrl-C breaks off.`)
    if (io.terminal.ask && !args.flag('no-browser')) openBrowser(begun.url)
    const returned = await redirect.arrival(begun.state, io.signal)
    const label = args.text('name') ?? again?.label ?? new URL(hospital.base).host
    return await finishLogin(all, begun, { returned, label, ...(again ? { again } : {}) })
  } finally {
    redirect.close()
  }
}

/** The port a login was registered with is waited at again. */
function portOf(args: Args, again: Connection | undefined): number {
  const given = args.text('port') ?? (again ? new URL(again.redirect).port : '0')
  ensure(/^\d{1,5}$/.test(given) && Number(given) < 65_536, 'USAGE', '--port is a number below 65536.')
  return Number(given)
}

async function pullAll(io: Io, args: Args, ctx: Ctx, which: readonly Connection[]): Promise<number> {
  ensure(which.length, 'NOT_FOUND', 'No hospital is connected. Connect one with: keepwell connect URL')
  const all = powers(ctx)
  await refreshRing(ctx)
  const pulled: { connection: Connection; pulled: Pulled; whose: string }[] = []
  for (const connection of which) {
    const elsewhere = describeElsewhere(connection.base)
    try {
      const told = await pull(all, connection, {
        all: args.flag('all'),
        describe: elsewhere.describe,
        progress: (type, filed) => io.progress(`${connection.label}: ${type}, ${filed} new …`),
        signal: io.signal,
      })
      pulled.push({ connection, pulled: told, whose: await whoseRecord(ctx, connection) })
    } finally {
      await elsewhere.close()
    }
  }
  const shown = pulled.map(({ connection, pulled }) => ({
    id: toHex(connection.id),
    name: connection.label,
    server: connection.base,
    ...pulled,
  }))
  result(io, args, { connections: shown }, () => pulled.flatMap(pulledLines))
  return pulled.some(p => p.pulled.stopped !== null) ? 6 : 0
}

/** As the hospital's own details of the patient have it: a parent's login may be a child's record. */
async function whoseRecord(ctx: Ctx, { base, patient }: Connection): Promise<string> {
  const source = `${base}/Patient/${patient}`
  const details = await selectEntries(ctx, e => e.card.source === source)
  return details.toSorted((a, b) => b.seq - a.seq)[0]?.card.title ?? ''
}

type Told = { readonly connection: Connection; readonly pulled: Pulled; readonly whose: string }

function pulledLines({ connection: { label }, pulled: { filed, already, missing, stopped }, whose }: Told): string[] {
  const all = Object.entries(filed).sort(([a], [b]) => (a < b ? -1 : 1))
  const fresh = all.reduce((n, [, c]) => n + c.fresh, 0)
  const changed = all.reduce((n, [, c]) => n + c.changed, 0)
  return [
    `${safe(label)}${whose ? `, the record of ${safe(whose)}` : ''}: ${count(fresh, 'new record')}, ${changed.toLocaleString('en')} changed${already ? `, ${already.toLocaleString('en')} here already` : ''}.`,
    ...(all.length ? [`  ${all.map(([type, c]) => `${safe(type)} ${(c.fresh + c.changed).toLocaleString('en')}`).join(', ')}`] : []),
    ...missingLines(missing),
    ...(stopped === null ? [] : ['  The pull ended before its end; run it again to go on: keepwell connect pull']),
  ]
}

/** One line for each reason, with the types it is about. */
function missingLines(missing: readonly Missing[]): string[] {
  if (missing.length === 0) return []
  const byWords = Map.groupBy(missing, missingWords)
  return ['  Missing:', ...[...byWords].map(([words, all]) => `    ${all.map(m => safe(m.type)).join(', ')}: ${safe(words)}`)]
}

async function list(io: Io, args: Args, ctx: Ctx): Promise<void> {
  const all = await Promise.all((await connections(ctx)).map(async c => ({ c, state: await pullState(ctx, c.id) })))
  const shown = all.map(({ c, state: { pulledAt, missing } }) => ({
    id: toHex(c.id),
    name: c.label,
    server: c.base,
    connectedAt: c.connectedAt,
    lasting: c.refresh !== null,
    pulledAt,
    missing,
  }))
  result(io, args, { connections: shown }, () =>
    all.length
      ? all.flatMap(({ c, state }) => [
          `${short(c.id)}  ${safe(c.label)}  ${c.base}`,
          `  connected ${when(c.connectedAt)}; ${state.pulledAt === null ? 'not pulled whole yet' : `pulled ${when(state.pulledAt)}`}${c.refresh === null ? '; the login does not last: log in again with keepwell connect again' : ''}`,
          ...missingLines(state.missing),
        ])
      : ['No hospital is connected.'],
  )
}

async function remove(io: Io, args: Args, ctx: Ctx, connection: Connection): Promise<void> {
  if (!(await confirmed(io, args, `Forget the login to ${safe(connection.label)}? What was pulled stays in your record.`))) return
  const revoked = await disconnect(powers(ctx), connection)
  result(io, args, { removed: toHex(connection.id), revoked }, () => [
    revoked
      ? 'The login is forgotten here and ended at the hospital. What was pulled stays in your record.'
      : 'The login is forgotten here. The hospital could not be told: end it in its portal too, if it lists apps. What was pulled stays in your record.',
  ])
}

async function named(ctx: Ctx, name: string): Promise<Connection> {
  ensure(name, 'USAGE', 'Say which hospital: its name, or the first digits of its id. See: keepwell connect list')
  const wanted = name.toLowerCase()
  const all = await connections(ctx)
  const exact = all.filter(c => c.label.toLowerCase() === wanted)
  const found = exact.length ? exact : all.filter(c => c.label.toLowerCase().startsWith(wanted) || toHex(c.id).startsWith(wanted))
  ensure(found.length < 2, 'USAGE', `"${safe(name)}" is several; write more of the name, or the id.`)
  if (!found[0]) throw new KeepwellError('NOT_FOUND', `No connected hospital is called "${safe(name)}".`)
  return found[0]
}
