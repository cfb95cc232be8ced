import { useSyncExternalStore } from 'react'

/**
 * Where in the app we are: `#/timeline`. What stands behind `#` never leaves the browser, so whoever serves the page does not learn which
 * screen or record is open.
 */
export type Route = { readonly name: string; readonly rest: readonly string[]; readonly query: URLSearchParams }

const listen = (changed: () => void): (() => void) => {
  window.addEventListener('hashchange', changed)
  return () => window.removeEventListener('hashchange', changed)
}

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const [name = '', ...rest] = path.split('/')
  return { name, rest: rest.map(decodeURIComponent), query: new URLSearchParams(query) }
}

export const useHash = (): string => useSyncExternalStore(listen, () => location.hash)
