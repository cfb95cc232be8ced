import { randomUUID } from 'node:crypto'
import { equal } from '@keepwell/sdk/base/bytes'
import { openReader } from '#gateway/reading/reader'
import { freePort } from '#http/free-port'
import { serveHttp } from '#http/server'
import { HTTP_LIMITS } from '#http/settings'
import type { Imaging, Instance, Taken } from './imaging.ts'
import { renderer } from './renderer.ts'
import { dicomwebRoutes } from './routes.ts'
import { STORE_LIMITS, type StoreLimits } from './store.ts'

export type MemoryImaging = Imaging & { readonly held: { readonly bytes: Uint8Array; readonly reason: string }[] }

/** Images in memory: the services' reference, and what their tests store into. */
export function memoryImaging(): MemoryImaging {
  const kept = new Map<string, { readonly instance: Instance; readonly bytes: Uint8Array }>()
  const held: { bytes: Uint8Array; reason: string }[] = []
  const keep = ({ bytes, facts }: Taken) => {
    const there = kept.get(facts.instance)
    if (there) return equal(there.bytes, bytes) ? 'stored' : 'other'
    kept.set(facts.instance, { instance: { ...facts, key: facts.instance, size: bytes.length }, bytes: bytes.slice() })
    return 'stored'
  }
  return {
    held,
    instances: async study => [...kept.values()].map(k => k.instance).filter(i => study === undefined || i.study === study),
    open: async ({ key }) => kept.get(key)!.bytes,
    async *each(instances) {
      for (const { key } of instances) yield kept.get(key)!.bytes
    },
    store: async taken => taken.map(keep),
    quarantine: async (bytes, reason) => void held.push({ bytes: bytes.slice(), reason }),
  }
}

/** One for all servers: threads and their decoders are slow to make. They do not keep the process alive. */
const draws = renderer()
const reader = openReader()

/** The services over a real socket. */
export async function serveDicomweb(imaging: Imaging = memoryImaging(), limits: Partial<StoreLimits> = {}) {
  const port = await freePort()
  const base = `http://127.0.0.1:${port}/dicomweb`
  const routes = dicomwebRoutes({
    imaging: async () => imaging,
    base,
    renderer: draws,
    reader,
    limits: { ...STORE_LIMITS, ...limits },
    newId: randomUUID,
  })
  const server = await serveHttp(routes, {
    host: '127.0.0.1',
    port,
    tls: null,
    origins: [],
    hosts: [],
    proxies: 0,
    limits: HTTP_LIMITS,
    now: () => performance.now(),
    newId: randomUUID,
    log: () => {},
  })
  return {
    base,
    imaging,
    close: () => server.close(),
  }
}
