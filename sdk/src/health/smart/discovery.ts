import { at, field, isObject, list, string } from '#health/fhir/read'

/** What a FHIR server says of how an app logs in (SMART App Launch 2.2 §conformance). */
export type SmartServer = {
  readonly issuer: string | null
  readonly authorize: string
  readonly token: string
  readonly register: string | null
  readonly revoke: string | null
  /** Whether it understands scopes of version 2 (`.rs`); else those of version 1 (`.read`) are asked for. */
  readonly v2: boolean
  /** Whether it hands out refresh tokens; null: it does not say. */
  readonly offline: boolean | null
}

const strings = (x: unknown): string[] => list(x).flatMap(s => string(s) ?? [])

/** Of `[base]/.well-known/smart-configuration`; null when it is none. */
export function readSmartConfiguration(json: unknown): SmartServer | null {
  const [authorize, token] = [string(field(json, 'authorization_endpoint')), string(field(json, 'token_endpoint'))]
  if (!authorize || !token) return null
  const capabilities = strings(field(json, 'capabilities'))
  const scopes = strings(field(json, 'scopes_supported'))
  return {
    issuer: string(field(json, 'issuer')) ?? null,
    authorize,
    token,
    register: string(field(json, 'registration_endpoint')) ?? null,
    revoke: string(field(json, 'revocation_endpoint')) ?? null,
    v2: capabilities.includes('permission-v2') || scopes.some(s => /^patient\/[A-Z*][A-Za-z]*\.c?ru?d?s?(\?|$)/.test(s)),
    offline: scopes.length === 0 ? null : scopes.includes('offline_access'),
  }
}

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

/** Of `[base]/metadata`, as servers of SMART 1.0 say it; null when they do not. */
export function readCapabilitySecurity(json: unknown): SmartServer | null {
  for (const rest of list(field(json, 'rest'))) {
    const found = list(at(rest, 'security', 'extension')).length ? list(field(field(rest, 'security'), 'extension')) : []
    const uris = found.find(e => field(e, 'url') === OAUTH_URIS)
    const uri = (name: string): string | null => {
      const one = list(field(uris, 'extension')).find(e => field(e, 'url') === name)
      return string(field(one, 'valueUri')) ?? null
    }
    const [authorize, token] = [uri('authorize'), uri('token')]
    if (authorize && token)
      return { issuer: null, authorize, token, register: uri('register'), revoke: uri('revoke'), v2: false, offline: null }
  }
  return null
}

/** What a server says it can be asked: types, and whether each can be searched; null when it says nothing of use. */
export function readCapabilities(json: unknown): ReadonlyMap<string, { readonly search: boolean }> | null {
  if (field(json, 'resourceType') !== 'CapabilityStatement') return null
  const types = new Map<string, { search: boolean }>()
  for (const rest of list(field(json, 'rest')))
    for (const resource of list(field(rest, 'resource'))) {
      const type = string(field(resource, 'type'))
      if (!type || !isObject(resource)) continue
      const interactions = list(field(resource, 'interaction')).flatMap(i => string(field(i, 'code')) ?? [])
      types.set(type, { search: interactions.length === 0 || interactions.includes('search-type') })
    }
  return types.size ? types : null
}

/** FHIR's release, as `4.0`; null when it does not say. */
export const readRelease = (json: unknown): string | null => /^\d+\.\d+/.exec(string(field(json, 'fhirVersion')) ?? '')?.[0] ?? null
