import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Scan } from '@keepwell/adapters/scan/clamd'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { definitions } from '@keepwell/sdk/health/fhir/definitions.generated'
import { loadLibrary } from '@keepwell/sdk/health/fhir/profile/shipped'
import { shapes } from '@keepwell/sdk/health/fhir/shapes'
import { auditPart } from '#gateway/audit/part'
import { auditRoom } from '#gateway/audit/room'
import { openMemory } from '#gateway/bulk/memory'
import { bulkPart } from '#gateway/bulk/part'
import { cdsPart } from '#gateway/cds/part'
import { bearsApiKey, byApiKey, keyStands } from '#gateway/core/api-keys'
import { openGateway } from '#gateway/core/gateway'
import { type Hot, openHot } from '#gateway/core/hot'
import { type KeptPolicies, openPolicies } from '#gateway/core/policies'
import type { PoolLimits } from '#gateway/core/pool'
import { type Scanning, scanning } from '#gateway/core/scanning'
import { refusal, type Trail } from '#gateway/core/trail'
import type { Authenticate, Gateway, GatewayPart } from '#gateway/core/types'
import { dicomwebPart } from '#gateway/dicomweb/part'
import type { PatientOf } from '#gateway/dicomweb/patient-imaging'
import { quarantine } from '#gateway/dicomweb/quarantine'
import { OUTCOMES } from '#gateway/fhir/outcome'
import { httpRoutes, type Refused } from '#gateway/fhir/serve'
import { fhirTable } from '#gateway/fhir/table'
import type { ArchiveSettings } from '#gateway/held/archive'
import { heldPart } from '#gateway/held/part'
import { hl7v2File } from '#gateway/hl7v2/part'
import { type Desk, openDesk } from '#gateway/hl7v2/service'
import { readPackages } from '#gateway/profiles/package-file'
import { providerPart } from '#gateway/provider/routes'
import { openReader } from '#gateway/reading/reader'
import type { StaffRoom } from '#gateway/smart/staff-room'
import { metrics } from '#http/metrics'
import type { HttpRoute } from '#http/route'
import { type HttpServer, serveHttp } from '#http/server'
import { HTTP_LIMITS, type HttpLimits, isLoopback, type LogLine, type Tls } from '#http/settings'
import { fileDrawer } from './drawer.ts'
import { readIfThere, writeDurable } from './files.ts'
import { heldAt } from './gateway-duties.ts'
import { groupsAt } from './gateway-groups.ts'
import { holdingsAt } from './gateway-held.ts'
import { apiKeyFile, keyPart, keysIn } from './gateway-keys.ts'
import { personsAt, roleRulesAt } from './gateway-rules.ts'
import { type SubscriptionSettings, subscriptionsBeside } from './gateway-subscriptions.ts'
import { trailOf } from './gateway-trail.ts'
import { policiesIn } from './policies.ts'
import { VERSION } from './relay.ts'

export type GatewaySettings = {
  readonly ctx: Ctx
  /** Folder of the organisation's home. */
  readonly dir: string
  readonly host: string
  readonly port: number
  /** As its clients reach it; else host and port. */
  readonly url: string | null
  readonly tls: Tls | null
  readonly origins: readonly string[]
  readonly proxies: number
  readonly limits?: Partial<HttpLimits>
  readonly sessions?: Partial<PoolLimits>
  readonly subscriptions?: SubscriptionSettings
  /** How long the organisation's own trail is kept; default 6 years. */
  readonly trailYears?: number
  /** Bytes of sealed blocks kept on disk between sessions; default 1 GiB, none for 0. */
  readonly hotBytes?: number
  /** Folder or file with packages of definitions, beside the profiles that ship. */
  readonly profiles?: string
  /** Who looks for malware, and whether what could not be judged is let through. */
  readonly scan?: { readonly scan: Scan; readonly lenient: boolean }
  /** How archives are asked in which files lie that were attached. */
  readonly archives?: ArchiveSettings
  readonly log: (line: LogLine) => void
}

export type RunningGateway = { readonly url: string; readonly gateway: Gateway; close(): Promise<void> }

