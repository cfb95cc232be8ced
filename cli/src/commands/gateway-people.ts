import { readFile } from 'node:fs/promises'
import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import { smartFile, smartKey } from '@keepwell/daemon/bin/gateway-smart'
import { trailBeside } from '@keepwell/daemon/bin/gateway-trail'
import { type GuestChange, noteGuest } from '@keepwell/daemon/gateway/audit/guests'
import type { KeptTrail } from '@keepwell/daemon/gateway/audit/kept'
import { KEEPERS } from '@keepwell/daemon/gateway/duties/breaches'
import { type App, addApp, listApps, newRegistrationCode, removeApp } from '@keepwell/daemon/gateway/smart/apps'
import { withdrawAll } from '@keepwell/daemon/gateway/smart/binding'
import { endLogins } from '@keepwell/daemon/gateway/smart/logins'
import {
  addStaff,
  type Guest,
  inviteStaff,
  isOut,
  isReady,
  listStaff,
  type Staff,
  type StaffStore,
  staffByLogin,
  suspendStaff,
} from '@keepwell/daemon/gateway/smart/staff'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { ROLES } from '@keepwell/sdk/consent/roles'
import type { Args } from '#command'
import { keeper } from '#commands/gateway-keeper'
import { withHome } from '#home'
import type { Io } from '#io'
import { count, day, result, safe, table } from '#show'
import { purpose } from '#words'

/** Notes in the trail what was done with a login of another house. */
type Noting = (staff: Staff, change: GuestChange) => Promise<void>
type Desk = StaffStore & {
  /** Whoever lets somebody of another house in or out says who they are, before anything is done. Throws USAGE, DENIED. */
  letting(): Promise<Noting>
}
type Run = (io: Io, args: Args, desk: Desk) => Promise<void>

/** `keepwell gateway staff …` and `keepwell gateway app …`: who may log in, and with which apps. Works while the gateway runs. */
export async function people(io: Io, args: Args): Promise<void> {
  const [what = '', verb = ''] = args.positionals
  const verbs: Readonly<Record<string, Run>> = what === 'staff' ? STAFF : APPS
  const run = Object.hasOwn(verbs, verb) && args.positionals.length === 2 ? verbs[verb] : undefined
  ensure(run, 'USAGE', `Say: keepwell gateway ${what} ${Object.keys(verbs).join(', ')}.`)
  await withHome(
    io,
    args,
    async ({ ctx, dir }) => {
      const tokens = openTokens({ file: smartFile(dir), key: smartKey(ctx), random: ctx.random, clock: ctx.clock })
      let trail: KeptTrail | null = null
      const letting = async (): Promise<Noting> => {
        const by = await keeper(io, args, ctx, dir)
        ensure(KEEPERS.includes(by.role), 'DENIED', 'Auditors let people of other houses in and out, and nobody else.')
        const opened = await trailBeside(ctx, dir)
        trail = opened
        return (staff, change) => noteGuest(opened, { by, at: ctx.clock(), staff, change })
      }
      try {
        await run(io, args, { tokens, random: ctx.random, clock: ctx.clock, letting })
      } finally {
        await (trail as KeptTrail | null)?.close()
        await tokens.close()
      }
    },
    { offline: true },
  )
}

const told = (code: string): string[] => [
  code,
  'Give it to that person now: it is not shown again, counts once, and ends in a week. They set up their login with it at /auth/enrol of the gateway.',
]

const DAYS = /^\d{4}-\d{2}-\d{2}$/

/** Whoever is let in for a time, with which part of the trail; null for the organisation's own. */
function guestOf(args: Args): Guest | null {
  const until = args.text('until')
  const [from, to, patients] = [args.text('from') ?? null, args.text('to') ?? null, args.list('about')]
  if (!until) {
    ensure(!from && !to && !patients.length, 'USAGE', 'A part of the trail is for somebody who is let in --until a day.')
    return null
  }
  for (const day of [until, from, to])
    ensure(day === null || (DAYS.test(day) && !Number.isNaN(Date.parse(day))), 'USAGE', 'Write days as 2027-03-01.')
  const end = Math.floor(Date.parse(`${until}T23:59:59Z`) / 1000)
  return { until: end, why: args.need('text'), from, to, patients: patients.length ? patients : null }
}

async function namedStaff(args: Args, store: StaffStore): Promise<Staff> {
  const found = await staffByLogin(store, args.need('login'))
  ensure(found, 'NOT_FOUND', 'There is nobody with that login.')
  return found
}

const noting = async (args: Args, desk: Desk): Promise<Noting | null> => ((await namedStaff(args, desk)).guest ? desk.letting() : null)

