import { openAuthorizer } from '@keepwell/adapters/web/authorizer'
import { openWeb } from '@keepwell/adapters/web/fetch'
import { finishKeptLogin, keepLogin, keptLogin } from '@keepwell/sdk/actions/connect/begun-logins'
import { type Connection, connections, pullState } from '@keepwell/sdk/actions/connect/connections'
import { disconnect } from '@keepwell/sdk/actions/connect/disconnect'
import { beginLogin, findHospital } from '@keepwell/sdk/actions/connect/log-in'
import type { Missing } from '@keepwell/sdk/actions/connect/missing'
import { type Pulled, pull } from '@keepwell/sdk/actions/connect/pull'
import { baseOf } from '@keepwell/sdk/actions/connect/reach'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import type {
  BeginHospital,
  HospitalBegun,
  HospitalEnded,
  HospitalView,
  MissingView,
  PulledView,
  PullProgress,
  Unasked,
} from '#rpc/hospitals.ts'
import type { Call } from '#rpc/rpc.ts'
import { answersUnread, elapsed, inTurn, pause } from './platform.ts'
import type { OpenVault } from './vault.ts'

/** A slow search of a large server takes its time. */
const web = openWeb({ timeout: 120_000 })
const authorizer = openAuthorizer(web)

const powers = (ctx: Ctx) => ({
  ...ctx,
  web,
  authorizer,
  async pause(seconds: number, signal?: AbortSignal): Promise<void> {
    await pause(seconds * 1000, signal)
    if (signal?.aborted) throw new KeepwellError('CANCELLED', 'Stopped while the server wanted a pause.')
  },
})

/** Where logins end: a path of the app, which its guard answers in this browser. */
const redirectOf = (origin: string): string => `${origin}/connected`

const missingView = ({ type, reason, count, status, codes }: Missing): MissingView => ({
  type,
  reason,
  count: count ?? null,
  how: [...(status === undefined ? [] : [String(status)]), ...(codes ? [codes] : [])].join(', '),
})

export async function hospitals({ ctx }: OpenVault): Promise<HospitalView[]> {
  const views = (await connections(ctx)).map(async ({ id, label, base, connectedAt, refresh }): Promise<HospitalView> => {
    const { pulledAt, missing } = await pullState(ctx, id)
    return { id: toHex(id), label, base, connectedAt, lasting: refresh !== null, pulledAt, missing: missing.map(missingView) }
  })
  return Promise.all(views)
}

async function named({ ctx }: OpenVault, id: string): Promise<Connection> {
  const found = (await connections(ctx)).find(c => toHex(c.id) === id)
  ensure(found, 'NOT_FOUND', 'This device has no login at that hospital any more.')
  return found
}

/** Tells a server that is away from one that lets no page of others ask it: to a page both fail alike. */
async function orUnasked<T>(work: () => Promise<T>, server: string): Promise<T | Unasked> {
  try {
    return await work()
  } catch (e) {
    if (!isKeepwellError(e, 'PEER_FAILED')) throw e
    return { kind: (await answersUnread(server)) ? 'closed' : 'silent' }
  }
}

/** Finds out how a hospital is logged in to, and begins: what must be known afterwards is sealed here before the page is left. */
export async function beginHospital(vault: OpenVault, origin: string, input: BeginHospital): Promise<HospitalBegun> {
  ensure(!vault.sample, 'NOT_SUPPORTED', 'A made-up record is gone once its page is left.')
  const again = input.again === null ? undefined : await named(vault, input.again)
  const base = baseOf(again?.base ?? input.address)
  const redirect = redirectOf(origin)
  return orUnasked<HospitalBegun>(async () => {
    const all = powers(vault.ctx)
    const hospital = await findHospital(all, base)
    const client = input.client || again?.client
    if (!client && hospital.server.register === null) return { kind: 'needs-id', redirect }
    const begun = await beginLogin(all, { hospital, redirect, ...(client ? { client } : {}), ...(input.code ? { code: input.code } : {}) })
    const label = input.label || again?.label || new URL(base).host
    await keepLogin(all, begun, { label, ...(again ? { again } : {}) })
    return { kind: 'go', url: begun.url, host: new URL(begun.url).host }
  }, `${base}/metadata`)
}

/** Ends a login with the address at which the browser came back. */
export async function endHospital({ ctx }: OpenVault, returned: string): Promise<HospitalEnded> {
  const all = powers(ctx)
  const login = await keptLogin(all, returned)
  return orUnasked<HospitalEnded>(
    async () => ({ kind: 'connected', id: toHex((await finishKeptLogin(all, login, returned)).id) }),
    login.server.token,
  )
}

/** The page is told at most so often, in milliseconds. */
const PACE = 120

/** Fetches what is new, one tab at a time. What came before a stop stays, and the next time goes on from there. */
export async function pullHospital(vault: OpenVault, id: string, { signal, progress }: Call): Promise<PulledView> {
  let last = 0
  const told = (type: string, filed: number): void => {
    if (elapsed() - last < PACE) return
    last = elapsed()
    progress({ type, filed } satisfies PullProgress)
  }
  try {
    return await inTurn(`keepwell-pull-${id}`, signal, async () => {
      const connection = await named(vault, id)
      const pulled = await vault.run(ctx => pull(powers(ctx), connection, { progress: told, signal }))
      const closed = pulled.stopped === 'no-answer' && (await answersUnread(`${connection.base}/metadata`))
      return { ...viewOf(id, pulled), closed, whose: whoseRecord(vault, connection) }
    })
  } finally {
    if ((await vault.offline?.standing())?.waiting) await vault.held()
    else await vault.filed().catch(() => {})
  }
}

function viewOf(id: string, { filed, already, missing, stopped }: Pulled): Omit<PulledView, 'closed' | 'whose'> {
  const counts = Object.entries(filed)
  const sum = (of: 'fresh' | 'changed'): number => counts.reduce((n, [, c]) => n + c[of], 0)
  return {
    id,
    filed: counts.map(([type, c]) => ({ type, count: c.fresh + c.changed })).sort((a, b) => b.count - a.count),
    fresh: sum('fresh'),
    changed: sum('changed'),
    already,
    missing: missing.map(missingView),
    stopped,
  }
}

/** As the hospital's own details of the patient have it: a parent's login may be a child's record. */
function whoseRecord({ entries }: OpenVault, { base, patient }: Connection): string {
  const source = `${base}/Patient/${patient}`
  const details = [...entries.all()].filter(i => i.entry.card.source === source)
  return details.sort((a, b) => b.entry.seq - a.entry.seq)[0]?.entry.card.title ?? ''
}

/** Ends a login here, and there where it can be told. Whether it was. */
export const leaveHospital = async (vault: OpenVault, id: string): Promise<boolean> => disconnect(powers(vault.ctx), await named(vault, id))
