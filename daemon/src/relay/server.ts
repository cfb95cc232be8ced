import { metrics } from '#http/metrics'
import { type HttpServer, serveHttp } from '#http/server'
import type { HttpOptions } from '#http/settings'
import { relayRoutes } from './routes.ts'
import { RELAY_LIMITS, type RelayLimits, type RelayService } from './service.ts'

export type RelayServerOptions = HttpOptions & { readonly relayLimits?: Partial<RelayLimits>; readonly webRoot?: string | null }

/** The HTTP face of a relay. */
export function serveRelayHttp(service: RelayService, options: RelayServerOptions): Promise<HttpServer> {
  const { now, newId, webRoot = null } = options
  const counters = metrics()
  const limits = { ...RELAY_LIMITS, ...options.relayLimits }
  return serveHttp(relayRoutes(service, { limits, metrics: counters, now, newId, webRoot }), options, o => counters.observe(o))
}
