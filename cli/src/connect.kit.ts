import { openAuthorizer } from '@keepwell/adapters/web/authorizer'
import { openWeb } from '@keepwell/adapters/web/fetch'
import { type Connection, connections } from '@keepwell/sdk/actions/connect/connections'
import { beginLogin, findHospital, finishLogin } from '@keepwell/sdk/actions/connect/log-in'
import { type Pulled, pull } from '@keepwell/sdk/actions/connect/pull'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { person, world } from '@keepwell/sdk/actions/story.kit'
import { toHex } from '@keepwell/sdk/base/bytes'
import { type Hospital, openHospital } from './hospital.kit.ts'

// For tests: the verbs over real HTTP, with a vault in memory.

const HOME = 'http://home.test'
export const REDIRECT = 'http://127.0.0.1:1/callback'

const open: Hospital[] = []
export const closeHospitals = (): Promise<unknown> => Promise.all(open.splice(0).map(h => h.close()))

export async function hospital(...options: Parameters<typeof openHospital>): Promise<Hospital> {
  const made = await openHospital(...options)
  open.push(made)
  return made
}

export async function patientOf(): Promise<Ctx & { pauses: number[] }> {
  return { ...(await person(await world([HOME]), 'Ada Example', HOME)), pauses: [] }
}

type Patient = Awaited<ReturnType<typeof patientOf>>
export const powers = (ctx: Patient) => {
  const web = openWeb()
  return { ...ctx, web, authorizer: openAuthorizer(web), pause: async (seconds: number) => void ctx.pauses.push(seconds) }
}

type LogIn = { readonly client?: string; readonly scope?: string; readonly again?: Connection }

export async function logIn(ctx: Patient, h: Hospital, more: LogIn = {}): Promise<Connection> {
  const all = powers(ctx)
  const begun = await beginLogin(all, { hospital: await findHospital(all, h.base), redirect: REDIRECT, ...more })
  const back = await fetch(begun.url, { redirect: 'manual' })
  return finishLogin(all, begun, { returned: back.headers.get('location')!, label: 'West', ...(more.again ? { again: more.again } : {}) })
}

export const pulled = async (ctx: Patient, connection: Connection, all = false): Promise<Pulled> =>
  pull(powers(ctx), (await connections(ctx)).find(c => toHex(c.id) === toHex(connection.id))!, { all })

/** Records that came, by type. */
export const fresh = (p: Pulled): Record<string, number> =>
  Object.fromEntries(Object.entries(p.filed).map(([type, c]) => [type, c.fresh + c.changed]))
export const missingOf = (p: Pulled): string[] => p.missing.map(m => `${m.type} ${m.reason}`).sort()
export const searches = (h: Hospital, type: string): string[] => h.asked.filter(a => a.path === `/fhir/${type}`).map(a => String(a.query))
