import { SHOWABLE, type Show, type Subscription, WAKE_CACHE, WAKE_LOCALE } from '#rpc/wake.ts'

/** The browser's own side of web push (W3C Push API). One subscription serves the whole app in this browser. */
export const canBeWoken = (): boolean => 'serviceWorker' in navigator && 'PushManager' in window && typeof Notification !== 'undefined'

const registration = async (): Promise<ServiceWorkerRegistration | null> =>
  canBeWoken() ? ((await navigator.serviceWorker.getRegistration('/')) ?? null) : null

/** Where this browser is woken; null when it is not, or the person no longer allows notices. */
export async function ownEndpoint(): Promise<string | null> {
  if (!canBeWoken() || Notification.permission !== 'granted') return null
  return (await (await registration())?.pushManager.getSubscription())?.endpoint ?? null
}

export type Refused = 'not-allowed' | 'no-service'

/** Asks the person, and subscribes under `key`: an uncompressed P-256 point. The subscription of before ends. */
export async function subscribe(key: Uint8Array, locale: string): Promise<Subscription | Refused> {
  if (Notification.permission === 'default') await Notification.requestPermission()
  if (Notification.permission !== 'granted') return 'not-allowed'
  const manager = (await registration())?.pushManager
  if (!manager) return 'no-service'
  try {
    await (await manager.getSubscription())?.unsubscribe()
    const made = await manager.subscribe({ userVisibleOnly: true, applicationServerKey: new Uint8Array(key) })
    const [p256dh, auth] = [made.getKey('p256dh'), made.getKey('auth')]
    if (!p256dh || !auth) return 'no-service'
    await leaveLocale(locale)
    return { endpoint: made.endpoint, p256dh: new Uint8Array(p256dh), auth: new Uint8Array(auth) }
  } catch {
    // A browser without a push service, or one that is out of reach: which, it does not say in any common way.
    return 'no-service'
  }
}

/** Ends it here; without this browser's word its push service takes nothing for it any more. */
export async function unsubscribe(): Promise<void> {
  await (await (await registration())?.pushManager.getSubscription())?.unsubscribe()
  await caches.delete(WAKE_CACHE)
}

async function leaveLocale(locale: string): Promise<void> {
  await (await caches.open(WAKE_CACHE)).put(WAKE_LOCALE, new Response(locale))
}

/** Tells the guard of another language, where it was told of one. */
export async function speak(locale: string): Promise<void> {
  if (canBeWoken() && (await caches.has(WAKE_CACHE))) await leaveLocale(locale)
}

/** A notice that was pressed shows its screen in the page that is open, which keeps what is open in it. */
export function showWhatWasPressed(): void {
  if (!('serviceWorker' in navigator)) return
  navigator.serviceWorker.addEventListener('message', ({ data }: MessageEvent<Partial<Show> | null>) => {
    const href = SHOWABLE.find(h => data?.kind === 'show' && h === data.href)
    if (href) location.hash = href
  })
}