/**
 * What tokens mean, and the standards' sides beside FHIR: each is made from the gateway, and none knows of another. `authenticate` speaks for
 * tokens that are no API keys.
 */
export type Parts = {
  readonly parts: readonly GatewayPart[]
  readonly authenticate?: Authenticate
  /** Whether what an actor's right rests on (`Actor.basis`) still stands, for bases that are no API keys. */
  readonly stands?: (basis: string) => Promise<boolean>
}

const NO_PARTS: Parts = { parts: [] }

/** Opens an organisation's gateway and serves it; `rooms` are its pages for staff, for whatever logs them in. Closing ends every session. */
export async function serveGateway(
  settings: GatewaySettings,
  partsOf: (gateway: Gateway, rooms: readonly StaffRoom[]) => Promise<Parts> | Parts = () => NO_PARTS,
): Promise<RunningGateway> {
  const { ctx, dir, host, port, tls, log } = settings
  const url = (settings.url ?? `${tls ? 'https' : 'http'}://${host}:${port}`).replace(/\/+$/, '')
  const opened = new AsyncDisposableStack()
  try {
    const hot = await hotAt(settings, opened)
    const trail = await trailOf({
      ctx,
      dir,
      ...(settings.trailYears ? { years: settings.trailYears } : {}),
      held: kept => heldAt(ctx, dir, kept),
      failed: () => log({ level: 'error', task: 'trail', code: 'STORAGE_FAILED' }),
    })
    opened.defer(() => trail.close())
    const policies = await openPolicies({ ctx, ...policiesIn(dir), failed: code => log({ level: 'error', task: 'policies', code }), pause })
    opened.defer(() => policies.close())
    const roles = await roleRulesAt(dir, code => log({ level: 'error', task: 'roles', code }))
    opened.defer(() => roles.close())
    const persons = await personsAt(dir, code => log({ level: 'error', task: 'persons', code }))
    opened.defer(() => persons.close())
    const reader = openReader()
    opened.defer(() => reader.close())
    const scanner = settings.scan ? await scannerBeside(settings.scan, { ctx, dir, trail }) : null
    const gateway = openGateway({
      ctx,
      describe: reader.describe,
      trail,
      policies,
      roles,
      persons,
      url,
      log,
      ...(hot ? { hot } : {}),
      ...(scanner ? { scanning: scanner } : {}),
      ...(settings.sessions ? { limits: settings.sessions } : {}),
      pause,
    })
    opened.defer(() => gateway.close())
    let others: Authenticate | undefined
    const keys = keysIn(apiKeyFile(dir))
    const asks = whoAsks(byApiKey(keys, gateway.clock), request => others?.(request))
    const { parts: more, authenticate, stands = async () => false } = await partsOf(gateway, [auditRoom({ ctx, gateway, trail })])
    others = authenticate
    const stillStands = async (basis: string) =>
      basis.startsWith('key:') ? keyStands(await keys(), basis, gateway.clock()) : stands(basis)
    const groups = groupsAt(ctx, dir)
    opened.defer(() => groups.close())
    const parts = [
      auditPart(gateway, trail),
      await keyPart(gateway, keys),
      await subscriptionsBeside(gateway, { ctx, dir, log, reader, pause, stands: stillStands, ...settings.subscriptions }),
      providerPart({ gateway, authenticate: asks }),
      dicomwebPart({ gateway, authenticate: asks, reader, ...(await imagesAt(settings, opened)) }),
      bulkPart({ gateway, authenticate: asks, dir: join(dir, 'exports'), memory: exportedFrom(settings), groups, pause }),
      policyPart(policies),
      { gauges: reader.gauges },
      cdsPart({ gateway, authenticate: asks, uuid: randomUUID }),
      ...(hot ? [hotPart(hot)] : []),
      ...(scanner ? [scanPart(scanner)] : []),
      heldPart({ ctx, holdings: holdingsAt(ctx, dir), archives: settings.archives ?? {} }),
      ...more,
    ]
    for (const part of parts) opened.defer(async () => part.close?.())
    const security = parts.map(p => p.security).find(Boolean)
    const profiles = await loadLibrary(settings.profiles ? await readPackages(settings.profiles, shapes(definitions)) : [])
    const told = {
      types: resourceTypes(),
      name: gateway.name,
      version: VERSION,
      date: new Date().toISOString(),
      ...(security ? { security } : {}),
      more: parts.flatMap(p => p.told ?? []),
    }
    const rows = fhirTable(
      { gateway, reader, profiles, terminology: parts.map(p => p.terminology).find(Boolean) ?? null, now: () => Date.now() },
      told,
      parts.flatMap(p => p.fhir ?? []),
    )
    const server = await serve(settings, {
      routes: [
        ...httpRoutes(rows, { base: `${url}/fhir`, authenticate: asks, reader, refused: noting(gateway, trail) }),
        ...parts.flatMap(p => p.routes ?? []),
      ],
      parts,
      url,
    })
    opened.defer(() => server.close())
    return { url, gateway, close: () => opened.disposeAsync() }
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

/** A refusal of the FHIR side, with the patient as far as the request names one. */
const noting =
  ({ ids, clock }: Gateway, trail: Trail): Refused =>
  (actor, { row, type, id, why }) => {
    const patient = actor.patient ?? ids.patientOf(id)
    trail.note(refusal(actor, patient, clock(), `${row}${/^[A-Z]/.test(type) ? ` ${type}` : ''}: ${why}`))
  }

/** Files that could not be read as images, or in which malware was found, sealed under the home's catalog secret. */
export const dicomDrawer = (dir: string): ReturnType<typeof fileDrawer> => fileDrawer(join(dir, 'dicom-quarantine'))

/** Where what could not be read as an image is kept, and whose the numbers are that the organisation gives its patients. */
async function imagesAt({ ctx, dir }: GatewaySettings, opened: AsyncDisposableStack) {
  const secret = ctx.session.state.ring.catalog
  let desk: Desk | null = null
  const patientOf: PatientOf = ({ issuer, value }) => {
    if (!desk && existsSync(hl7v2File(dir))) {
      desk = openDesk({ file: hl7v2File(dir), secret, random: ctx.random })
      opened.defer(desk.close)
    }
    return desk?.patientOf(`${issuer}|${value}`) ?? null
  }
  return { drawer: await dicomDrawer(dir), secret, patientOf }
}

/** Names of what left in bulk, so that it can be said when it is gone. */
const exportedFrom = ({ ctx, dir }: GatewaySettings) =>
  openMemory({
    dir: join(dir, 'exported'),
    secret: ctx.session.state.ring.catalog,
    random: ctx.random,
    readFile: readIfThere,
    writeFile: writeDurable,
  })

const HOT_BYTES = 2 ** 30

async function hotAt({ ctx, dir, hotBytes = HOT_BYTES }: GatewaySettings, opened: AsyncDisposableStack): Promise<Hot | null> {
  if (hotBytes === 0) return null
  const hot = await openHot({ dir: join(dir, 'hot'), limit: hotBytes, secret: ctx.session.state.ring.catalog })
  opened.defer(hot.close)
  return hot
}

/** What is found lies in the same drawer as what could not be read. */
async function scannerBeside(
  { scan, lenient }: NonNullable<GatewaySettings['scan']>,
  { ctx, dir, trail }: Pick<GatewaySettings, 'ctx' | 'dir'> & { readonly trail: Trail },
): Promise<Scanning> {
  const held = quarantine(await dicomDrawer(dir), ctx.session.state.ring.catalog, ctx.random)
  return scanning({ scan, lenient, quarantine: held.put, trail, clock: ctx.clock })
}

const scanPart = ({ counts }: Scanning): GatewayPart => ({
  gauges: () => [
    { name: 'keepwell_scanned_total', about: 'Files that a scanner for malware was shown.', value: counts.scanned, type: 'counter' },
    { name: 'keepwell_infected_total', about: 'Files in which it found something.', value: counts.infected, type: 'counter' },
    { name: 'keepwell_unscanned_total', about: 'Files that it could not judge.', value: counts.unscanned, type: 'counter' },
  ],
})

const policyPart = (policies: KeptPolicies): GatewayPart => ({
  gauges: () => [{ name: 'keepwell_policies', about: 'Policies in force at this gateway.', value: policies.current()?.ids.length ?? 0 }],
})

const hotPart = (hot: Hot): GatewayPart => ({
  gauges() {
    const { hits, misses, damaged, bytes } = hot.counts()
    return [
      { name: 'keepwell_hot_hits_total', about: 'Sealed blocks that were here when they were wanted.', value: hits, type: 'counter' },
      { name: 'keepwell_hot_misses_total', about: 'Sealed blocks that a relay was asked for.', value: misses, type: 'counter' },
      { name: 'keepwell_hot_damaged_total', about: 'Kept blocks that were damaged, and fetched again.', value: damaged, type: 'counter' },
      { name: 'keepwell_hot_bytes', about: 'Bytes of sealed blocks kept.', value: bytes },
    ]
  },
})

/** Those that R4's own list of codes has: the definitions hold a few of later versions as well. */
function resourceTypes(): string[] {
  const { codesOf, isResource } = shapes(definitions)
  return [...(codesOf('http://hl7.org/fhir/ValueSet/resource-types')?.all ?? [])].filter(isResource)
}

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> => sleep(milliseconds, undefined, { signal, ref: false })

type Other = (request: Parameters<Authenticate>[0]) => ReturnType<Authenticate> | undefined

const whoAsks =
  (systems: Authenticate, other: Other): Authenticate =>
  async request => {
    if (bearsApiKey(request.headers)) return systems(request)
    const known = other(request)
    if (known) return known
    throw new KeepwellError('UNAUTHENTICATED', 'A request bears an API key or an access token.')
  }

/** What whoever writes an app or an interface reads, for everybody: pages of `docs/` that hold together. */
const PAGES = ['gateway.md', 'requirements.md', 'roles.md', 'policies.md', 'provider.md', 'imaging.md', 'errors.md']
const docs: HttpRoute = {
  name: 'docs',
  method: 'GET',
  path: '/docs/{page}',
  async handle({ params: { page = '' } }) {
    ensure(PAGES.includes(page), 'NOT_FOUND', 'There is no such page.')
    return { type: 'text/markdown; charset=utf-8', body: await readFile(new URL(`../../../docs/${page}`, import.meta.url)) }
  },
}

type Served = { readonly routes: readonly HttpRoute[]; readonly parts: readonly GatewayPart[]; readonly url: string }

function serve({ host, port, tls, origins, proxies, limits, log }: GatewaySettings, { routes, parts, url }: Served): Promise<HttpServer> {
  const counters = metrics()
  const gauges = () => parts.flatMap(p => [...(p.gauges?.() ?? [])])
  const operator: HttpRoute[] = [
    { name: 'live', method: 'GET', path: '/live', handle: () => ({ type: 'application/json', body: '{"live":true}' }) },
    {
      name: 'metrics',
      method: 'GET',
      path: '/metrics',
      handle: () => ({ type: 'text/plain; version=0.0.4', body: counters.render(gauges()) }),
    },
  ]
  return serveHttp(
    [...routes, docs, ...operator],
    {
      host,
      port,
      tls,
      origins,
      hosts: isLoopback(host) ? [new URL(url).hostname] : null,
      proxies,
      limits: { ...HTTP_LIMITS, ...limits },
      now: () => performance.now(),
      newId: () => randomBytes(6).toString('hex'),
      log,
    },
    o => counters.observe(o),
    {
      mounts: parts.flatMap(p => p.mounts ?? []),
      upgrades: parts.flatMap(p => p.upgrades ?? []),
      errors: [OUTCOMES],
      mayCall: origin => anyOf(parts, origin),
    },
  )
}

async function anyOf(parts: readonly GatewayPart[], origin: string): Promise<boolean> {
  for (const part of parts) if (await part.mayCall?.(origin)) return true
  return false
}
