import type { Followed } from '@keepwell/sdk/actions/witness/followed'
import type { WitnessKey } from '@keepwell/sdk/audit/cosign'
import { checkpointOf, cosignatureLine } from '@keepwell/sdk/audit/cosign'
import { evidence } from '@keepwell/sdk/audit/evidence'
import { logHead, readLogHead } from '@keepwell/sdk/audit/head'
import { encode } from '@keepwell/sdk/base/cbor'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { decodeAs } from '@keepwell/sdk/base/shape'
import type { SeenHead, Witness } from '@keepwell/sdk/ports/witness'
import { WITNESS_ROUTES, type WitnessRoute } from '@keepwell/sdk/wire/witness'
import { RateLimited } from '#http/errors'
import type { Gauge, Metrics } from '#http/metrics'
import { PAGE_POLICY } from '#http/plain-page'
import { rateLimiter } from '#http/rate'
import type { HttpAnswer, HttpRequest, HttpRoute } from '#http/route'
import { witnessPage } from './page.ts'

export type WitnessRoutes = {
  readonly doors: Witness
  readonly key: WitnessKey
  readonly followed: () => Promise<readonly Followed[]>
  readonly metrics: Metrics
  readonly clock: () => number
  /** Milliseconds, only ever subtracted. */
  readonly now: () => number
}

/** A head that is noted makes the witness ask the relay, so an address gets few. */
const NOTES = { perSecond: 2, burst: 60 }

/** The table's routes, each with what it does. Any page may ask: what is answered is for everybody. */
export function witnessRoutes({ doors, key, followed, metrics, clock, now }: WitnessRoutes): HttpRoute[] {
  const addresses = rateLimiter(NOTES, now)
  const spend = (request: HttpRequest): void => {
    const wait = addresses.take(request.remote, 1)
    if (wait) throw new RateLimited(wait)
  }
  const seen = async ({ params }: HttpRequest): Promise<SeenHead> => {
    ensure(/^0x[0-9a-f]{40}$/.test(params.log!), 'BAD_INPUT', 'A log is named by 0x and 40 lower-case hexadecimal digits.')
    const found = await doors.seen(params.log!)
    if (!found) throw new KeepwellError('NOT_FOUND', WITNESS_ROUTES.seen.absent)
    return found
  }
  const handlers: Readonly<Record<WitnessRoute, (request: HttpRequest) => Promise<Pick<HttpAnswer, 'body' | 'headers'>>>> = {
    witness: async () => ({ body: encode(await doors.info()) }),
    seen: async request => ({ body: encode(await seen(request)) }),
    async checkpoint(request) {
      const { head, cosignature, chainId } = await seen(request)
      return { body: `${checkpointOf(chainId, readLogHead(head.signed))}\n${cosignatureLine(key, cosignature)}` }
    },
    async note(request) {
      spend(request)
      return { body: encode(await doors.note(decodeAs(logHead, await request.body(WITNESS_ROUTES.note.request.max)))) }
    },
    async report(request) {
      spend(request)
      return { body: encode(await doors.report(decodeAs(evidence, await request.body(WITNESS_ROUTES.report.request.max)))) }
    },
    status: async () => ({ headers: { 'content-security-policy': PAGE_POLICY }, body: witnessPage(key, await followed()) }),
    live: async () => ({ body: JSON.stringify({ live: true }) }),
    metrics: async () => ({ body: metrics.render(gauges(await followed(), clock())) }),
  }
  return (Object.keys(WITNESS_ROUTES) as WitnessRoute[]).map(name => {
    const spec = WITNESS_ROUTES[name]
    return {
      name,
      method: spec.method,
      path: spec.path,
      anyOrigin: true,
      ...('request' in spec ? { accepts: spec.request.type } : {}),
      handle: async request => ({ type: spec.answer.type, ...(await handlers[name](request)) }),
    }
  })
}

function gauges(all: readonly Followed[], now: number): Gauge[] {
  const held = all.flatMap(f => f.charges.filter(c => c.until === null))
  const looked = all.map(f => now - (f.looked ?? f.since))
  return [
    { name: 'keepwell_witness_logs', about: 'Logs followed.', value: all.length },
    {
      name: 'keepwell_witness_entries',
      about: 'Entries in the newest heads seen, of all logs.',
      value: all.reduce((n, f) => n + sizeOf(f), 0),
    },
    { name: 'keepwell_witness_charges', about: 'What is held against logs now.', value: held.length },
    {
      name: 'keepwell_witness_forks',
      about: 'Logs proven to have signed two histories.',
      value: all.filter(f => f.charges.some(c => c.kind === 'fork')).length,
    },
    {
      name: 'keepwell_witness_unreported',
      about: 'Proofs that the ledger has not taken yet.',
      value: held.filter(c => c.evidence && c.tx === null).length,
    },
    {
      name: 'keepwell_witness_unlooked_seconds_max',
      about: 'Seconds since the log was last seen, of the one longest ago.',
      value: Math.max(0, ...looked),
    },
  ]
}

const sizeOf = (f: Followed): number => (f.head ? readLogHead(f.head.signed).size : 0)
