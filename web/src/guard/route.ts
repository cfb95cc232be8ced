import type { Release } from './release.ts'

export type Asked = { readonly url: string; readonly method: string; readonly mode: string; readonly destination: string }

export type Route = { readonly kind: 'file'; readonly file: Release['files'][number] } | { readonly kind: 'refused' }

/** Whether code asks a relay for data: an interface's path, which has no ending. It passes the guard untouched. */
export function isData({ url, method, mode, destination }: Asked, origin: string): boolean {
  const at = new URL(url)
  if (mode === 'navigate') return false
  return method !== 'GET' || at.origin !== origin || (destination === '' && isScreen(at.pathname))
}

/**
 * Where any other request is answered from: the signed files, or not at all. That is whatever a browser would show or run, and what code
 * asks for by a file's name (WebAssembly). `releases`: the one in force first, then the one before it, whose pages may still be open.
 */
export function routeOf({ url, method, mode }: Asked, origin: string, releases: readonly Release[]): Route {
  const at = new URL(url)
  if (at.origin !== origin || method !== 'GET') return { kind: 'refused' }
  const file = listed(releases, at.pathname.slice(1))
  const page = file ?? (mode === 'navigate' && isScreen(at.pathname) ? listed(releases, 'index.html') : undefined)
  return page ? { kind: 'file', file: page } : { kind: 'refused' }
}

/** Paths without an ending are the app's, as the relay has it too. */
const isScreen = (path: string): boolean => !/\.[^/]*$/.test(path)

const listed = (releases: readonly Release[], path: string) => {
  for (const { files } of releases) {
    const found = files.find(f => f.path === path)
    if (found) return found
  }
  return undefined
}
