import { connect, type Socket } from 'node:net'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'

/** Null: nothing was found. Else what the scanner calls it. Throws UNSCANNED when the scanner could not judge, TOO_LARGE for more than it takes. */
export type Scan = (chunks: AsyncIterable<Uint8Array>) => Promise<{ readonly found: string } | null>

/** What clamd takes in one piece; its own limit (`StreamMaxLength`) is of the whole. */
const PIECE = 64 << 10
/** Milliseconds: for the connection, and for the answer after the last byte. */
const PATIENCE = { connect: 5000, answer: 120_000 }

/** A daemon's socket: `/run/clamav/clamd.ctl`, or `host:port`. Throws USAGE. */
export function clamdAt(text: string): { readonly path: string } | { readonly host: string; readonly port: number } {
  if (text.startsWith('/')) return { path: text }
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  ensure(host && port && Number(port) > 0 && Number(port) < 65_536, 'USAGE', 'A scanner is clamd:/path/of/its/socket or clamd:host:port.')
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

/**
 * ClamAV's daemon, by INSTREAM (clamd(8)): `zINSTREAM\0`, pieces each behind their length in four bytes (big-endian), an empty one for the end;
 * the answer is `stream: OK`, `stream: NAME FOUND`, or something ending in `ERROR`. One connection each. Whatever is no clear answer is
 * UNSCANNED.
 */
export function clamd(at: ReturnType<typeof clamdAt>, patience = PATIENCE): Scan {
  return async chunks => {
    const socket = connect(at)
    const answer = answerOf(socket, patience)
    // Looked at once all is sent; a scanner that has had enough may answer before.
    answer.catch(() => {})
    try {
      await sent(socket, 'zINSTREAM\0')
      for await (const chunk of chunks)
        for (let i = 0; i < chunk.length; i += PIECE) {
          const piece = chunk.subarray(i, i + PIECE)
          if (!(await sent(socket, length(piece.length))) || !(await sent(socket, piece))) break
        }
      await sent(socket, length(0))
      return verdict(await answer)
    } finally {
      socket.destroy()
    }
  }
}

const length = (n: number): Uint8Array => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(n)
  return bytes
}

/** False when nobody takes it any more: what the scanner said, or did not, tells why. */
const sent = (socket: Socket, bytes: Uint8Array | string): Promise<boolean> =>
  new Promise(done => (socket.writable ? socket.write(bytes, error => done(!error)) : done(false)))

const away = (cause?: unknown): KeepwellError => new KeepwellError('UNSCANNED', 'The scanner for malware does not answer.', { cause })

function answerOf(socket: Socket, patience: typeof PATIENCE): Promise<string> {
  return new Promise((done, fail) => {
    let text = ''
    let cause: unknown
    socket.setTimeout(patience.connect, () => socket.destroy(new Error('no connection, or nobody reads')))
    socket.on('connect', () => socket.setTimeout(patience.answer))
    socket.on('data', data => {
      text += data.toString('utf8')
      if (text.includes('\0') || text.length > 4096) done(text)
    })
    socket.on('error', error => {
      cause = error
    })
    socket.on('close', () => (text ? done(text) : fail(away(cause))))
  })
}

function verdict(answer: string): { readonly found: string } | null {
  const text = answer.replace(/\0.*$/s, '').trim()
  if (text === 'stream: OK') return null
  const found = /^stream: (.{1,200}) FOUND$/.exec(text)?.[1]
  if (found) return { found: found.replace(/[^\w.:/()+-]/g, '?') }
  ensure(!/size limit exceeded/i.test(text), 'TOO_LARGE', 'The file is larger than the scanner for malware takes.')
  throw away(new Error(text.slice(0, 200)))
}
