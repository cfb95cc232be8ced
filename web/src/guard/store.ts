import { toHex } from '@keepwell/sdk/base/bytes'
import type { Release, Signed } from './release.ts'

/** What is installed: the release in force, and the one before it while its pages may be open. */
export type Installed = { readonly signed: Signed; readonly before: Release | null }

export const releasesOf = ({ signed, before }: Installed): Release[] => [signed.release, ...(before ? [before] : [])]

export type Bytes = Uint8Array<ArrayBuffer>
type File = Release['files'][number]

const CACHE = 'keepwell-app'
const at = (name: string): string => `/.app/${name}`

export const digestOf = async (bytes: Bytes): Promise<string> => toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))

/** Files by what they hash to, and the release that names them. Replacing the release is one write, so that it never is half there. */
export async function openStore() {
  const cache = await caches.open(CACHE)
  const bytesAt = async (name: string): Promise<Bytes | null> => {
    const found = await cache.match(at(name))
    return found ? new Uint8Array(await found.arrayBuffer()) : null
  }
  const put = (name: string, bytes: Bytes): Promise<void> => cache.put(at(name), new Response(bytes))
  return {
    /** A file's bytes, hashed again; null when they are not here or not what they were. */
    async file({ sha256 }: File): Promise<Bytes | null> {
      const bytes = await bytesAt(sha256)
      return bytes && (await digestOf(bytes)) === sha256 ? bytes : null
    },
    keep: ({ sha256 }: File, bytes: Bytes): Promise<void> => put(sha256, bytes),
    /** The hash of the guard that runs; null before the first runs. */
    guard: async (): Promise<string | null> => (await cache.match(at('guard')))?.text() ?? null,
    keepGuard: (name: string): Promise<void> => cache.put(at('guard'), new Response(name)),
    async installed(): Promise<Installed | null> {
      const stored = await cache.match(at('installed'))
      return stored ? ((await stored.json()) as Installed) : null
    },
    async install(next: Installed): Promise<void> {
      await cache.put(at('installed'), new Response(JSON.stringify(next)))
      const wanted = new Set(['installed', 'guard', ...releasesOf(next).flatMap(r => r.files.map(f => f.sha256))].map(at))
      for (const { url } of await cache.keys()) {
        const { pathname } = new URL(url)
        if (!wanted.has(pathname)) await cache.delete(url)
      }
    },
  }
}
export type Store = Awaited<ReturnType<typeof openStore>>
