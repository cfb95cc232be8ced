import { useSyncExternalStore } from 'react'

/**
 * Secrets that came in the address: behind `#` an invitation, a new device's offer, the code of somebody who lost everything, a link to
 * somebody's health data; at a path of its own the answer of a hospital's login. Each is taken out of the address, and out of this tab's
 * history, as soon as this script runs, and is kept in the page's memory until it was used.
 */
export type Arrived = 'join' | 'add-device' | 'recover' | 'shlink' | 'hospital'

const ADDRESSES: readonly { readonly kind: Arrived; readonly form: RegExp; readonly left: string }[] = [
  { kind: 'join', form: /^#\/join\/(.+)$/, left: '#/join' },
  { kind: 'add-device', form: /^#\/add-device\/(.+)$/, left: '#/add-device' },
  { kind: 'recover', form: /^#\/recover\/(.+)$/, left: '#/recover' },
  { kind: 'shlink', form: /^#(shlink:\/.+)$/, left: '#/' },
]

/** Where a hospital's login ends (OAuth wants a path, and gives its answer behind `?`); the guard of the app answers it, and no server is asked. */
const LOGGED_IN = '/connected'

const kept = new Map<Arrived, string>()
const listeners = new Set<() => void>()

function keep(kind: Arrived, secret: string | null): void {
  if (secret === null) kept.delete(kind)
  else kept.set(kind, secret)
  for (const listener of listeners) listener()
}

function take(): void {
  for (const { kind, form, left } of ADDRESSES) {
    const secret = form.exec(location.hash)?.[1]
    if (!secret) continue
    history.replaceState(null, '', left)
    keep(kind, secret)
  }
}

function takeLogin(): void {
  if (location.pathname !== LOGGED_IN) return
  const answer = location.href
  history.replaceState(null, '', '/#/add/hospital')
  keep('hospital', answer)
}

/** Before anything else reads the address, or hears that it changed. */
export function watchAddress(): void {
  takeLogin()
  take()
  window.addEventListener('hashchange', take)
}

const listen = (listener: () => void): (() => void) => {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** The secret of that kind that came last and was not used yet; empty when there is none. */
export const useArrived = (kind: Arrived): string => useSyncExternalStore(listen, () => kept.get(kind) ?? '')

/** It was used, or is not wanted. */
export const forgetArrived = (kind: Arrived): void => keep(kind, null)
