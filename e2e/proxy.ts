import { type ClientRequest, createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What becomes of one request on its way: `drop-answer` lets it reach the relay and breaks the line before the answer. */
export type Disturbance = 'pass' | 'drop' | 'drop-answer' | 'twice' | { readonly delay: number }

export type RelayProxy = {
  readonly url: string
  /** Bytes of every request line, header and body, and of every answer, when `record` is on. */
  readonly recorded: Buffer[]
  record: boolean
  /** Decides for each request, by its method and path. */
  disturb: (line: string) => Disturbance
  readonly passed: { count: number }
  close(): Promise<void>
}

const pause = (milliseconds: number) => new Promise(done => setTimeout(done, milliseconds))

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

/** An HTTP proxy before one relay, on loopback, that can record what passes and spoil it. */
export async function startProxy(target: string): Promise<RelayProxy> {
  const recorded: Buffer[] = []
  const passed = { count: 0 }
  const base = new URL(target)

  function forward(request: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = { host: base.hostname, port: base.port, method: request.method, path: request.url, headers: request.headers }
      const out: ClientRequest = send({ ...options, agent: false }, resolve).once('error', reject)
      out.end(body)
    })
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bytesOf(request)
    const line = `${request.method} ${request.url}`
    if (proxy.record) recorded.push(Buffer.from(`${line}\n${JSON.stringify(request.rawHeaders)}\n`), body)
    const fate = proxy.disturb(line)
    passed.count++
    if (fate === 'drop') return void response.destroy()
    if (typeof fate === 'object') await pause(fate.delay)
    if (fate === 'twice') (await forward(request, body)).resume()
    const back = await forward(request, body)
    if (fate === 'drop-answer') {
      await bytesOf(back)
      return void response.destroy()
    }
    response.writeHead(back.statusCode ?? 502, back.rawHeaders)
    if (proxy.record) recorded.push(Buffer.from(JSON.stringify(back.rawHeaders)))
    for await (const part of back) {
      if (proxy.record) recorded.push(part as Buffer)
      response.write(part)
    }
    response.end()
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const proxy: RelayProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    recorded,
    record: false,
    disturb: () => 'pass',
    passed,
    close: () =>
      new Promise<void>(done => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
  return proxy
}
