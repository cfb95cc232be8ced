import { createECDH, type ECDH } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import ece from 'http_ece'
import type { Page } from 'playwright-core'

export type PushService = {
  /** What subscriptions begin with. */
  readonly endpoint: string
  readonly taken: readonly { readonly path: string; readonly body: Buffer }[]
  /** Subscriptions that it has dropped, by path. */
  readonly gone: Set<string>
  /** What a message says to the browser that subscribed. */
  opened(body: Buffer): string
  /** This browser reaches no push service; what it would give stands in for it, and nothing else does. */
  reachable(page: Page): Promise<void>
  close(): Promise<void>
}

/** A push service (RFC 8030) with one browser: takes messages for the subscriptions it knows. */
export async function openPushService(): Promise<PushService> {
  const taken: { readonly path: string; readonly body: Buffer }[] = []
  const gone = new Set<string>()
  const browser: ECDH = createECDH('prime256v1')
  browser.generateKeys()
  const auth = Buffer.alloc(16, 9)
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (c: Buffer) => chunks.push(c))
    request.on('end', () => {
      const path = request.url ?? ''
      if (!gone.has(path)) taken.push({ path, body: Buffer.concat(chunks) })
      response.writeHead(gone.has(path) ? 410 : 201)
      response.end()
    })
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/p/`
  return {
    endpoint,
    taken,
    gone,
    opened: body => ece.decrypt(body, { version: 'aes128gcm', privateKey: browser, authSecret: auth }).toString(),
    reachable: page => subscribing(page, [endpoint, browser.getPublicKey('hex'), auth.toString('hex')]),
    async close() {
      server.closeAllConnections()
      await new Promise(done => server.close(done))
    },
  }
}

const subscribing = (page: Page, given: readonly [string, string, string]): Promise<void> =>
  page.evaluate(([base, point, secret]) => {
    const bytes = (text: string) => Uint8Array.from(text.match(/../g)!, h => Number.parseInt(h, 16)).buffer
    let made: unknown = null
    let count = 0
    const subscribe = async ({ applicationServerKey: key, userVisibleOnly }: PushSubscriptionOptionsInit) => {
      if (!userVisibleOnly || (key as Uint8Array).length !== 65) throw new Error('not as the browser wants it')
      made = {
        endpoint: `${base}${++count}`,
        getKey: (name: string) => bytes(name === 'auth' ? secret! : point!),
        unsubscribe: async () => {
          made = null
          return true
        },
      }
      return made
    }
    Object.assign(PushManager.prototype, { subscribe, getSubscription: async () => made })
  }, given)

/**
 * What the browser gets from its push service, into the real service worker of the app at `url`, whether a page of it is open or not; again each
 * second until it `arrived`, as a push service does: what DevTools delivers while a worker is being started is now and then lost.
 */
export async function deliver(page: Page, url: string, data: string, arrived: () => Promise<boolean>): Promise<void> {
  const cdp = await page.context().newCDPSession(page)
  const registration = new Promise<string>(done =>
    cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const found = registrations.find(r => !r.isDeleted)
      if (found) done(found.registrationId)
    }),
  )
  await cdp.send('ServiceWorker.enable')
  const push = { origin: new URL(url).origin, registrationId: await registration, data }
  for (let sent = 0; !(await arrived()); sent++) {
    if (sent % 20 === 0) await cdp.send('ServiceWorker.deliverPushMessage', push)
    await page.waitForTimeout(50)
  }
  await cdp.detach()
}
