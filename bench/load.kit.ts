import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Done, How, Work } from './http-load.kit.ts'

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
  /** Of the process that load comes from. */
  readonly pid: number
  /** Requests a second that `clients` make who each wait for their answer. */
  peak(next: () => Call, input: { readonly clients: number; readonly seconds: number }): Promise<number>
  /** Milliseconds from when each request was due, at a steady rate that waits for nobody. */
  steady(next: () => Call, input: { readonly rate: number; readonly seconds: number }): Promise<Float64Array>
  close(): void
}

/** Requests of a load before it begins again with the first. */
const SEQUENCE = 4096

/** A client whose load comes from a process of its own, in which an answer other than 200 or 201 is an error. */
export function loadClient(base: string, headers: Readonly<Record<string, string>>): Client {
  const { hostname: host, port, pathname, host: authority } = new URL(base)
  const root = pathname.replace(/\/$/, '')
  const loader = fork(fileURLToPath(new URL('./http-load.kit.ts', import.meta.url)), { serialization: 'advanced' })
  const written = ({ method, path, body, headers: more }: Call): string => {
    const all = { host: authority, ...headers, ...more, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) }
    const said = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    return `${method} ${root}${path} HTTP/1.1\r\n${said.join('')}\r\n${body ?? ''}`
  }
  function load(next: () => Call, how: How): Promise<Done> {
    const known = new Map<string, number>()
    const order = Uint16Array.from({ length: SEQUENCE }, () => {
      const text = written(next())
      if (!known.has(text)) known.set(text, known.size)
      return known.get(text)!
    })
    const work: Work = { host, port: Number(port), requests: [...known.keys()].map(text => Buffer.from(text)), order, how }
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error('The load has ended.'))
      loader.once('exit', ended)
      loader.once('message', (told: Done | { readonly error: string }) => {
        loader.off('exit', ended)
        if ('error' in told) reject(new Error(told.error))
        else resolve(told)
      })
      loader.send(work)
    })
  }
  return {
    pid: loader.pid!,
    async ask({ method, path, body, headers: more }) {
      const response = await fetch(`${base}${path}`, { method, headers: { ...headers, ...more }, ...(body === undefined ? {} : { body }) })
      return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
    },
    peak: async (next, how) => (await load(next, how)).done / how.seconds,
    steady: async (next, how) => (await load(next, how)).late,
    close: () => void loader.kill(),
  }
}
