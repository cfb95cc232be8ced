import { join } from 'node:path'
import { openGetter } from '@keepwell/adapters/hooks/get'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { roleOf } from '@keepwell/sdk/consent/roles'
import { hkdf } from '@keepwell/sdk/crypto/hash'
import { facts } from '@keepwell/sdk/health/fhir/facts'
import { search } from '@keepwell/sdk/health/fhir/search/search'
import { parseScopes } from '@keepwell/sdk/health/smart/scope'
import { loadNames, withNames } from '@keepwell/sdk/health/terminology/names'
import { byApiKey } from '#gateway/core/api-keys'
import type { Gateway, GatewayPatient } from '#gateway/core/types'
import { type Directory, MOST_VISITS } from '#gateway/smart/directory'
import { openSmart, type Smart } from '#gateway/smart/smart'
import type { StaffRoom } from '#gateway/smart/staff-room'
import { apiKeyFile, keysIn } from './gateway-keys.ts'

/** All that listing visits needs of a record. */
const VISITS = parseScopes('user/Encounter.rs')

export const smartFile = (dir: string): string => join(dir, 'gateway-smart.sqlite')

/** The key of this home's store of logins and tokens: whoever has the file without the home's device key has noise. */
export const smartKey = (ctx: Pick<Ctx, 'session'>): Uint8Array =>
  hkdf(ctx.session.device.secret, new Uint8Array(32), utf8('keepwell/v1/gateway-smart'), 32)

const SWEEP_MS = 3600_000

export type SmartBeside = {
  readonly ctx: Ctx
  readonly dir: string
  /** Networks inside the walls at which apps may keep their keys: `10.1.0.0/16`. */
  readonly keysFrom?: readonly string[]
  /** The only hosts from which they are fetched; any of the internet unless given. */
  readonly onlyHosts?: readonly string[]
  /** How long an app may go on with what a person gave it, before it asks anew, seconds; a year unless given. */
  readonly appSeconds?: number
  /** Pages of the gateway's own for its people. */
  readonly rooms?: readonly StaffRoom[]
}

/** The SMART authorization server beside a gateway: its patients, its systems' keys, its clock. */
export async function smartBeside(
  gateway: Gateway,
  { ctx, dir, keysFrom = [], onlyHosts, appSeconds, rooms = [] }: SmartBeside,
): Promise<Smart> {
  const smart = await openSmart({
    file: smartFile(dir),
    key: smartKey(ctx),
    url: gateway.url,
    name: gateway.name,
    tenant: ctx.session.state.ring.did,
    directory: directoryOf(gateway),
    systems: byApiKey(keysIn(apiKeyFile(dir)), gateway.clock),
    getKeys: openGetter({ allow: keysFrom, ...(onlyHosts ? { only: onlyHosts } : {}) }),
    random: gateway.random,
    clock: gateway.clock,
    log: gateway.log,
    rooms,
    ...(appSeconds ? { limits: { appSeconds } } : {}),
  })
  const timer = setInterval(() => void smart.sweep().catch(() => {}), SWEEP_MS).unref()
  const unlisten = gateway.onEnded(patient => void smart.ended(patient).catch(() => {}))
  const close = async (): Promise<void> => {
    unlisten()
    clearInterval(timer)
    await smart.close()
  }
  return { ...smart, part: { ...smart.part, close }, close }
}

const directoryOf = (gateway: Gateway): Directory => ({
  async patients(role) {
    const { purposes, compartments } = roleOf(role)
    const who = { role, ...(compartments === 'all' ? {} : { parts: compartments }) }
    return gateway.patientsFor(who, purposes).map(({ id, name }) => ({ id, name }))
  },
  async standing(id) {
    const patient = gateway.patient(id)
    const until = (consent: GatewayPatient['read']): number | null =>
      consent && consent.terms.expiry > gateway.clock() ? consent.terms.expiry : null
    return patient && { read: until(patient.read), write: until(patient.write) }
  },
  async visits(id, { person, role }) {
    const { purposes, compartments } = roleOf(role)
    const parts = compartments === 'all' ? {} : { parts: compartments }
    const actor = { person, role, purpose: purposes[0], scopes: VISITS, patient: id, ...parts }
    const { store, ready } = await gateway.session(actor, id)
    await ready(['Encounter'])
    const now = gateway.clock() * 1000
    const asked = { type: 'Encounter', params: [['_sort', '-date']] as const, now, handling: 'strict' as const }
    const { matches } = search(store, { ...asked, defaultCount: MOST_VISITS, maxCount: MOST_VISITS })
    const nameOf = await loadNames()
    return matches.map(({ resource }) => {
      const { title, dates } = facts(withNames(resource!, nameOf))
      return { id: String(resource!.id), name: title, from: dates.start ?? '', to: dates.end ?? '' }
    })
  },
})
