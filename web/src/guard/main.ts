import type { GuardAnswer, GuardQuestion } from '#rpc/guard.ts'
import { SHOWABLE, type Show } from '#rpc/wake.ts'
import { type Guard, openGuard } from './guard.ts'
import { isData } from './route.ts'
import { openStore } from './store.ts'
import { language, noticeOf } from './wake.ts'

/** The service worker: nothing but the guard. It knows no vault and no key of one. */
type Lasting = Event & { waitUntil(work: Promise<unknown>): void }
type Fetching = Lasting & { readonly request: Request; respondWith(answer: Promise<Response>): void }
type Pushed = Lasting & { readonly data: { text(): string } | null }
type Pressed = Lasting & { readonly notification: { readonly data: unknown; close(): void } }
type Open = { readonly url: string; focus(): Promise<Open>; postMessage(message: Show): void }
type Scope = {
  readonly location: Location
  readonly navigator: { readonly language: string }
  readonly clients: {
    claim(): Promise<void>
    matchAll(options: { readonly type: 'window'; readonly includeUncontrolled: true }): Promise<readonly Open[]>
    openWindow(url: string): Promise<unknown>
  }
  readonly registration: { showNotification(title: string, options: NotificationOptions): Promise<void> }
  skipWaiting(): Promise<void>
  addEventListener(type: 'install' | 'activate', listener: (e: Lasting) => void): void
  addEventListener(type: 'fetch', listener: (e: Fetching) => void): void
  addEventListener(type: 'message', listener: (e: Lasting & MessageEvent<GuardQuestion>) => void): void
  addEventListener(type: 'push', listener: (e: Pushed) => void): void
  addEventListener(type: 'notificationclick', listener: (e: Pressed) => void): void
}
const scope = globalThis as unknown as Scope
const { origin } = scope.location

const opening: Promise<Guard> = openStore().then(store =>
  openGuard({ store, origin, fetch: path => fetch(path, { cache: 'no-store', credentials: 'omit', redirect: 'error' }) }),
)

scope.addEventListener('install', event => event.waitUntil(opening.then(guard => guard.install())))

// The first guard takes over the page that installed it. A later one waits until every page of the one before it is closed.
scope.addEventListener('activate', event => event.waitUntil(opening.then(guard => guard.begin()).then(() => scope.clients.claim())))

scope.addEventListener('fetch', event => {
  const { request } = event
  const { url, method, mode, destination } = request
  const asked = { url, method, mode, destination }
  if (!isData(asked, origin)) event.respondWith(opening.then(async guard => (await guard.answer(asked)) ?? fetch(request)))
})

scope.addEventListener('message', event => {
  const [port] = event.ports
  const reply = (answer: GuardAnswer): void => port?.postMessage(answer)
  const work = opening.then(guard => answerTo(guard, event.data)).then(reply, error => reply({ failed: String((error as Error).message) }))
  event.waitUntil(work)
})

async function answerTo(guard: Guard, question: GuardQuestion): Promise<GuardAnswer> {
  if (question.kind === 'trust') await guard.trust(question.key)
  if (question.kind === 'look' || question.kind === 'audit') return { status: await guard.status({ thorough: question.kind === 'audit' }) }
  return { status: await guard.status() }
}

// A custodian's word (docs/emergency.md): it is shown, and neither fetched for nor kept.
scope.addEventListener('push', event => {
  const message = event.data?.text() ?? null
  const showing = async (): Promise<void> => {
    const { title, body, tag, href } = noticeOf(message, await language(caches, scope.navigator.language))
    await scope.registration.showNotification(title, { body, tag, icon: '/icons/icon-192.png', data: href, requireInteraction: true })
  }
  event.waitUntil(showing())
})

// A page that is open stays as it is, for its record may be open in it; it is told which screen is wanted.
scope.addEventListener('notificationclick', event => {
  event.notification.close()
  const href = SHOWABLE.find(h => h === event.notification.data) ?? '#/'
  const showing = async (): Promise<unknown> => {
    const [page] = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true })
    if (!page) return scope.clients.openWindow(`/${href}`)
    page.postMessage({ kind: 'show', href })
    return page.focus()
  }
  event.waitUntil(showing())
})
