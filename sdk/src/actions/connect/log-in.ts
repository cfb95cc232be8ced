import type { Ctx } from '#actions/context'
import type { Keeping } from '#actions/sealed-mark'
import { toBase64Url, utf8 } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'
import { sha256 } from '#crypto/hash'
import { parsed } from '#health/fhir/page'
import { patientTypes } from '#health/fhir/patient-set'
import { readCapabilities, readCapabilitySecurity, readRelease, readSmartConfiguration, type SmartServer } from '#health/smart/discovery'
import { scopesToAsk } from '#health/smart/patient-scopes'
import type { Authorizer, AuthServer, Login, Tokens } from '#ports/authorizer'
import type { Web } from '#ports/web'
import { type Connection, connections, keepConnection } from './connections.ts'
import { baseOf, checkEndpoint } from './reach.ts'

export type Hospital = {
  readonly base: string
  readonly server: SmartServer
  /** Whether the server knows a type; null: it does not say. */
  readonly has: (type: string) => boolean | null
}

const MAX_METADATA = 16 << 20

async function json({ web }: { readonly web: Web }, url: string, accept: string): Promise<unknown> {
  const answer = await web.ask(url, { accept, max: MAX_METADATA })
  return answer.status === 200 ? parsed(answer.body) : undefined
}

export const capabilitiesOf = (ctx: { readonly web: Web }, base: string): Promise<unknown> =>
  json(ctx, `${base}/metadata`, 'application/fhir+json')

/**
 * What a FHIR server says of itself: `.well-known/smart-configuration`, else `/metadata` (SMART App Launch 2.2 §conformance).
 * @throws KeepwellError NOT_SUPPORTED where no app can log in, or where another release than R4 is spoken; PEER_FAILED without an answer.
 */
export async function findHospital(ctx: { readonly web: Web }, address: string): Promise<Hospital> {
  const base = baseOf(address)
  const [config, metadata] = await Promise.all([
    json(ctx, `${base}/.well-known/smart-configuration`, 'application/json'),
    capabilitiesOf(ctx, base).catch(() => undefined),
  ])
  const server = readSmartConfiguration(config) ?? readCapabilitySecurity(metadata)
  ensure(server, 'NOT_SUPPORTED', 'This address says nothing of a login for apps (SMART on FHIR); ask the hospital for its FHIR address.')
  const release = readRelease(metadata)
  ensure(release === null || /^4\.[03]$/.test(release), 'NOT_SUPPORTED', `The server speaks FHIR ${release}; Keepwell needs R4.`)
  const types = readCapabilities(metadata)
  const at = (url: string | null): string | null => (url === null ? null : checkEndpoint(url, base))
  return {
    base,
    server: {
      ...server,
      authorize: checkEndpoint(server.authorize, base),
      token: checkEndpoint(server.token, base),
      register: at(server.register),
      revoke: at(server.revoke),
    },
    has: type => (types === null ? null : types.has(type)),
  }
}

export type BeginLogin = {
  readonly hospital: Hospital
  /** Where the login ends, on this device. */
  readonly redirect: string
  /** The app's id at this hospital; without it the app registers itself where the server lets it. */
  readonly client?: string
  /** A code with which the hospital lets an app register itself. */
  readonly code?: string
  /** Instead of what Keepwell asks for. */
  readonly scope?: string
}

export type BegunLogin = {
  /** Where the person goes with a browser. */
  readonly url: string
  readonly state: string
  readonly verifier: string
  readonly client: string
  readonly redirect: string
  readonly scope: string
  readonly hospital: Hospital
}

/** Begins a standalone launch (SMART App Launch 2.2 §launch) with PKCE S256. Throws BAD_INPUT where the app must be known beforehand and is not. */
export async function beginLogin(
  ctx: { readonly authorizer: Authorizer; readonly random: Ctx['random'] },
  { hospital, redirect, client, code, scope: wanted }: BeginLogin,
): Promise<BegunLogin> {
  const { base, server, has } = hospital
  const scope = wanted ?? scopesToAsk(patientTypes(has), server)
  if (client === undefined && server.register === null)
    throw new KeepwellError(
      'BAD_INPUT',
      `This hospital knows apps by an id only. Register Keepwell there (a native app without a secret, redirect address ${redirect}) and give the id.`,
    )
  const id =
    client ?? (await ctx.authorizer.register(server, { name: 'Keepwell', redirect, scope, ...(code === undefined ? {} : { code }) }))
  const verifier = toBase64Url(ctx.random(32))
  const state = toBase64Url(ctx.random(24))
  const url = new URL(server.authorize)
  const query = {
    response_type: 'code',
    client_id: id,
    redirect_uri: redirect,
    scope,
    state,
    aud: base,
    code_challenge: toBase64Url(sha256(utf8(verifier))),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return { url: url.href, state, verifier, client: id, redirect, scope, hospital }
}

/** A begun login as it must be known when it ends: the browser may have been elsewhere meanwhile. */
export type OpenLogin = Login & {
  readonly scope: string
  readonly hospital: { readonly base: string; readonly server: AuthServer }
}

export type FinishLogin = {
  /** The address at which the browser ended. */
  readonly returned: string
  readonly label: string
  /** The connection whose login this renews. */
  readonly again?: Connection
}

/**
 * Exchanges what the login gave for tokens and keeps them, sealed. The same patient at the same server stays one connection.
 * @throws KeepwellError DENIED when the hospital or the person said no, or when it is not said whose record it is; BAD_INPUT when a
 *   renewed login is another patient's.
 */
export async function finishLogin(
  ctx: Keeping & { readonly authorizer: Authorizer; clock(): number },
  begun: OpenLogin,
  { returned, label, again }: FinishLogin,
): Promise<Connection> {
  const { hospital, client, redirect, scope } = begun
  const { issuer, authorize, token, register, revoke } = hospital.server
  const server = { issuer, authorize, token, register, revoke }
  const tokens = await ctx.authorizer.finish(server, begun, returned)
  const { patient } = tokens
  ensure(
    patient && /^[A-Za-z0-9.-]{1,64}$/.test(patient),
    'DENIED',
    'The login did not say whose record it is, so nothing can be asked for.',
  )
  ensure(
    !again || (again.patient === patient && again.base === hospital.base),
    'BAD_INPUT',
    'That login is another person’s; connect it by itself.',
  )
  const same = again ?? (await connections(ctx)).find(c => c.base === hospital.base && c.patient === patient)
  const connection: Connection = {
    id: same?.id ?? ctx.random(8),
    label: label.slice(0, 120),
    base: hospital.base,
    server,
    client,
    redirect,
    patient,
    connectedAt: ctx.clock(),
    ...heldOf(tokens, ctx.clock(), { scope, refresh: null }),
  }
  await keepConnection(ctx, connection)
  return connection
}

/** Tokens as they are held. What a renewal does not repeat stays (RFC 6749 §6). */
export const heldOf = (
  { access, lasts, refresh, scope }: Tokens,
  now: number,
  before: Pick<Connection, 'scope' | 'refresh'>,
): Pick<Connection, 'access' | 'accessUntil' | 'refresh' | 'scope'> => ({
  access,
  accessUntil: lasts === null ? null : now + lasts,
  refresh: refresh ?? before.refresh,
  scope: scope ?? before.scope,
})
