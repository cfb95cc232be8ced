import { encode } from '@keepwell/sdk/base/cbor'
import { decodeAs } from '@keepwell/sdk/base/shape'
import { call as callShape } from '@keepwell/sdk/identity/call'
import type { Custodian, CustodyStore } from '@keepwell/sdk/ports/custody'
import { CUSTODIAN_ROUTES, type CustodianRoute } from '@keepwell/sdk/wire/custodian'
import { RateLimited } from '#http/errors'
import type { Gauge, Metrics } from '#http/metrics'
import { rateLimiter } from '#http/rate'
import type { HttpAnswer, HttpRequest, HttpRoute } from '#http/route'

export type CustodianDoors = Pick<Custodian, 'info' | 'release' | 'drill'>

export type CustodianRoutes = {
  readonly doors: CustodianDoors
  readonly custody: CustodyStore
  readonly metrics: Metrics
  /** Milliseconds, only ever subtracted. */
  readonly now: () => number
}

/** Each release tells people, so an address gets few: a burst for one emergency, and hardly more. */
const RELEASES = { perSecond: 1 / 6, burst: 20 }

/** The table's routes, each with what it does. */
export function custodianRoutes({ doors, custody, metrics, now }: CustodianRoutes): HttpRoute[] {
  const addresses = rateLimiter(RELEASES, now)
  const spend = (request: HttpRequest): void => {
    const wait = addresses.take(request.remote, 1)
    if (wait) throw new RateLimited(wait)
  }
  const handlers: Readonly<Record<CustodianRoute, (request: HttpRequest) => Promise<Pick<HttpAnswer, 'body'>>>> = {
    custodian: async () => ({ body: encode(await doors.info()) }),
    async release(request) {
      spend(request)
      return { body: encode(await doors.release(decodeAs(callShape, await request.body(CUSTODIAN_ROUTES.release.request.max)))) }
    },
    async drill(request) {
      spend(request)
      return { body: encode(await doors.drill(decodeAs(callShape, await request.body(CUSTODIAN_ROUTES.drill.request.max)))) }
    },
    live: async () => ({ body: JSON.stringify({ live: true }) }),
    metrics: async () => ({ body: metrics.render(await gauges(custody)) }),
  }
  return (Object.keys(CUSTODIAN_ROUTES) as CustodianRoute[]).map(name => {
    const spec = CUSTODIAN_ROUTES[name]
    return {
      name,
      method: spec.method,
      path: spec.path,
      ...('request' in spec ? { accepts: spec.request.type } : {}),
      handle: async request => ({ type: spec.answer.type, ...(await handlers[name](request)) }),
    }
  })
}

/** Counts, and how long it took from agreement to the first notice that was taken. */
async function gauges(custody: CustodyStore): Promise<Gauge[]> {
  const [vaults, releases] = await Promise.all([custody.vaults(), custody.releases()])
  const told = releases.flatMap(r => r.toldAfter ?? [])
  const seconds = (milliseconds: number): number => milliseconds / 1000
  return [
    { name: 'keepwell_custodian_shares', about: 'Shares held, one for each vault.', value: vaults.length },
    { name: 'keepwell_custodian_releases_total', about: 'Requests agreed to.', value: releases.length, type: 'counter' },
    {
      name: 'keepwell_custodian_told_seconds_sum',
      about: 'Seconds from agreement to the first notice taken, before the share left; sum.',
      value: seconds(told.reduce((a, b) => a + b, 0)),
      type: 'counter',
    },
    { name: 'keepwell_custodian_told_seconds_count', about: 'Releases in that sum.', value: told.length, type: 'counter' },
    { name: 'keepwell_custodian_told_seconds_max', about: 'The slowest of them.', value: seconds(Math.max(0, ...told)) },
    {
      name: 'keepwell_custodian_untold',
      about: 'People who are still to be told of a release.',
      value: releases.reduce((n, r) => n + r.untold.length, 0),
    },
  ]
}
