import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'

export type Call = {
  readonly method: string
  readonly path: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** `headers` by lower-case name. */
export type Answer = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }

export type Client = {
  ask(call: Call): Promise<Answer>
  /** Requests a second that `clients` make who each wait for their answer. */
  peak(next: () => Call, input: { readonly clients: number; readonly seconds: number }): Promise<number>
  /** Milliseconds from when each request was due, at a steady rate that waits for nobody. */
  steady(next: () => Call, input: { readonly rate: number; readonly seconds: number }): Promise<number[]>
  close(): void
}

const END = Buffer.from('\r\n\r\n')

const headersIn = (head: string): Record<string, string> =>
  Object.fromEntries([...head.matchAll(/\r\n([^:\r\n]+): *([^\r\n]*)/g)].map(m => [m[1]!.toLowerCase(), m[2]!]))

/** A body in chunks (RFC 9112 §7.1) and where it ends; null while it is not all there. */
function chunked(held: Buffer, from: number): { readonly body: Buffer; readonly end: number } | null {
  const parts: Buffer[] = []
  for (let at = from; ; ) {
    const line = held.indexOf('\r\n', at)
    if (line < 0) return null
    const size = Number.parseInt(held.toString('latin1', at, line), 16)
    at = line + 2 + size + 2
    if (held.length < at) return null
    if (size === 0) return { body: Buffer.concat(parts), end: at }
    parts.push(held.subarray(line + 2, line + 2 + size))
  }
}

/** A body as its head measures it; null while it is not all there, undefined when it does not say how long it is. */
function bodyIn(held: Buffer, head: string, from: number): ReturnType<typeof chunked> | undefined {
  if (/\r\ntransfer-encoding: chunked/i.test(head)) return chunked(held, from)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length === undefined) return undefined
  const to = from + Number(length)
  return held.length < to ? null : { body: held.subarray(from, to), end: to }
}

/** One kept connection, one question at a time. */
function lineTo(host: string, port: number, closed: () => void) {
  let held: Buffer = Buffer.alloc(0)
  // One buffer for all that comes: a new one for each answer makes V8 look through the whole heap of the load every 64 MB, which then is the tail of whatever is measured.
  const buffer = Buffer.allocUnsafe(64 << 10)
  const socket = connect({ host, port, noDelay: true, onread: { buffer, callback: arrived } })
  let waiting: { whole: boolean; resolve(a: Answer): void; reject(e: unknown): void } | null = null
  function arrived(length: number): boolean {
    const chunk = buffer.subarray(0, length)
    held = held.length ? Buffer.concat([held, chunk]) : chunk
    take()
    // What is not a whole answer waits elsewhere.
    if (held.length && held.buffer === buffer.buffer) held = Buffer.from(held)
    return true
  }
  const take = (): void => {
    const end = held.indexOf(END)
    if (end < 0 || !waiting) return
    const head = held.toString('latin1', 0, end)
    const found = bodyIn(held, head, end + END.length)
    if (found === undefined) return void socket.destroy(new Error('An answer does not state its length.'))
    if (found === null) return
    const answer = {
      status: Number(head.slice(9, 12)),
      headers: waiting.whole ? headersIn(head) : {},
      body: waiting.whole ? found.body.toString('utf8') : '',
    }
    held = held.subarray(found.end)
    const { resolve } = waiting
    waiting = null
    resolve(answer)
  }
  socket.on('error', e => waiting?.reject(e))
  socket.on('close', () => {
    closed()
    waiting?.reject(new Error('The connection was closed.'))
  })
  return {
    ask: (text: string, whole: boolean): Promise<Answer> =>
      new Promise((resolve, reject) => {
        waiting = { whole, resolve, reject }
        socket.write(text)
      }),
    close: () => socket.destroy(),
  }
}

const MAX_LINES = 64

/**
 * HTTP/1.1 over kept connections and plain sockets: a client library costs as much as the servers measured here, and would be what is
 * measured. An answer other than 200 or 201 is an error.
 */
export function loadClient(base: string, headers: Readonly<Record<string, string>>): Client {
  const { hostname, port, host, pathname } = new URL(base)
  const lines: ReturnType<typeof lineTo>[] = []
  const idle: ReturnType<typeof lineTo>[] = []
  const queue: ((line: ReturnType<typeof lineTo>) => void)[] = []
  const free = async (): Promise<ReturnType<typeof lineTo>> => {
    const found = idle.pop()
    if (found) return found
    if (lines.length === MAX_LINES) return new Promise(resolve => queue.push(resolve))
    const line = lineTo(hostname, Number(port), () => {
      // A server ends connections that nobody uses.
      for (const list of [lines, idle]) if (list.includes(line)) list.splice(list.indexOf(line), 1)
    })
    lines.push(line)
    return line
  }
  const send = async (call: Call, whole: boolean): Promise<Answer> => {
    const { body } = call
    const all = { host, ...headers, ...call.headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) }
    const said = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    const target = `${pathname.replace(/\/$/, '')}${call.path}`
    const line = await free()
    const answer = await line.ask(`${call.method} ${target} HTTP/1.1\r\n${said.join('')}\r\n${body ?? ''}`, whole)
    const next = queue.shift()
    if (next) next(line)
    else if (lines.includes(line)) idle.push(line)
    return answer
  }
  const must = async (call: Call): Promise<void> => {
    const { status } = await send(call, false)
    if (status !== 200 && status !== 201) throw new Error(`${call.method} was answered with ${status}.`)
  }
  return {
    ask: call => send(call, true),
    async peak(next, { clients, seconds }) {
      const end = performance.now() + seconds * 1000
      let done = 0
      const one = async (): Promise<void> => {
        while (performance.now() < end) {
          await must(next())
          done++
        }
      }
      await Promise.all(Array.from({ length: clients }, one))
      return done / seconds
    },
    async steady(next, { rate, seconds }) {
      const started = performance.now()
      const total = Math.floor(rate * seconds)
      const late: Promise<number>[] = []
      for (let i = 0; i < total; ) {
        const now = performance.now()
        for (; i < total && started + (i * 1000) / rate <= now; i++) {
          const due = started + (i * 1000) / rate
          late.push(must(next()).then(() => performance.now() - due))
        }
        // A loop that spins would take a core from the servers; up to a millisecond late counts as theirs.
        await new Promise(resolve => setTimeout(resolve, 1))
      }
      return Promise.all(late)
    },
    close: () => {
      for (const line of [...lines]) line.close()
    },
  }
}
