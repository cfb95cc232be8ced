import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import { type RandomBytes, toBase64Url } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { bool, type Infer, list, object, optional, string } from '@keepwell/sdk/base/shape'
import { appById } from './apps.ts'
import type { LaunchContext } from './binding.ts'
import type { Directory } from './directory.ts'
import type { Places } from './discovery.ts'

const FHIR_ID = /^[A-Za-z0-9\-.]{1,64}$/
/** `launch`, or an absolute URI. */
const ROLE = /^(launch|[a-z][a-z0-9+.-]{1,20}:\S+)$/
const REFERENCE = /^[A-Z][A-Za-z]{1,63}\/[A-Za-z0-9\-.]{1,64}$/

const further = object({
  reference: optional(string(130, REFERENCE)),
  canonical: optional(string(500, /^[a-z][a-z0-9+.-]{1,20}:\S+$/)),
  identifier: optional(object({ system: optional(string(500)), value: string(200) })),
  type: optional(string(64, /^[A-Z][A-Za-z]{1,63}$/)),
  role: optional(string(300, ROLE)),
})
type Further = Infer<typeof further>

/** What the organisation's own systems say when a person there starts an app: `POST /launch`. */
export const launchRequest = object({
  patient: optional(string(64, FHIR_ID)),
  encounter: optional(string(64, FHIR_ID)),
  intent: optional(string(64, /^[\w-]+$/)),
  needPatientBanner: optional(bool),
  fhirContext: optional(list(further, 16)),
  /** Only this app may use the launch. */
  client: optional(string(200)),
  /** Only this person may: their login. */
  login: optional(string(40)),
})
export type LaunchRequest = Infer<typeof launchRequest>

export type Launch = { readonly context: LaunchContext; readonly client: string | null; readonly login: string | null }

const KIND = 'launch'
const SECONDS = 300

export type Launching = {
  readonly places: Places
  readonly tokens: Tokens
  readonly directory: Directory
  readonly random: RandomBytes
  readonly clock: () => number
}

/** `url`: where the browser is sent, for a launch of one app that says where it is opened. */
export type OpenedLaunch = { readonly launch: string; readonly expires_in: number; readonly url?: string }

/**
 * Opens an EHR launch: the opaque handle that the EHR hands to the app as `launch`, good once and for five minutes.
 * Throws BAD_INPUT, NOT_FOUND for an app that is not there, NO_GRANT for a patient who gave no consent.
 */
export async function openLaunch(ctx: Launching, asked: LaunchRequest): Promise<OpenedLaunch> {
  const patient = asked.patient ?? null
  ensure(patient === null || (await ctx.directory.standing(patient)), 'NO_GRANT', 'There is no live consent of that patient.')
  const app = asked.client === undefined ? null : await appById(ctx, asked.client)
  ensure(app || asked.client === undefined, 'NOT_FOUND', 'There is no such app.')
  const launch: Launch = {
    context: {
      patient,
      encounter: asked.encounter ?? null,
      needPatientBanner: asked.needPatientBanner ?? true,
      intent: asked.intent ?? null,
      fhirContext: (asked.fhirContext ?? []).map(furtherContext),
    },
    client: asked.client ?? null,
    login: asked.login ?? null,
  }
  const handle = toBase64Url(ctx.random(24))
  await ctx.tokens.put(KIND, handle, launch, { expires: ctx.clock() + SECONDS })
  return { launch: handle, expires_in: SECONDS, ...(app?.launch_url ? { url: launchUrl(app.launch_url, ctx.places.fhir, handle) } : {}) }
}

function launchUrl(app: string, iss: string, launch: string): string {
  const url = new URL(app)
  url.searchParams.set('iss', iss)
  url.searchParams.set('launch', launch)
  return url.href
}

/** What else the launch is about: named by reference, canonical or identifier, and of a type that is told with the latter two. */
function furtherContext(item: Further): Further {
  const { reference, canonical, identifier, type, role = 'launch' } = item
  ensure([reference, canonical, identifier].some(Boolean), 'BAD_INPUT', 'A context has a reference, a canonical or an identifier.')
  ensure(type || (!canonical && !identifier), 'BAD_INPUT', 'With a canonical or an identifier goes the type.')
  const top = /^(Patient|Encounter)\//.test(reference ?? '') && role === 'launch'
  ensure(!top, 'BAD_INPUT', 'Patient and encounter of the launch have members of their own.')
  return item
}

/** A launch as it waits to be used by this app; null when it is none, or for another. */
export async function waitingLaunch({ tokens }: Pick<Launching, 'tokens'>, handle: string, client: string): Promise<Launch | null> {
  const found = (await tokens.get<Launch>(KIND, handle))?.value
  return found && (found.client === null || found.client === client) ? found : null
}

/** Uses a launch up. */
export const usedLaunch = ({ tokens }: Pick<Launching, 'tokens'>, handle: string): Promise<Launch | null> =>
  tokens.take<Launch>(KIND, handle)
