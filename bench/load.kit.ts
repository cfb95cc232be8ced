import { Agent, request } from 'node:http'
import { performance } from 'node:perf_hooks'

export type Call = {
  readonly method: string
  readonly path: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

export type Client = {
  ask(call: Call): Promise<{ readonly status: number; readonly body: string }>
  /** Requests a second that `clients` make who each wait for their answer. */
  peak(next: () => Call, input: { readonly clients: number; readonly seconds: number }): Promise<number>
  /** Milliseconds from when each request was due, at a steady rate that waits for nobody. */
  steady(next: () => Call, input: { readonly rate: number; readonly seconds: number }): Promise<number[]>
  close(): void
}

/** HTTP/1.1 over kept connections, with nothing between it and the socket but Node. An answer other than 200 or 201 is an error. */
export function loadClient(base: string, headers: Readonly<Record<string, string>>): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const send = (call: Call, whole: boolean): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const asked = request(`${base}${call.path}`, { method: call.method, agent, headers: { ...headers, ...call.headers } }, answer => {
        const chunks: Buffer[] = []
        answer.on('data', c => whole && chunks.push(c))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
        answer.on('error', reject)
      })
      asked.on('error', reject)
      asked.end(call.body)
    })
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
        await new Promise(resolve => setImmediate(resolve))
      }
      return Promise.all(late)
    },
    close: () => agent.destroy(),
  }
}
