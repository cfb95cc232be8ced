import { writeFile } from 'node:fs/promises'
import { type GatewaySettings, type Parts, type RunningGateway, serveGateway } from '@keepwell/daemon/bin/gateway'
import { apiKeyFile } from '@keepwell/daemon/bin/gateway-keys'
import type { SubscriptionSettings } from '@keepwell/daemon/bin/gateway-subscriptions'
import { systemRandom } from '@keepwell/daemon/bin/relay'
import { newApiKey, writeApiKeys } from '@keepwell/daemon/gateway/core/api-keys'
import type { PoolLimits } from '@keepwell/daemon/gateway/core/pool'
import type { Gateway } from '@keepwell/daemon/gateway/core/types'
import type { StaffRoom } from '@keepwell/daemon/gateway/smart/staff-room'
import { freePort } from '@keepwell/daemon/http/free-port'
import type { LogLine } from '@keepwell/daemon/http/settings'
import { grant } from '@keepwell/sdk/actions/access/grant'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import type { Verdict } from '@keepwell/sdk/actions/records/import-item'
import { importItems } from '@keepwell/sdk/actions/records/import-items'
import { utf8 } from '@keepwell/sdk/base/bytes'
import type { Purpose } from '@keepwell/sdk/consent/terms'
import type { Relay } from '@keepwell/sdk/ports/relay'
import { type Network, startNetwork } from '#e2e/network'
import type { Party } from '#e2e/parties'
import { DAY, didOf, introduce } from '#e2e/story'

// biome-ignore lint/suspicious/noExplicitAny: the tests read what they name
export type Json = any

export type Answer = { readonly status: number; readonly headers: Headers; readonly body: Json; readonly text: string }
export type Ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>

/** A clinic's gateway over a real relay, on loopback HTTP, with an API key of the clinic's own system. */
export type GatewayWorld = {
  readonly network: Network
  readonly clinic: Party
  readonly running: RunningGateway
  readonly gateway: Gateway
  readonly base: string
  readonly key: string
  readonly logged: readonly LogLine[]
  /** Asks for Nurse Joy, about nobody in particular. */
  readonly ask: Ask
  asking(headers: Record<string, string>): Ask
  /** Stops the gateway and serves it again at the same address; `meanwhile` runs while it is not there. */
  restart(meanwhile?: () => Promise<void>): Promise<void>
  /** A person who knows the clinic, at a home of the network. */
  patient(name: string, home?: string): Promise<Party>
  close(): Promise<void>
}

export const NURSE = { 'x-keepwell-person': 'Nurse Joy', 'x-keepwell-role': 'nurse' }

