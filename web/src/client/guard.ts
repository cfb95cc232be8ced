import { useSyncExternalStore } from 'react'
import type { GuardAnswer, GuardQuestion, GuardStatus } from '#rpc/guard.ts'

/** How this page stands with the guard of the app, its service worker. */
export type Guarding = {
  /** Null until a guard has answered; there may be none: a first visit, a private window, a page forced past it. */
  readonly status: GuardStatus | null
  /** The guard itself was exchanged, and no signed release had said so: what this browser opens next may be anybody's. */
  readonly replaced: boolean
}

let state: Guarding = { status: null, replaced: false }
const listeners = new Set<() => void>()
const set = (next: Partial<Guarding>): void => {
  state = { ...state, ...next }
  for (const listener of listeners) listener()
}

export const useGuard = (): Guarding =>
  useSyncExternalStore(
    listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => state,
  )

const PATIENCE = 60_000
const HOUR = 3_600_000

function ask(guard: ServiceWorker, question: GuardQuestion): Promise<GuardStatus> {
  return new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel()
    const timer = setTimeout(() => reject(new Error('The guard does not answer.')), PATIENCE)
    port1.onmessage = ({ data }: MessageEvent<GuardAnswer>) => {
      clearTimeout(timer)
      if ('failed' in data) reject(new Error(data.failed))
      else resolve(data.status)
    }
    guard.postMessage(question, [port2])
  })
}

let current: ServiceWorker | null = null
/** Who guarded this page when it began: one that comes in between is a newcomer too. */
const begun = 'serviceWorker' in navigator ? navigator.serviceWorker.controller : null

/** Asks the guard and remembers what it says. */
export async function askGuard(question: GuardQuestion): Promise<GuardStatus | null> {
  if (!current) return null
  const status = await ask(current, question)
  set({ status })
  return status
}

/**
 * Puts the app under its guard, and watches it. A browser fetches the guard anew from whoever serves the app, and no page can forbid that: so
 * a new one that no signed release announced is an alarm. The page that is open still runs the old code.
 */
export async function startGuard(): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  const { serviceWorker } = navigator
  const known = await serviceWorker.getRegistration('/')
  const registration = known ?? (await serviceWorker.register('/sw.js', { scope: '/', updateViaCache: 'none' }))
  const first = begun ?? serviceWorker.controller
  if (first) watch(registration, first)
  current = first ?? (await serviceWorker.ready).active
  const look = () => void askGuard({ kind: 'look' }).catch(() => {})
  look()
  setInterval(look, HOUR)
  if (!first && current) watch(registration, current)
}

/** Whether the guard answers for this app's addresses in this browser; one that is just being installed is waited for. */
export async function isGuarded(): Promise<boolean> {
  if (!('serviceWorker' in navigator)) return false
  const { serviceWorker } = navigator
  if (!(await serviceWorker.getRegistration('/'))) return false
  const late = new Promise<false>(resolve => setTimeout(() => resolve(false), PATIENCE))
  return Promise.race([serviceWorker.ready.then(({ active }) => active !== null), late])
}

const pushedOut = (guard: ServiceWorker): Promise<false> =>
  new Promise(resolve => {
    const look = (): void => void (guard.state === 'redundant' && resolve(false))
    guard.addEventListener('statechange', look)
    look()
  })

function watch(registration: ServiceWorkerRegistration, guard: ServiceWorker): void {
  const newcomer = async (): Promise<void> => {
    // The old guard knows whether the makers announced a new one, which then waits its turn. If it is silent, or was pushed out, nobody did.
    const announced = ask(guard, { kind: 'look' }).then(
      status => status.guardChanged,
      () => false,
    )
    if (!(await Promise.race([announced, pushedOut(guard)]))) set({ replaced: true })
  }
  registration.addEventListener('updatefound', () => void newcomer())
  const changed = (): boolean => ![null, guard].includes(navigator.serviceWorker.controller)
  if (registration.waiting || changed()) void newcomer()
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    if (changed()) void newcomer()
  })
}

/** Lets the new release, which is here already, take this page. */
export const reopen = (): void => location.reload()
