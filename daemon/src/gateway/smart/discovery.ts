export type Places = {
  /** `https://host/auth`, without a slash at its end. */
  readonly issuer: string
  /** The FHIR server's base URL, without a slash at its end. */
  readonly fhir: string
}

export const STATIC_SCOPES = [
  'openid',
  'fhirUser',
  'profile',
  'launch',
  'launch/patient',
  'launch/encounter',
  'offline_access',
  'online_access',
] as const

export const SIGNING_ALGS = ['ES384', 'RS384'] as const
export const AUTH_METHODS = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const

const ENDPOINTS = {
  authorization: 'authorize',
  token: 'token',
  introspection: 'introspect',
  revocation: 'revoke',
  registration: 'register',
  jwks: 'jwks',
  userinfo: 'userinfo',
} as const

/** Paths below the issuer, as oidc-provider's `routes` names them. */
export const ROUTES: Readonly<Record<keyof typeof ENDPOINTS, string>> = Object.fromEntries(
  Object.entries(ENDPOINTS).map(([name, path]) => [name, `/${path}`]),
) as Record<keyof typeof ENDPOINTS, string>

const at = ({ issuer }: Places, name: keyof typeof ENDPOINTS): string => `${issuer}${ROUTES[name]}`

/** `[base]/.well-known/smart-configuration` (SMART App Launch 2.2 §conformance): what is served, and nothing else. */
export const smartConfiguration = (places: Places) => ({
  issuer: places.issuer,
  jwks_uri: at(places, 'jwks'),
  service_documentation: new URL('/docs/gateway.md', places.issuer).href,
  authorization_endpoint: at(places, 'authorization'),
  token_endpoint: at(places, 'token'),
  token_endpoint_auth_methods_supported: AUTH_METHODS,
  token_endpoint_auth_signing_alg_values_supported: SIGNING_ALGS,
  registration_endpoint: at(places, 'registration'),
  introspection_endpoint: at(places, 'introspection'),
  revocation_endpoint: at(places, 'revocation'),
  grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
  response_types_supported: ['code'],
  code_challenge_methods_supported: ['S256'],
  scopes_supported: [...STATIC_SCOPES, 'patient/*.cruds', 'user/*.cruds', 'system/*.cruds'],
  capabilities: [
    'launch-ehr',
    'launch-standalone',
    'authorize-post',
    'client-public',
    'client-confidential-symmetric',
    'client-confidential-asymmetric',
    'sso-openid-connect',
    'context-banner',
    'context-style',
    'context-ehr-patient',
    'context-ehr-encounter',
    'context-standalone-patient',
    'context-standalone-encounter',
    'permission-offline',
    'permission-online',
    'permission-patient',
    'permission-user',
    'permission-v1',
    'permission-v2',
  ],
})

/** `rest[0].security` of `/metadata`, for apps that do not read smart-configuration yet. */
export const capabilitySecurity = (places: Places) => ({
  cors: true,
  service: [
    {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' }],
      text: 'OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)',
    },
  ],
  extension: [
    {
      url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
      extension: [
        { url: 'authorize', valueUri: at(places, 'authorization') },
        { url: 'token', valueUri: at(places, 'token') },
        { url: 'register', valueUri: at(places, 'registration') },
        { url: 'introspect', valueUri: at(places, 'introspection') },
        { url: 'revoke', valueUri: at(places, 'revocation') },
      ],
    },
  ],
})