export async function gatewayWorld(
  options: {
    readonly sessions?: Partial<PoolLimits>
    readonly subscriptions?: SubscriptionSettings
    readonly hotBytes?: number
    /** Homes of patients, beside the clinic’s, each with a relay and a ledger of its own. */
    readonly homes?: readonly string[]
    readonly scan?: NonNullable<GatewaySettings['scan']>
    /** The clinic's powers as its gateway has them. */
    readonly ctx?: (clinic: Party) => Party
    readonly parts?: (gateway: Gateway, clinic: Party, rooms: readonly StaffRoom[]) => Promise<Parts> | Parts
  } = {},
): Promise<GatewayWorld> {
  const network = await startNetwork({ homes: ['home', ...(options.homes ?? [])].map(name => ({ name })) })
  const clinic = await network.party('Clinic', 'home')
  const { key, shown } = newApiKey({ name: 'Ward system', role: 'system', purpose: 'TREAT', at: 0 }, systemRandom)
  await writeFile(apiKeyFile(clinic.folder), writeApiKeys([key]))
  const logged: LogLine[] = []
  const port = await freePort()
  const serve = (): Promise<RunningGateway> =>
    serveGateway(
      {
        ctx: options.ctx?.(clinic) ?? clinic,
        dir: clinic.folder,
        host: '127.0.0.1',
        port,
        url: null,
        tls: null,
        origins: [],
        proxies: 0,
        limits: { perAddress: { perSecond: 1e6, burst: 1e6 } },
        ...(options.hotBytes === undefined ? {} : { hotBytes: options.hotBytes }),
        ...(options.scan ? { scan: options.scan } : {}),
        ...(options.sessions ? { sessions: options.sessions } : {}),
        ...(options.subscriptions ? { subscriptions: options.subscriptions } : {}),
        log: line => void logged.push(line),
      },
      (gateway, rooms) => options.parts?.(gateway, clinic, rooms) ?? { parts: [] },
    )
  let running = await serve()
  const base = `${running.url}/fhir`
  const asking =
    (more: Record<string, string>): Ask =>
    async (method, path, body, headers = {}) => {
      const sent = body === undefined ? null : typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
      const answer = await fetch(path.startsWith('http') ? path : `${base}/${path}`.replace(/\/$/, ''), {
        method,
        headers: { authorization: `Bearer ${shown}`, 'content-type': 'application/fhir+json', ...more, ...headers },
        body: sent as BodyInit | null,
      })
      const text = await answer.text()
      const whole = text.startsWith('{') && !answer.headers.get('content-type')?.includes('ndjson')
      return { status: answer.status, headers: answer.headers, text, body: whole ? JSON.parse(text) : null }
    }
  return {
    network,
    clinic,
    get running() {
      return running
    },
    get gateway() {
      return running.gateway
    },
    base,
    key: shown,
    logged,
    ask: asking(NURSE),
    asking,
    async patient(name, home = 'home') {
      const party = await network.party(name, home)
      await introduce(party, clinic)
      return party
    },
    async restart(meanwhile) {
      await running.close()
      await meanwhile?.()
      running = await serve()
    },
    async close() {
      await running.close()
      await network.close()
    },
  }
}

/** A party whose relays' answers come later than they were given, while somebody holds them back. */
export function lateAnswers() {
  let held: { readonly until: Promise<void>; answers: number } | null = null
  const late = (relay: Relay): Relay => ({
    ...relay,
    async call(method, call) {
      const answer = await relay.call(method, call)
      if (held) {
        held.answers++
        await held.until
      }
      return answer
    },
  })
  return {
    ctx: (party: Party): Party => ({ ...party, network: { ...party.network, relay: async url => late(await party.network.relay(url)) } }),
    /** Holds them back from now on; `waits` says whether one does. */
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      const mine = { until: promise, answers: 0 }
      held = mine
      return {
        waits: () => mine.answers > 0,
        release(): void {
          held = null
          resolve()
        },
      }
    },
  }
}

/** Gives the clinic a consent to read, and one to write, of everything; resolves when the gateway knows of them. Gives the patient's id. */
export async function consents(
  world: GatewayWorld,
  patient: Party,
  levels: readonly ('read' | 'write')[] = ['read', 'write'],
  purposes: readonly Purpose[] = ['TREAT'],
  days = 90,
): Promise<{ readonly id: string; readonly commitments: Record<string, Uint8Array> }> {
  const compartments = patient.session.state.ring.compartments.map(c => c.id)
  const commitments: Record<string, Uint8Array> = {}
  for (const level of levels) {
    const given = await grant(patient, { to: didOf(world.clinic), level, purposes, compartments, expiry: patient.clock() + days * DAY })
    commitments[level] = given.commitment
  }
  const known = () => world.gateway.patients().find(p => p.vaults[0]!.did === didOf(patient))
  await until(() => levels.every(l => known()?.[l]))
  return { id: known()!.id, commitments }
}

/** Waits until that is so: less long than a test may take, so that it is said which did not come to pass. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 240_000
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('It did not come to pass.')
    await new Promise(resolve => setTimeout(resolve, 25))
  }
}

async function* items(files: Readonly<Record<string, unknown>>) {
  for (const [name, content] of Object.entries(files)) {
    const bytes = content instanceof Uint8Array ? content : utf8(typeof content === 'string' ? content : JSON.stringify(content))
    yield {
      name,
      size: bytes.length,
      async *chunks() {
        yield bytes
      },
    }
  }
}

/** Files into the person's own vault. */
export async function files(patient: Party, content: Readonly<Record<string, unknown>>): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for await (const v of importItems(patient, items(content))) verdicts.push(v)
  await receiveMessages(patient)
  return verdicts
}
