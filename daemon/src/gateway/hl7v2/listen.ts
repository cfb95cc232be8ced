/** The MLLP listener: bytes in, acknowledgements out, each message on disk before its answer leaves. */
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { type Accepting, accept } from './accept.ts'
import { acknowledgement, headingOf } from './ack.ts'
import { frame, frames } from './mllp.ts'

export type Tls = {
  readonly cert: Uint8Array | string
  readonly key: Uint8Array | string
  /** Certificates of those who may connect; without it any client may. */
  readonly clientCa?: Uint8Array | string
  /** For systems that know no TLS 1.3; default 1.3. */
  readonly least?: TlsVersion
}
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

export type ListenOptions = {
  readonly host: string
  readonly port: number
  readonly tls?: Tls
  readonly maxMessage?: number
  readonly maxConnections?: number
  /** Milliseconds of silence after which a connection is closed. */
  readonly idle?: number
  /** Called after something was stored. */
  readonly onStored?: () => void
}

export type Listening = { readonly port: number; close(): Promise<void> }

const DEFAULTS = { maxMessage: 16 << 20, maxConnections: 256, idle: 30 * 60_000 }
/** Messages of one connection that may wait for their turn before it is read no further. */
const AHEAD = 16

const LOOPBACK = /^(127\.|::1$|localhost$)/

/** @throws KeepwellError BAD_INPUT for an address beyond this machine without TLS: messages are health data in clear. */
export async function listen(a: Accepting, options: ListenOptions): Promise<Listening> {
  const o = { ...DEFAULTS, ...options }
  ensure(o.tls || LOOPBACK.test(o.host), 'BAD_INPUT', 'Beyond this machine, HL7 v2 is listened to with TLS only.')
  const open = new Set<Socket>()
  const serve = (socket: Socket): void => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.setNoDelay(true)
    socket.setTimeout(o.idle, () => socket.destroy())
    converse(a, socket, o)
  }
  const server: Server = o.tls ? secure(o.tls, serve) : createServer(serve)
  server.maxConnections = o.maxConnections
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(o.port, o.host, () => resolve())
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : o.port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}

function secure({ cert, key, clientCa, least = 'TLSv1.3' }: Tls, serve: (socket: Socket) => void): Server {
  const bytes = (pem: Uint8Array | string): string | Buffer => (typeof pem === 'string' ? pem : Buffer.from(pem))
  const clients = clientCa ? { ca: bytes(clientCa), requestCert: true, rejectUnauthorized: true } : {}
  return createTlsServer({ cert: bytes(cert), key: bytes(key), minVersion: least, ...clients }, serve)
}

/** One connection: its messages are answered in the order in which they came. */
function converse(a: Accepting, socket: Socket, o: Required<Pick<ListenOptions, 'maxMessage'>> & ListenOptions): void {
  const incoming = frames(o.maxMessage)
  let turn: Promise<void> = Promise.resolve()
  let waiting = 0
  const answer = async (message: Uint8Array): Promise<void> => {
    const ack = await accept(a, message)
    o.onStored?.()
    if (ack && !socket.destroyed) socket.write(frame(ack))
    if (--waiting < AHEAD) socket.resume()
  }
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const message of incoming.push(chunk)) {
        waiting++
        turn = turn.then(() => answer(message))
      }
      if (waiting >= AHEAD) socket.pause()
    } catch (e) {
      // The stream has lost its place: what came whole before is answered, then it ends with a word why.
      const text = isKeepwellError(e) ? e.message : 'The bytes are not MLLP.'
      turn = turn.then(() => {
        const refusal = { code: 'AR' as const, complaints: [{ code: '207' as const, text }] }
        a.counters.answered('AR')
        socket.end(frame(acknowledgement({ heading: headingOf(new Uint8Array(0)), answer: refusal, at: a.clock(), id: 'NONE' })))
      })
      socket.pause()
      socket.removeAllListeners('data')
    }
  })
}
