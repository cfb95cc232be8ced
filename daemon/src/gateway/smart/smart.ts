import { type GetPage, openGetter } from '@keepwell/adapters/hooks/get'
import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import { type RandomBytes, text } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Authenticate, GatewayPart } from '#gateway/core/types'
import type { FhirRoute } from '#gateway/fhir/route'
import type { HttpRoute } from '#http/route'
import { isAppOrigin } from './apps.ts'
import { authenticator, basisStands } from './authenticate.ts'
import { endPatient } from './binding.ts'
import { clientKeys } from './client-keys.ts'
import type { SmartContext } from './context.ts'
import type { Directory } from './directory.ts'
import { capabilitySecurity, smartConfiguration } from './discovery.ts'
import { launchRequest, openLaunch } from './launches.ts'
import { SMART_LIMITS, type SmartLimits } from './limits.ts'
import { authMount } from './mount.ts'
import { createProvider } from './provider.ts'
import { sessions } from './sessions.ts'
import { signingKeys } from './signing-keys.ts'
import { type Argon2Cost, practitionerOf, STAFF_PREFIX, staffById } from './staff.ts'
import type { StaffRoom } from './staff-room.ts'

export type SmartInput = {
  /** `smart.sqlite` in the gateway's home. */
  readonly file: string
  /** 32 bytes of the home's own, by which everything in the file is sealed. */
  readonly key: Uint8Array
  /** The gateway as its clients reach it, without a trailing slash. */
  readonly url: string
  /** Of the organisation, as apps are told it: its DID. */
  readonly tenant: string
  /** Of the organisation, as passkeys show it. */
  readonly name: string
  readonly directory: Directory
  /** Who the organisation's own systems are: they may open launches. */
  readonly systems: Authenticate
  /** How keys are fetched that apps keep at an address of their own; from the internet alone unless given. */
  readonly getKeys?: GetPage
  readonly random: RandomBytes
  readonly clock: () => number
  readonly log: SmartContext['log']
  readonly limits?: Partial<SmartLimits>
  /** Of passphrases; Argon2id as RFC 9106 recommends unless given. */
  readonly cost?: Argon2Cost
  readonly rooms?: readonly StaffRoom[]
}

export type Smart = {
  readonly part: GatewayPart
  readonly authenticate: Authenticate
  /** Whether what an actor's right rests on still stands. */
  readonly stands: (basis: string) => Promise<boolean>
  /** A consent of this patient ended: everything that rests on it is over for good. */
  ended(patient: string): Promise<void>
  /** Removes what has expired. */
  sweep(): Promise<number>
  readonly context: SmartContext
  close(): Promise<void>
}

/** The SMART authorization server of a gateway: everything below `/auth`, and `/.well-known/smart-configuration` of its FHIR server. */
export async function openSmart(input: SmartInput): Promise<Smart> {
  const { clock, random, directory, url } = input
  const tokens = openTokens({ file: input.file, key: input.key, random, clock })
  try {
    const limits = { ...SMART_LIMITS, ...input.limits }
    const places = { issuer: `${url}/auth`, fhir: `${url}/fhir` }
    const smart: SmartContext = {
      places,
      tenant: input.tenant,
      site: { origin: new URL(url).origin, name: input.name },
      tokens,
      directory,
      life: { tokens, directory },
      sessions: sessions(tokens, clock, limits),
      clientKeys: clientKeys(input.getKeys ?? openGetter(), clock),
      random,
      clock,
      limits,
      log: input.log,
      rooms: input.rooms ?? [],
      ...(input.cost ? { cost: input.cost } : {}),
    }
    const provider = createProvider(smart, await signingKeys(tokens, random))
    const authenticate = authenticator(smart, provider)
    return {
      part: {
        routes: [configurationRoute(smart), launchRoute(smart, input.systems)],
        mounts: [authMount(smart, provider, authenticate)],
        fhir: [practitionerRow(smart)],
        security: capabilitySecurity(places),
        mayCall: origin => isAppOrigin(smart, origin),
        close: () => tokens.close(),
      },
      authenticate,
      stands: basis => basisStands(smart, basis),
      ended: patient => endPatient(smart, patient),
      sweep: () => tokens.sweep(),
      context: smart,
      close: () => tokens.close(),
    }
  } catch (error) {
    await tokens.close()
    throw error
  }
}

/** Read by every app before anything else, from whatever origin it comes. */
const configurationRoute = ({ places }: SmartContext): HttpRoute => ({
  name: 'smart-configuration',
  method: 'GET',
  path: '/fhir/.well-known/smart-configuration',
  handle: () => ({
    type: 'application/json',
    headers: { 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=300' },
    body: JSON.stringify(smartConfiguration(places)),
  }),
})

/** What `fhirUser` leads to: who holds any token may read who it is. */
const practitionerRow = (smart: SmartContext): FhirRoute => ({
  name: 'staff',
  method: 'GET',
  path: `/Practitioner/${STAFF_PREFIX}{id}`,
  async handle({ params }) {
    const staff = await staffById(smart, params.id ?? '')
    ensure(staff, 'NOT_FOUND', 'There is no such Practitioner here.')
    return { resource: practitionerOf(staff) }
  },
})

/** `POST /launch`, for the organisation's own systems: opens an EHR launch. */
const launchRoute = (smart: SmartContext, systems: Authenticate): HttpRoute => ({
  name: 'launch',
  method: 'POST',
  path: '/launch',
  accepts: 'application/json',
  async handle(request) {
    const actor = await systems(request)
    ensure(actor.scopes === null, 'DENIED', 'Launches are opened by the organisation’s own systems.')
    const asked = launchRequest.check(json(await request.body(16 * 1024)), '')
    return { status: 201, type: 'application/json', body: JSON.stringify(await openLaunch(smart, asked)) }
  },
})

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(text(bytes))
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'The body is not JSON.', { cause })
  }
}
