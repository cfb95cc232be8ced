import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KeepwellError } from '@keepwell/sdk/base/error'

export type OneRedirect = {
  /** `http://127.0.0.1:PORT/callback`, to be registered as it is. */
  readonly url: string
  /** The address at which the browser came back; a visit with another `state` is not it. Rejects with CANCELLED. */
  arrival(state: string, signal: AbortSignal): Promise<string>
  close(): void
}

const PATH = '/callback'
const LAST_MS = 2000
const PAGE = (text: string): string => `<!doctype html><meta charset="utf-8"><title>Keepwell</title><p>${text}`

/**
 * Waits on loopback for the end of a login in the person's browser (RFC 8252 §7.3). Nobody else's visit ends the waiting: the state tells.
 * Throws LOCKED when the port is taken.
 */
export async function openOneRedirect(port = 0): Promise<OneRedirect> {
  let waiting: { readonly state: string; arrived(url: string): void } | null = null
  const server = createServer({ maxHeaderSize: 64 << 10 }, (request, response) => {
    const { port: own } = server.address() as AddressInfo
    const at = URL.parse(request.url ?? '', `http://127.0.0.1:${own}`)
    const ours = request.method === 'GET' && at?.pathname === PATH && waiting !== null && at.searchParams.get('state') === waiting.state
    const headers = {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      connection: 'close',
    }
    response.writeHead(ours ? 200 : 404, { ...headers, 'content-security-policy': "default-src 'none'" })
    response.end(PAGE(ours ? 'Keepwell has the answer. You can close this page.' : 'There is nothing here.'))
    if (ours) waiting?.arrived(at.href)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause =>
      reject(new KeepwellError('LOCKED', `Port ${port} of this machine is taken; choose another with --port.`, { cause })),
    )
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`,
    arrival: (state, signal) =>
      new Promise((resolve, reject) => {
        const stop = (): void => reject(new KeepwellError('CANCELLED', 'The login was broken off.'))
        if (signal.aborted) stop()
        signal.addEventListener('abort', stop, { once: true })
        waiting = {
          state,
          arrived(url) {
            signal.removeEventListener('abort', stop)
            waiting = null
            resolve(url)
          },
        }
      }),
    close() {
      server.close()
      // A browser keeps connections in store; none of them keeps this process. The page just sent has its time to arrive.
      setTimeout(() => server.closeAllConnections(), LAST_MS).unref()
    },
  }
}
