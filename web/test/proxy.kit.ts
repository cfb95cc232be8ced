import { freePort } from '@keepwell/daemon/http/free-port'
import { type RelayProxy, startProxy } from '../../e2e/proxy.ts'
import { openStage, type Stage } from './journey.kit.ts'

/** A stage whose relay is reached through something that sees, and can spoil, all that passes. Close the stage, then the proxy. */
export async function openBehindProxy(browser: { readonly whole?: boolean } = {}): Promise<{ stage: Stage; proxy: RelayProxy }> {
  const port = await freePort()
  const proxy = await startProxy(`http://127.0.0.1:${port}`)
  const stage = await openStage({ KEEPWELL_PORT: String(port), KEEPWELL_URL: proxy.url }, browser)
  return { stage: Object.assign(stage, { url: proxy.url.replace('127.0.0.1', 'localhost') }), proxy }
}
