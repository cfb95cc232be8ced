import { ensure } from '@keepwell/sdk/base/error'
import { type RoleName, roleOf } from '@keepwell/sdk/consent/roles'
import { type Scope as FhirScope, parseScopes } from '@keepwell/sdk/health/smart/scope'
import type { Provider } from 'oidc-provider'
import type { Actor, Authenticate } from '#gateway/core/types'
import { appById } from './apps.ts'
import { basisOf, givenScopes, liveBinding, stands } from './binding.ts'
import type { SmartContext } from './context.ts'
import type { Level } from './directory.ts'
import { personOf, staffById } from './staff.ts'

type Seen = { readonly actor: Actor; readonly levels: readonly Level[]; readonly expires: number }
const MOST_KEPT = 5000

/**
 * Who presents this token, and for what. Throws UNAUTHENTICATED for none, and for one whose login, person, app or consent ended. Answers
 * are remembered only until anything in the store changes, by whatever process, and the patient's consent is asked about every time.
 */
export function authenticator(smart: SmartContext, provider: Provider): Authenticate {
  let seen = new Map<string, Seen>()
  let version = ''
  return async request => {
    const token = bearer(request.headers.authorization)
    const now = smart.tokens.version()
    if (now !== version || seen.size > MOST_KEPT) {
      seen = new Map()
      version = now
    }
    const found = seen.get(token) ?? (await lookUp(smart, provider, token))
    ensure(
      found && found.expires > smart.clock() && (await stands(smart, found.actor.patient, found.levels)),
      'UNAUTHENTICATED',
      'The token does not count any more.',
    )
    if (version === smart.tokens.version()) seen.set(token, found)
    return found.actor
  }
}

/** Whether what an actor's right rested on still stands: the consent they gave an app with all that it needs, or the app itself. */
export async function basisStands(smart: SmartContext, basis: string): Promise<boolean> {
  const [kind, id = ''] = basis.split(':')
  if (kind === 'grant') {
    const binding = await liveBinding(smart.life, id)
    return binding !== null && basisOf(binding) === basis
  }
  return kind === 'app' && (await appById(smart, id)) !== null
}

/** RFC 6750 §2.1; tokens in forms and queries are not taken. */
function bearer(header: string | undefined): string {
  const token = /^Bearer ([\w\-.~+/]{20,500}=*)$/i.exec(header ?? '')?.[1]
  ensure(token, 'UNAUTHENTICATED', 'An access token is needed.')
  return token
}

async function lookUp(smart: SmartContext, provider: Provider, token: string): Promise<Seen | null> {
  const access = await provider.AccessToken.find(token)
  if (access) return access.aud === smart.places.fhir ? ofPerson(smart, provider, access) : null
  const service = await provider.ClientCredentials.find(token)
  return service && service.aud === smart.places.fhir ? ofService(smart, service) : null
}

type Access = InstanceType<Provider['AccessToken']>
type Service = InstanceType<Provider['ClientCredentials']>

async function ofPerson(smart: SmartContext, provider: Provider, access: Access): Promise<Seen | null> {
  const binding = await liveBinding(smart.life, access.grantId ?? '')
  const grant = binding && (await provider.Grant.find(access.grantId!))
  const staff = grant && (await staffById(smart, binding.staff))
  if (!binding || !staff || access.clientId !== binding.client) return null
  const scopes: FhirScope[] = parseScopes(givenScopes(binding, access.scope).join(' '))
  const actor: Actor = {
    person: personOf(staff),
    role: staff.role,
    purpose: binding.purpose,
    scopes,
    ...partsOf(staff.role),
    patient: binding.context.patient,
    client: binding.client,
    basis: basisOf(binding),
  }
  return { actor, levels: binding.levels, expires: access.exp ?? 0 }
}

function partsOf(role: RoleName): Pick<Actor, 'parts'> {
  const { compartments } = roleOf(role)
  return compartments === 'all' ? {} : { parts: compartments }
}

/** A backend service acts in its own name, for what the operator registered it for. */
async function ofService(smart: SmartContext, service: Service): Promise<Seen | null> {
  const app = await appById(smart, service.clientId ?? '')
  if (!app) return null
  const actor: Actor = {
    person: (app.client_name ?? app.client_id).slice(0, 200),
    role: 'system',
    purpose: app.smart_purpose ?? 'TREAT',
    scopes: parseScopes(service.scope ?? ''),
    patient: null,
    client: app.client_id,
    basis: `app:${app.client_id}`,
  }
  return { actor, levels: [], expires: service.exp ?? 0 }
}
