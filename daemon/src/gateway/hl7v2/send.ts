/** The other direction: messages to a system that listens, one after the other, each answered before the next leaves. */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { parseMessage } from '@keepwell/sdk/health/hl7v2/message'
import { readMessage } from '@keepwell/sdk/health/hl7v2/read'
import type { TlsVersion } from './listen.ts'
import { frame, frames } from './mllp.ts'

export type SendOptions = {
  readonly host: string
  readonly port: number
  /** TLS with the receiver's authority, and our own certificate where it asks for one; 1.3 unless a receiver knows no better than `least`. */
  readonly tls?: {
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
    readonly servername?: string
    readonly least?: TlsVersion
  }
  /** Milliseconds to wait for an answer. */
  readonly timeout?: number
}

export type Reply = { readonly code: string; readonly accepted: boolean /** ERR-8, else MSA-3. */; readonly text?: string }

export type Sender = { send(message: Uint8Array): Promise<Reply>; close(): void }

const TIMEOUT = 30_000
const MAX_REPLY = 1 << 20

/** @throws KeepwellError UNREADABLE for a receiver that cannot be reached, does not answer, or answers no HL7. */
export async function openSender(o: SendOptions): Promise<Sender> {
  const socket = await open(o)
  const incoming = frames(MAX_REPLY)
  let wanted: { resolve(reply: Uint8Array): void; reject(e: unknown): void } | null = null
  const fail = (why: string): void => {
    wanted?.reject(new KeepwellError('UNREADABLE', why))
    wanted = null
    socket.destroy()
  }
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const reply of incoming.push(chunk)) {
        wanted?.resolve(reply)
        wanted = null
      }
    } catch {
      fail('The receiver’s answer is not MLLP.')
    }
  })
  socket.on('close', () => fail('The receiver closed the connection before it answered.'))
  socket.on('error', () => fail('The connection to the receiver broke.'))
  socket.setTimeout(o.timeout ?? TIMEOUT, () => fail('The receiver did not answer in time.'))
  return {
    async send(message) {
      ensure(!wanted, 'DEFECT', 'One message at a time goes over a connection.')
      const reply = await new Promise<Uint8Array>((resolve, reject) => {
        wanted = { resolve, reject }
        if (socket.destroyed) fail('The connection is closed.')
        else socket.write(frame(message))
      })
      return replyOf(reply)
    },
    close: () => socket.destroy(),
  }
}

function open({ host, port, tls }: SendOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = tls
      ? connectTls({ host, port, minVersion: tls.least ?? 'TLSv1.3', ...tls }, () => resolve(socket))
      : connect(port, host, () => resolve(socket))
    socket.once('error', cause => reject(new KeepwellError('UNREADABLE', 'The receiver cannot be reached.', { cause })))
  })
}

function replyOf(bytes: Uint8Array): Reply {
  const reader = readMessage(parseMessage(bytes))
  const code = reader.row('MSA')?.text(1) ?? ''
  const text = reader.row('ERR')?.text(8) ?? reader.row('MSA')?.text(3)
  return { code, accepted: code === 'AA' || code === 'CA', ...(text ? { text } : {}) }
}
