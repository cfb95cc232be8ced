import type { GuardAnswer, GuardQuestion } from '#rpc/guard.ts'
import { type Guard, openGuard } from './guard.ts'
import { isData } from './route.ts'
import { openStore } from './store.ts'

/** The service worker: nothing but the guard. It knows no vault and no key of one. */
type Lasting = Event & { waitUntil(work: Promise<unknown>): void }
type Fetching = Lasting & { readonly request: Request; respondWith(answer: Promise<Response>): void }
type Scope = {
  readonly location: Location
  readonly clients: { claim(): Promise<void> }
  skipWaiting(): Promise<void>
  addEventListener(type: 'install' | 'activate', listener: (e: Lasting) => void): void
  addEventListener(type: 'fetch', listener: (e: Fetching) => void): void
  addEventListener(type: 'message', listener: (e: Lasting & MessageEvent<GuardQuestion>) => void): void
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