const STAFF: Readonly<Record<string, Run>> = {
  async add(io, args, desk) {
    const role = args.need('role')
    ensure(Object.hasOwn(ROLES, role), 'USAGE', `--role is one of ${Object.keys(ROLES).join(', ')}.`)
    const guest = guestOf(args)
    const note = guest && (await desk.letting())
    const { staff, code } = await addStaff(desk, { login: args.need('login'), name: args.need('name'), role, ...(guest ? { guest } : {}) })
    // Without the code nobody comes in: it is given once the entry is on disk.
    await note?.(staff, 'in')
    result(io, args, { login: staff.login, name: staff.name, role, guest, code }, () => told(code))
  },
  async list(io, args, store) {
    const all = (await listStaff(store)).map(s => ({
      login: s.login,
      name: s.name,
      role: s.role,
      suspended: s.suspended,
      ready: isReady(s),
      created: s.created,
      guest: s.guest ?? null,
      over: isOut(s, store.clock()),
    }))
    const state = (s: (typeof all)[number]) => (s.suspended ? 'suspended' : s.over ? 'over' : s.ready ? 'active' : 'not set up')
    result(io, args, all, () =>
      all.length
        ? table(
            all.map(s => [
              s.login,
              safe(s.name),
              s.role,
              state(s),
              day(s.created),
              s.guest ? `until ${day(s.guest.until)}: ${safe(s.guest.why)}` : '',
            ]),
          )
        : ['There is nobody yet.'],
    )
  },
  async suspend(io, args, desk) {
    const note = await noting(args, desk)
    const staff = await suspendStaff(desk, args.need('login'), true)
    await note?.(staff, 'out')
    const { login, name } = staff
    result(io, args, { login, suspended: true }, () => [`${safe(name)} is out, and so is every app they let in.`])
  },
  async admit(io, args, desk) {
    const note = await noting(args, desk)
    await note?.(await namedStaff(args, desk), 'again')
    const { login, name } = await suspendStaff(desk, args.need('login'), false)
    result(io, args, { login, suspended: false }, () => [`${safe(name)} may log in again.`])
  },
  async logout(io, args, store) {
    const found = await namedStaff(args, store)
    const ended = await endLogins(store, found.id, null)
    const apps = await withdrawAll(store, found.id)
    result(io, args, { login: found.login, logins: ended, apps }, () => [
      `${safe(found.name)} was logged out of ${count(ended, 'browser')}; ${count(apps, 'app')} they let in count no more.`,
    ])
  },
  async invite(io, args, desk) {
    const found = await namedStaff(args, desk)
    const note = await noting(args, desk)
    const code = await inviteStaff(desk, found.id)
    await note?.(found, 'code')
    result(io, args, { login: found.login, code }, () => told(code))
  },
}

const APPS: Readonly<Record<string, Run>> = {
  async add(io, args, store) {
    const app = await addApp(store, await registrationOf(args))
    const keys = app.jwks
      ? ['Ask whoever runs it to send you its keys whenever they change; with the address of its keys it need not.']
      : []
    result(io, args, app, () => [`Client id: ${app.client_id}`, ...keys])
  },
  async list(io, args, store) {
    const all = (await listApps(store)).map(({ client_secret: _secret, ...app }) => app)
    const kind = (app: (typeof all)[number]) => (app.grant_types?.includes('client_credentials') ? 'service' : 'app')
    result(io, args, all, () =>
      all.length ? table(all.map(a => [a.client_id, safe(a.client_name ?? ''), kind(a)])) : ['There are no apps.'],
    )
  },
  async remove(io, args, store) {
    const id = args.need('id')
    await removeApp(store, id)
    result(io, args, { removed: id }, () => ['The app and all its tokens count no more.'])
  },
  async code(io, args, store) {
    const code = await newRegistrationCode(store)
    result(io, args, { code }, () => [code, 'With it one app may register itself at /auth/register, within a day.'])
  },
}

/** A registration from a JSON file (RFC 7591), or put together from options. */
async function registrationOf(args: Args): Promise<Partial<App>> {
  const file = args.text('file')
  if (file) {
    const { scope, ...app } = await readJson(file)
    return { ...app, ...(typeof scope === 'string' ? { smart_scope: scope } : {}) } as Partial<App>
  }
  const keys = args.text('keys')
  const scope = args.text('scope')
  const service = keys !== undefined
  return {
    client_name: args.need('name'),
    ...(scope ? { smart_scope: scope } : {}),
    ...(service
      ? { grant_types: ['client_credentials'], smart_purpose: purpose(args.text('purpose') ?? 'treatment'), ...(await keysOf(keys)) }
      : {
          redirect_uris: [args.need('redirect')],
          ...(args.text('launch') ? { launch_url: args.text('launch')! } : {}),
          token_endpoint_auth_method: 'none',
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
        }),
  } as Partial<App>
}

const keysOf = async (keys: string): Promise<Partial<App>> =>
  /^https:/.test(keys) ? { jwks_uri: keys } : { jwks: await readJson<NonNullable<App['jwks']>>(keys) }

async function readJson<T extends object = Record<string, unknown>>(file: string): Promise<T> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', `${file} cannot be read as JSON.`, { cause })
  }
}
