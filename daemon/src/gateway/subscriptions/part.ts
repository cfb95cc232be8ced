import { randomUUID } from 'node:crypto'
import type { PostHook } from '@keepwell/adapters/hooks/post'
import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { BACKPORT } from '@keepwell/sdk/health/fhir/subscription/subscription'
import { TOPICS } from '@keepwell/sdk/health/fhir/subscription/topics'
import type { Gateway, GatewayPart } from '#gateway/core/types'
import type { Reader } from '#gateway/reading/reader'
import type { LogLine } from '#http/settings'
import { keptIn } from './kept.ts'
import { openRoom, type Room } from './room.ts'
import { type Desk, subscriptionRows } from './rows.ts'
import { openSockets, type Sockets } from './sockets.ts'
import type { Subscribed } from './types.ts'
import type { RunnerPorts, Sending } from './work.ts'

export type SubscriptionsInput = {
  readonly gateway: Gateway
  /** Closed with the part. */
  readonly tokens: Tokens
  readonly hooks: PostHook
  readonly reader: Reader
  /** Whether what an actor's right rests on still stands. */
  readonly stands: (basis: string) => Promise<boolean>
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>
  readonly log: (line: LogLine) => void
  /**
   * Seconds between looks for what others filed in the record of a patient whom a subscription names. Each look stands on the patient's log, so
   * it is not made every minute; what this gateway files, and what its sessions see, is known at once.
   */
  readonly lookEvery?: number
  /** Milliseconds between looks at the clock. */
  readonly tick?: number
}

export const SOCKET_PATH = '/subscriptions/socket'
const TIMEOUT = { least: 1, most: 60, usual: 20 }
const LOOK_EVERY = 900
const TICK_MS = 1000

/** Topic-based subscriptions (Subscriptions R5 Backport 1.1.0 for R4) by rest-hook and websocket. */
export async function subscriptionsPart(input: SubscriptionsInput): Promise<GatewayPart> {
  const { gateway, tokens, hooks, reader, stands, pause, lookEvery = LOOK_EVERY, tick = TICK_MS } = input
  const kept = keptIn(tokens, gateway.clock)
  const stop = new AbortController()
  let room: Room | undefined
  const sockets = openSockets({
    clock: gateway.clock,
    random: gateway.random,
    arrived: (id, guest) => void room?.get(id)?.greet(guest),
  })
  const ports: RunnerPorts = {
    gateway,
    kept,
    send: sender(hooks, sockets, stop.signal),
    stands: async ({ owner }) => owner.basis === undefined || stands(owner.basis),
    uuid: randomUUID,
    ended: sub => sockets.unbind(sub.id),
    failed: code => input.log({ level: 'error', task: 'subscriptions', code }),
  }
  const opened = await openRoom(ports, { pause, lookEvery, tick, signal: stop.signal })
  room = opened
  const socketUrl = `${gateway.url.replace(/^http/, 'ws')}${SOCKET_PATH}`
  const desk: Desk = {
    gateway,
    reader,
    ...opened,
    async remove(id) {
      await opened.remove(id)
      sockets.unbind(id)
    },
    checkEndpoint: url => hooks.check(url),
    bindingToken: ids => sockets.token(ids),
    socketUrl,
    newId: randomUUID,
  }
  return {
    fhir: subscriptionRows(desk),
    upgrades: [{ path: SOCKET_PATH, handle: sockets.upgrade }],
    told: toldOf(socketUrl),
    gauges: () => [
      { name: 'keepwell_subscriptions', about: 'Subscriptions that are on.', value: desk.all().filter(r => r.sub.status !== 'off').length },
      { name: 'keepwell_subscription_sockets', about: 'Websockets that are open.', value: sockets.count() },
    ],
    async close() {
      stop.abort()
      await opened.close()
      sockets.close()
      await tokens.close()
    },
  }
}

const sender =
  (hooks: PostHook, sockets: Sockets, signal: AbortSignal) =>
  async ({ id, plan: { channel } }: Subscribed, body: string): Promise<Sending> => {
    if (channel.type === 'websocket') return (await sockets.send(id, body)) ? 'sent' : 'nobody'
    const seconds = Math.min(TIMEOUT.most, Math.max(TIMEOUT.least, channel.timeout ?? TIMEOUT.usual))
    const { endpoint: url, headers, mediaType: type } = channel
    try {
      const status = await hooks.post({ url, headers, type, body, timeout: seconds * 1000, signal })
      return status >= 200 && status < 300 ? 'sent' : 'failed'
    } catch (e) {
      if (!isKeepwellError(e)) throw e
      return 'failed'
    }
  }

/** The topics, and where the socket is, as the guide and R4's extension want them told. */
const toldOf = (socketUrl: string): NonNullable<GatewayPart['told']> => ({
  instantiates: [`${BACKPORT}/CapabilityStatement/backport-subscription-server-r4`],
  rest: [{ url: 'http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket', valueUri: socketUrl }],
  types: {
    Subscription: {
      extension: TOPICS.map(t => ({
        url: `${BACKPORT}/StructureDefinition/capabilitystatement-subscriptiontopic-canonical`,
        valueCanonical: t.url,
      })),
      supportedProfile: [`${BACKPORT}/StructureDefinition/backport-subscription`],
    },
  },
})
