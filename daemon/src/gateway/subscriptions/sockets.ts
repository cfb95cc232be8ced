import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { toBase64Url } from '@keepwell/sdk/base/bytes'
import { type WebSocket, WebSocketServer } from 'ws'

export type Token = { readonly token: string; readonly expires: number }

/** Websockets of subscribers (Backport 1.1.0, channels): bound by a token that the FHIR side gives out. */
export type Sockets = {
  /** A token for subscriptions, good for a few minutes to bind as often as needed. */
  token(ids: readonly string[]): Token
  /** Sends to everybody who is bound; false when nobody got it. */
  send(id: string, text: string): Promise<boolean>
  bound(id: string): boolean
  /** Nobody is bound to it any more; a connection that is left with nothing is closed. */
  unbind(id: string): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  count(): number
  close(): void
}

export type Guest = { send(text: string): Promise<boolean>; admit(): void }

type Ports = {
  readonly clock: () => number
  readonly random: (length: number) => Uint8Array
  /** Somebody wants to be bound: first comes the handshake, to them alone, then what is sent to all. */
  readonly arrived: (id: string, guest: Guest) => void
}

const TOKEN_SECONDS = 300
const MAX_TOKENS = 10_000
const MAX_SOCKETS = 1000
/** A connection that never binds is not kept. */
const BIND_MS = 30_000
const PING_MS = 30_000
const BIND = /^bind-with-token:? +([A-Za-z0-9_-]{43})\s*$/
/** RFC 6455 §7.4.1: a policy was not met; 1013 (IANA): try again later. */
const POLICY = 1008
const FULL = 1013

const sendTo = (socket: WebSocket, text: string): Promise<boolean> => new Promise(done => socket.send(text, e => done(!e)))

export function openSockets({ clock, random, arrived }: Ports): Sockets {
  const server = new WebSocketServer({ noServer: true, maxPayload: 4096, perMessageDeflate: false, clientTracking: true })
  const tokens = new Map<string, { readonly ids: readonly string[]; readonly expires: number }>()
  const bound = new Map<string, Set<WebSocket>>()
  const ids = new Map<WebSocket, Set<string>>()

  function bind(socket: WebSocket, text: string): void {
    const token = BIND.exec(text)?.[1]
    const found = token === undefined ? undefined : tokens.get(token)
    if (!found || found.expires <= clock()) return void socket.close(POLICY, 'bind-with-token: no such token')
    for (const id of found.ids) {
      ids.set(socket, (ids.get(socket) ?? new Set()).add(id))
      arrived(id, {
        send: word => sendTo(socket, word),
        admit() {
          if (ids.get(socket)?.has(id)) bound.set(id, (bound.get(id) ?? new Set()).add(socket))
        },
      })
    }
  }

  function leave(socket: WebSocket): void {
    for (const id of ids.get(socket) ?? []) {
      bound.get(id)?.delete(socket)
      if (bound.get(id)?.size === 0) bound.delete(id)
    }
    ids.delete(socket)
  }

  function welcome(socket: WebSocket): void {
    let alive = true
    const patience = setTimeout(() => ids.has(socket) || socket.close(POLICY, 'not bound'), BIND_MS).unref()
    const pings = setInterval(() => {
      if (!alive) return socket.terminate()
      alive = false
      socket.ping()
    }, PING_MS).unref()
    socket.on('pong', () => {
      alive = true
    })
    socket.on('message', (data, binary) => (binary ? socket.close(POLICY, 'text only') : bind(socket, String(data))))
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      clearTimeout(patience)
      clearInterval(pings)
      leave(socket)
    })
  }

  return {
    token(wanted) {
      const now = clock()
      for (const [name, t] of tokens) if (t.expires <= now || tokens.size >= MAX_TOKENS) tokens.delete(name)
      const token = toBase64Url(random(32))
      const expires = now + TOKEN_SECONDS
      tokens.set(token, { ids: wanted, expires })
      return { token, expires }
    },
    async send(id, text) {
      const sent = await Promise.all([...(bound.get(id) ?? [])].map(s => sendTo(s, text)))
      return sent.includes(true)
    },
    bound: id => bound.has(id),
    unbind(id) {
      for (const [name, t] of tokens) if (t.ids.includes(id)) tokens.set(name, { ...t, ids: t.ids.filter(i => i !== id) })
      for (const [socket, own] of ids) if (own.delete(id) && own.size === 0) socket.close(1000, 'the subscription ended')
      bound.delete(id)
    },
    upgrade: (request, socket, head) =>
      server.handleUpgrade(request, socket, head, opened =>
        server.clients.size > MAX_SOCKETS ? opened.close(FULL, 'too many connections') : welcome(opened),
      ),
    count: () => server.clients.size,
    close() {
      for (const socket of server.clients) socket.terminate()
      server.close()
    },
  }
}
